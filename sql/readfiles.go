package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// readers are the table functions that read files, and the connectors that do.
var readers = map[string]string{
	"READ_CSV": "csv", "READ_CSV_AUTO": "csv",
	"READ_JSON": "json", "READ_JSON_AUTO": "json", "READ_NDJSON": "json",
	"READ_PARQUET": "parquet", "PARQUET_SCAN": "parquet",
}

// readerOptions are the options of DuckDB's functions that a connector calls
// otherwise.
var readerOptions = map[string]string{"delim": "delimiter", "nullstr": "null", "sample_size": "sample.rows", "hive_partitioning": "hive"}

// readFiles plans READ_CSV('path', option => value, ...) in FROM: a table of files
// with options of the connector. Calls with the same options share a scan.
func (s *session) readFiles(c *syntax.Call, connector string) (*node, error) {
	name := strings.ToUpper(c.Fn.Last())
	usage := "usage: " + name + "('path', option => value, ...)"
	conn, err := s.connector(connector)
	if err != nil {
		return nil, s.coded(c.Fn.Span, "AS1504", err)
	}
	options := []syntax.Option{{Key: "connector", KeyAt: c.Fn.Span, Value: connector, ValueAt: c.Fn.Span}}
	for i, a := range c.Args {
		key, value := readerOption(a)
		text, ok := optionText(value)
		switch {
		case !ok:
			return nil, s.src.Error(value.Range(), "AS1601", "write a string, a number, TRUE or FALSE; other paths are a UNION ALL", fmt.Sprintf("%s: %s is no constant", name, syntax.Text(value)))
		case key == nil && i == 0:
			key = &syntax.Ident{Span: value.Range(), Name: "path"}
		case key == nil:
			return nil, s.src.Error(value.Range(), "AS1601", usage, name+" has one path; its other arguments have names")
		}
		o := syntax.Option{Key: optionNamed(key.Name, optionNames(conn.Options)), KeyAt: key.Span, Value: text, ValueAt: value.Range()}
		if slices.ContainsFunc(options, func(p syntax.Option) bool { return p.Key == o.Key }) {
			return nil, s.src.Error(o.KeyAt, "AS1108", "remove one of them", fmt.Sprintf("option %q is written twice", o.Key))
		}
		options = append(options, o)
	}
	path := slices.IndexFunc(options, func(o syntax.Option) bool { return o.Key == "path" })
	if path < 0 {
		return nil, s.src.Error(c.Span, "AS1601", usage, name+": the path is missing")
	}
	key := "read"
	for _, o := range options {
		key += fmt.Sprintf(" %q=%q", o.Key, o.Value)
	}
	t, ok := s.variants[key]
	if !ok {
		decl := &syntax.CreateTable{Span: c.Span, Options: options}
		t = &table{name: options[path].Value, at: c.Span, decl: decl}
		if err := s.declareTable(t, decl); err != nil {
			return nil, err
		}
		s.keepVariant(key, t)
	}
	return s.scan(t, c.Span)
}

// readerOption is the name of an argument, nil without one, and its value: name
// => value, or name = value as DuckDB has it.
func readerOption(a syntax.Arg) (name *syntax.Ident, value syntax.Expr) {
	if e, ok := a.Value.(*syntax.Binary); ok && a.Name == nil && e.Op == "=" {
		if l, ok := e.L.(*syntax.Column); ok && len(l.Parts) == 1 {
			return &l.Parts[0], e.R
		}
	}
	return a.Name, a.Value
}

// optionText is a constant as the value of an option.
func optionText(e syntax.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *syntax.String:
		return e.Value, true
	case *syntax.Number:
		return e.Text, true
	case *syntax.Bool:
		return strconv.FormatBool(e.Value), true
	case *syntax.Column:
		return e.Last(), len(e.Parts) == 1 && e.Parts[0].Quote == '"'
	case *syntax.Array:
		list := make([]string, len(e.Items))
		for i, x := range e.Items {
			if list[i], ok = optionText(x); !ok {
				return "", false
			}
		}
		return strings.Join(list, ","), len(list) > 0
	}
	return "", false
}

// optionNamed is the option among known that is written as name, which has no dots
// and dashes there; any other name stays as it is.
func optionNamed(name string, known []string) string {
	name = strings.ToLower(name)
	if slices.Contains(known, name) {
		return name
	}
	if other, ok := readerOptions[name]; ok && slices.Contains(known, other) {
		return other
	}
	plain := strings.NewReplacer(".", "_", "-", "_")
	for _, k := range known {
		if plain.Replace(k) == name {
			return k
		}
	}
	return name
}
