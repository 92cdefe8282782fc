package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// regexpCount is the number of matches that do not overlap; an empty match
// counts, once at each place.
func regexpCount(constant *pattern) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, int32Type, n), nil
		}
		s, p := textsOf(args[0]), patterns{constant: constant, arg: textsOf(args[1])}
		valid := strict(mem, n, args...)
		buf, out := fixed[int32](mem, n)
		for i := range out {
			if !valid.get(i) {
				continue
			}
			re, err := p.at(i)
			if err != nil {
				giveUp(valid, buf)
				return nil, err
			}
			if re.match(s.at(i)) {
				out[i] = int32(len(re.FindAllIndex(s.at(i), -1)))
			}
		}
		return finish(int32Type, valid, buf), nil
	}
}

// regexpExtractAll is the text of a group of every match as a list: group 1
// unless given, the whole match for a pattern without groups. A group that takes
// no part in a match is an empty text.
func regexpExtractAll(constant *pattern) Kernel {
	t := arrow.ListOf(textType)
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		s, p := textsOf(args[0]), patterns{constant: constant, arg: textsOf(args[1])}
		valid := strict(mem, n, args...)
		pieces := newPieces(n)
		for i := range n {
			if valid.get(i) {
				re, err := p.at(i)
				group := 1
				if err == nil && len(args) == 3 {
					group = int(min(max(intsOf(args[2]).at(i), -1), 1<<20))
					if group < 0 || group > re.NumSubexp() {
						err = errorf(CodeValue, "regexp_extract_all: no group %d in %q, which has %d", group, cut(re.String()), re.NumSubexp())
					}
				}
				if err != nil {
					valid.release()
					return nil, err
				}
				group = min(group, re.NumSubexp())
				text := s.at(i)
				if re.match(text) {
					for _, m := range re.FindAllSubmatchIndex(text, -1) {
						if m[2*group] < 0 {
							pieces.add(nil)
							continue
						}
						pieces.add(text[m[2*group]:m[2*group+1]])
					}
				}
			}
			pieces.end(i)
		}
		return pieces.list(mem, valid)
	}
}

// textPieces collects the texts of the lists of a column.
type textPieces struct {
	texts [][]byte
	ends  []int32
}

func newPieces(n int) *textPieces { return &textPieces{ends: make([]int32, n+1)} }

// add adds a piece, which is borrowed until list, to the row at hand.
func (p *textPieces) add(b []byte) { p.texts = append(p.texts, b) }

// end ends row i.
func (p *textPieces) end(i int) { p.ends[i+1] = int32(len(p.texts)) }

// column is all pieces below each other.
func (p *textPieces) column(mem memory.Allocator) (arrow.Array, error) {
	out := newText(mem, len(p.texts), 8*len(p.texts))
	for k, b := range p.texts {
		out.put(k, append(out.tail(), b...))
	}
	return out.finish(textType, noNulls(mem, len(p.texts)))
}

// list is a list of the pieces of each row. It takes over valid.
func (p *textPieces) list(mem memory.Allocator, valid validity) (arrow.Array, error) {
	values, err := p.column(mem)
	if err != nil {
		valid.release()
		return nil, err
	}
	defer values.Release()
	return newList(mem, arrow.ListOf(textType), valid, p.ends, values), nil
}
