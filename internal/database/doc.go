// Package database is what the connectors of SQL databases have in common.
// Floor 36: below the connectors, above what all connectors of servers share.
//
// A [Writer] is the sink: it brings rows into a table in one transaction per
// epoch or flush, by the bulk load of the server, and upserts by a key by way
// of a temporary table, each key once. A [Reader] is the source: it reads a
// table or a query, in parts and in the order of a key if there is one, so that
// it can go on behind a row. Both keep a connection through a [Client], which
// does work again that a broken connection has undone.
//
// What differs between servers is a [Server] with its [Dialect] and [Session],
// the connectors'. The one invariant: the rows of an epoch and the row of table
// arrowstream_epochs that proves it are committed by the same transaction,
// whose first statement takes the lock of that row; so an epoch is applied
// once, whatever breaks, and never by an older process than the newest, which
// enters itself there before it reads anything.
package database

// EpochsTable is the table that holds the last epoch of every sink, in the
// schema of the table that is written.
const EpochsTable = "arrowstream_epochs"
