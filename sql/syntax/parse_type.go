package syntax

import (
	"fmt"
	"slices"

	"github.com/arrowstream/arrowstream"
)

// typeNames maps every accepted type name to its canonical one.
var typeNames = map[string]string{
	"BOOLEAN": "BOOLEAN", "BOOL": "BOOLEAN",
	"TINYINT": "TINYINT", "BYTE": "TINYINT", "SMALLINT": "SMALLINT", "SHORT": "SMALLINT", "INT2": "SMALLINT",
	"INT": "INT", "INTEGER": "INT", "INT4": "INT", "BIGINT": "BIGINT", "LONG": "BIGINT",
	"UINT8": "TINYINT UNSIGNED", "UINT16": "SMALLINT UNSIGNED", "UINT32": "INT UNSIGNED", "UINT64": "BIGINT UNSIGNED",
	"FLOAT": "FLOAT", "REAL": "FLOAT", "FLOAT4": "FLOAT", "DOUBLE": "DOUBLE", "FLOAT8": "DOUBLE",
	"DECIMAL": "DECIMAL", "NUMERIC": "DECIMAL", "DEC": "DECIMAL",
	"VARCHAR": "VARCHAR", "STRING": "VARCHAR", "TEXT": "VARCHAR", "CHAR": "VARCHAR", "CHARACTER": "VARCHAR",
	"VARBINARY": "VARBINARY", "BYTES": "VARBINARY", "BINARY": "VARBINARY", "BYTEA": "VARBINARY",
	"DATE": "DATE", "TIME": "TIME",
	"TIMESTAMP": "TIMESTAMP", "DATETIME": "TIMESTAMP", "TIMESTAMP_NTZ": "TIMESTAMP", "TIMESTAMP_LTZ": "TIMESTAMP_LTZ", "TIMESTAMPTZ": "TIMESTAMP_LTZ",
	"INTERVAL": "INTERVAL", "ARRAY": "ARRAY", "VECTOR": "VECTOR", "MAP": "MAP", "ROW": "ROW", "STRUCT": "ROW", "JSON": "JSON", "VARIANT": "JSON",
}

// typ takes a type in any accepted spelling.
func (p *parser) typ() *Type {
	p.enter()
	defer p.leave()
	t := p.cur()
	name, ok := typeNames[t.up]
	if t.kind != tokIdent || !ok {
		if t.kind != tokIdent {
			p.unexpected("a type")
		} else if t.up == "INT8" {
			p.fail(t.Span, "AS1301", "type INT8 is ambiguous: 64 bits in PostgreSQL, 8 bits elsewhere", "write BIGINT or TINYINT")
		} else {
			var names []string
			for n := range typeNames {
				names = append(names, n)
			}
			slices.Sort(names)
			p.fail(t.Span, "AS1301", fmt.Sprintf("unknown type %q", cut(t.text)), arrowstream.Suggest(t.up, names, "types"))
		}
		return &Type{Span: t.Span}
	}
	p.take()
	out := &Type{Name: name, NoZone: t.up == "TIMESTAMP_NTZ"}
	switch name {
	case "DOUBLE":
		p.word("PRECISION")
	case "VARCHAR":
		p.word("VARYING")
	case "INTERVAL":
		p.intervalType(out)
	case "ARRAY":
		out.Elem = p.typeArgs(1)
	case "MAP":
		out.Elem = p.typeArgs(2)
	case "ROW":
		p.rowFields(out)
	}
	if len(out.Elem) == 0 && len(out.Fields) == 0 && p.is("(") {
		p.typeParams(out)
	}
	switch name {
	case "TIMESTAMP", "TIME":
		switch {
		case p.word("WITHOUT", "TIME", "ZONE"):
			out.NoZone = name == "TIMESTAMP"
		case name == "TIMESTAMP" && (p.word("WITH", "LOCAL", "TIME", "ZONE") || p.word("WITH", "TIME", "ZONE")):
			out.Name = "TIMESTAMP_LTZ"
		}
	case "TINYINT", "SMALLINT", "INT", "BIGINT":
		if p.word("UNSIGNED") {
			out.Name += " UNSIGNED"
		}
	}
	for n := 0; !p.failed; n++ {
		if p.word("[", "]") || p.word("ARRAY") {
			out.Span = p.since(t.Span)
			out = &Type{Name: "ARRAY", Elem: []*Type{out}}
		} else {
			break
		}
		if n > 16 {
			p.fail(t.Span, "AS1107", "nested too deeply", "")
		}
	}
	out.Span = p.since(t.Span)
	return out
}

// intervalType takes YEAR TO MONTH or DAY TO SECOND.
func (p *parser) intervalType(out *Type) {
	out.Name = "INTERVAL DAY TO SECOND"
	switch p.anyWord("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND") {
	case "YEAR", "MONTH":
		out.Name = "INTERVAL YEAR TO MONTH"
	}
	if p.word("TO") {
		p.anyWord("MONTH", "HOUR", "MINUTE", "SECOND")
	}
}

func (p *parser) typeParams(out *Type) {
	open := p.take().Span
	for {
		if out.Name == "VECTOR" && p.anyWord("FLOAT", "DOUBLE") != "" {
			if p.toks[p.i-1].up == "FLOAT" {
				out.Elem = []*Type{{Span: p.last, Name: "FLOAT"}}
			}
		} else {
			out.Params = append(out.Params, p.integer("a number"))
		}
		if !p.op(",") {
			break
		}
	}
	p.closing(")", open)
}

// typeArgs takes <T, ...>.
func (p *parser) typeArgs(n int) []*Type {
	if !p.op("<") {
		p.unexpected("<")
		return nil
	}
	out := []*Type{p.typ()}
	for len(out) < n {
		p.want(",")
		out = append(out, p.typ())
	}
	p.closeAngle()
	return out
}

// closeAngle takes >, also as the first half of >>.
func (p *parser) closeAngle() {
	if p.is(">>") {
		p.toks[p.i].text = ">"
		p.toks[p.i].Start++
		return
	}
	p.want(">")
}

// rowFields takes <a T, ...>, <a: T, ...> or (a T, ...).
func (p *parser) rowFields(out *Type) {
	round := p.is("(")
	if !round && !p.is("<") {
		p.unexpected("<")
		return
	}
	p.take()
	for {
		f := TypeField{Name: p.ident("a field")}
		p.op(":")
		f.Type = p.typ()
		out.Fields = append(out.Fields, f)
		if !p.op(",") {
			break
		}
	}
	if round {
		p.want(")")
	} else {
		p.closeAngle()
	}
}
