// Package libsvm reads the text format of LIBSVM, "label index:value ...", with
// indices from 1, ascending: the columns label float64 and features, a vector
// in which what is not written is 0. Floor 4.
package libsvm

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/filetable"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name: "libsvm",
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Source{Stdio: t.Stdio, Access: t.Access}
		if err := t.Decode(s); err != nil || t.Schema == nil {
			return s, err
		}
		return s, s.take(t.Schema)
	},
	Options:    []any{&Source{}},
	Extensions: []string{".libsvm", ".svm"},
}

var kind = filetable.Kind{Name: "libsvm", Option: "AS2150", Input: "AS2151"}

const maxFeatures = 1 << 20

// Source reads files or stdin.
type Source struct {
	// Path is a file, a directory, a pattern, or - for stdin.
	Path string `option:"path,file,location" required:"true"`
	// Features is the length of the vectors; default the largest index, for
	// which the files are read once more.
	Features int `option:"features"`
	// OnBadRow is fail (the default) or skip, for lines that cannot be read.
	OnBadRow arrowstream.BadRow `option:"on.error,on-error,on_error"`

	// Stdio stands for the standard streams.
	Stdio arrowstream.Stdio
	// Access is what may be reached.
	Access *arrowstream.Access

	set      *filetable.Set
	features int
}

var _ arrowstream.Source = (*Source)(nil)

// take checks declared columns, and takes the length of the vectors from them.
func (s *Source) take(declared *arrow.Schema) error {
	if slices.Equal(columnar.Names(declared), []string{"label", "features"}) && declared.Field(0).Type.ID() == arrow.FLOAT64 {
		n := s.Features
		vector, ok := declared.Field(1).Type.(*arrow.FixedSizeListType)
		if ok {
			n = int(vector.Len())
		}
		if ok && s.Features != 0 && s.Features != n {
			return kind.BadOption("features = %d, but the column is declared as VECTOR(%d)", s.Features, n)
		}
		if s.Features = n; ok || declared.Field(1).Type.ID() == arrow.LIST {
			return nil
		}
	}
	return &arrowstream.Error{Code: kind.Option, Msg: "libsvm: the columns are label DOUBLE and features VECTOR", Hint: "leave the column list out"}
}

// Schema implements [arrowstream.Source].
func (s *Source) Schema() (*arrow.Schema, error) {
	if s.Features < 0 || s.Features > maxFeatures {
		return nil, kind.BadOption("features must be between 1 and %d", maxFeatures)
	}
	if s.set == nil {
		set, err := kind.Find(s.Access, s.Path, s.Stdio.In, ".libsvm", ".svm", ".txt")
		if err != nil {
			return nil, err
		}
		s.features = s.Features
		if s.features == 0 {
			if set.Live() {
				return nil, &arrowstream.Error{Code: kind.Option, Msg: "libsvm: stdin can be read only once", Hint: "give the number of features"}
			}
			if err := set.Each(s.scan); err != nil {
				return nil, err
			}
			s.features = max(1, s.features)
		}
		s.set = set
	}
	return arrow.NewSchema([]arrow.Field{
		{Name: "label", Type: arrow.PrimitiveTypes.Float64},
		{Name: "features", Type: columnar.Vector(s.features)},
	}, nil), nil
}

// scan finds the largest index of a file. Reading will report what is wrong.
func (s *Source) scan(in *files.Input) (bool, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, filetable.MaxLine)
	for lines.Scan() {
		for f := range bytes.FieldsSeq(content(lines.Bytes())) {
			index, _, _ := bytes.Cut(f, []byte{':'})
			if n, ok := cell.ParseInt(index); ok && n <= maxFeatures && len(index) < len(f) {
				s.features = max(s.features, int(n))
			}
		}
	}
	err := lines.Err()
	if err == bufio.ErrTooLong {
		err = fmt.Errorf("a line is longer than %d bytes", filetable.MaxLine)
	}
	if err != nil {
		return false, kind.NoInput(fmt.Errorf("read %s: %w", in.Name, err))
	}
	return false, nil
}

// content is a line without its comment.
func content(line []byte) []byte {
	line, _, _ = bytes.Cut(line, []byte{'#'})
	return bytes.TrimSpace(line)
}

// Bounded implements [arrowstream.Source].
func (s *Source) Bounded() bool { return s.Path != files.Stdin }

// Delivers implements [arrowstream.Guaranteed].
func (s *Source) Delivers() (arrowstream.Guarantee, string) {
	if s.Path == files.Stdin {
		return arrowstream.AtMostOnce, "standard input cannot be read again"
	}
	return arrowstream.ExactlyOnce, "files are read again from a row on"
}

// Open implements [arrowstream.Source]: the files are one partition, in order.
func (s *Source) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	schema, err := s.Schema()
	if err != nil {
		return nil, err
	}
	rows, err := cell.NewRows(schema, env.Allocator)
	if err != nil {
		return nil, err
	}
	// A vector may be long: about 64 MiB per batch.
	if limit := max(1, 64<<20/(8*s.features)); env.BatchRows <= 0 || env.BatchRows > limit {
		env.BatchRows = min(limit, 8192)
	}
	p := &parser{rows: rows, features: s.features}
	return []arrowstream.Partition{filetable.NewPartition(s.set, filetable.NewText(kind, rows, p, env, s.OnBadRow))}, nil
}
