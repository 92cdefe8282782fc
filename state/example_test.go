package state_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/state"
)

// A store is given to a pipeline as Options.State, which then commits epochs
// and goes on from the last one; here it is driven by hand.
func Example() {
	path, err := os.MkdirTemp("", "state")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(path)
	ctx := context.Background()
	store := state.Dir{Path: path, Reserve: -1}
	job := arrowstream.Job{Name: "example"}
	for range 3 {
		epochs, err := store.Open(ctx, job)
		if err != nil {
			log.Fatal(err)
		}
		start, next := epochs.Start(), arrowstream.Epoch(1)
		if start.Last != nil {
			fmt.Printf("process %d goes on from %s\n", start.Incarnation, start.Last.Driver)
			next = start.Last.Epoch + 1
		}
		err = epochs.Commit(ctx, arrowstream.Commit{Epoch: next, Driver: fmt.Appendf(nil, "row %d", 100*next)}, nil)
		if err != nil {
			log.Fatal(err)
		}
		if err := epochs.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// process 2 goes on from row 100
	// process 3 goes on from row 200
}
