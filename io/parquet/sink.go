package parquet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/epochfile"
	"github.com/arrowstream/arrowstream/internal/hive"
)

const (
	defaultGroupRows = 131072
	// maxGroupBytes ends a row group early when its rows are wide.
	maxGroupBytes = 256 << 20
)

// Sink writes Parquet files. A file appears under its name when it is whole:
// until then it is hidden under ".part-...inprogress" in the same directory.
// The bytes of the files do not depend on how the rows were cut into batches.
// Its zero options are the defaults.
type Sink struct {
	// Path is a directory, or one file when it ends in .parquet.
	Path string `option:"path" required:"true"`
	// Compression is zstd (default), snappy, gzip, lz4 or none.
	Compression string `option:"compression"`
	// CompressionLevel of zstd and gzip; 0 is the fastest of zstd and the
	// default of gzip.
	CompressionLevel int `option:"compression.level,compression_level"`
	// RowGroupRows is the number of rows of a row group; default 131072.
	RowGroupRows int `option:"row-group.rows,row_group_size"`
	// RollSize, RollRows and RollInterval begin a new file when the current one
	// has so many bytes (checked after each row group) or rows, or when the
	// event time enters the next interval of that length; 0 means never.
	RollSize     int64         `option:"roll.size"`
	RollRows     int64         `option:"roll.rows"`
	RollInterval time.Duration `option:"roll.interval"`
	// RollAge is how long the rows of a file may stay invisible when the job
	// has a state directory: a file that is not full is finished at the first
	// commit after that time; default 1 minute. RollSize is then 128 MiB by default.
	RollAge time.Duration `option:"roll.age"`
	// Partition are columns that become k=v directories instead of columns.
	Partition []string `option:"partition"`
	// MaxOpen bounds the k=v directories that are written to at the same time;
	// default 64. Beyond it the one unused for the longest time is finished.
	MaxOpen int `option:"max-open"`
	// Overwrite replaces what is there: the file, or all Parquet files below
	// the directory, when the first new file is published.
	Overwrite bool `option:"overwrite"`

	env      arrowstream.Env
	in       *arrow.Schema
	schema   *outSchema
	keys     *hive.Keys
	event    int // event-time column of the input, -1 if there is none
	single   bool
	target   *epochfile.Target
	parts    map[string]*part
	used     int64      // counts the use of parts
	err      error      // first error of a file: nothing more is written
	checked  bool       // that the file may be written
	encoders []*encoder // not in use
	closed   bool

	clock  arrowstream.Clock           // nil but in tests
	before func(op, path string) error // nil but in tests
}

var (
	_ arrowstream.Concluder = (*Sink)(nil)
	_ arrowstream.Aborter   = (*Sink)(nil)
)

func newSink(t arrowstream.Table) (arrowstream.Sink, error) {
	s := &Sink{}
	if err := t.Decode(s, Source{}); err != nil {
		return nil, err
	}
	if len(t.Partition) > 0 {
		s.Partition = t.Partition
	}
	return s, nil
}

// Bind implements arrowstream.Sink.
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	if err := s.validate(in); err != nil {
		return err
	}
	s.env, s.in, s.event = env, in, columnar.EventTime(in)
	if s.RollInterval > 0 && s.event < 0 {
		return &arrowstream.Error{Code: "AS1504", Msg: "parquet: 'roll.interval' needs an event-time column", Hint: "declare a WATERMARK, or roll by 'roll.rows' or 'roll.size'"}
	}
	var err error
	if s.keys, err = hive.NewKeys("parquet", s.Path, in, s.Partition); err != nil {
		return err
	}
	if s.schema, err = newOutSchema(arrow.NewSchema(s.keys.Files.Fields(), nil)); err != nil {
		return &arrowstream.Error{Code: "AS4142", Msg: fmt.Sprintf("parquet: write %s", s.Path), Err: err}
	}
	c := epochfile.Config{
		Connector: "parquet", Sink: env.Name, Dir: s.Path, Extension: ".parquet", RollSize: s.RollSize, RollAge: s.RollAge,
		Overwrite: s.Overwrite, Extensions: Extensions, Access: env.Access, Clock: s.clock, Before: s.before,
	}
	if s.single = hasExtension(s.Path); s.single {
		c.Dir, c.Single = filepath.Dir(s.Path), filepath.Base(s.Path)
	}
	s.target, s.parts = epochfile.New(c), map[string]*part{}
	return nil
}

func hasExtension(path string) bool {
	return slices.ContainsFunc(Extensions, func(e string) bool { return strings.HasSuffix(strings.ToLower(path), e) })
}

func (s *Sink) validate(in *arrow.Schema) error {
	bad := func(format string, args ...any) error {
		return &arrowstream.Error{Code: "AS1504", Msg: "parquet: " + fmt.Sprintf(format, args...)}
	}
	if s.Path == "" {
		return bad("option \"path\" is missing")
	}
	if _, ok := codecs[s.Compression]; !ok {
		return &arrowstream.Error{
			Code: "AS1504", Msg: fmt.Sprintf("parquet: option \"compression\": %q", s.Compression),
			Hint: arrowstream.Suggest(s.Compression, []string{"zstd", "snappy", "gzip", "lz4", "none"}, "values"),
		}
	}
	switch {
	case in.NumFields() == 0:
		return bad("there are no columns to write")
	case columnar.Changelog(in):
		return &arrowstream.Error{Code: "AS1504", Msg: "parquet: files take appended rows only, the stream updates rows", Hint: "aggregate in windows, or write to an upsert sink"}
	case s.RowGroupRows < 0 || s.RollSize < 0 || s.RollRows < 0 || s.RollInterval < 0 || s.RollAge < 0 || s.MaxOpen < 0 || s.CompressionLevel < 0:
		return bad("sizes and counts cannot be negative")
	case hasExtension(s.Path) && (s.RollSize > 0 || s.RollRows > 0 || s.RollInterval > 0 || s.RollAge > 0 || len(s.Partition) > 0):
		return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("parquet: %s is one file, which cannot be rolled or partitioned", s.Path), Hint: "name a directory"}
	}
	return nil
}

// Write implements arrowstream.Sink.
func (s *Sink) Write(ctx context.Context, b arrowstream.Batch) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.keep(s.write(b))
}

// ready reports why nothing can be written.
func (s *Sink) ready(ctx context.Context) error {
	switch {
	case s.closed:
		return errors.New("parquet: write to a closed sink")
	case s.err != nil:
		return s.err
	}
	return ctx.Err()
}

// keep remembers the first error: no file is published after it.
func (s *Sink) keep(err error) error {
	if err != nil && s.err == nil {
		s.err = err
	}
	return err
}

func (s *Sink) write(b arrow.Record) error {
	if err := s.checkTarget(); err != nil {
		return err
	}
	if b.NumRows() == 0 {
		return nil
	}
	cols := make([]arrow.Array, len(s.keys.Rest))
	for i, c := range s.keys.Rest {
		cols[i] = b.Column(c)
	}
	if len(s.Partition) == 0 {
		return s.writeTo("", b, cols, nil)
	}
	return s.partition(b, cols)
}

// checkTarget refuses, before the first row, to replace a file unasked.
func (s *Sink) checkTarget() error {
	if s.checked || !s.single || s.Overwrite {
		return nil
	}
	if _, err := s.env.Access.Stat(s.Path); err == nil {
		return &arrowstream.Error{Code: "AS2001", Msg: fmt.Sprintf("parquet: %s exists", s.Path), Hint: "set 'overwrite' = 'true' (or INSERT OVERWRITE), or write to a directory to add files"}
	}
	s.checked = true
	return nil
}

// Flush implements arrowstream.Sink: files become visible as a whole only, so
// there is nothing to do before they are.
func (s *Sink) Flush(ctx context.Context) error { return s.ready(ctx) }

// Close implements arrowstream.Sink. An error that has been returned before is
// not returned again. With epochs, what is visible is for Commit to say.
func (s *Sink) Close() error {
	if s.closed || s.parts == nil {
		s.closed = true
		return nil
	}
	s.closed = true
	var err error
	switch {
	case s.err != nil || s.target.Epochs():
		s.Abort(nil)
	default:
		if err = s.finishAll(); err != nil {
			s.Abort(err)
		}
	}
	for _, e := range s.encoders {
		err = errors.Join(err, e.close())
	}
	s.encoders = nil
	return err
}

// finishAll publishes everything that was written, without epochs.
func (s *Sink) finishAll() error {
	if err := s.checkTarget(); err != nil {
		return err
	}
	for _, p := range s.sorted() {
		if err := s.finishPart(p); err != nil {
			return err
		}
	}
	if err := s.finishEmpty(); err != nil {
		return err
	}
	return s.target.Publish()
}

// Abort implements arrowstream.Aborter: files that are not visible yet are
// removed; with epochs the next run decides about them.
func (s *Sink) Abort(cause error) {
	if cause == nil {
		cause = errors.New("parquet: aborted")
	}
	if s.err == nil {
		s.err = cause
	}
	for key, p := range s.parts {
		p.file.enc.reset()
		s.encoders = append(s.encoders, p.file.enc)
		delete(s.parts, key)
	}
	if s.target != nil {
		s.target.Abort()
	}
}
