package sql

import (
	"fmt"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// streamOptions are the options of CREATE STREAM that are called otherwise than
// the setting of a job that they are.
var streamOptions = map[string]string{
	"checkpointlocation": "state", "outputmode": "output-mode", "triggertype": "trigger", "triggerintervalms": "batch-interval",
}

// createStream runs CREATE STREAM: settings of a job and its INSERT. As for every
// script there is one job, so that only one stream can have a state of its own.
func (s *session) createStream(st *syntax.CreateStream) error {
	name := st.Name.Last()
	if strings.Contains(name, ".") {
		return s.src.Error(st.Name.Span, "AS1501", "use a name without a dot", fmt.Sprintf("a stream cannot be called %q", name))
	}
	for _, o := range st.Options {
		key := o.Key
		if k, ok := streamOptions[key]; ok {
			key = k
		}
		if !jobSetting.MatchString("job." + name + "." + key) {
			return s.src.Error(o.KeyAt, "AS1503", arrowstream.Suggest(key, []string{"state", "checkpointLocation", "output-mode", "outputMode", "trigger", "triggerType", "batch-interval", "triggerIntervalMs", "complete-max-rows", "record"}, "options"), fmt.Sprintf("unknown option %q of a stream", o.Key))
		}
		if key == "state" && s.statedStream != "" && s.statedStream != name {
			return s.src.Error(o.KeyAt, "AS1503", "leave it out, or put the stream into a script of its own", fmt.Sprintf("a script is one job with one state, which stream %q has", s.statedStream))
		}
		if key == "state" {
			s.statedStream = name
		}
		set := &syntax.Set{Span: o.KeyAt, Key: "job." + name + "." + key, KeyAt: o.KeyAt, Value: o.Value, ValueAt: o.ValueAt, HasValue: true}
		if err := s.set(set); err != nil {
			return err
		}
	}
	before, named := s.settings["job.name"]
	s.settings["job.name"], s.lastStream = name, name
	err := s.insert(st.Insert)
	if delete(s.settings, "job.name"); named {
		s.settings["job.name"] = before
	}
	return err
}

// job is the name of the job that the script is: that of the stream with a state,
// if there is one, else the setting job.name or the last stream.
func (s *session) job() string {
	if s.statedStream != "" {
		return s.statedStream
	}
	return s.jobName(s.lastStream)
}
