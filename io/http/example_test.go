package http_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	arrowhttp "github.com/arrowstream/arrowstream/io/http"
	"github.com/arrowstream/arrowstream/io/json"
)

// A source takes what a client posts.
func Example() {
	columns, err := columnartest.Schema("k:utf8 x:int64")
	if err != nil {
		log.Fatal(err)
	}
	source := &arrowhttp.Source{Listen: "127.0.0.1:0", Path: "/rows", Columns: columns, Format: json.Format}
	partitions, err := source.Open(context.Background(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: memory.NewGoAllocator()}})
	if err != nil {
		log.Fatal(err)
	}
	defer partitions[0].Close()

	answer, err := http.Post("http://"+source.Addr().String()+"/rows", "application/x-ndjson", strings.NewReader(`{"k":"a","x":1}`))
	if err != nil {
		log.Fatal(err)
	}
	answer.Body.Close()
	fmt.Println(answer.Status)

	b, err := partitions[0].Read(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Release()
	fmt.Println(columnartest.Rows(b)[0])
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// 204 No Content
	// a 1
}
