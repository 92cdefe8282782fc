package syntax

// over takes what follows OVER.
func (p *parser) over() *Window {
	if t := p.cur(); !t.is("(") {
		base := p.ident("a window")
		return &Window{Span: t.Span, Base: &base}
	}
	return p.windowSpec()
}

// startsOver reports whether OVER stands here and is no alias.
func (p *parser) startsOver() bool {
	next := p.at(1)
	return p.is("OVER") && (next.is("(") || isName(next) && !isReserved(next))
}

// namedWindows takes w AS (...) with commas between them.
func (p *parser) namedWindows() []NamedWindow {
	var out []NamedWindow
	for {
		n := NamedWindow{Name: p.newName("a name for the window")}
		p.want("AS")
		n.Window = p.windowSpec()
		out = append(out, n)
		if !p.op(",") {
			return out
		}
	}
}

// windowSpec takes ([base] [PARTITION BY ...] [ORDER BY ...] [frame]).
func (p *parser) windowSpec() *Window {
	p.enter()
	defer p.leave()
	open := p.cur().Span
	p.want("(")
	w := &Window{}
	if p.is("SESSION", "WITH") {
		p.unsupported(p.cur().Span, "SESSION WITH GAP in OVER is", "use the window function: FROM SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), gap)")
	}
	if t, next := p.cur(), p.at(1); isName(t) && !isReserved(t) && (next.is(")") || next.is("PARTITION") || next.is("ORDER") || next.is("ROWS") || next.is("RANGE")) {
		base := p.ident("a window")
		w.Base = &base
	}
	if p.word("PARTITION", "BY") {
		w.Partition = p.exprs()
	}
	if p.word("ORDER", "BY") {
		w.OrderBy = p.orders()
	}
	if t := p.cur(); t.is("ROWS") || t.is("RANGE") {
		w.Frame = p.frame()
	} else if t.is("GROUPS") {
		p.unsupported(t.Span, "GROUPS in OVER is", "use ROWS or RANGE")
	}
	p.closing(")", open)
	w.Span = p.since(open)
	return w
}

// frame takes ROWS|RANGE start or BETWEEN start AND end.
func (p *parser) frame() *Frame {
	t := p.take()
	f := &Frame{Range: t.up == "RANGE", End: Bound{Kind: CurrentRow}}
	if p.word("BETWEEN") {
		f.Start = p.bound()
		p.want("AND")
		f.End = p.bound()
	} else {
		f.Start = p.bound()
	}
	f.Span = p.since(t.Span)
	if f.Start.Kind > f.End.Kind || f.Start.Kind == UnboundedFollowing || f.End.Kind == UnboundedPreceding {
		p.fail(f.Span, "AS1101", "the frame ends before it starts", "write the earlier end first: BETWEEN 10 PRECEDING AND CURRENT ROW")
	}
	return f
}

// bound takes one end of a frame.
func (p *parser) bound() Bound {
	switch {
	case p.word("CURRENT", "ROW"):
		return Bound{Kind: CurrentRow}
	case p.word("UNBOUNDED", "PRECEDING"):
		return Bound{Kind: UnboundedPreceding}
	case p.word("UNBOUNDED", "FOLLOWING"):
		return Bound{Kind: UnboundedFollowing}
	}
	b := Bound{N: p.binary(bpBitOr)}
	switch p.anyWord("PRECEDING", "FOLLOWING") {
	case "PRECEDING":
		b.Kind = Preceding
	case "FOLLOWING":
		b.Kind = Following
	default:
		p.unexpected("PRECEDING or FOLLOWING")
	}
	return b
}
