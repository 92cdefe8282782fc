package arrowstream

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// BadRow is the policy for rows that cannot be decoded, or of which something
// cannot be computed.
type BadRow int

const (
	// FailOnBadRow ends the run with an error that names the place.
	FailOnBadRow BadRow = iota
	// SkipBadRow counts the row and goes on.
	SkipBadRow
	// DeadLetterBadRow sends the row to the side output "errors" of its source
	// or stage and goes on; see [Stream.OnError].
	DeadLetterBadRow
)

// UnmarshalText reads the policy as an option: fail or skip. Dead letters need
// a place to go to, which an option of a source cannot name.
func (p *BadRow) UnmarshalText(text []byte) error {
	switch strings.ToLower(string(text)) {
	case "fail":
		*p = FailOnBadRow
	case "skip":
		*p = SkipBadRow
	default:
		return errors.New("use fail or skip")
	}
	return nil
}

// Bounds of the bad rows that a partition holds.
const (
	maxRaw      = 64 << 10 // bytes kept of a row
	maxRejected = 1 << 20  // bytes kept by a partition, from which it hands them over
	maxReasons  = 64       // that are counted apart
)

// Rejected is a row that a source has left out because it cannot decode it.
type Rejected struct {
	Before int    // rows of the batch in front of it
	Raw    []byte // its bytes, at most 64 KiB of them
	Err    *DataError
}

// Rejecting is implemented by partitions that leave out rows they cannot
// decode. Read of such a partition may return no batch and no error when there
// is nothing but dead letters at hand.
type Rejecting interface {
	// Rejects are the rows left out; nil if there can be none.
	Rejects() *Rejects
}

// Rejects is what a partition does with rows that it cannot decode. Skipped may
// be called at any time, the other methods by the goroutine that reads.
type Rejects struct {
	policy BadRow
	limit  int
	rows   []Rejected
	size   int

	mu      sync.Mutex
	skipped int64
	reasons map[string]Reason
}

// Reason says how many rows were skipped for one reason.
type Reason struct {
	Rows int64
	Last *DataError // the last one
}

// Warning says it in words.
func (r Reason) Warning(code string) string {
	return fmt.Sprintf("%d rows skipped [%s], the last: %s", r.Rows, code, r.Last)
}

// Rejects returns the rejects of one partition of a source whose option says
// what to do with bad rows. The pipeline may say otherwise.
func (env SourceEnv) Rejects(option BadRow) *Rejects {
	if env.OnBadRow != FailOnBadRow {
		option = env.OnBadRow
	}
	r := &Rejects{policy: option, limit: env.BatchRows, reasons: map[string]Reason{}}
	if r.limit <= 0 {
		r.limit = 8192
	}
	return r
}

// Add leaves out a row behind the first rows of the next batch, and reports
// whether that is allowed: if not, err ends the run. raw is copied, err is kept.
func (r *Rejects) Add(before int, raw []byte, err *DataError) bool {
	switch r.policy {
	case SkipBadRow:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.skipped++
		code := err.Code()
		if reason, known := r.reasons[code]; known || len(r.reasons) < maxReasons {
			r.reasons[code] = Reason{Rows: reason.Rows + 1, Last: err}
		}
	case DeadLetterBadRow:
		raw = bytes.Clone(raw[:min(len(raw), maxRaw)])
		r.rows = append(r.rows, Rejected{Before: before, Raw: raw, Err: err})
		r.size += len(raw)
	default:
		return false
	}
	return true
}

// Remove leaves out rows of the batch that was read last, of which each bad[i]
// has the number Before, and reports whether that is allowed.
func (r *Rejects) Remove(bad []Rejected) bool {
	for _, b := range slices.Backward(bad) {
		if r.policy != DeadLetterBadRow {
			if !r.Add(b.Before, b.Raw, b.Err) {
				return false
			}
			continue
		}
		at := 0
		for at < len(r.rows) && r.rows[at].Before <= b.Before {
			at++
		}
		for i := range r.rows[at:] {
			r.rows[at+i].Before--
		}
		r.rows = slices.Insert(r.rows, at, b)
		r.size += len(b.Raw)
	}
	return true
}

// Skip counts a row that is left out and is no bad one.
func (r *Rejects) Skip() {
	r.mu.Lock()
	r.skipped++
	r.mu.Unlock()
}

// Pending reports whether there are dead letters to hand over.
func (r *Rejects) Pending() bool { return len(r.rows) > 0 }

// Full reports whether so many dead letters are held that the batch must end.
func (r *Rejects) Full() bool { return len(r.rows) >= r.limit || r.size >= maxRejected }

// Take returns the dead letters in front of, between and behind the rows of a
// batch of so many rows. Others belong to the next one.
func (r *Rejects) Take(rows int) []Rejected {
	n := 0
	for n < len(r.rows) && r.rows[n].Before <= rows {
		r.size -= len(r.rows[n].Raw)
		n++
	}
	if n == 0 {
		return nil
	}
	taken := r.rows[:n:n]
	r.rows = append([]Rejected(nil), r.rows[n:]...)
	r.Fit(rows, 0)
	return taken
}

// Fit says that of the first rows of the next batch only so many are left.
func (r *Rejects) Fit(rows, left int) { fit(r.rows, rows, left) }

func fit(bad []Rejected, rows, left int) {
	for i := range bad {
		if b := &bad[i]; b.Before >= rows {
			b.Before += left - rows
		} else {
			b.Before = min(b.Before, left)
		}
	}
}

// Skipped is the number of rows left out without leaving a dead letter.
func (r *Rejects) Skipped() int64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}

// count adds the rows skipped by the code of their error.
func (r *Rejects) count(into map[string]Reason) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for code, reason := range r.reasons {
		reason.Rows += into[code].Rows
		into[code] = reason
	}
}
