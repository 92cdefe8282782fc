package json_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/json"
)

func Example() {
	in := strings.NewReader("{\"id\": 1, \"at\": \"2024-01-02T03:04:05Z\"}\n{\"id\": 2, \"tags\": [\"a\", \"b\"]}\n")
	p := arrowstream.New(arrowstream.Options{})
	p.From("events", &json.Source{Path: "-", Stdio: arrowstream.Stdio{In: in}}).
		To(&json.Sink{Path: "-", Stdio: arrowstream.Stdio{Out: os.Stdout}})
	if _, err := p.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"id":1,"at":"2024-01-02T03:04:05Z","tags":null}
	// {"id":2,"at":null,"tags":["a","b"]}
}
