package sql

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels/expr"
)

// zone is the time zone in which instants are shown and read.
func (s *session) zone() string {
	if z, ok := s.settings["sql.time-zone"]; ok {
		return z
	}
	return "UTC"
}

// inZone gives the instants of a result that is shown the zone of the session,
// in their type: the rows stay what they are.
func (s *session) inZone(n *node) (*node, error) {
	zone := s.zone()
	var cols []outColumn
	other := false
	for _, f := range visible(n.schema) {
		var x expr.Expr = expr.Col{Name: f.Name}
		if t, ok := f.Type.(*arrow.TimestampType); ok && t.TimeZone != "" && t.TimeZone != zone {
			x, other = expr.Cast{Of: x, To: &arrow.TimestampType{Unit: t.Unit, TimeZone: zone}}, true
		}
		cols = append(cols, outColumn{f.Name, x})
	}
	if !other {
		return n, nil
	}
	return projectNode(n, cols)
}
