package kernels

import (
	"bytes"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// url is a text cut as RFC 3986, appendix B, says: a part that is missing is
// nil, one that is there and empty is not.
type url struct {
	scheme, authority, path, query, fragment []byte
}

// cutURL cuts s; ok is false for what java.net.URL and most clients refuse: no
// scheme, or blanks and control characters.
func cutURL(s []byte) (u url, ok bool) {
	for _, c := range s {
		if c <= ' ' || c == 0x7f {
			return u, false
		}
	}
	before, after := cutAt(s, '#')
	u.fragment = after
	before, u.query = cutAt(before, '?')
	colon := bytes.IndexByte(before, ':')
	if colon < 1 {
		return u, false
	}
	for i, c := range before[:colon] {
		letter := c|0x20-'a' < 26
		if !letter && (i == 0 || c-'0' > 9 && c != '+' && c != '-' && c != '.') {
			return u, false
		}
	}
	u.scheme, u.path = before[:colon], before[colon+1:]
	if bytes.HasPrefix(u.path, []byte("//")) {
		rest := u.path[2:]
		end := bytes.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		u.authority, u.path = rest[:end], rest[end:]
	}
	return u, true
}

// cutAt is s before the first c and after it, nil if there is none.
func cutAt(s []byte, c byte) (before, after []byte) {
	if i := bytes.IndexByte(s, c); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, nil
}

// host is the authority without user and port; that of an address of IPv6 keeps
// its brackets.
func (u url) host() []byte {
	h := u.authority
	if i := bytes.LastIndexByte(h, '@'); i >= 0 {
		h = h[i+1:]
	}
	if i := bytes.LastIndexByte(h, ':'); i >= 0 && i > bytes.LastIndexByte(h, ']') {
		h = h[:i]
	}
	if len(h) == 0 {
		return nil
	}
	return h
}

func (u url) user() []byte {
	if i := bytes.LastIndexByte(u.authority, '@'); i >= 0 {
		return u.authority[:i]
	}
	return nil
}

// file is the path with the query.
func (u url) file() []byte {
	if u.query == nil {
		return u.path
	}
	return bytes.Join([][]byte{u.path, u.query}, []byte("?"))
}

// urlParts are the parts that PARSE_URL knows, as in Spark and Hive.
var urlParts = map[string]func(u url) []byte{
	"HOST":      url.host,
	"PATH":      func(u url) []byte { return u.path },
	"QUERY":     func(u url) []byte { return u.query },
	"REF":       func(u url) []byte { return u.fragment },
	"PROTOCOL":  func(u url) []byte { return u.scheme },
	"FILE":      url.file,
	"AUTHORITY": func(u url) []byte { return u.authority },
	"USERINFO":  url.user,
}

// urlPart is the kernel of a part: NULL where it is missing, and for a text that
// is no URL.
func urlPart(part func(u url) []byte) Kernel {
	return tryText(textType, func(dst, s []byte) ([]byte, bool) {
		u, ok := cutURL(s)
		if !ok {
			return dst, false
		}
		p := part(u)
		return append(dst, p...), p != nil
	})
}

// urlParameter is the first value of a name in the query, as it stands there:
// URL_DECODE decodes it.
func urlParameter(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	s, name := textsOf(args[0]), textsOf(args[2])
	valid := strict(mem, n, args...)
	out := newText(mem, n, 16*n)
	for i := range n {
		if valid.get(i) {
			if v, ok := parameter(s.at(i), name.at(i)); ok {
				out.put(i, append(out.tail(), v...))
				continue
			}
			valid.null(i)
		}
		out.skip(i)
	}
	return out.finish(textType, valid)
}

// parameter is the value of a name in the query of the URL s.
func parameter(s, name []byte) (value []byte, ok bool) {
	u, ok := cutURL(s)
	for rest := u.query; ok && rest != nil; {
		var pair []byte
		pair, rest = cutAt(rest, '&')
		if key, value := cutAt(pair, '='); value != nil && bytes.Equal(key, name) {
			return value, true
		}
	}
	return nil, false
}

// bindParseURL resolves PARSE_URL(url, part[, name]).
func bindParseURL(f *Function, args []Arg) (*Binding, error) {
	part, ok := args[1].stringConst()
	if part = strings.ToUpper(part); ok && urlParts[part] == nil {
		ok = false
	}
	if !ok || len(args) == 3 && part != "QUERY" {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the part must be a constant, and a name goes with 'QUERY'", Hint: "one of 'HOST', 'PATH', 'QUERY', 'REF', 'PROTOCOL', 'FILE', 'AUTHORITY', 'USERINFO'"}
	}
	k := urlPart(urlParts[part])
	if len(args) == 3 {
		k = urlParameter
	}
	return nulls(NullPossible, texts(textType, k, textType))(f, args)
}
