package spill

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// dividedLog is what a store has of a [Divided]: of every part, in the order in
// which they came to its file, the pieces of its state and of the rows that wait
// for its next visit. A later state of a part takes the place of all that was
// before. The log begins anew when most of it is out of date, so that it stays
// within three times what the parts are. A restart copies the pieces to files
// again, whatever share it has.
type dividedLog struct {
	begun bool
	size  int64 // of all pieces since the beginning
}

// logPiece is a piece of a part: of a state after tick, input 0, or of rows of
// input-1, of which the first is of tick.
type logPiece struct {
	Piece
	part  int
	input int
	tick  int64
	name  string
}

// Names and columns of the state.
const (
	logName     = "pieces"
	partsName   = "parts"
	momentsName = "moments"
	countsName  = "divided"
)

var (
	logSchema = arrow.NewSchema([]arrow.Field{
		{Name: "part", Type: arrow.PrimitiveTypes.Int64},
		{Name: "input", Type: arrow.PrimitiveTypes.Int64},
		{Name: "tick", Type: arrow.PrimitiveTypes.Int64},
		{Name: "name", Type: arrow.BinaryTypes.String},
		{Name: "data", Type: arrow.BinaryTypes.Binary},
	}, nil)
	partColumns   = []string{"seen", "mark", "rows"}
	momentColumns = []string{"tick", "before", "after", "event", "clock"}
	countColumns  = []string{"tick", "event", "clock", "late", "skipped", "unwindowed", "updated"}
)

// Renews implements [arrowstream.Logged].
func (d *Divided) Renews() bool {
	const slack = 16 << 20
	return !d.log.begun || d.log.size > 2*d.size()+slack
}

// Log implements [arrowstream.Logged]. The parts must all be in the file.
func (d *Divided) Log(context.Context) (arrowstream.State, arrowstream.Log, error) {
	if err := d.flush(); err != nil {
		return nil, nil, err
	}
	if d.Renews() {
		d.log = dividedLog{begun: true}
		for _, x := range d.parts {
			x.fresh = true
			clear(x.old)
		}
	}
	l := logPieces{mem: d.env.Allocator, file: d.file}
	for p, x := range d.parts {
		if x.fresh {
			for _, piece := range x.state {
				l.list = append(l.list, logPiece{piece.Piece, p, 0, x.at, piece.name})
			}
		}
		for input, rows := range x.rows {
			for _, piece := range rows[x.old[input]:] {
				l.list = append(l.list, logPiece{piece, p, input + 1, x.first, ""})
			}
		}
		x.logged()
	}
	d.log.size += l.Bytes()
	log := arrowstream.Log{}
	if len(l.list) > 0 {
		d.file.refs.Add(1)
		log[logName] = l
	}
	return d.meta(), log, nil
}

// logged notes that all of x is in the log.
func (x *part) logged() {
	x.fresh = false
	for input, rows := range x.rows {
		x.old[input] = len(rows)
	}
}

// meta is the state beside the log.
func (d *Divided) meta() arrowstream.State {
	mem := d.env.Allocator
	var parts, moments [][]int64
	for _, x := range d.parts {
		parts = append(parts, []int64{x.seen, x.mark, x.stateRows})
	}
	for _, m := range d.moments {
		moments = append(moments, []int64{m.tick, m.before, m.after, m.mark.Event, m.mark.Clock})
	}
	c := d.counts
	return arrowstream.State{
		partsName:   table(mem, partColumns, parts),
		momentsName: table(mem, momentColumns, moments),
		countsName:  grouped.Meta(mem, countColumns, d.now.tick, d.last.Event, d.last.Clock, c.Late, c.Skipped, c.Unwindowed, c.RowsUpdated),
	}
}

// table has the given rows of integers.
func table(mem memory.Allocator, names []string, rows [][]int64) arrow.Record {
	fields, cols := make([]arrow.Field, len(names)), make([]arrow.Array, len(names))
	defer grouped.Release(cols)
	for c, name := range names {
		vals := make([]int64, len(rows))
		for i, row := range rows {
			vals[i] = row[c]
		}
		fields[c], cols[c] = arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64}, int64Array(mem, vals)
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, int64(len(rows)))
}

func int64Array(mem memory.Allocator, vals []int64) arrow.Array {
	b := array.NewInt64Builder(mem)
	defer b.Release()
	b.AppendValues(vals, nil)
	return b.NewArray()
}

// IsDivided reports whether st is of a [Divided].
func IsDivided(st arrowstream.State) bool { return st[countsName] != nil || st[logName] != nil }

// Apply implements [arrowstream.Incremental] for states that [IsDivided]. It needs
// a folder.
func (d *Divided) Apply(st arrowstream.State) error {
	if d == nil {
		return &arrowstream.Error{
			Code: "AS5001", Msg: "the state is in parts, since it did not fit into the memory of the run before",
			Hint: "give the job a folder with --spill DIR, as that run had",
		}
	}
	if b := st[logName]; b != nil {
		return d.applyPieces(b)
	}
	counts, ok := grouped.ReadMeta(st[countsName], countColumns...)
	parts, ok2 := grouped.ReadMeta(st[partsName], partColumns...)
	moments, ok3 := grouped.ReadMeta(st[momentsName], momentColumns...)
	if !ok || !ok2 || !ok3 || len(parts[0]) != Parts {
		return badState()
	}
	d.now = moment{tick: counts[0][0]}
	d.last = arrowstream.Watermark{Event: counts[1][0], Clock: counts[2][0]}
	d.counts = arrowstream.Counts{Late: counts[3][0], Skipped: counts[4][0], Unwindowed: counts[5][0], RowsUpdated: counts[6][0], Spilled: d.counts.Spilled}
	d.moments = nil
	for i, tick := range moments[0] {
		d.moments = append(d.moments, moment{tick, moments[1][i], moments[2][i], arrowstream.Watermark{Event: moments[3][i], Clock: moments[4][i]}})
	}
	if d.parts == nil {
		if err := d.divide(); err != nil {
			return err
		}
	}
	for p, x := range d.parts {
		x.seen, x.mark, x.stateRows = parts[0][p], parts[1][p], parts[2][p]
	}
	d.log.begun = true
	return nil
}

// applyPieces copies pieces to the files of their parts.
func (d *Divided) applyPieces(b arrow.Record) error {
	if d.parts == nil || !b.Schema().Equal(logSchema) {
		return badState()
	}
	parts, inputs, ticks := columnar.Values[int64](b.Column(0)), columnar.Values[int64](b.Column(1)), columnar.Values[int64](b.Column(2))
	names, data := b.Column(3).(*array.String), b.Column(4).(*array.Binary)
	for i, p := range parts {
		input := inputs[i]
		if p < 0 || p >= Parts || input < 0 || int(input) > len(d.plan.Inputs) {
			return badState()
		}
		x := d.parts[p]
		if input == 0 && ticks[i] != x.at {
			x.reset(len(d.plan.Inputs))
			x.at = ticks[i]
		}
		piece, err := d.file.copy(data.Value(i))
		if err != nil {
			return err
		}
		if d.log.size += piece.size; input == 0 {
			x.keep(string([]byte(names.Value(i))), piece)
		} else {
			x.enqueue(int(input)-1, piece, ticks[i])
		}
		x.logged()
	}
	return d.tidy()
}

func badState() error {
	return &arrowstream.Error{Code: "AS5001", Msg: "state of parts is not of this query", Hint: "the query has changed: start from an empty state"}
}

// logPieces are pieces of a file as they are, in the order of a log.
type logPieces struct {
	mem  memory.Allocator
	file *File
	list []logPiece
}

var _ arrowstream.Pieces = logPieces{}

// Schema implements [arrowstream.Pieces].
func (logPieces) Schema() *arrow.Schema { return logSchema }

// Bytes implements [arrowstream.Pieces].
func (l logPieces) Bytes() (n int64) {
	for _, p := range l.list {
		n += p.size
	}
	return n
}

// Each implements [arrowstream.Pieces].
func (l logPieces) Each(yield func(b arrowstream.Batch) error) error {
	for len(l.list) > 0 {
		n, size := 0, int64(0)
		for n < len(l.list) && (n == 0 || size+l.list[n].size <= pieceBytes) {
			size += l.list[n].size
			n++
		}
		b, err := l.batch(l.list[:n])
		if err != nil {
			return err
		}
		err = yield(b)
		b.Release()
		if err != nil {
			return err
		}
		l.list = l.list[n:]
	}
	return nil
}

// batch has a row for each piece.
func (l logPieces) batch(list []logPiece) (arrow.Record, error) {
	rb := array.NewRecordBuilder(l.mem, logSchema)
	defer rb.Release()
	for _, p := range list {
		buf, err := l.file.bytes(p.Piece)
		if err != nil {
			return nil, err
		}
		for c, v := range []int64{int64(p.part), int64(p.input), p.tick} {
			rb.Field(c).(*array.Int64Builder).Append(v)
		}
		rb.Field(3).(*array.StringBuilder).Append(p.name)
		rb.Field(4).(*array.BinaryBuilder).Append(buf)
	}
	return rb.NewRecord(), nil
}

// Release implements [arrowstream.Pieces].
func (l logPieces) Release() { l.file.Close() }
