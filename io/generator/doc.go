// Package generator makes rows out of nothing but a seed and a row number: the
// clicks of a shop for online learning, the auction benchmark Nexmark, and rows of
// any columns. Any row can be computed without the rows before it, so every cut
// into batches, every partition and every restart gives the same rows. Floor 4.
package generator

import "github.com/arrowstream/arrowstream"

// Connectors are the rows of this package in the table of connectors.
var Connectors = []arrowstream.Connector{ClicksConnector, DatagenConnector, NexmarkConnector}
