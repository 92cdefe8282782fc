package kernels

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// compileRegexp compiles an RE2 pattern.
func compileRegexp(text string) (*pattern, error) {
	re, err := regexp.Compile(text)
	if err == nil {
		return newPattern(re), nil
	}
	e := errorf(CodePattern, "%s", strings.Replace(err.Error(), "error parsing regexp: ", "bad regular expression: ", 1))
	for _, missing := range []struct{ sign, name string }{{"(?=", "look-ahead"}, {"(?!", "look-ahead"}, {"(?<=", "look-behind"}, {"(?<!", "look-behind"}} {
		if strings.Contains(text, missing.sign) {
			e.Hint = "RE2 has no " + missing.name
		}
	}
	for d := '1'; d <= '9'; d++ {
		if strings.Contains(text, `\`+string(d)) {
			e.Hint = "RE2 has no back-references"
		}
	}
	return nil, e
}

// patterns compiles the pattern argument of each row, one after the other.
type patterns struct {
	constant *pattern
	arg      textArg
	last     string
	re       *pattern
}

func (p *patterns) at(i int) (*pattern, error) {
	if p.constant != nil {
		return p.constant, nil
	}
	if s := p.arg.string(i); p.re == nil || s != p.last {
		re, err := compileRegexp(string(p.arg.at(i)))
		if err != nil {
			return nil, err
		}
		p.re, p.last = re, s
	}
	return p.re, nil
}

// bindRegexp compiles a constant pattern, the second argument, at bind.
func bindRegexp(out arrow.DataType, rule NullRule, make func(constant *pattern) Kernel, in ...arrow.DataType) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		b, err := scalar(out, nil, in...)(f, args)
		if err != nil {
			return nil, err
		}
		var constant *pattern
		if text, ok := args[1].stringConst(); ok {
			if constant, err = compileRegexp(text); err != nil {
				return nil, err
			}
		}
		b.Kernel, b.Nulls, b.Fails = make(constant), rule, constant == nil
		b.keepDictionaries(args)
		return b, nil
	}
}

func regexpLike(constant *pattern) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, boolType, n), nil
		}
		s, p := textsOf(args[0]), patterns{constant: constant, arg: textsOf(args[1])}
		out := newBools(mem, n)
		valid := strict(mem, n, args...)
		for i := range n {
			if !valid.get(i) {
				continue
			}
			re, err := p.at(i)
			if err != nil {
				giveUp(valid, out.buf)
				return nil, err
			}
			if re.match(s.at(i)) {
				out.bits.Set(i)
			}
		}
		return out.finish(valid), nil
	}
}

// regexpExtract is the text of a group, 1 unless given, or of the whole match
// for a pattern without groups; NULL without a match.
func regexpExtract(constant *pattern) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, textType, n), nil
		}
		s, p := textsOf(args[0]), patterns{constant: constant, arg: textsOf(args[1])}
		valid := strict(mem, n, args...)
		out := newText(mem, n, 16*n)
		for i := range n {
			if !valid.get(i) {
				out.skip(i)
				continue
			}
			re, err := p.at(i)
			group := 1
			if err == nil && len(args) == 3 {
				group = int(intsOf(args[2]).at(i))
				if group < 0 || group > re.NumSubexp() {
					err = errorf(CodeValue, "regexp_extract: no group %d in %q, which has %d", group, cut(re.String()), re.NumSubexp())
				}
			}
			if err != nil {
				out.release(valid)
				return nil, err
			}
			from, to, ok := re.group(s.at(i), min(group, re.NumSubexp()))
			if !ok {
				valid.null(i)
				out.skip(i)
				continue
			}
			out.put(i, append(out.tail(), s.at(i)[from:to]...))
		}
		return out.finish(textType, valid)
	}
}

// regexpReplace replaces every match by the third argument, in which $1 and \1
// stand for groups.
func regexpReplace(constant *pattern) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, textType, n), nil
		}
		s, p, with := textsOf(args[0]), patterns{constant: constant, arg: textsOf(args[1])}, textsOf(args[2])
		valid := strict(mem, n, args...)
		out := newText(mem, n, 16*n)
		for i := range n {
			if !valid.get(i) {
				out.skip(i)
				continue
			}
			re, err := p.at(i)
			if err != nil {
				out.release(valid)
				return nil, err
			}
			out.put(i, append(out.tail(), re.ReplaceAll(s.at(i), groupTemplate(with.at(i)))...))
		}
		return out.finish(textType, valid)
	}
}

// groupTemplate turns $1 and \1 into ${1}, which letters may follow.
func groupTemplate(s []byte) []byte {
	if !bytes.ContainsAny(s, `$\`) {
		return s
	}
	var out []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case (c == '$' || c == '\\') && i+1 < len(s) && s[i+1]-'0' <= 9:
			out = append(out, '$', '{', s[i+1], '}')
			i++
		case c == '\\' && i+1 < len(s):
			i++
			out = appendPlain(out, s[i])
		default:
			out = appendPlain(out, c)
		}
	}
	return out
}

func appendPlain(dst []byte, c byte) []byte {
	if c == '$' {
		return append(dst, '$', '$')
	}
	return append(dst, c)
}
