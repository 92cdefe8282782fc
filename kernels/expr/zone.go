package expr

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels"
)

// zoneOf is the time zone that e sets for itself and what it is made of.
func zoneOf(e Expr) string {
	switch e := e.(type) {
	case Call:
		return e.Zone
	case Cast:
		return e.Zone
	case Case:
		return e.Zone
	}
	return ""
}

// InZone is e with the time zone of all its parts that have none, see [Call].
func InZone(e Expr, zone string) Expr {
	if zoneOf(e) != "" {
		return e
	}
	switch e := e.(type) {
	case Field:
		e.Of = InZone(e.Of, zone)
		return e
	case Lambda:
		e.Body = InZone(e.Body, zone)
		return e
	case Cast:
		e.Of, e.Zone = InZone(e.Of, zone), zone
		return e
	case Call:
		args := make([]Expr, len(e.Args))
		for i, a := range e.Args {
			args[i] = InZone(a, zone)
		}
		e.Args, e.Zone = args, zone
		return e
	case Case:
		whens := make([]When, len(e.Whens))
		for i, w := range e.Whens {
			whens[i] = When{Cond: InZone(w.Cond, zone), Then: InZone(w.Then, zone)}
		}
		e.Whens, e.Zone = whens, zone
		if e.Else != nil {
			e.Else = InZone(e.Else, zone)
		}
		return e
	}
	return e
}

// instant reports whether t is a timestamp with a zone.
func instant(t arrow.DataType) bool {
	ts, ok := t.(*arrow.TimestampType)
	return ok && ts.TimeZone != ""
}

// inZone is the type of instants t in the zone of the call, nil for others.
func (b *binder) inZone(t arrow.DataType) arrow.DataType {
	if !instant(t) {
		return nil
	}
	return &arrow.TimestampType{Unit: t.(*arrow.TimestampType).Unit, TimeZone: b.zone}
}

// localize gives the instants among the arguments of a function that looks at
// the clock the zone of the call. No value changes.
func (b *binder) localize(f *kernels.Function, nodes []node) error {
	if b.zone == "" || !f.ReadsClock() {
		return nil
	}
	for i, n := range nodes {
		if t := b.inZone(n.info().typ); t != nil {
			var err error
			if nodes[i], err = b.convert(n, t, false); err != nil {
				return err
			}
		}
	}
	return nil
}
