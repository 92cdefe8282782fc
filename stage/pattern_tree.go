package stage

import "fmt"

// RowPattern is a pattern of rows: [Var], [Concat], [Alt] or [Quantified].
// Nesting them is what parentheses do. Ways to match are preferred as in
// SQL:2016: earlier alternatives, then more rows where a quantifier is greedy
// and fewer where it is reluctant.
type RowPattern interface{ rowPattern() }

// Var is one row, for which the condition that [Define] gives it is TRUE.
type Var string

// Concat is patterns that follow each other.
type Concat []RowPattern

// Alt is one of several patterns.
type Alt []RowPattern

// Quantified is a pattern Min to Max times in a row, or without end if Max is
// [Unbounded]: A* is {0, Unbounded}, A+ {1, Unbounded}, A? {0, 1}.
type Quantified struct {
	Of        RowPattern
	Min, Max  int
	Reluctant bool
}

// Unbounded is the Max of a quantifier without one.
const Unbounded = -1

func (Var) rowPattern()        {}
func (Concat) rowPattern()     {}
func (Alt) rowPattern()        {}
func (Quantified) rowPattern() {}

// maxProgram bounds the program of a pattern: {n} repeats what it quantifies.
const maxProgram = 10_000

// program is a pattern as an automaton (Thompson; Pike's preference order): a
// run is at an instruction, and the alternatives of a split are in order.
type program struct {
	code      []instr
	entry     int32
	vars      []string // in the order of their first appearance
	unbounded bool     // some quantifier has no Max
}

type instr struct {
	op   opcode
	v    int   // take: the variable
	a, b int32 // where to go on; split: first a, then b
}

type opcode int8

const (
	opMatch opcode = iota
	opTake
	opSplit
)

// compile makes the program of p.
func compile(p RowPattern) (*program, error) {
	c := &program{code: []instr{{op: opMatch}}}
	if err := c.check(p, 0); err != nil {
		return nil, err
	}
	if nullable(p) {
		return nil, planError("AS1409", "pattern: it can match no rows at all", "let one variable be needed: A+ instead of A*")
	}
	c.entry = c.build(p, 0)
	if len(c.code) > maxProgram {
		return nil, planError("AS1409", fmt.Sprintf("pattern: it takes more than %d steps", maxProgram), "use smaller numbers in its quantifiers")
	}
	return c, nil
}

// check collects the variables and refuses what is no pattern.
func (c *program) check(p RowPattern, depth int) error {
	bad := func(msg string) error { return planError("AS1409", "pattern: "+msg, "") }
	if depth > 100 {
		return bad("nested deeper than 100")
	}
	var parts []RowPattern
	switch p := p.(type) {
	case Var:
		if p == "" {
			return bad("a variable without a name")
		}
		if c.variable(string(p)) < 0 {
			c.vars = append(c.vars, string(p))
		}
		if len(c.vars) > 64 {
			return bad("more than 64 variables")
		}
		return nil
	case Concat:
		parts = p
	case Alt:
		parts = p
	case Quantified:
		if p.Min < 0 || p.Max != Unbounded && (p.Max < p.Min || p.Max == 0) || p.Min > maxProgram || p.Max > maxProgram {
			return bad(fmt.Sprintf("a quantifier from %d to %d", p.Min, p.Max))
		}
		c.unbounded = c.unbounded || p.Max == Unbounded
		parts = []RowPattern{p.Of}
	}
	if len(parts) == 0 {
		return bad("a part without variables")
	}
	for _, part := range parts {
		if err := c.check(part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// variable is the number of a variable, -1 if there is none.
func (c *program) variable(name string) int {
	for i, v := range c.vars {
		if v == name {
			return i
		}
	}
	return -1
}

// nullable reports whether p can match no rows.
func nullable(p RowPattern) bool {
	switch p := p.(type) {
	case Concat:
		for _, part := range p {
			if !nullable(part) {
				return false
			}
		}
		return true
	case Alt:
		for _, part := range p {
			if nullable(part) {
				return true
			}
		}
	case Quantified:
		return p.Min == 0 || nullable(p.Of)
	}
	return false
}

// build adds the code of p, which goes on at next, and returns where it begins.
// It gives up when the program is too long.
func (c *program) build(p RowPattern, next int32) int32 {
	if len(c.code) > maxProgram {
		return next
	}
	switch p := p.(type) {
	case Var:
		return c.add(instr{op: opTake, v: c.variable(string(p)), a: next})
	case Concat:
		for i := len(p) - 1; i >= 0; i-- {
			next = c.build(p[i], next)
		}
	case Alt:
		entry := c.build(p[len(p)-1], next)
		for i := len(p) - 2; i >= 0; i-- {
			entry = c.add(instr{op: opSplit, a: c.build(p[i], next), b: entry})
		}
		return entry
	case Quantified:
		return c.quantified(p, next)
	}
	return next
}

func (c *program) quantified(p Quantified, next int32) int32 {
	option := func(more int32) instr {
		if p.Reluctant {
			return instr{op: opSplit, a: next, b: more}
		}
		return instr{op: opSplit, a: more, b: next}
	}
	tail := next
	if p.Max == Unbounded {
		tail = c.add(instr{})
		c.code[tail] = option(c.build(p.Of, tail))
	}
	for range p.Max - p.Min {
		if len(c.code) > maxProgram {
			break
		}
		tail = c.add(option(c.build(p.Of, tail)))
	}
	for range p.Min {
		tail = c.build(p.Of, tail)
	}
	return tail
}

func (c *program) add(i instr) int32 {
	c.code = append(c.code, i)
	return int32(len(c.code) - 1)
}
