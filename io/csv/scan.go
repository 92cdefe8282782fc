package csv

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/arrowstream/arrowstream/internal/filetable"
)

// field is one field of a row in the data it was scanned from.
type field struct {
	start, end int
	quoted     bool
	escaped    bool // holds doubled or escaped quotes
}

// record is one scanned row.
type record struct {
	fields []field
	blank  bool // an empty line, or a comment
	lines  int  // line ends in the row, its own included
}

// scan reads the row at the start of data into r and returns how many bytes
// it takes with its line end. Without eof, a row that touches the end of data
// is [filetable.ErrMore]. After any other error r holds what was scanned before.
func (d *dialect) scan(data []byte, eof bool, r *record) (n int, err error) {
	r.fields = r.fields[:0]
	r.blank, r.lines = false, 1
	if len(data) > 0 && (data[0] == d.comment && d.comment != 0 || data[0] == '\n') {
		return d.skip(data, eof, r)
	}
	for i := 0; ; {
		if len(r.fields) == maxColumns {
			return i, fmt.Errorf("more than %d fields", maxColumns)
		}
		f := field{start: i}
		if d.quote != 0 && i < len(data) && data[i] == d.quote {
			if i, err = d.quotedField(data, eof, &f, r); err != nil {
				return i, err
			}
		} else {
			for i < len(data) && !d.special[data[i]] {
				i++
			}
			// A carriage return without a line feed is part of the field.
			for i < len(data) && data[i] == '\r' && (i+1 < len(data) && data[i+1] != '\n') {
				i++
				for i < len(data) && !d.special[data[i]] {
					i++
				}
			}
			f.end = i
		}
		if f.end-f.start > maxField {
			return i, fmt.Errorf("field %d is longer than %d bytes", len(r.fields)+1, maxField)
		}
		r.fields = append(r.fields, f)
		switch {
		case i == len(data):
			if !eof {
				return 0, filetable.ErrMore
			}
			return i, d.end(r)
		case data[i] == d.delim:
			i++
		case data[i] == '\n':
			return i + 1, d.end(r)
		default: // a carriage return, at the end or before a line feed
			if i+1 == len(data) && !eof {
				return 0, filetable.ErrMore
			}
			return min(i+2, len(data)), d.end(r)
		}
	}
}

// end finishes a row: one bare field without text is an empty line.
func (d *dialect) end(r *record) error {
	if len(r.fields) == 1 && !r.fields[0].quoted && r.fields[0].start == r.fields[0].end {
		r.blank = true
	}
	return nil
}

// skip passes a comment or an empty line.
func (d *dialect) skip(data []byte, eof bool, r *record) (int, error) {
	r.blank = true
	if data[0] == '\n' {
		r.fields = append(r.fields, field{})
		return 1, nil
	}
	n := bytes.IndexByte(data, '\n')
	if n < 0 && !eof {
		return 0, filetable.ErrMore
	}
	if n < 0 {
		return len(data), nil
	}
	return n + 1, nil
}

// quotedField scans the quoted field at f.start and returns the position
// behind the closing quote.
func (d *dialect) quotedField(data []byte, eof bool, f *field, r *record) (int, error) {
	i := f.start + 1
	f.start, f.quoted = i, true
	for {
		next := bytes.IndexByte(data[i:], d.quote)
		if d.escape != d.quote && d.escape != 0 {
			if e := bytes.IndexByte(data[i:], d.escape); e >= 0 && (next < 0 || e < next) {
				if i += e + 2; i > len(data) {
					return d.open(data, eof, f)
				}
				f.escaped = true
				continue
			}
		}
		if next < 0 {
			return d.open(data, eof, f)
		}
		i += next + 1
		if i == len(data) && !eof {
			return 0, filetable.ErrMore
		}
		if i < len(data) && data[i] == d.quote && d.escape == d.quote {
			f.escaped = true
			i++
			continue
		}
		f.end = i - 1
		r.lines += bytes.Count(data[f.start:f.end], []byte{'\n'})
		if i < len(data) && data[i] != d.delim && data[i] != '\n' && data[i] != '\r' {
			return i, fmt.Errorf("field %d has text behind its closing quote", len(r.fields)+1)
		}
		if i+1 < len(data) && data[i] == '\r' && data[i+1] != '\n' {
			return i, fmt.Errorf("field %d has text behind its closing quote", len(r.fields)+1)
		}
		return i, nil
	}
}

// open is a quoted field that does not end in data.
func (d *dialect) open(data []byte, eof bool, f *field) (int, error) {
	if eof {
		return f.start - 1, errors.New("a quote is opened and never closed")
	}
	if len(data)-f.start > maxField {
		return f.start - 1, fmt.Errorf("a quote is opened and not closed within %d bytes", maxField)
	}
	return 0, filetable.ErrMore
}

// value is the text of a field; scratch is used if quotes must be removed.
func (d *dialect) value(data []byte, f field, scratch *[]byte) []byte {
	v := data[f.start:f.end]
	if !f.escaped {
		return v
	}
	b := (*scratch)[:0]
	for i := 0; i < len(v); i++ {
		if v[i] == d.escape && i+1 < len(v) && (d.escape != d.quote || v[i+1] == d.quote) {
			i++
		}
		b = append(b, v[i])
	}
	*scratch = b
	return b
}
