package stagetest

import (
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// withNulls is steps with about a third of the cells of nullable columns NULL;
// changed tells whether there was any.
func withNulls(schemas []string, steps []Step) (out []Step, changed bool, err error) {
	for i, s := range steps {
		if s.kind == rowsStep {
			line, err := header(schemas, s.input, steps)
			if err != nil {
				return nil, false, err
			}
			schema, err := columnartest.Schema(line)
			if err != nil {
				return nil, false, err
			}
			var lines []string
			if s.input >= len(schemas) || schemas[s.input] == "" {
				lines = append(lines, line)
			}
			for k, row := range strings.Split(body(schemas, s), "\n") {
				cells, err := columnartest.Cells(row)
				if err != nil {
					return nil, false, err
				}
				for j := range cells {
					f := schema.Field(j)
					if f.Nullable && f.Name != columnar.OpColumn && (i+2*k+5*j)%3 == 0 {
						cells[j], changed = "null", true
					}
				}
				lines = append(lines, strings.Join(cells, " "))
			}
			s.rows = strings.Join(lines, "\n")
		}
		out = append(out, s)
	}
	return out, changed, nil
}

// runNulls runs c with NULLs in its rows in every way. What must come out is
// not known, but all runs must agree, also on whether that is an error.
func runNulls(t *testing.T, c Case, schemas []string, create func() node) {
	t.Helper()
	steps, changed, err := withNulls(schemas, c.In)
	if err != nil {
		t.Fatal(err)
	}
	if !changed {
		return
	}
	play := func(t *testing.T, v variant) (*Output, error) {
		r := &run{t: t, mem: columnartest.Allocator(t), v: v, schemas: schemas, steps: steps, make: create}
		return r.play()
	}
	base, baseErr := play(t, variant{})
	for _, v := range variants(c, create(), len(ticks(steps))) {
		t.Run("nulls/"+v.name, func(t *testing.T) {
			out, err := play(t, v)
			switch {
			case (err == nil) != (baseErr == nil):
				t.Fatalf("error is %v, with whole batches %v", err, baseErr)
			case err == nil:
				compareRuns(t, base, out, v)
			}
		})
	}
}
