package syntax

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// create takes CREATE ... .
func (p *parser) create() Statement {
	start := p.take().Span
	replace := p.word("OR", "REPLACE")
	temporary, materialized := false, false
	for !p.failed {
		if p.anyWord("TEMPORARY", "TEMP") != "" {
			temporary = true
		} else if p.word("MATERIALIZED") {
			materialized = true
		} else if t := p.cur(); t.is("EXTERNAL") || t.is("STREAMING") || t.is("SYSTEM") {
			p.take()
		} else {
			break
		}
	}
	t := p.cur()
	switch {
	case p.anyWord("TABLE", "SOURCE") != "":
		c := &CreateTable{OrReplace: replace, Temporary: temporary, IfNotExists: p.ifNotExists(), Name: p.name("a name for the table")}
		p.createTable(c)
		c.Span = p.since(start)
		return c
	case p.word("VIEW"):
		c := &CreateView{OrReplace: replace, Temporary: temporary, Materialized: materialized, IfNotExists: p.ifNotExists(), Name: p.name("a name for the view")}
		if p.is("(") {
			c.Columns = p.idents("a column")
		}
		p.want("AS")
		c.Query = p.query()
		c.Span = p.since(start)
		return c
	case p.word("MODEL"):
		c := &CreateModel{OrReplace: replace, Temporary: temporary, IfNotExists: p.ifNotExists(), Name: p.name("a name for the model")}
		p.createModel(c)
		c.Span = p.since(start)
		return c
	case p.word("FUNCTION"):
		c := &CreateFunction{OrReplace: replace, Temporary: temporary, IfNotExists: p.ifNotExists(), Name: p.name("a name for the function")}
		p.createFunction(c)
		c.Span = p.since(start)
		return c
	case p.word("SINK"):
		c := &CreateTable{OrReplace: replace, Temporary: temporary, IfNotExists: p.ifNotExists(), Name: p.name("a name for the sink")}
		p.createSink(c)
		c.Span = p.since(start)
		return c
	case p.word("STREAM"):
		return p.createStream(start)
	case p.word("SCAN"):
		return p.createScan(start)
	case p.word("DATABASE"):
		c := &CreateDatabase{IfNotExists: p.ifNotExists(), Name: p.name("a name for the database")}
		c.Span = p.since(start)
		return c
	}
	hint := ""
	if t.kind == tokIdent {
		hint = arrowstream.Suggest(t.text, []string{"TABLE", "VIEW", "MODEL", "FUNCTION", "SOURCE", "SINK", "STREAM", "SCAN", "DATABASE"}, "it creates")
	}
	p.fail(t.Span, "AS1101", "unexpected "+t.describe(p.src)+" after CREATE, expected TABLE, VIEW, MODEL or FUNCTION", hint)
	return nil
}

func (p *parser) ifNotExists() bool { return p.word("IF", "NOT", "EXISTS") }

func (p *parser) createTable(c *CreateTable) {
	if p.is("(") {
		open := p.take().Span
		for !p.failed {
			p.element(c)
			if !p.op(",") {
				break
			}
		}
		p.closing(")", open)
	}
	for !p.failed {
		t := p.cur()
		switch {
		case p.word("COMMENT"):
			c.Comment = p.text("a comment in quotes")
		case p.word("PARTITIONED", "BY"):
			c.PartitionedBy = p.idents("a column")
		case t.is("WITH"):
			p.take()
			if !p.is("(") {
				p.fail(p.cur().Span, "AS1101", fmt.Sprintf("unexpected %s, expected (", p.cur().describe(p.src)), "write WITH ('connector' = 'csv', 'path' = 'file.csv')")
			}
			c.Options = append(c.Options, p.options()...)
		case p.word("USING"):
			n := p.ident("a connector")
			c.Options = append([]Option{{Key: "connector", KeyAt: t.Span, Value: n.Name, ValueAt: n.Span}}, c.Options...)
		case p.word("OPTIONS"), p.word("TBLPROPERTIES"):
			c.Options = append(c.Options, p.options()...)
		case p.word("LOCATION"):
			at := p.cur().Span
			c.Options = append(c.Options, Option{Key: "path", KeyAt: t.Span, Value: p.text("a path in quotes"), ValueAt: at})
		case p.word("FORMAT"):
			p.formatEncode(c, t.Span)
		case p.is("INCLUDE"):
			c.Columns = append(c.Columns, p.include())
		case p.word("LIKE"):
			c.Like = p.tableLike()
		case p.word("AS"):
			c.Query = p.query()
		default:
			return
		}
	}
}

// likeParts are the parts of a table that LIKE takes over.
var likeParts = []string{"CONSTRAINTS", "GENERATED", "METADATA", "OPTIONS", "PARTITIONS", "WATERMARKS"}

// tableLike takes the table behind LIKE and what of it is taken over. What is declared
// anew overwrites it.
func (p *parser) tableLike() *TableLike {
	l := &TableLike{Table: p.name("a table")}
	if !p.is("(") {
		return l
	}
	open := p.take().Span
	for !p.failed && !p.is(")") {
		leave := p.word("EXCLUDING")
		if !leave && !p.word("INCLUDING") && !p.word("OVERWRITING") {
			p.unexpected("INCLUDING, EXCLUDING or OVERWRITING")
			break
		}
		parts := likeParts
		if t := p.cur(); slices.Contains(likeParts, t.up) {
			parts = []string{t.up}
		} else if !t.is("ALL") {
			p.unexpected("ALL, " + strings.Join(likeParts, ", "))
			break
		}
		p.take()
		l.Without = slices.DeleteFunc(l.Without, func(part string) bool { return slices.Contains(parts, part) })
		if leave {
			l.Without = append(l.Without, parts...)
		}
	}
	p.closing(")", open)
	return l
}

// element takes one element of the column list.
func (p *parser) element(c *CreateTable) {
	t := p.cur()
	switch {
	case t.is("WATERMARK") && p.at(1).is("FOR"):
		p.take()
		p.take()
		w := &WatermarkDef{Column: p.ident("the time column")}
		if p.word("AS") {
			w.Expr = p.expr()
		}
		if p.is("WITH", "TTL") {
			p.unsupported(p.cur().Span, "WATERMARK ... WITH TTL is", "SET state.ttl = '1 h' bounds the state of the queries")
		}
		w.Span = p.since(t.Span)
		if c.Watermark != nil {
			p.fail(t.Span, "AS1501", "table has two watermarks", "keep one of them")
		}
		c.Watermark = w
		return
	case t.is("CONSTRAINT"), t.is("PRIMARY") && p.at(1).is("KEY"):
		if p.word("CONSTRAINT") {
			p.ident("a name")
		}
		p.want("PRIMARY", "KEY")
		c.PrimaryKey = p.idents("a column")
		p.notEnforced()
		return
	}
	d := ColumnDef{Name: p.newName("a column")}
	if p.word("AS") {
		d.Expr = p.expr()
	} else {
		d.Type = p.typ()
	}
	for !p.failed {
		switch {
		case p.word("NOT", "NULL"):
			d.NotNull = true
		case p.word("NULL"):
		case p.word("PRIMARY", "KEY"):
			p.notEnforced()
			c.PrimaryKey = append(c.PrimaryKey, d.Name)
		case p.word("DEFAULT"):
			d.Default = p.binary(bpBitOr)
		case p.word("COMMENT"):
			d.Comment = p.text("a comment in quotes")
		case p.word("GENERATED", "ALWAYS", "AS"):
			open := p.cur().Span
			p.want("(")
			d.Expr = p.expr()
			p.closing(")", open)
		case p.word("METADATA"):
			d.Metadata = true
			if p.word("FROM") {
				d.MetadataKey = p.text("a metadata key in quotes")
			}
			d.Virtual = p.word("VIRTUAL")
		case p.is("LATENESS"):
			at := p.take().Span
			w := &WatermarkDef{Column: d.Name}
			delay := p.duration()
			w.Span = p.since(at)
			w.Expr = &Binary{Span: w.Span, Op: "-", L: &Column{Name{Span: d.Name.Span, Parts: []Ident{d.Name}}}, R: delay}
			c.Watermark = w
		default:
			d.Span = p.since(t.Span)
			c.Columns = append(c.Columns, d)
			return
		}
	}
}

func (p *parser) notEnforced() {
	if !p.word("NOT", "ENFORCED") {
		p.word("ENFORCED")
	}
}

func (p *parser) createModel(c *CreateModel) {
	for !p.failed {
		switch {
		case p.is("INPUT", "("):
			p.take()
			c.Input = p.columnList()
		case p.is("OUTPUT", "("):
			p.take()
			c.Output = p.columnList()
		case p.is("TRANSFORM", "("):
			p.take()
			open := p.take().Span
			for {
				c.Transform = append(c.Transform, p.item())
				if !p.op(",") {
					break
				}
			}
			p.closing(")", open)
		case p.word("OPTIONS"), p.is("WITH", "(") && p.word("WITH"):
			c.Options = append(c.Options, p.options()...)
		case p.word("AS"):
			c.Query = p.query()
		default:
			return
		}
	}
}

// columnList takes (name type, ...).
func (p *parser) columnList() []ColumnDef {
	open := p.take().Span
	var out []ColumnDef
	if p.op(")") {
		return nil
	}
	for {
		d := ColumnDef{Name: p.newName("a name")}
		d.Type = p.typ()
		d.Span = p.since(d.Name.Span)
		out = append(out, d)
		if !p.op(",") {
			break
		}
	}
	p.closing(")", open)
	return out
}
