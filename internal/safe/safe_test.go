package safe

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"unsafe"

	"github.com/arrowstream/arrowstream/columnar"
)

func TestDo(t *testing.T) {
	limit := &columnar.LimitError{Account: "scan", Asked: 5, Used: 7, Limit: 10}
	var none []int
	tests := []struct {
		name      string
		f         func() error
		want      error // errors.Is
		caught    bool
		byRuntime bool
	}{
		{"no error", func() error { return nil }, nil, false, false},
		{"error", func() error { return io.EOF }, io.EOF, false, false},
		{"panic with an error", func() error { panic(io.ErrUnexpectedEOF) }, io.ErrUnexpectedEOF, true, false},
		{"panic with a text", func() error { panic("odd") }, nil, true, false},
		{"index out of range", func() error { _ = none[3]; return nil }, nil, true, true},
		{"memory limit", func() error { panic(limit) }, limit, false, false},
		{"wrapped memory limit", func() error { panic(fmt.Errorf("x: %w", limit)) }, limit, false, false},
		{"fault", func() error {
			p := (*int)(unsafe.Add(nil, 0xdead000))
			return fmt.Errorf("read %d", *p)
		}, nil, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Do("parquet", "a.parquet", tt.f)
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.want == nil && !tt.caught && err != nil {
				t.Fatalf("got %v, want none", err)
			}
			caught, byRuntime := IsPanic(err)
			if caught != tt.caught || byRuntime != tt.byRuntime {
				t.Fatalf("%v: caught %v by runtime %v, want %v %v", err, caught, byRuntime, tt.caught, tt.byRuntime)
			}
		})
	}
}

func TestNestedDoKeepsTheInnerError(t *testing.T) {
	inner := At("arrow", "f", 12, func() error { panic("deep") })
	err := Do("parquet", "g", func() error { panic(inner) })
	var d *DecodeError
	if !errors.As(err, &d) || d.Format != "arrow" || d.Offset != 12 {
		t.Fatalf("got %v", err)
	}
	if want := "arrow: malformed input in f at offset 12: deep"; err.Error() != want {
		t.Fatalf("got %q, want %q", err, want)
	}
}
