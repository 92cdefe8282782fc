package sql_test

import (
	"context"
	"fmt"
	"os"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// A script is prepared, which finds its errors, and then run; the result of a
// query on its own is shown on the console.
func Example() {
	const script = `
		CREATE VIEW numbers AS VALUES (1, 'one'), (2, 'two'), (3, 'three');
		SELECT upper(column2) AS word, column1 * 10 AS n FROM numbers WHERE column1 > 1`
	program, err := sql.Prepare(script, sql.Options{
		Connectors: all.Connectors(),
		Formats:    all.Formats(),
		Stdio:      arrowstream.Stdio{Out: os.Stdout},
	})
	if err != nil {
		fmt.Print(syntax.Render(err, script))
		return
	}
	if _, err := program.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"word":"TWO","n":20}
	// {"word":"THREE","n":30}
}

// Errors name the place and what may have been meant.
func ExamplePrepare_error() {
	const script = `SELECT uper(column1) FROM (VALUES ('a'))`
	_, err := sql.Prepare(script, sql.Options{})
	fmt.Print(syntax.Render(err, script))
	// Output:
	// error[AS1601]: unknown function "uper"
	//   --> 1:8
	//    |
	//  1 | SELECT uper(column1) FROM (VALUES ('a'))
	//    |        ^^^^
	//    = help: did you mean "upper"?
	//    = docs: arrowstream help AS1601
}
