package sql_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// sltRecord is one record of a file of testdata/slt, or of a block of the
// language slt in a page of docs/sql: a line with a verb, lines of SQL or of
// rows, and up to the next blank line what is expected.
//
//	case TITLE            begins anew, without tables
//	statement ok          SQL that is kept for what follows
//	statement error RE    SQL that fails, by a code or a regular expression
//	query TYPES [rowsort] SQL, the line ----, the rows; rowsort sorts them
//	query error RE        SQL that fails when it is planned or when it runs
//	ingest TABLE          rows, which a table with the connector slt gets
//
// TYPES is a letter per column: I integers, R floats, N decimals, T text,
// X bytes, B truth, D dates, P timestamps, V intervals, L others. A record behind
// the line "onlyif bounded", or streaming, is left out in the other mode; skipif
// is its opposite. "skipif crashes" before changes compares nothing where a
// stream crashes though nobody asked for it. A case with one of the verbs below is a stream: its
// statements are one job, which starts at the first row.
//
//	watermark TABLE TIME  a row of that time plus the delay, else of nulls
//	clock DURATION        processing time goes on
//	end [TABLE]           the tables end, or that one
//	changes NAME          what INSERT INTO NAME wrote since the last look
//	counts late N ...     rows that the ended job has counted: late, skipped or
//	                      unwindowed; not looked at after a crash
//	crash                 the job dies, and stays down until restart
//	edit                  text of its statements, the line ----, what stands there
//	                      from the restart on
//	restart [workers N]   it goes on from its last epoch
//	fails RE              the job has ended by an error
//
// A table WITH ('partitions'='2') of a stream has the partitions TABLE/0 and
// TABLE/1, which stand in the place of TABLE.
type sltRecord struct {
	lead []string // blank lines, comments and conditions before it
	line int
	verb string
	args []string
	only string // bounded or streaming
	calm bool   // nothing is compared in the way with crashes
	sql  string
	rows []string
}

// sltVerbs are the verbs, true for those of streams.
var sltVerbs = map[string]bool{
	"case": false, "statement": false, "query": false, "ingest": false,
	"watermark": true, "clock": true, "end": true, "changes": true, "counts": true, "crash": true, "edit": true, "restart": true, "fails": true,
}

// sltBodies are the verbs with lines of SQL or of rows.
var sltBodies = map[string]bool{"statement": true, "query": true, "ingest": true, "changes": true, "edit": true}

// arg is the i-th word behind the verb, empty if there is none.
func (r *sltRecord) arg(i int) string {
	if i < len(r.args) {
		return r.args[i]
	}
	return ""
}

// pattern is the regular expression behind "error".
func (r *sltRecord) pattern() string { return strings.Join(r.args[1:], " ") }

// in reports whether the record takes part in a mode.
func (r *sltRecord) in(mode string) bool { return r.only == "" || r.only == mode }

// restrict leaves the record out of all modes but one.
func (r *sltRecord) restrict(mode string) {
	if r.only == "" {
		r.only = mode
		r.lead = append(r.lead, "onlyif "+mode)
	}
}

// sltCase is a run of records that share tables.
type sltCase struct {
	title   string
	records []*sltRecord
	stream  bool
	tail    []string // lines behind the last record
}

// readSLT reads the cases of a file. Of a page they are its blocks of the
// language slt, each of which begins with a case; all around them is kept as
// comments are.
func readSLT(file string) ([]*sltCase, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	cases := []*sltCase{{title: "begin"}}
	r := &sltRecord{}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	page := strings.HasSuffix(file, ".md")
	outside := page
	for i := 0; i < len(lines); i++ {
		if lang, ok := strings.CutPrefix(lines[i], fence); page && ok {
			if outside = lang != "slt"; !outside && (i+1 == len(lines) || !strings.HasPrefix(lines[i+1], "case ")) {
				return nil, fmt.Errorf("%s:%d: the block does not begin with a case", file, i+1)
			}
			r.lead = append(r.lead, lines[i])
			continue
		}
		words := strings.Fields(lines[i])
		if outside || len(words) == 0 || words[0][0] == '#' {
			r.lead = append(r.lead, lines[i])
			continue
		}
		if words[0] == "onlyif" || words[0] == "skipif" {
			other := map[string]string{"bounded": "streaming", "streaming": "bounded"}
			switch {
			case len(words) == 2 && words[0] == "skipif" && words[1] == "crashes":
				r.calm = true
			case len(words) != 2 || other[words[1]] == "":
				return nil, fmt.Errorf("%s:%d: %s bounded or streaming", file, i+1, words[0])
			case words[0] == "skipif":
				r.only = other[words[1]]
			default:
				r.only = words[1]
			}
			r.lead = append(r.lead, lines[i])
			continue
		}
		stream, known := sltVerbs[words[0]]
		if !known {
			return nil, fmt.Errorf("%s:%d: unknown verb %q", file, i+1, words[0])
		}
		r.line, r.verb, r.args = i+1, words[0], words[1:]
		body := i + 1
		for sltBodies[r.verb] && i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != "" && lines[i+1] != fence {
			i++
		}
		r.fill(lines[body : i+1])
		if r.verb == "case" {
			cases = append(cases, &sltCase{title: strings.Join(r.args, " ")})
		}
		c := cases[len(cases)-1]
		c.records, c.stream = append(c.records, r), c.stream || stream
		r = &sltRecord{}
	}
	cases[len(cases)-1].tail = r.lead
	return cases, nil
}

// fence begins and ends a block of a page.
const fence = "```"

// fill takes the lines behind the verb.
func (r *sltRecord) fill(lines []string) {
	switch r.verb {
	case "statement", "query", "edit":
		cut := slices.Index(lines, "----")
		if cut < 0 {
			cut = len(lines)
		}
		r.sql = strings.TrimRight(strings.Join(lines[:cut], "\n"), "; \n")
		r.rows = slices.Clone(lines[min(cut+1, len(lines)):])
	default:
		r.rows = slices.Clone(lines)
	}
}

// writeSLT is the inverse of readSLT.
func writeSLT(file string, cases []*sltCase) error {
	var sb strings.Builder
	for _, c := range cases {
		for _, r := range c.records {
			for _, l := range r.lead {
				sb.WriteString(l + "\n")
			}
			sb.WriteString(strings.Join(append([]string{r.verb}, r.args...), " ") + "\n")
			if r.sql != "" {
				sb.WriteString(r.sql + "\n")
			}
			if r.verb == "query" && r.arg(0) != "error" || r.verb == "edit" {
				sb.WriteString("----\n")
			}
			for _, row := range r.rows {
				sb.WriteString(row + "\n")
			}
		}
		for _, l := range c.tail {
			sb.WriteString(l + "\n")
		}
	}
	return os.WriteFile(file, []byte(sb.String()), 0o666)
}
