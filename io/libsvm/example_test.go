package libsvm_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/libsvm"
)

func Example() {
	text := strings.NewReader("+1 1:0.5 3:2  # two of three\n-1 2:1\n")
	source := &libsvm.Source{Path: "-", Features: 3, Stdio: arrowstream.Stdio{In: text}}
	parts, err := source.Open(context.Background(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: columnar.Pool}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer parts[0].Close()
	b, err := parts[0].Read(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Release()
	for i := range int(b.NumRows()) {
		fmt.Println(b.Column(0).ValueStr(i), b.Column(1).ValueStr(i))
	}
	// Output:
	// 1 [0.5,0,2]
	// -1 [0,1,0]
}
