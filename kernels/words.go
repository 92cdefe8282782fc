package kernels

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// tokenize is the words of a text in lower case: runs of letters, marks and
// digits.
func tokenize(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	t := arrow.ListOf(textType)
	if anyNull(args) {
		return Nulls(mem, t, n), nil
	}
	s := textsOf(args[0])
	valid := strict(mem, n, args...)
	pieces := newPieces(n)
	var low []byte
	for i := range n {
		if valid.get(i) {
			from := len(low)
			low = lower(low, s.at(i))
			for rest := low[from:]; len(rest) > 0; {
				word := wordLength(rest)
				if word > 0 {
					pieces.add(rest[:word:word])
					rest = rest[word:]
					continue
				}
				_, size := utf8.DecodeRune(rest)
				rest = rest[size:]
			}
		}
		pieces.end(i)
	}
	return pieces.list(mem, valid)
}

// wordLength is the number of bytes of the word at the start of s.
func wordLength(s []byte) int {
	at := 0
	for at < len(s) {
		r, size := rune(s[at]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(s[at:])
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			break
		}
		at += size
	}
	return at
}

// ngrams is every run of so many neighbours in a list of words, joined by
// blanks; a list of fewer words has none. NULL words are passed over.
func ngrams(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	t := arrow.ListOf(textType)
	if anyNull(args) {
		return Nulls(mem, t, n), nil
	}
	l, size := listOf(args[0]), intsOf(args[1])
	words := textsOf(Column(l.values))
	valid := strict(mem, n, args...)
	pieces := newPieces(n)
	var run [][]byte
	for i := range n {
		if valid.get(i) {
			k := size.at(i)
			if k < 1 || k > maxGram {
				valid.release()
				return nil, errorf(CodeValue, "ngrams: runs of %d words: 1 to %d are possible", k, maxGram)
			}
			run = run[:0]
			for from, to := l.at(i); from < to; from++ {
				if l.values.IsValid(from) {
					run = append(run, words.at(from))
				}
			}
			for at := 0; at+int(k) <= len(run); at++ {
				pieces.add(bytes.Join(run[at:at+int(k)], []byte(" ")))
			}
		}
		pieces.end(i)
	}
	return pieces.list(mem, valid)
}

// maxGram bounds the words of an n-gram.
const maxGram = 100

func bindNgrams(f *Function, args []Arg) (*Binding, error) {
	elem, ok := elemOf(args[0].Type)
	if !ok && !isNull(args[0].Type) || ok && !isText(elem) || !accepts(args[1], int64Type) {
		return nil, f.mismatch(args)
	}
	return &Binding{Args: []arrow.DataType{arrow.ListOf(textType), int64Type}, Out: arrow.ListOf(textType), Fails: true, Kernel: ngrams}, nil
}

// strToMap is STR_TO_MAP(s[, pair separator[, key separator]]): a map of texts. A
// pair without a separator is a key whose value is NULL; of equal keys the last
// value counts. Separators are texts, no patterns, and may not be empty.
func strToMap(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	t := arrow.MapOf(textType, textType)
	if anyNull(args) {
		return Nulls(mem, t, n), nil
	}
	seps := [2]textArg{}
	given := [2]bool{}
	for k, d := range args[1:] {
		seps[k], given[k] = textsOf(d), true
	}
	separator := func(k, i int, def string) []byte {
		if given[k] {
			return seps[k].at(i)
		}
		return []byte(def)
	}
	s := textsOf(args[0])
	valid := strict(mem, n, args...)
	keys, values := newPieces(n), newPieces(n)
	var missing []int
	for i := range n {
		if valid.get(i) {
			pair, inner := separator(0, i, ","), separator(1, i, "=")
			if len(pair) == 0 || len(inner) == 0 {
				valid.release()
				return nil, errorf(CodeValue, "str_to_map: a separator is empty")
			}
			at := map[string]int{}
			for rest, more := s.at(i), true; more; {
				var one []byte
				one, rest, more = bytes.Cut(rest, pair)
				key, value, ok := bytes.Cut(one, inner)
				k, twice := at[string(key)]
				if !twice {
					k = len(keys.texts)
					at[string(key)] = k
					keys.add(key)
					values.add(value)
				}
				if values.texts[k] = value; !ok {
					values.texts[k] = nil
				}
			}
		}
		keys.end(i)
	}
	for k, v := range values.texts {
		if v == nil {
			missing = append(missing, k)
		}
	}
	kids := make([]arrow.Array, 2)
	defer func() { releaseAll(kids) }()
	var err error
	if kids[0], err = keys.column(mem); err == nil {
		there := noNulls(mem, len(values.texts))
		for _, k := range missing {
			there.null(k)
		}
		out := newText(mem, len(values.texts), 8*len(values.texts))
		for k, b := range values.texts {
			out.put(k, append(out.tail(), b...))
		}
		kids[1], err = out.finish(textType, there)
	}
	if err != nil {
		valid.release()
		return nil, err
	}
	return newMap(mem, t, valid, keys.ends, kids), nil
}

// newMap builds a map column out of its keys and values, which it borrows, and
// takes over valid.
func newMap(mem memory.Allocator, t *arrow.MapType, valid validity, ends []int32, kids []arrow.Array) arrow.Array {
	entries := newArray(t.Elem(), kids[0].Len(), 0, []*memory.Buffer{nil}, kids...)
	defer entries.Release()
	if valid.nulls == 0 {
		valid.release()
	}
	off, out := unset[int32](mem, len(ends))
	copy(out, ends)
	return newArray(t, valid.n, valid.nulls, []*memory.Buffer{valid.buf, off}, entries)
}
