package socket_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/io/csv"
	"github.com/arrowstream/arrowstream/io/socket"
)

// A source listens, as for `nc 127.0.0.1 9999`.
func Example() {
	columns, err := columnartest.Schema("k:utf8 x:int64")
	if err != nil {
		log.Fatal(err)
	}
	source := &socket.Source{Listen: "127.0.0.1:0", Columns: columns, Format: csv.Format}
	partitions, err := source.Open(context.Background(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: memory.NewGoAllocator()}})
	if err != nil {
		log.Fatal(err)
	}
	defer partitions[0].Close()

	client, err := net.Dial("tcp", source.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Fprintln(client, "a,1")

	b, err := partitions[0].Read(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Release()
	fmt.Println(columnartest.Rows(b)[0])
	// Output: a 1
}
