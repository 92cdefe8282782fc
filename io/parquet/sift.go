package parquet

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/internal/safe"
	"github.com/arrowstream/arrowstream/kernels"
)

// sift finds the rows of p that pass the sieve. The tested columns are decoded
// one after the other, each as far as rows are left, and are done with it.
func (p *piece) sift() {
	if err := p.group.examine(p.sieve); err != nil {
		col := p.sieve.tests[0].col
		p.errs[col], p.kept = p.fail(col, err), 0
		return
	}
	p.keep = p.group.included(p.row, p.n)
	if p.kept = p.keep.Count(); p.group.empty {
		p.kept = 0
	}
	for i, t := range p.sieve.tests {
		if p.prev != nil && p.prev.errs[t.col] != nil {
			p.errs[t.col], p.kept = p.prev.errs[t.col], 0
		}
		if p.kept == 0 {
			return
		}
		err := safe.Do("parquet", p.group.file.path, func() error { return p.test(&t, i) })
		if err != nil {
			p.errs[t.col], p.kept = p.fail(t.col, err), 0
		}
	}
	for _, t := range p.sieve.tests {
		if p.kept > 0 {
			if err := p.lookUp(t.col); err != nil {
				p.errs[t.col], p.kept = p.fail(t.col, err), 0
			}
		}
	}
}

// lookUp replaces indices, in which a column was tested, by their values.
func (p *piece) lookUp(col int) error {
	r, ok := p.group.readers[col].(*flatReader)
	if !ok || r.coded == nil {
		return nil
	}
	a, err := kernels.DecodeDictionary(p.group.mem, p.cols[col])
	if err == nil {
		p.cols[col].Release()
		p.cols[col] = a
	}
	return err
}

// test keeps the rows that pass test i.
func (p *piece) test(t *test, i int) error {
	g := p.group
	a, err := g.read(t.col, p.row, p.n, p.keep)
	if err != nil {
		return err
	}
	p.cols[t.col] = a
	a.Retain() // bits may be its validity
	defer a.Release()
	bits, err := t.passing(g.mem, a, &g.verdicts[i])
	if err != nil {
		return err
	}
	switch n := bits.Count(); n {
	case p.kept:
		return nil
	case 0:
		p.kept = 0
		return nil
	default:
		p.kept = n
	}
	for c, a := range p.cols {
		if a == nil {
			continue
		}
		if p.cols[c], err = kernels.FilterArray(g.mem, a, bits); err != nil {
			p.cols[c] = a
			return err
		}
		a.Release()
	}
	p.keep = deposit(p.keep, bits)
	return nil
}

// examine looks, before the first row of g is read, which pages their statistics
// exclude and whether the dictionaries of the tested columns hold any value that
// passes.
func (g *group) examine(s *sieve) error {
	if g.examined {
		return nil
	}
	g.examined, g.verdicts = true, make([]verdict, len(s.tests))
	return safe.Do("parquet", g.file.path, func() error {
		g.excludePages()
		return g.askDictionaries(s)
	})
}

func (g *group) askDictionaries(s *sieve) error {
	for i := range s.tests {
		t := &s.tests[i]
		r, ok := g.readers[t.col].(*flatReader)
		if !ok || t.null || t.where == nil || !surelyIndices(r.c.meta) {
			continue
		}
		if err := r.c.peekDictionary(); err != nil {
			return err
		}
		if r.c.dict == nil {
			continue
		}
		any, err := r.judge(g.mem, t, &g.verdicts[i])
		if err != nil {
			return err
		}
		if g.empty = !any; g.empty {
			return nil
		}
	}
	return nil
}

// judge reports whether a value of the dictionary passes t. Then the column is
// read as indices: t looks at each of its values once, and only values of rows
// that pass are looked up.
func (r *flatReader) judge(mem memory.Allocator, t *test, v *verdict) (bool, error) {
	values, err := r.c.dict.values(mem, r.c.leaf, r.typ)
	if err != nil {
		return false, err
	}
	if r.typ.ID() != arrow.DICTIONARY {
		r.coded = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: r.typ}
	}
	err = t.judgeDictionary(mem, values, v)
	return v.any, err
}

// surelyIndices reports whether the footer says of a chunk that no value stands
// outside of its dictionary. Without statistics of its encodings PLAIN may mean
// that of the dictionary page, or that of pages after it.
func surelyIndices(m *format.ColumnMetaData) bool {
	if len(m.EncodingStats) > 0 {
		return onlyIndices(m)
	}
	coded := false
	for _, e := range m.Encoding {
		switch e {
		case format.RLEDictionary, plainDictionary:
			coded = true
		case format.RLE, format.BitPacked:
		default:
			return false
		}
	}
	return coded
}

// peekDictionary loads the dictionary of a chunk that starts with one.
func (c *chunk) peekDictionary() error {
	if c.begun || c.dict != nil || c.left == 0 {
		return nil
	}
	at := c.off
	h, err := c.header()
	if err != nil || h.kind != format.DictionaryPage {
		c.off = at
		return err
	}
	return c.loadPage(h, nil)
}
