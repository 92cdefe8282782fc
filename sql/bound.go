package sql

import (
	"strings"
	"time"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// keeps is what an operator on a stream that does not end remembers.
type keeps struct {
	what string        // the operator and its key: GROUP BY a, b
	way  string        // out of unbounded state, beside state.ttl
	ttl  time.Duration // 0 is for ever
	at   syntax.Span
}

// bound refuses state that grows for ever, unless that is asked for, and returns
// the line of EXPLAIN about it.
func (s *session) bound(k keeps) (note string, err error) {
	if k.ttl > 0 {
		return "state: " + k.what + ", each for " + k.ttl.String() + " after its last row", nil
	}
	way := "SET state.ttl, or SET state.unbounded = allow"
	if k.way != "" {
		way = k.way + ", " + way
	}
	switch s.setting("state.unbounded", "refuse") {
	case "refuse":
		return "", s.src.Error(k.at, "AS1401", way, "the state grows without bound: "+k.what+" on a stream that does not end")
	case "warn":
		s.warn(k.at, "AS1401", way, "the state grows without bound: "+k.what)
	}
	return "state: unbounded, " + k.what, nil
}

// ttlOf is how long the rows of the named tables are remembered: the longest
// that the hints of the query say, or the setting for tables without one; 0 is
// for ever.
func (p *block) ttlOf(tables []string) time.Duration {
	if len(tables) == 0 {
		return p.s.durationSetting("state.ttl", 0)
	}
	longest := time.Duration(0)
	for _, t := range tables {
		d, ok := p.stateTTL[strings.ToLower(t)]
		if !ok {
			d = p.s.durationSetting("state.ttl", 0)
		}
		if d == 0 {
			return 0
		}
		longest = max(longest, d)
	}
	return longest
}
