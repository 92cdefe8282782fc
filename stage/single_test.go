package stage_test

import (
	"errors"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/stage"
)

// TestSingle checks that rows of one or no row pass, and that two are an error
// of the data; a count that is NULL is that of no row, whatever is in its slot.
func TestSingle(t *testing.T) {
	for text, fails := range map[string]bool{
		"v:utf8 n:int64\na 1\nb 0\nnull null": false,
		"v:utf8 n:int64\na 1\nb 2":            true,
		"v:utf8 n:int64":                      false,
	} {
		mem := columnartest.Allocator(t)
		b := columnartest.Batch(t, mem, text)
		st := &stage.Single{Count: "n"}
		if _, err := st.Bind(b.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		err := st.Process(t.Context(), b, func(o arrowstream.Batch, _ ...int) error { rows += o.NumRows(); return nil })
		var data *arrowstream.DataError
		if errors.As(err, &data) != fails || !fails && rows != b.NumRows() {
			t.Errorf("%q: %d rows, error %v, want an error: %v", text, rows, err, fails)
		}
		b.Release()
	}
	if _, err := (&stage.Single{Count: "v"}).Bind(columnartest.Batch(t, columnartest.Allocator(t), "v:utf8\n").Schema(), arrowstream.Env{}); err == nil {
		t.Error("a count of text is taken")
	}
}
