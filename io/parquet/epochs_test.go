package parquet

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestEpochs(t *testing.T) {
	iotest.Epochs(t, iotest.EpochSink{
		Extension: ".parquet",
		New: func(path string, o iotest.EpochOptions) arrowstream.Concluder {
			return &Sink{Path: path, RollSize: o.RollSize, RollAge: o.RollAge, clock: o.Clock, before: o.Before}
		},
		Source: func(path string) arrowstream.Source { return &Source{Path: path} },
	})
}
