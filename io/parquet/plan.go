package parquet

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/glob"
	"github.com/arrowstream/arrowstream/internal/hive"
)

// fileInfo is what is kept of a file between planning and reading.
type fileInfo struct {
	access *arrowstream.Access
	path   string
	size   int64
	mtime  time.Time
	rows   int64
	groups []int64 // rows of each row group
	fields []fileField
	hive   []hive.Value
	lows   map[string]int64 // least values of integer and time columns, in the unit of the file
	id     files.Identity   // as far as a position needed it
}

// fileField is one top-level column of a file.
type fileField struct {
	name       string
	shape      *shape
	err        error // why the column cannot be read
	typ        arrow.DataType
	nullable   bool
	dictionary bool // nearly all values are dictionary indices
}

// column is one column of the batches.
type column struct {
	name string // in the files
	typ  arrow.DataType
	hive bool // from the path, not from the file
}

// plan says what is read from where.
type plan struct {
	source  *Source
	schema  *arrow.Schema
	columns []column
	files   []*fileInfo
	omitted []string
	event   int // column of the event time, -1 if there is none
	limits  limits
}

// typesKey is the footer key under which the sink notes Arrow types that the
// format cannot express, as a JSON object of column names and type names.
const typesKey = "arrowstream.types"

// fileInfos reads the footers of all files, once.
func (s *Source) fileInfos() ([]*fileInfo, error) {
	if s.infos != nil {
		return s.infos, nil
	}
	if s.Path == "-" {
		return nil, &arrowstream.Error{Code: "AS1504", Msg: "parquet: a file cannot come by standard input", Hint: "its end is read first: save it, and name the file"}
	}
	paths, err := glob.Expand(s.Access, s.Path, Extensions...)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	var infos []*fileInfo
	for _, path := range paths {
		f, err := openFile(s.Access, path)
		if err != nil {
			return nil, err
		}
		infos = append(infos, f.info())
		if err := f.close(); err != nil {
			return nil, fmt.Errorf("parquet: close %s: %w", path, err)
		}
	}
	s.infos = infos
	return infos, nil
}

// info summarises the footer of f.
func (f *file) info() *fileInfo {
	out := &fileInfo{access: f.access, path: f.path, size: f.size, mtime: f.mtime, rows: f.meta.NumRows, fields: f.fields(), hive: hive.Values(f.path), lows: f.lows()}
	for i := range f.meta.RowGroups {
		out.groups = append(out.groups, f.meta.RowGroups[i].NumRows)
	}
	return out
}

// fields are the top-level columns of f.
func (f *file) fields() []fileField {
	noted := map[string]string{}
	for _, kv := range f.meta.KeyValueMetadata {
		if kv.Key == typesKey {
			if err := json.Unmarshal([]byte(kv.Value), &noted); err != nil {
				noted = nil // a hint that cannot be read is no hint
			}
		}
	}
	var out []fileField
	for _, n := range f.root.children {
		field := fileField{name: n.elem.Name}
		field.shape, field.err = shapeOf(n)
		if field.err == nil {
			field.typ, field.nullable = field.shape.typ, field.shape.nullable
			if t, err := columnar.ParseType(noted[field.name]); err == nil && checkReadable(field.shape, t) == nil {
				field.typ = t
			}
			field.dictionary = field.shape.kind == leafShape && f.hasDictionaries(field.shape.leaf)
		}
		out = append(out, field)
	}
	return out
}

// hasDictionaries reports whether nearly all values of a column, as far as the
// footer tells, are dictionary indices: those of seven chunks in eight. Some
// writers store the short row group at the end of a file without dictionary.
func (f *file) hasDictionaries(leaf *node) bool {
	var all, coded int64
	for i := range f.meta.RowGroups {
		m := &f.meta.RowGroups[i].Columns[leaf.leaf].MetaData
		all += m.NumValues
		if onlyIndices(m) {
			coded += m.NumValues
		}
	}
	return len(f.meta.RowGroups) > 0 && coded >= all-all/8
}

// onlyIndices reports whether all data pages of a chunk, as far as the footer
// tells, consist of dictionary indices.
func onlyIndices(m *format.ColumnMetaData) bool {
	if !slices.Contains(m.Encoding, format.RLEDictionary) && !slices.Contains(m.Encoding, plainDictionary) {
		return false
	}
	for _, s := range m.EncodingStats {
		data := s.PageType == format.DataPage || s.PageType == format.DataPageV2
		if data && s.Count > 0 && s.Encoding != format.RLEDictionary && s.Encoding != plainDictionary {
			return false
		}
	}
	return true
}

// plan lists the files, reconciles their schemas and applies the projection.
func (s *Source) plan() (*plan, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	infos, err := s.fileInfos()
	if err != nil {
		return nil, err
	}
	p := &plan{source: s, files: infos, event: -1, limits: limits{maxPage: defaultMaxPage, checksums: s.Checksums}}
	if s.MaxPageBytes > 0 {
		p.limits.maxPage = int(s.MaxPageBytes)
	}
	all, err := s.available(p)
	if err != nil {
		return nil, err
	}
	names := s.Columns
	if names == nil {
		for _, c := range all {
			if c.err == nil {
				names = append(names, c.out)
			}
		}
		if len(names) == 0 && len(all) > 0 {
			return nil, s.unreadable(all[0])
		}
	}
	if s.EventTime != "" && !slices.Contains(names, s.EventTime) {
		names = append(slices.Clone(names), s.EventTime)
	}
	var fields []arrow.Field
	for _, name := range names {
		i := slices.IndexFunc(all, func(c candidate) bool { return c.out == name })
		if i < 0 {
			return nil, s.notFound(name, all)
		}
		c := all[i]
		if c.err != nil {
			return nil, s.unreadable(c)
		}
		if err := p.checkFiles(&c); err != nil {
			return nil, err
		}
		if name == s.EventTime {
			if err := s.eventColumn(&c); err != nil {
				return nil, err
			}
		}
		p.columns = append(p.columns, column{name: c.name, typ: c.typ, hive: c.hive})
		fields = append(fields, arrow.Field{Name: c.out, Type: c.typ, Nullable: c.nullable})
	}
	p.schema = arrow.NewSchema(fields, nil)
	if s.EventTime != "" {
		p.schema = columnar.WithEventTime(p.schema, s.EventTime)
		p.event = columnar.EventTime(p.schema)
	}
	return p, s.checkPredicates(p)
}

// eventColumn checks the event-time column and makes a timestamp of integers.
func (s *Source) eventColumn(c *candidate) error {
	if s.EventTimeUnit != "" {
		switch c.typ.ID() {
		case arrow.INT64, arrow.INT32:
			c.typ = &arrow.TimestampType{Unit: eventUnits[s.EventTimeUnit]}
			return nil
		}
	}
	if _, _, ok := columnar.Micros(c.typ); ok {
		return nil
	}
	e := &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("parquet: event-time column %q is of type %s", c.out, c.typ)}
	e.Hint = "an event-time column is a timestamp or a date"
	if c.typ.ID() == arrow.INT64 || c.typ.ID() == arrow.INT32 {
		e.Hint = "set 'event.time.unit' to s, ms, us or ns to read integers as timestamps"
	}
	return e
}

func (s *Source) notFound(name string, all []candidate) error {
	var known []string
	for _, c := range all {
		known = append(known, c.out)
	}
	what := "column"
	if name == s.EventTime {
		what = "event-time column"
	}
	return &arrowstream.Error{Code: "AS1203", Msg: fmt.Sprintf("parquet: %s %q not found in %s", what, name, s.Path), Hint: arrowstream.Suggest(name, known, "columns")}
}

func (s *Source) unreadable(c candidate) error {
	return &arrowstream.Error{Code: "AS4140", Msg: fmt.Sprintf("parquet: column %q of %s cannot be read", c.out, s.Path), Err: c.err, Hint: "leave it out of the query"}
}

// lows are the least values of the columns that may be event times, as far as
// the statistics of all row groups tell.
func (f *file) lows() map[string]int64 {
	out := map[string]int64{}
	for _, n := range f.root.children {
		if n.leaf < 0 || n.rep > 0 {
			continue
		}
		for g := range f.meta.RowGroups {
			x, ok := statInt(n.elem.Type.V, f.meta.RowGroups[g].Columns[n.leaf].MetaData.Statistics.MinValue)
			if !ok {
				delete(out, n.elem.Name)
				break
			}
			if old, ok := out[n.elem.Name]; !ok || x < old {
				out[n.elem.Name] = x
			}
		}
	}
	return out
}
