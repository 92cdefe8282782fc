package syntax_test

import (
	"fmt"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// Other spellings are rewritten to the canonical one.
func ExampleParse() {
	script, err := syntax.Parse("", "select a::long, m['k'] from t where a != 1; SET job.name = daily")
	if err != nil {
		fmt.Println(err)
	}
	for _, st := range script.Statements {
		fmt.Println(syntax.Text(st))
	}
	// Output:
	// SELECT CAST(a AS BIGINT), m['k'] FROM t WHERE a <> 1
	// SET 'job.name' = 'daily'
}
