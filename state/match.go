package state

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Diff is how a job differs from the one a store belongs to. Parts are matched
// by UID, and written as "stage uid (kind)".
type Diff struct {
	Kept, New, Dropped []string
	// Incompatible parts have the UID of an old one but are something else;
	// the reason follows the name. Sources that are new or dropped are here
	// too: positions in one input mean nothing in another.
	Incompatible []string

	program bool // the text has changed
}

// Same reports whether the job can go on without any permission.
func (d Diff) Same() bool { return len(d.New)+len(d.Dropped)+len(d.Incompatible) == 0 }

// String lists the differences, one a line.
func (d Diff) String() string {
	var sb strings.Builder
	for _, l := range []struct {
		word  string
		names []string
	}{{"kept", d.Kept}, {"new", d.New}, {"dropped", d.Dropped}, {"incompatible", d.Incompatible}} {
		for _, n := range l.names {
			fmt.Fprintf(&sb, "%-12s %s\n", l.word, n)
		}
	}
	if d.program {
		sb.WriteString("the text of the program has changed\n")
	}
	return sb.String()
}

// compare matches the parts of a job with those of the store.
func compare(old, job *manifest) Diff {
	d := Diff{program: old.Program != job.Program}
	d.parts("stage", old.Stages, job.Stages)
	d.parts("source", old.Sources, job.Sources)
	d.parts("sink", old.Sinks, job.Sinks)
	d.parts("code", old.Code, job.Code)
	return d
}

func (d *Diff) parts(word string, old, job []part) {
	label := func(p *part) string { return fmt.Sprintf("%s %s (%s)", word, p.UID, p.Kind) }
	for i := range job {
		p := &job[i]
		switch q := find(old, p.UID); {
		case q == nil && word == "source":
			d.Incompatible = append(d.Incompatible, label(p)+": the state has no such source")
		case q == nil && word == "code": // has no state
		case q == nil:
			d.New = append(d.New, label(p))
		default:
			if why := incompatible(q, p); why != "" {
				d.Incompatible = append(d.Incompatible, label(p)+": "+why)
			} else {
				d.Kept = append(d.Kept, label(p))
			}
		}
	}
	for i := range old {
		switch q := &old[i]; {
		case find(job, q.UID) != nil:
		case word == "code":
		case word == "source":
			d.Incompatible = append(d.Incompatible, label(q)+": the program does not read it any more")
		default:
			d.Dropped = append(d.Dropped, label(q))
		}
	}
}

func find(parts []part, uid string) *part {
	for i := range parts {
		if parts[i].UID == uid {
			return &parts[i]
		}
	}
	return nil
}

// incompatible says why p cannot take over from q; "" if it can. Between two
// runs a schema may gain nullable columns and its integers may widen.
func incompatible(q, p *part) string {
	if q.Kind != p.Kind {
		return fmt.Sprintf("it was %s %s", article(q.Kind), q.Kind)
	}
	if q.Config != "" && p.Config != "" && q.Config != p.Config {
		return fmt.Sprintf("it had other options:\n  was %s\n  is  %s", q.Config, p.Config)
	}
	old, err := q.schema()
	if err != nil {
		return err.Error()
	}
	now, err := p.schema()
	if err != nil {
		return err.Error()
	}
	if old == nil || now == nil {
		if old != now {
			return "one of both has no schema"
		}
		return ""
	}
	for _, f := range old.Fields() {
		n, ok := now.FieldsByName(f.Name)
		switch {
		case !ok:
			return fmt.Sprintf("column %s is gone", f.Name)
		case !widens(f.Type, n[0].Type):
			return fmt.Sprintf("column %s was %s and is %s", f.Name, f.Type, n[0].Type)
		case f.Nullable && !n[0].Nullable:
			return fmt.Sprintf("column %s may hold nulls", f.Name)
		}
	}
	for _, n := range now.Fields() {
		if _, ok := old.FieldsByName(n.Name); !ok && !n.Nullable {
			return fmt.Sprintf("column %s is new and cannot be null", n.Name)
		}
	}
	return ""
}

func article(noun string) string {
	if noun != "" && strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an"
	}
	return "a"
}

// widens reports whether every value of a is one of b.
func widens(a, b arrow.DataType) bool {
	if arrow.TypeEqual(a, b) {
		return true
	}
	x, ok := a.(arrow.FixedWidthDataType)
	if !ok {
		return false
	}
	y, ok := b.(arrow.FixedWidthDataType)
	if !ok {
		return false
	}
	signed, unsigned := arrow.IsSignedInteger, arrow.IsUnsignedInteger
	return (signed(a.ID()) && signed(b.ID()) || unsigned(a.ID()) && unsigned(b.ID())) && x.BitWidth() < y.BitWidth()
}

// refuse is the error of a job that the store does not take.
func (d Diff) refuse(path string, allowNew, allowDrop bool) error {
	var missing []string
	if len(d.New) > 0 && !allowNew {
		missing = append(missing, "--allow-new-state")
	}
	if len(d.Dropped) > 0 && !allowDrop {
		missing = append(missing, "--allow-drop-state")
	}
	if len(d.Incompatible) == 0 && len(missing) == 0 {
		return nil
	}
	hint := "run the old program, or start with an empty state"
	if len(d.Incompatible) == 0 {
		hint = strings.Join(missing, " and ") + " would go on with the program as it is now"
	}
	return &arrowstream.Error{
		Code: "AS5008", Msg: "state: " + path + " is of another program:\n" + d.String(), Hint: hint,
	}
}
