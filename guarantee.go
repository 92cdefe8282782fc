package arrowstream

// Guarantee says how often a row counts when a job that keeps its state is
// killed and started again. A pipeline has the weakest of its parts.
type Guarantee string

// The guarantees, from the weakest.
const (
	AtMostOnce  Guarantee = "at most once"
	AtLeastOnce Guarantee = "at least once"
	ExactlyOnce Guarantee = "exactly once"
)

// Guaranteed is implemented by sources that can be read again, and by sinks
// whose guarantee depends on their options.
type Guaranteed interface {
	// Delivers returns the guarantee with a store, and why; valid before Open and
	// Bind.
	Delivers() (g Guarantee, why string)
}

// SourceGuarantee is the guarantee of s in a job with a store.
func SourceGuarantee(s Source) (g Guarantee, why string) {
	if s, ok := s.(Guaranteed); ok {
		return s.Delivers()
	}
	return AtMostOnce, "rows that were read cannot be read again"
}

// SinkGuarantee is the guarantee of s in a job with a store.
func SinkGuarantee(s Sink) (g Guarantee, why string) {
	switch s := s.(type) {
	case Guaranteed:
		return s.Delivers()
	case Committer:
		return ExactlyOnce, "rows become visible with their epoch"
	case Publisher:
		return ExactlyOnce, "an epoch is a transaction"
	}
	return AtLeastOnce, "rows of an epoch that is repeated are written again"
}
