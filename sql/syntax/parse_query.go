package syntax

import (
	"fmt"
	"slices"
)

// startsQuery reports whether a query starts here; parentheses before SELECT
// count as one.
func (p *parser) startsQuery() bool {
	n := 0
	for p.at(n).is("(") && n < maxDepth {
		n++
	}
	t := p.at(n)
	return t.is("SELECT") || t.is("WITH") || t.is("VALUES") && p.at(n+1).is("(")
}

// query takes a query with everything that may stand around it.
func (p *parser) query() *Query {
	p.enter()
	defer p.leave()
	start := p.cur().Span
	q := &Query{}
	if p.word("WITH") {
		if p.is("RECURSIVE") {
			p.fail(p.cur().Span, "AS1408", "recursive WITH is refused", "a stream has no fixed point to stop at")
		}
		for {
			c := CTE{Name: p.newName("a name for the query")}
			if p.is("(") {
				c.Columns = p.idents("a column")
			}
			p.want("AS")
			open := p.cur().Span
			p.want("(")
			c.Query = p.query()
			p.closing(")", open)
			q.With = append(q.With, c)
			if !p.op(",") {
				break
			}
		}
	}
	q.Body = p.setExpr(0)
	if p.is("ORDER") {
		p.want("ORDER", "BY")
		q.OrderBy = p.orders()
	}
	for !p.failed {
		switch {
		case q.Limit == nil && p.word("LIMIT"):
			q.Limit = p.binary(bpBitOr)
			continue
		case q.Offset == nil && p.word("OFFSET"):
			q.Offset = p.binary(bpBitOr)
			p.anyWord("ROWS", "ROW")
			continue
		case q.Limit == nil && p.word("FETCH"):
			if p.anyWord("FIRST", "NEXT") == "" {
				p.unexpected("FIRST")
			}
			q.Limit = p.binary(bpBitOr)
			if p.anyWord("ROWS", "ROW") == "" {
				p.unexpected("ROWS")
			}
			p.want("ONLY")
			continue
		}
		break
	}
	p.streamClauses(&q.Stream)
	q.Span = p.since(start)
	return q
}

// setExpr takes SELECT blocks joined by set operations; level 1 binds tighter
// and holds INTERSECT only.
func (p *parser) setExpr(level int) Body {
	p.enter()
	defer p.leave()
	term := func() Body {
		if level == 0 {
			return p.setExpr(1)
		}
		return p.queryTerm()
	}
	left := term()
	for n := 0; !p.failed; n++ {
		t := p.cur()
		op := t.up
		switch {
		case level == 0 && (t.is("UNION") || t.is("EXCEPT") || t.is("MINUS")), level == 1 && t.is("INTERSECT"):
		default:
			return left
		}
		if n > maxChain/4 {
			p.fail(t.Span, "AS1107", "too many set operations in one query", "")
		}
		p.take()
		if op == "MINUS" {
			op = "EXCEPT"
		}
		u := &Union{Op: op, L: left}
		switch p.anyWord("ALL", "DISTINCT") {
		case "ALL":
			u.All = true
		}
		u.R = term()
		u.Span = p.since(left.Range())
		left = u
	}
	return left
}

func (p *parser) queryTerm() Body {
	t := p.cur()
	switch {
	case t.is("("):
		p.take()
		q := p.query()
		p.closing(")", t.Span)
		return q
	case t.is("VALUES"):
		p.take()
		v := &Values{}
		for {
			open := p.cur().Span
			p.want("(")
			v.Rows = append(v.Rows, p.exprs())
			p.closing(")", open)
			if !p.op(",") {
				break
			}
		}
		v.Span = p.since(t.Span)
		return v
	case t.is("SELECT"):
		return p.selectBlock()
	case t.is("FROM"):
		p.unexpected("SELECT before FROM")
	}
	p.unexpected("SELECT")
	return &Select{Span: t.Span}
}

func (p *parser) selectBlock() *Select {
	start := p.take().Span
	s := &Select{}
	if p.word("DISTINCT") {
		s.Distinct = true
		if p.is("ON") {
			p.unsupported(p.cur().Span, "DISTINCT ON is", "")
		}
	} else {
		p.word("ALL")
	}
	for {
		if p.is("FROM") {
			p.unexpected("a column or expression")
		}
		it := Item{X: p.expr()}
		it.Alias = p.alias()
		s.Items = append(s.Items, it)
		if !p.op(",") {
			break
		}
	}
	if p.word("FROM") {
		s.From = p.from()
	}
	if p.word("WHERE") {
		s.Where = p.expr()
	}
	if p.is("GROUP") {
		p.want("GROUP", "BY")
		s.GroupBy = p.groups()
	}
	if p.word("HAVING") {
		s.Having = p.expr()
	}
	if t := p.cur(); t.is("QUALIFY") || t.is("WINDOW") {
		p.unsupported(t.Span, t.up+" is", "use a window: TUMBLE, HOP or SESSION")
	}
	s.Span = p.since(start)
	return s
}

func (p *parser) groups() []Expr {
	var out []Expr
	for {
		t := p.cur()
		if t.is("ROLLUP") || t.is("CUBE") || t.is("GROUPING") && p.at(1).is("SETS") {
			p.unsupported(t.Span, t.up+" is", "write one query per grouping and UNION ALL them")
		}
		out = append(out, p.expr())
		if !p.op(",") {
			return out
		}
	}
}

// alias takes [AS] name, nil if there is none.
func (p *parser) alias() *Ident {
	if p.word("AS") {
		id := p.ident("a name after AS")
		return &id
	}
	t := p.cur()
	if !isName(t) || t.kind == tokIdent && (slices.Contains(reserved, t.up) || slices.Contains(afterTable, t.up)) {
		return nil
	}
	if (t.is("SET") || t.is("INSERT")) && !p.at(1).is(",") {
		return nil
	}
	id := p.ident("a name")
	return &id
}

func (p *parser) tableAlias() Alias {
	a := Alias{Name: p.alias()}
	if a.Name != nil && p.is("(") {
		a.Columns = p.idents("a column")
	}
	return a
}

// from takes one table. Joins are recognised and refused.
func (p *parser) from() From {
	f := p.tablePrimary()
	t := p.cur()
	if t.is(",") || t.kind == tokIdent && slices.Contains([]string{"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "ASOF"}, t.up) {
		p.unsupported(t.Span, "joins are", "read one table in FROM; several can be put together with UNION ALL")
	}
	return f
}

func (p *parser) tablePrimary() From {
	start := p.cur().Span
	if p.is("STREAM") && isName(p.at(1)) && !slices.Contains(reserved, p.at(1).up) {
		p.take()
	}
	t := p.cur()
	switch {
	case t.is("LATERAL"):
		p.unsupported(t.Span, "LATERAL is", "")
	case t.is("("):
		p.take()
		if !p.startsQuery() {
			f := p.from()
			p.closing(")", t.Span)
			return f
		}
		d := &Derived{Query: p.query()}
		p.closing(")", t.Span)
		d.Alias = p.tableAlias()
		d.Span = p.since(start)
		return d
	case t.kind == tokString:
		p.take()
		f := &Table{Path: t.text}
		f.Alias = p.tableAlias()
		f.Span = p.since(start)
		return f
	case t.is("TABLE") && p.at(1).is("("):
		p.take()
		open := p.take().Span
		f := p.tablePrimary()
		p.closing(")", open)
		if fn, ok := f.(*TableFunc); ok {
			fn.Alias = p.tableAlias()
			fn.Span = p.since(start)
		}
		return f
	}
	n := p.name("a table, a file name in quotes or a query in parentheses")
	if p.is("(") {
		x := p.call(n)
		c, ok := x.(*Call)
		if !ok {
			p.fail(x.Range(), "AS1101", n.String()+" is no table function", "table functions: TUMBLE, HOP, CUMULATE, SESSION, ML_PREDICT, ML_EVALUATE, ML_WEIGHTS, ML_CENTROIDS")
			return &Table{Name: n}
		}
		f := &TableFunc{Call: c}
		f.Alias = p.tableAlias()
		f.Span = p.since(start)
		return f
	}
	p.refuseTableForm()
	f := &Table{Name: n}
	f.Alias = p.tableAlias()
	f.Span = p.since(start)
	p.refuseTableForm()
	return f
}

// refuseTableForm names the forms after a table that are known and not there
// yet.
func (p *parser) refuseTableForm() {
	t := p.cur()
	switch {
	case t.is("FOR") && p.at(1).is("SYSTEM_TIME"):
		p.unsupported(t.Span, "FOR SYSTEM_TIME AS OF is", "")
	case t.is("MATCH_RECOGNIZE"):
		p.unsupported(t.Span, "MATCH_RECOGNIZE is", "")
	case t.is("TABLESAMPLE"):
		p.unsupported(t.Span, "TABLESAMPLE is", "")
	case t.is("WATERMARK"):
		p.unsupported(t.Span, "WATERMARK in FROM is", "declare it in CREATE TABLE: WATERMARK FOR ts AS ts - INTERVAL '5' SECOND")
	}
}

// orders takes the keys of ORDER BY.
func (p *parser) orders() []Order {
	var out []Order
	for {
		o := Order{X: p.expr()}
		if p.anyWord("ASC") == "" {
			o.Desc = p.anyWord("DESC") != ""
		}
		if p.word("NULLS") {
			if o.Nulls = p.anyWord("FIRST", "LAST"); o.Nulls == "" {
				p.unexpected("FIRST or LAST")
			}
		}
		out = append(out, o)
		if !p.op(",") {
			return out
		}
	}
}

// streamClauses takes EMIT, ALLOW LATENESS, LATE DATA TO and ON ERROR.
func (p *parser) streamClauses(s *StreamClauses) {
	for !p.failed {
		t := p.cur()
		if s.At == (Span{}) {
			s.At = t.Span
		}
		switch {
		case t.is("EMIT"):
			p.take()
			p.emit(s, t)
		case p.word("ALLOW"):
			p.want("LATENESS")
			s.Lateness = p.duration()
		case p.word("LATE"):
			p.want("DATA", "TO")
			n := p.name("a table for the late rows")
			s.LateTo = &n
		case p.is("ON", "ERROR"):
			p.take()
			p.take()
			p.onError(s)
		default:
			return
		}
	}
}

func (p *parser) emit(s *StreamClauses, at token) {
	p.word("STREAM")
	mode := EmitDefault
	switch {
	case p.word("ON", "WINDOW", "CLOSE"), p.word("AFTER", "WINDOW", "CLOSE"), p.word("FINAL"):
		mode = EmitOnClose
		for !p.failed {
			p.word("AND")
			if p.word("WITH", "DELAY") {
				s.Delay = p.duration()
			} else if p.word("TIMEOUT") {
				s.Timeout = p.duration()
			} else {
				break
			}
		}
	case p.word("ON", "UPDATE"), p.word("CHANGES"), p.word("CHANGELOG"):
		mode = EmitOnUpdate
		if p.word("WITH", "BATCH") {
			s.Every = p.duration()
		}
	case p.word("PERIODIC"), p.word("EVERY"):
		mode = EmitPeriodic
		s.Every = p.duration()
	case p.word("TIMEOUT"):
		s.Timeout = p.duration()
		return
	default:
		p.unexpected("ON WINDOW CLOSE, ON UPDATE, PERIODIC or TIMEOUT after EMIT")
	}
	if s.Emit != EmitDefault {
		p.fail(at.Span, "AS1101", "EMIT is written twice", "keep one of them")
	}
	s.Emit = mode
}

func (p *parser) onError(s *StreamClauses) {
	switch {
	case p.word("FAIL"):
		s.OnError = "FAIL"
	case p.word("SKIP"):
		s.OnError = "SKIP"
	case p.word("DEAD", "LETTER", "TO"):
		s.OnError = "DEAD LETTER"
		n := p.name("a table for the dead letters")
		s.DeadTo = &n
		if p.word("LIMIT") {
			s.Limit = p.primary()
		} else if p.word("RATE") {
			s.Rate = p.primary()
		}
	default:
		p.unexpected("FAIL, SKIP or DEAD LETTER TO after ON ERROR")
	}
}

// duration takes an interval, '10 seconds' or 10s; the binder checks it.
func (p *parser) duration() Expr {
	t := p.cur()
	switch {
	case t.kind == tokString:
		p.take()
		return &String{Span: t.Span, Value: t.text}
	case t.kind == tokNumber:
		if u := p.at(1); u.kind == tokIdent && unitIndex(u.text, false) >= 0 {
			p.take()
			p.take()
			return &String{Span: p.since(t.Span), Value: fmt.Sprintf("%s %s", t.text, u.text)}
		}
		p.take()
		return &Number{Span: t.Span, Text: t.text}
	case t.is("INTERVAL"):
		return p.interval()
	}
	p.unexpected("a duration such as INTERVAL '10' SECOND")
	return nil
}
