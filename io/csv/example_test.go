package csv_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/csv"
)

func Example() {
	in := strings.NewReader("city,temperature\nBern,12.5\nOslo,\n\"Rome, Italy\",21\n")
	p := arrowstream.New(arrowstream.Options{})
	p.From("weather", &csv.Source{Path: "-", Stdio: arrowstream.Stdio{In: in}}).
		To(&csv.Sink{Path: "-", Null: "-", Stdio: arrowstream.Stdio{Out: os.Stdout}})
	if _, err := p.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// city,temperature
	// Bern,12.5
	// Oslo,-
	// "Rome, Italy",21
}
