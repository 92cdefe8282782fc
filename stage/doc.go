// Package stage is floor 4: the operators of a pipeline apart from windows,
// one per file. Filter, Project, Unnest, Expand, Cast and Append look at one row
// at a time and remember nothing, ProcTime nothing between ticks; Aggregate,
// Distinct, Top, Sort, Limit and Compact are stateful, and most of them follow
// changelogs; Periodic holds their changes back for a while. HashJoin,
// IntervalJoin, WindowJoin and SetOp have two inputs; the joins share one table
// of rows, joinRows. TimeOrder, Over, Pattern and TemporalJoin take rows in the
// order of event time: they hold them in a timeline until the watermark has
// passed, keep on a shelf what they look back at, and follow the lives of keys.
// LookupJoin asks a table outside.
//
// # One invariant
//
// What a stage has emitted at the end of a tick is a function of the ticks
// before it and of the rows of the tick, in their order, and never of the
// batches they came in; of a LookupJoin, as far as its table does not change.
//
// # Adding an operator
//
// Write <name>.go with a struct that is its own configuration, whose zero
// fields are defaults, and a table of cases for stagetest in <name>_test.go.
// A stage that holds memory between ticks has a method Close that frees it.
package stage
