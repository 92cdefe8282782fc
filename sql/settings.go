package sql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// knownSettings are the native keys that mean something; keys of a job are
// matched by their last part.
var knownSettings = append(compatibilityNames(),
	"job.name", "job.mode", "job.parallelism", "job.epoch", "job.seed", "state.ttl", "state.unbounded", "watermark.idle-timeout", "watermark.default-delay", "watermark.implied", "sql.time-zone", "sql.compat",
	"sql.strict", "sql.enforce-length", "function.wasm.memory", "function.wasm.timeout",
)

// settingAliases map accepted spellings to native keys (docs/sql/settings.md).
var settingAliases = map[string]string{
	"streaming.query.name": "job.name", "pipeline.name": "job.name", "table.exec.state.ttl": "state.ttl", "updating_ttl": "state.ttl",
	"table.exec.source.idle-timeout": "watermark.idle-timeout", "table.local-time-zone": "sql.time-zone", "spark.sql.session.timezone": "sql.time-zone", "timezone": "sql.time-zone",
	"execution.runtime-mode": "job.mode", "parallelism.default": "job.parallelism", "execution.checkpointing.interval": "job.epoch",
}

// settingPatterns map spellings that hold the name of a query.
var settingPatterns = []struct {
	match *regexp.Regexp
	to    string
}{
	{regexp.MustCompile(`(?i)^spark\.sql\.streaming\.checkpointLocation\.(.+)$`), "job.$1.state"},
	{regexp.MustCompile(`(?i)^spark\.sql\.streaming\.query\.options\.([^.]+)\.checkpointLocation$`), "job.$1.state"},
	{regexp.MustCompile(`(?i)^spark\.sql\.streaming\.query\.outputMode\.(.+)$`), "job.$1.output-mode"},
	{regexp.MustCompile(`(?i)^spark\.sql\.streaming\.query\.trigger\.intervalMs\.(.+)$`), "job.$1.batch-interval"},
	{regexp.MustCompile(`(?i)^spark\.sql\.streaming\.query\.trigger\.(.+)$`), "job.$1.trigger"},
	{regexp.MustCompile(`(?i)^spark\.sql\.streaming\.query\.options\.([^.]+)\.(.+)$`), "job.$1.sink.$2"},
	{regexp.MustCompile(`(?i)^streaming\.query\.([^.]+)\.sql$`), "job.$1.sink.sql"},
}

var jobSetting = regexp.MustCompile(`^job\.[^.]+\.(state|record|output-mode|trigger|batch-interval|complete-max-rows|sink\..+)$`)

// nativeKey is the native name of a setting; ok is false when it is unknown.
func nativeKey(key string) (native string, ok bool) {
	lower := strings.ToLower(key)
	if k, ok := settingAliases[lower]; ok {
		return k, true
	}
	for _, p := range settingPatterns {
		if p.match.MatchString(key) {
			return p.match.ReplaceAllString(key, p.to), true
		}
	}
	for _, k := range knownSettings {
		if k == lower {
			return k, true
		}
	}
	if strings.HasPrefix(lower, "function.class.") || strings.HasPrefix(lower, "spark.") || jobSetting.MatchString(key) {
		return key, true
	}
	return key, false
}

// set runs SET.
func (s *session) set(st *syntax.Set) error {
	if !st.HasValue {
		return s.showSettings(st.Key)
	}
	value, missing := syntax.Substitute(st.Value, s.opts.Param)
	if missing != "" {
		return s.src.Error(st.ValueAt, "AS2102", "pass --param "+missing+"=... or write ${"+missing+":-default}", fmt.Sprintf("parameter %q is not set", missing))
	}
	key, ok := nativeKey(st.Key)
	if !ok {
		return s.src.Error(st.KeyAt, "AS1503", arrowstream.Suggest(st.Key, knownSettings, "settings"), fmt.Sprintf("unknown setting %q", st.Key))
	}
	if err := checkSetting(key, value); err != nil {
		return s.src.Error(st.ValueAt, "AS1503", "", fmt.Sprintf("setting %s: %v", key, err))
	}
	if strings.HasSuffix(key, ".output-mode") && strings.EqualFold(value, "complete") {
		s.warn(st.KeyAt, "AS1103", "", fmt.Sprintf("setting %s = %s has no effect yet", key, value))
	}
	s.settings[key] = value
	return nil
}

// checkSetting checks the value of settings that are used here.
func checkSetting(key, value string) error {
	switch {
	case key == "state.ttl" || key == "watermark.idle-timeout" || key == "watermark.default-delay" || key == "job.epoch" || key == "function.wasm.timeout":
		_, err := arrowstream.ParseDuration(value)
		return err
	case key == "function.wasm.memory":
		_, err := arrowstream.ParseSize(value)
		return err
	case key == "job.parallelism":
		if n, err := strconv.Atoi(value); err != nil || n < 1 || n > 1024 {
			return fmt.Errorf("%q is not a number of workers from 1 to 1024", value)
		}
	case key == "job.seed":
		_, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no integer", value)
		}
	case key == "state.unbounded":
		return oneOf(value, "refuse", "warn", "allow")
	case key == "sql.enforce-length":
		return oneOf(value, "off", "error", "trim", "true", "false")
	case key == "job.mode":
		return oneOf(value, "automatic", "streaming", "batch")
	case key == "sql.compat":
		return oneOf(value, "default", "flink", "spark")
	case compatibilities[key].values != nil:
		return oneOf(value, compatibilities[key].values...)
	case key == "sql.time-zone":
		_, err := kernels.FindZone(value)
		return err
	case key == "watermark.implied":
		return oneOf(value, "on", "off")
	case jobSetting.MatchString(key) && strings.HasSuffix(key, ".record"):
		return oneOf(value, "true", "false")
	case strings.HasSuffix(key, ".output-mode"):
		return oneOf(value, "append", "update", "complete")
	}
	return nil
}

func oneOf(value string, known ...string) error {
	for _, k := range known {
		if strings.EqualFold(k, value) {
			return nil
		}
	}
	return fmt.Errorf("%q is not one of %s", value, strings.Join(known, ", "))
}

// reset runs RESET.
func (s *session) reset(st *syntax.Reset) error {
	if st.Key == "" {
		s.settings = map[string]string{}
		return nil
	}
	key, ok := nativeKey(st.Key)
	if !ok {
		return s.src.Error(st.Span, "AS1503", arrowstream.Suggest(st.Key, knownSettings, "settings"), fmt.Sprintf("unknown setting %q", st.Key))
	}
	delete(s.settings, key)
	return nil
}

// setting is the value of a setting in lower case, or def.
func (s *session) setting(key, def string) string {
	if v, ok := s.settings[key]; ok {
		return strings.ToLower(v)
	}
	return def
}

// durationSetting is the value of a setting that is a duration, or def.
func (s *session) durationSetting(key string, def time.Duration) time.Duration {
	if v, ok := s.settings[key]; ok {
		if d, err := arrowstream.ParseDuration(v); err == nil {
			return d
		}
	}
	return def
}
