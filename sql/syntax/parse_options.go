package syntax

import "strings"

// options takes ( key [=] value, ... ).
func (p *parser) options() []Option {
	open := p.cur().Span
	p.want("(")
	var out []Option
	seen := map[string]bool{}
	for !p.failed && !p.is(")") {
		o := p.option()
		if seen[o.Key] && !p.failed {
			p.fail(o.KeyAt, "AS1108", "option "+cut(o.Key)+" is written twice", "keep one of them")
		}
		seen[o.Key] = true
		out = append(out, o)
		if !p.op(",") {
			break
		}
	}
	p.closing(")", open)
	return out
}

func (p *parser) option() Option {
	t := p.cur()
	var o Option
	switch {
	case t.kind == tokString:
		p.take()
		o.Key = t.text
	case isName(t):
		var sb strings.Builder
		sb.WriteString(p.ident("an option").Name)
		for p.is(".") || p.is("-") {
			sep := p.take()
			sb.WriteString(sep.text)
			sb.WriteString(p.ident("the rest of the option's name").Name)
		}
		o.Key = sb.String()
	default:
		p.unexpected("an option")
	}
	o.Key = strings.ToLower(o.Key)
	o.KeyAt = p.since(t.Span)
	if !p.op("=") {
		p.op("=>")
	}
	v := p.cur()
	if p.is("[") || p.is("ARRAY", "[") {
		p.word("ARRAY")
		open := p.take().Span
		o.IsList = true
		for !p.failed && !p.is("]") {
			o.List = append(o.List, p.optionValue())
			if !p.op(",") {
				break
			}
		}
		p.closing("]", open)
		o.Value = strings.Join(o.List, ",")
	} else {
		o.Value = p.optionValue()
	}
	o.ValueAt = p.since(v.Span)
	return o
}

// optionValue takes a string, a number or TRUE/FALSE.
func (p *parser) optionValue() string {
	t := p.cur()
	switch {
	case t.kind == tokString, t.kind == tokDouble, t.kind == tokNumber:
		p.take()
		return t.text
	case t.is("-") && p.at(1).kind == tokNumber:
		p.take()
		return "-" + p.take().text
	case t.is("TRUE"), t.is("FALSE"):
		p.take()
		return strings.ToLower(t.up)
	case t.kind == tokIdent, t.kind == tokQuoted:
		p.fail(t.Span, "AS1105", "option value "+t.describe(p.src)+" is not quoted", "write '"+t.text+"'")
		return ""
	}
	p.unexpected("a value: a string, a number, TRUE or FALSE")
	return ""
}

// Substitute replaces ${NAME} and ${NAME:-default} in the value of an option
// or a setting. lookup returns a parameter; missing is the first name that has
// neither value nor default. $${ stands for ${ itself.
func Substitute(value string, lookup func(name string) (string, bool)) (text, missing string) {
	if !strings.Contains(value, "${") {
		return value, ""
	}
	var sb strings.Builder
	for {
		i := strings.Index(value, "${")
		if i < 0 {
			break
		}
		if i > 0 && value[i-1] == '$' {
			sb.WriteString(value[:i-1] + "${")
			value = value[i+2:]
			continue
		}
		end := strings.IndexByte(value[i:], '}')
		if end < 0 {
			break
		}
		sb.WriteString(value[:i])
		name, def, hasDefault := strings.Cut(value[i+2:i+end], ":-")
		v, ok := "", false
		if lookup != nil {
			v, ok = lookup(name)
		}
		switch {
		case ok && (v != "" || !hasDefault):
			sb.WriteString(v)
		case hasDefault:
			sb.WriteString(def)
		case missing == "":
			missing = name
		}
		value = value[i+end+1:]
	}
	sb.WriteString(value)
	return sb.String(), missing
}
