package syntax

import (
	"strings"

	"github.com/arrowstream/arrowstream"
)

// statement takes one statement without its semicolon.
func (p *parser) statement() Statement {
	p.enter()
	defer p.leave()
	t := p.cur()
	if p.startsQuery() {
		q := p.query()
		return &QueryStatement{Span: p.since(t.Span), Query: q}
	}
	switch t.up {
	case "CREATE":
		return p.create()
	case "INSERT":
		return p.insert()
	case "EXECUTE", "BEGIN":
		if t.up == "EXECUTE" || p.at(1).is("STATEMENT") {
			return p.statementSet()
		}
	case "SET":
		return p.set()
	case "RESET":
		return p.reset()
	case "DESC", "DESCRIBE":
		return p.describe()
	case "EXPLAIN":
		return p.explain()
	case "SHOW":
		return p.show()
	case "DROP":
		return p.dropStatement()
	case "UPDATE", "DELETE", "MERGE", "GRANT", "REVOKE", "COMMIT", "ROLLBACK", "TRUNCATE":
		p.fail(t.Span, "AS1102", t.up+" is not part of the dialect", "a stream is changed by writing to it: INSERT INTO ... SELECT")
		return nil
	case "ALTER":
		return p.alter()
	case "USE":
		p.take()
		u := &Use{Name: p.name("a database")}
		u.Span = p.since(t.Span)
		return u
	case "SUMMARIZE":
		return p.summarize()
	case "ADD", "REFRESH", "ANALYZE", "CACHE", "STOP", "MSCK":
		p.unsupported(t.Span, t.up+" is", "")
		return nil
	}
	if p.failed {
		return nil
	}
	hint := ""
	if t.kind == tokIdent {
		hint = arrowstream.Suggest(t.text, statementWords, "statements")
	}
	p.fail(t.Span, "AS1101", "unexpected "+t.describe(p.src)+", expected a statement", hint)
	return nil
}

// insert takes INSERT INTO.
func (p *parser) insert() *Insert {
	start := p.take().Span
	ins := &Insert{Overwrite: p.word("OVERWRITE")}
	if !ins.Overwrite {
		p.want("INTO")
	}
	p.word("TABLE")
	target := p.cur()
	if target.kind == tokString {
		p.take()
		ins.Path = target.text
	} else {
		ins.Table = p.name("a table or a file name in quotes")
	}
	ins.TableAt = p.since(target.Span)
	ins.Hints = p.hints()
	if p.is("(") && !p.startsQuery() {
		ins.Columns = p.idents("a column")
	}
	if !p.failed && !p.startsQuery() {
		p.unexpected("SELECT")
	}
	ins.Query = p.query()
	ins.Span = p.since(start)
	return ins
}

// statementSet takes EXECUTE STATEMENT SET BEGIN ... END and BEGIN STATEMENT
// SET; ... END.
func (p *parser) statementSet() *StatementSet {
	start := p.cur().Span
	if p.word("EXECUTE") {
		p.want("STATEMENT", "SET", "BEGIN")
	} else {
		p.want("BEGIN", "STATEMENT", "SET", ";")
	}
	s := &StatementSet{}
	for !p.failed {
		for p.op(";") {
		}
		if p.word("END") {
			break
		}
		if !p.is("INSERT") {
			p.unexpected("INSERT or END")
			break
		}
		s.Inserts = append(s.Inserts, p.insert())
		if !p.is("END") {
			p.want(";")
		}
	}
	if len(s.Inserts) == 0 {
		p.fail(start, "AS1101", "the statement set is empty", "write at least one INSERT between BEGIN and END")
	}
	s.Span = p.since(start)
	return s
}

// set takes SET; the value is raw text up to the semicolon.
func (p *parser) set() *Set {
	start := p.take()
	s := &Set{}
	from := start.End
	text := p.src.Text
	end := p.rawEnd(from)
	if p.failed {
		return s
	}
	raw := text[from:end]
	key := raw
	value := -1
	if i := indexOutside(raw, '='); i >= 0 {
		key, value = raw[:i], from+i+1
	} else if i := strings.Index(strings.ToUpper(raw), " TO "); i >= 0 && len(strings.ToUpper(raw)) == len(raw) {
		key, value = raw[:i], from+i+4
	}
	keyStart := from + len(key) - len(strings.TrimLeft(key, blanks))
	s.Key = unquoteWhole(strings.Trim(key, blanks))
	s.KeyAt = Span{keyStart, keyStart + len(strings.Trim(key, blanks))}
	if s.Key == "" && value >= 0 {
		p.fail(s.KeyAt, "AS1105", "the name of the setting is missing", "write SET key = value")
		return s
	}
	if strings.ContainsAny(s.Key, " \t\r\n(),;") {
		p.fail(s.KeyAt, "AS1105", "not a setting: "+cut(s.Key), "write SET key = value")
		return s
	}
	if value >= 0 {
		v := text[value:end]
		lead := len(v) - len(strings.TrimLeft(v, blanks))
		v = strings.Trim(v, blanks)
		s.ValueAt = Span{value + lead, value + lead + len(v)}
		s.Value, s.HasValue = unquoteWhole(v), true
	}
	p.toks, p.i = p.toks[:0], 0
	p.lex.pos = end
	p.last = Span{start.Start, end}
	s.Span = Span{start.Start, from + len(strings.TrimRight(raw, blanks))}
	return s
}

const blanks = " \t\r\n"

// rawEnd is the offset of the next semicolon outside quotes, or the end.
func (p *parser) rawEnd(from int) int {
	text := p.src.Text
	for i := from; i < len(text); i++ {
		switch c := text[i]; c {
		case ';':
			return i
		case '\'', '"', '`':
			n := strings.IndexByte(text[i+1:], c)
			if n < 0 {
				p.fail(Span{i, i + 1}, "AS1001", "quote is not closed", "end it with "+string(c))
				p.lex.pos = len(text)
				p.toks, p.i = p.toks[:0], 0
				return len(text)
			}
			i += n + 1
		}
	}
	return len(text)
}

// indexOutside finds c outside quotes.
func indexOutside(s string, c byte) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case c:
			return i
		case '\'', '"', '`':
			if n := strings.IndexByte(s[i+1:], s[i]); n >= 0 {
				i += n + 1
			}
		}
	}
	return -1
}

// unquoteWhole strips quotes round the whole of s.
func unquoteWhole(s string) string {
	if len(s) < 2 || !strings.ContainsRune("'\"`", rune(s[0])) || s[len(s)-1] != s[0] {
		return s
	}
	var sb strings.Builder
	for i := 1; i < len(s)-1; i++ {
		if s[i] == s[0] {
			if i+1 == len(s)-1 || s[i+1] != s[0] {
				return s // two quoted parts, not one
			}
			i++
		}
		sb.WriteByte(s[i])
	}
	return sb.String()
}

func (p *parser) reset() *Reset {
	start := p.take()
	end := p.rawEnd(start.End)
	r := &Reset{Key: unquoteWhole(strings.Trim(p.src.Text[start.End:end], blanks))}
	p.toks, p.i = p.toks[:0], 0
	p.lex.pos = end
	p.last = Span{start.Start, end}
	r.Span = p.last
	return r
}
