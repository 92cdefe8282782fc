// Package arrowstream is a streaming engine for analytics and online machine
// learning whose unit of work is an Arrow record batch.
//
// The package holds the vocabulary of dataflow and the runtime that drives it:
// a [Source] is read by partitions, a [Stage] turns batches into batches, a
// [Sink] takes them, a [Pipeline] wires them together and runs them. The
// implementations live in window, stage, mlkernels and io/...; this package
// imports none of them.
//
// # One invariant
//
// A pipeline advances in ticks. Every node sees the same ticks in the same
// order: the batches of the tick, then one call of Advance with the watermark.
// What a stage emits up to an Advance never depends on how the rows since the
// previous Advance were cut into batches. The runtime fixes where the ticks of
// a bounded input end, whatever the batch size and the number of workers, so
// that the same input and the same program give the same bits.
//
// # Adding things
//
// An operator is a file in stage/, a window kind a file in window/, a model a
// file in mlkernels/, a connector a folder in io/ with one line in io/all.
package arrowstream
