package syntax

import (
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// createSink takes FROM table or AS query and the options: CREATE TABLE with an
// INSERT.
func (p *parser) createSink(c *CreateTable) {
	t := p.cur()
	switch {
	case p.word("FROM"):
		n := p.name("a table")
		at := p.since(t.Span)
		c.Query = &Query{Span: at, Body: &Select{Span: at, Items: []Item{{X: &Star{Span: n.Span}}}, From: &Table{Span: n.Span, Name: n}}}
	case p.word("AS"):
		c.Query = p.query()
	default:
		p.unexpected("FROM or AS")
	}
	if t := p.cur(); !t.is("WITH") {
		p.unexpected("WITH")
	}
	p.createTable(c)
}

// createStream takes name [OPTIONS options] INSERT ....
func (p *parser) createStream(start Span) Statement {
	c := &CreateStream{Name: p.name("a name for the stream")}
	if p.word("OPTIONS") {
		c.Options = p.options()
	}
	if !p.is("INSERT") {
		p.unexpected("INSERT")
		return nil
	}
	c.Insert = p.insert()
	c.Span = p.since(start)
	return c
}

// createScan takes name ON table USING STREAM|BATCH [OPTIONS options].
func (p *parser) createScan(start Span) Statement {
	c := &CreateScan{Name: p.name("a name for the scan")}
	p.want("ON")
	c.Table = p.name("a table")
	p.want("USING")
	switch p.anyWord("STREAM", "BATCH") {
	case "BATCH":
		c.Batch = true
	case "":
		p.unexpected("STREAM or BATCH")
	}
	if p.word("OPTIONS") {
		c.Options = p.options()
	}
	c.Span = p.since(start)
	return c
}

// formatEncode takes f ENCODE e [(options)] after FORMAT: the option format, and
// the connector for UPSERT.
func (p *parser) formatEncode(c *CreateTable, at Span) {
	f := p.cur()
	format := p.anyWord("PLAIN", "NATIVE", "APPEND_ONLY", "DEBEZIUM", "CANAL", "MAXWELL", "UPSERT")
	if format == "" {
		hint := arrowstream.Suggest(f.text, []string{"PLAIN", "DEBEZIUM", "UPSERT"}, "formats")
		p.fail(f.Span, "AS1101", "unexpected "+f.describe(p.src)+" after FORMAT", hint)
	}
	p.want("ENCODE")
	e := p.ident("an encoding")
	value := strings.ToLower(e.Name)
	switch format {
	case "DEBEZIUM", "CANAL", "MAXWELL":
		value = strings.ToLower(format) + "-" + value
	case "UPSERT":
		i := slices.IndexFunc(c.Options, func(o Option) bool { return o.Key == "connector" })
		if i < 0 {
			p.fail(f.Span, "AS1101", "FORMAT UPSERT needs a connector before it", "write WITH ('connector' = 'kafka', ...) FORMAT UPSERT ENCODE JSON")
		} else if name := c.Options[i].Value; !strings.HasPrefix(name, "upsert-") {
			c.Options[i].Value = "upsert-" + name
		}
	}
	c.Options = append(c.Options, Option{Key: "format", KeyAt: at, Value: value, ValueAt: f.Span.To(e.Span)})
	if p.is("(") {
		c.Options = append(c.Options, p.options()...)
	}
}

// includeTypes are the types of the facts that INCLUDE makes columns of.
var includeTypes = map[string]*Type{
	"TOPIC": {Name: "VARCHAR"}, "PARTITION": {Name: "INT"}, "OFFSET": {Name: "BIGINT"}, "TIMESTAMP": {Name: "TIMESTAMP_LTZ", Params: []int{3}},
	"KEY": {Name: "VARBINARY"}, "HEADERS": {Name: "MAP", Elem: []*Type{{Name: "VARCHAR"}, {Name: "VARBINARY"}}},
}

// include takes INCLUDE fact [AS name]: a metadata column that is only read.
func (p *parser) include() ColumnDef {
	start := p.take().Span
	fact := p.ident("a fact about the message")
	t, ok := includeTypes[strings.ToUpper(fact.Name)]
	if !ok {
		p.fail(fact.Span, "AS1504", "unknown metadata "+fact.Name, arrowstream.Suggest(strings.ToUpper(fact.Name), []string{"TOPIC", "PARTITION", "OFFSET", "TIMESTAMP", "KEY", "HEADERS"}, "metadata"))
	}
	d := ColumnDef{Name: fact, Metadata: true, MetadataKey: strings.ToLower(fact.Name), Virtual: true}
	if p.word("AS") {
		d.Name = p.ident("a column")
	}
	d.Span = p.since(start)
	if t != nil {
		d.Type = &Type{Span: fact.Span, Name: t.Name, Params: t.Params, Elem: t.Elem}
	}
	return d
}
