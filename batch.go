package arrowstream

import "github.com/apache/arrow/go/v17/arrow"

// Batch is the unit of data: an Arrow record. A batch passed to a function is
// borrowed, a batch returned by one is owned by the caller: whoever keeps a
// borrowed batch beyond the call retains it and releases it once.
type Batch = arrow.Record
