package arrowstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/kernels"
)

// Rowwise is a Parallel stage without keys that computes something of every row
// by itself, which may fail. Process fails for a batch exactly if it fails for a
// row of it alone, and has then emitted nothing and remembers nothing. So the
// runtime can find the rows that fail; see [Stream.OnError].
type Rowwise interface {
	Parallel
	// Fails reports whether Process can fail for some rows; valid after Bind.
	Fails() bool
}

// process hands b to the stage of n. Rows of a Rowwise stage that fail are
// taken out of b, as [OnError] says, or the first of them is named.
//
// Cost: nothing while no row fails; with k bad ones among n rows at most
// 2k log2(n/k) + 2k calls of Process on parts of b, and one on the rest.
func (n *node) process(ctx context.Context, b Batch) error {
	stage, ok := n.stage.(Rowwise)
	if !ok {
		return n.stage.Process(ctx, b, n.emit)
	}
	err := stage.Process(ctx, b, n.emit)
	before := n.seen
	n.seen += int(b.NumRows())
	if err == nil {
		return nil
	}
	alone := func(row Batch) error {
		return stage.Process(ctx, row, func(Batch, ...int) error { return nil })
	}
	if n.onError.Policy == FailOnBadRow {
		return NameRow(b, err, alone)
	}
	found, err := BadRows(b, err, alone)
	if err != nil {
		return err
	}
	rest := columnar.NewBitmap(int(b.NumRows()))
	for _, bad := range found {
		rest.Set(bad.Before)
		if n.rejects != nil {
			n.rejects.Add(0, nil, bad.Err)
		} else {
			bad.Before += before
			bad.Err.Source = n.origins()
			n.bad = append(n.bad, bad)
		}
	}
	rest.Invert()
	good, err := kernels.Filter(n.env.Allocator, b, rest)
	if err != nil {
		return err
	}
	defer good.Release()
	if good.NumRows() == 0 {
		return nil
	}
	return stage.Process(ctx, good, n.emit)
}

// BadRows are the rows of b for which try fails, as it does for b with cause: an
// error that is not about the values of a row is returned as it is. Before of a
// bad row is its number in b.
func BadRows(b Batch, cause error, try func(Batch) error) ([]Rejected, error) {
	i := isolation{try: try}
	err := i.find(b, 0, cause)
	return i.bad, err
}

// NameRow is cause, the error of try for b, as an error that shows the first row
// that it is about.
func NameRow(b Batch, cause error, try func(Batch) error) error {
	i := isolation{try: try, first: true}
	if err := i.find(b, 0, cause); err != nil {
		return err
	}
	bad := i.bad[0].Err
	named := &Error{Code: bad.Code(), Msg: bad.reason() + " (row " + bad.Row + ")"}
	if bad.Column != "" {
		named.Msg = fmt.Sprintf("column %q: %s", bad.Column, named.Msg)
	}
	if coded, ok := bad.Err.(*Error); ok {
		named.Hint, named.Expr = coded.Hint, coded.Expr
	}
	return named
}

// isolation finds the rows for which try fails, in order.
type isolation struct {
	try   func(Batch) error
	first bool // is all that is wanted
	bad   []Rejected
}

// find looks among the rows of b, of which the first has the number at and for
// which try has failed with cause. An error that is none of a row is returned.
func (i *isolation) find(b Batch, at int, cause error) error {
	if !ofARow(cause) {
		return cause
	}
	n := b.NumRows()
	if n == 1 {
		i.bad = append(i.bad, rejected(b, at, cause))
		return nil
	}
	found := len(i.bad)
	for _, half := range [2][2]int64{{0, n / 2}, {n / 2, n}} {
		part := b.NewSlice(half[0], half[1])
		err := i.try(part)
		if err != nil {
			err = i.find(part, at+int(half[0]), err)
		}
		part.Release()
		if err != nil || i.first && len(i.bad) > found {
			return err
		}
	}
	if len(i.bad) == found {
		return cause // of all rows together
	}
	return nil
}

// ofARow reports whether an error is about the values of a row: the end of a
// run, a used up budget and mistakes of a program are not.
func ofARow(err error) bool {
	var data *DataError
	if errors.As(err, &data) {
		return true
	}
	var coded *Error
	return errors.As(err, &coded) && (strings.HasPrefix(coded.Code, "AS4") || coded.Code == kernels.CodePattern)
}

// rejected is the only row of b, for which a stage fails.
func rejected(b Batch, at int, cause error) Rejected {
	bad := &DataError{Row: string(object(b, 200)), Err: cause}
	var data *DataError
	if errors.As(cause, &data) {
		bad.Column, bad.Value, bad.Err = data.Column, data.Value, data.Err
	}
	return Rejected{Before: at, Raw: object(b, maxRaw), Err: bad}
}

// object is the only row of b as a JSON object, with values of at most so many
// bytes, in 64 KiB. What has no text is null; a change of an updating stream is
// left out.
func object(b Batch, most int) []byte {
	text := []byte{'{'}
	for i, c := range b.Columns() {
		if b.ColumnName(i) == columnar.OpColumn {
			continue
		}
		value := []byte("null")
		if v, err := cell.NewView(c); err == nil {
			if value = v.AppendJSON(nil, 0); len(value) > most {
				value = []byte(string(value[:most-3]) + "...")
			}
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(append(cell.AppendQuoted(text, []byte(b.ColumnName(i))), ':'), value...)
	}
	return append(text[:min(len(text), maxRaw-1)], '}')
}

func (n *node) rowwise() bool {
	_, ok := n.stage.(Rowwise)
	return ok
}

// tallies reports whether n makes dead letters of rows it cannot compute.
func (n *node) tallies() bool {
	return n.rowwise() && n.onError.Policy == DeadLetterBadRow
}

// origins names the sources of the rows of n, as the source of its dead letters.
func (n *node) origins() string {
	var names []string
	var visit func(n *node)
	visit = func(n *node) {
		if n.source != nil && !slices.Contains(names, n.name) {
			names = append(names, n.name)
		}
		for _, in := range n.inputs {
			visit(in.node)
		}
	}
	visit(n)
	return "table " + strings.Join(names, ", ")
}

// tally counts the rows of a tick that n was given, and makes dead letters of
// the bad ones among them. It is called where the ticks of n are in order. After
// an error out is released.
func (n *node) tally(ctx context.Context, o Options, out []message) (err error) {
	if !n.tallies() {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = n.recovered(v)
		}
		if err != nil {
			for _, m := range out {
				m.release()
			}
			clear(out)
			err = n.wrap(err)
		}
	}()
	bad := out[0].bad
	out[0].bad = nil
	for _, b := range bad {
		b.Err.Where = fmt.Sprintf("%s row %d", n.name, n.dead.Rows+int64(b.Before)+1)
	}
	if err := n.dead.admit(n.name, "evaluated", n.onError, out[0].seen, bad); err != nil {
		return err
	}
	n.metrics.dead.Store(n.dead.Count)
	for len(bad) > 0 && n.errorsPort > 0 {
		part := bad[:min(len(bad), o.BatchRows)]
		out[n.errorsPort].batches = append(out[n.errorsPort].batches, letters(n.env.Allocator, part, n.epoch, o.Clock.Now()))
		bad = bad[len(part):]
	}
	if e := out[0].epoch; e > 0 && n.checkpoints != nil {
		n.epoch = e + 1
		n.checkpoints.tallied(ctx, n, e)
	}
	return nil
}
