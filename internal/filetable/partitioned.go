package filetable

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/hive"
)

// Partitioned are the columns that the k=v folders of a set of files give. What
// the folders say counts, whatever stands in the files.
type Partitioned []string

// FolderColumns finds the columns of the folders of s: those that are named; with
// all also those that the paths have and the files, whose columns are schema,
// have not. The schema returned has them all; columns that are not declared are
// texts behind the others.
func (s *Set) FolderColumns(schema *arrow.Schema, declared bool, named []string, all bool) (*arrow.Schema, Partitioned) {
	out := Partitioned(slices.Clone(named))
	fields := schema.Fields()
	add := func(name string) {
		if columnar.Index(schema, name) < 0 && !slices.ContainsFunc(fields, func(f arrow.Field) bool { return f.Name == name }) {
			fields = append(fields, arrow.Field{Name: name, Type: columnar.Dict, Nullable: true})
		}
	}
	for _, name := range named {
		add(name)
	}
	if all {
		for _, file := range s.names {
			for _, v := range hive.Values(file) {
				known := columnar.Index(schema, v.Key) >= 0
				if declared != known || slices.Contains(out, v.Key) {
					continue
				}
				out = append(out, v.Key)
				add(v.Key)
			}
		}
	}
	md := schema.Metadata()
	return arrow.NewSchema(fields, &md), out
}

// Prunes reports whether predicates on a column leave files out.
func (p Partitioned) Prunes(column string) bool { return slices.Contains(p, column) }

// Prune is s without the files in whose folders no row satisfies all predicates.
func (p Partitioned) Prune(s *Set, predicates []arrowstream.Predicate) *Set {
	ours := slices.DeleteFunc(slices.Clone(predicates), func(q arrowstream.Predicate) bool { return !p.Prunes(q.Column) })
	if len(ours) == 0 || s.Live() {
		return s
	}
	out := *s
	out.names = slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return hive.Excludes(hive.Values(name), ours) })
	return &out
}

// Folders says which columns the folders of a file give.
func (t *Text) Folders(p Partitioned) { t.folders = p }

// enter takes the values of the folders of the file that is begun.
func (t *Text) enter() error {
	if len(t.folders) == 0 {
		return nil
	}
	values := hive.Values(t.in.Name)
	for _, column := range t.folders {
		v, ok := hive.Find(values, column)
		var text []byte
		if ok && !v.Null {
			text = []byte(v.Text)
		}
		if err := t.rows.SetConstant(columnar.Index(t.rows.Schema, column), text); err != nil {
			return &arrowstream.DataError{Source: t.in.Name, Where: "directory", Column: column, Value: arrowstream.CutValue(text), Err: err}
		}
	}
	return nil
}
