package sql

import (
	"fmt"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// refusedHint is the error of a hint behind a table that belongs elsewhere.
func (s *session) refusedHint(h syntax.Hint) error {
	return s.src.Error(h.Span, "AS1101", "write it behind SELECT: SELECT /*+ "+h.Name+"(...) */ ...", fmt.Sprintf("hint %s is about a SELECT, not about a table", h.Name))
}

// noHints refuses hints behind what is no table.
func (s *session) noHints(hints []syntax.Hint) error {
	switch {
	case len(hints) == 0:
		return nil
	case hints[0].Name == "OPTIONS":
		return s.src.Error(hints[0].Span, "AS1504", "write it behind the table that the function reads, or declare a scan: CREATE SCAN ... ON ... OPTIONS (...)", "a function in FROM has no options")
	}
	return s.refusedHint(hints[0])
}

// hints reads the hints of a SELECT.
func (p *block) hints(sel *syntax.Select) error {
	for _, h := range sel.Hints {
		switch h.Name {
		case "STATE_TTL":
			p.ttlHints, p.stateTTL = append(p.ttlHints, h), map[string]time.Duration{}
			for _, a := range h.Args {
				if a.Key == "" {
					return p.s.src.Error(a.ValueAt, "AS1503", "write STATE_TTL('table' = '1 h')", "hint STATE_TTL names tables")
				}
				d, err := arrowstream.ParseDuration(a.Value)
				if err != nil {
					return p.s.src.Error(h.Span, "AS1503", "", fmt.Sprintf("hint STATE_TTL: %v", err))
				}
				p.stateTTL[strings.ToLower(a.Key)] = d
			}
		case "BROADCAST":
			p.broadcast = append(p.broadcast, h)
		case "UID":
			if len(h.Args) != 1 || h.Args[0].Key != "" || h.Args[0].Value == "" {
				return p.s.src.Error(h.Span, "AS1503", "write UID('name')", "hint UID has one name")
			}
			p.uid = h.Args[0].Value
		default:
			return p.s.src.Error(h.Span, "AS1101", "write it behind the table: FROM t /*+ "+h.Name+"(...) */", fmt.Sprintf("hint %s is about a table, not about a SELECT", h.Name))
		}
	}
	return nil
}

// checkHints looks whether the tables that hints name are there.
func (p *block) checkHints(rel *relation) error {
	for _, h := range p.ttlHints {
		for _, a := range h.Args {
			if !rel.scope.hasTable(a.Key) {
				return p.noTable(h, a.Key, a.KeyAt, rel)
			}
		}
	}
	return p.checkBroadcast(rel)
}

// noTable is the error of a hint that names a table that is not there.
func (p *block) noTable(h syntax.Hint, name string, at syntax.Span, rel *relation) error {
	return p.s.src.Error(at, "AS1203", arrowstream.Suggest(name, rel.scope.tables(), "tables"), fmt.Sprintf("hint %s: table %q not found", h.Name, name))
}

// checkBroadcast looks whether the tables of BROADCAST end: then a join reads them
// first and holds them for all rows of the others, which is what the hint asks
// for. A table that does not end cannot be held.
func (p *block) checkBroadcast(rel *relation) error {
	for _, h := range p.broadcast {
		for _, a := range h.Args {
			if !rel.scope.hasTable(a.Value) {
				return p.noTable(h, a.Value, a.ValueAt, rel)
			}
			var endless *node
			rel.node.walk(map[*node]bool{}, func(n *node) {
				if n.table != nil && !n.bounded && strings.EqualFold(n.table.name, a.Value) {
					endless = n
				}
			})
			if endless != nil {
				return p.s.src.Error(a.ValueAt, "AS1401", "leave the hint out: the join keeps the rows of both sides by key", fmt.Sprintf("hint BROADCAST: table %q does not end, so it cannot be read before the others", a.Value))
			}
		}
	}
	return nil
}

// name gives the operators of the block that have a state the name of the hint
// UID: those above its tables that have none of a block within.
func (p *block) name(n *node) {
	if p.uid == "" {
		return
	}
	var mark func(n *node)
	mark = func(n *node) {
		if n == nil || n.uid != "" || p.s.isTable(n) {
			return
		}
		n.uid = p.uid
		for _, in := range n.in {
			mark(in)
		}
	}
	mark(n)
}

// isTable reports whether a node is all of a table or a view.
func (s *session) isTable(n *node) bool {
	if n.table != nil {
		return true
	}
	for _, t := range s.catalog.tables {
		if t.node == n {
			return true
		}
	}
	return false
}
