package sql

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// isFileSystem reports whether a connector is that of files of any format, as Flink
// and Arroyo call it.
func isFileSystem(name string) bool {
	return strings.EqualFold(name, "filesystem") || strings.EqualFold(name, "single_file")
}

// fileSystem is the connector of the files that an option "format", or the ending
// of the path, says they are.
func (s *session) fileSystem(t *table, named syntax.Option) (*arrowstream.Connector, error) {
	var formats []string
	for i := range s.opts.Connectors {
		c := &s.opts.Connectors[i]
		if len(c.Extensions) == 0 {
			continue
		}
		if strings.EqualFold(c.Name, t.options["format"]) {
			delete(t.options, "format")
			return c, nil
		}
		formats = append(formats, c.Name)
	}
	slices.Sort(formats)
	if format, ok := t.options["format"]; ok {
		return nil, s.src.Error(t.optionAt["format"], "AS1504", arrowstream.Suggest(format, formats, "formats of files"), fmt.Sprintf("there are no files of format %q", format))
	}
	if c := s.connectorOf(t.options["path"]); c != nil {
		return c, nil
	}
	return nil, s.src.Error(named.ValueAt, "AS1504", "add 'format' = '...': "+strings.Join(formats, ", "), fmt.Sprintf("connector %q: neither an option nor the path tells the format", named.Value))
}

// formatOptions hands the options that begin with the name of the format, as in
// 'csv.field-delimiter', to the format, or to the connector where the files are of
// that format, without the name. known are the options of the connector.
func (s *session) formatOptions(t *table, known []string) error {
	name, files := t.connector.Name, len(t.connector.Extensions) > 0
	if !files && t.format != nil {
		name = t.format.Name()
	}
	own := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(t.options)) {
		short, ok := strings.CutPrefix(strings.TrimPrefix(key, "value."), name+".")
		if !ok || slices.Contains(known, key) {
			continue
		}
		value := t.options[key]
		delete(t.options, key)
		t.optionAt[short] = t.optionAt[key]
		switch {
		case short == "ignore-parse-errors":
			t.options["on.error"] = "fail"
			if strings.EqualFold(value, "true") {
				t.options["on.error"] = "skip"
			}
		case files || t.format == nil:
			t.options[short] = value
		default:
			own[short] = value
		}
	}
	if len(own) == 0 {
		return nil
	}
	of := reflect.New(reflect.TypeOf(t.format))
	if of.Elem().Kind() != reflect.Struct {
		return s.src.Error(t.at, "AS1504", "", fmt.Sprintf("table %q: format %q has no options", t.name, t.format.Name()))
	}
	of.Elem().Set(reflect.ValueOf(t.format))
	if err := arrowstream.DecodeOptions(own, of.Interface()); err != nil {
		return s.tableError(t, t.at, err)
	}
	t.format = of.Elem().Interface().(arrowstream.Format)
	return nil
}
