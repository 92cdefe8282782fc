package csv

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestEpochs(t *testing.T) {
	s := iotest.EpochSink{
		Extension: ".csv",
		New: func(path string, o iotest.EpochOptions) arrowstream.Concluder {
			return &Sink{Path: path, RollSize: o.RollSize, RollAge: o.RollAge, test: filetable.Result{Clock: o.Clock, Before: o.Before}}
		},
		Source: func(path string) arrowstream.Source {
			return &Source{Path: path, Header: "true", Fields: iotest.Schema(t, "x:int64 s:utf8")}
		},
	}
	iotest.Epochs(t, s)
	for _, s.Extension = range []string{".csv.gz", ".csv.zst"} {
		t.Run(s.Extension, func(t *testing.T) { iotest.EpochsOfOneFile(t, s) })
	}
}
