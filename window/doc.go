// Package window is floor 4: aggregation in windows of event time, per key.
// [Tumbling], [Hopping], [Cumulating] and [Session] cut time, [Count] cuts
// rows, [Regroup] aggregates rows that carry their window, and [Assign] only
// says to which windows a row belongs.
//
// Time is that of the time column, in its unit: timestamps of any unit, with
// or without zone, and dates. A window [start, end) fires in the Advance whose
// watermark has reached its end. A row is late if every window it belongs to
// had ended at or before the watermark of the last Advance, less the lateness;
// late rows are counted and go to the side output "late".
//
// # One invariant
//
// What is emitted up to an Advance depends on the rows of the ticks and on the
// watermarks, never on the batches, the number of instances, or a restart in
// between. Keys and panes are numbered inside in the order in which they come;
// nothing of it shows, since rows are emitted in the order of window_end,
// window_start and key.
//
// # Adding a kind
//
// A kind whose windows stand on a grid is a file like tumbling.go and, if its
// arithmetic is new, a case in layout.go. Any other kind builds on core, which
// has columns, keys, aggregates, the horizon, late rows and the emission, as
// sessions.go does.
package window
