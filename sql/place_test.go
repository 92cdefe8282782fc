package sql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/sql"
)

// TestPlaceOfAFailure looks where the expressions that fail for a row stand, as
// line:column-end.
func TestPlaceOfAFailure(t *testing.T) {
	const v = "CREATE VIEW v AS SELECT * FROM (VALUES (1, 'a', TIMESTAMP '2024-05-01 12:00:00'), (0, 'b', TIMESTAMP '2024-05-01 12:00:01')) AS v (x, k, ts);\n"
	for text, want := range map[string]string{
		"SELECT k, 1 DIV x AS y FROM v":                              "2:11-18 1 DIV x: division by zero: 1 DIV 0",
		"SELECT k,\n  length(k) + 1 DIV x AS y\nFROM v":              "3:3-22 division by zero",
		"SELECT k FROM v WHERE 1 DIV x > 0":                          "2:23-34 division by zero",
		"SELECT k FROM v WHERE k <> 'c' AND CAST(k AS INT) > 0":      "2:23-54 cannot cast \"a\"",
		"SELECT CASE WHEN k = 'b' THEN 1 % x END AS y FROM v":        "2:8-40 division by zero",
		"SELECT sum(1 DIV x) AS y FROM v":                            "2:12-19 division by zero",
		"SELECT 1 DIV x AS y, count(*) AS n FROM v GROUP BY 1 DIV x": "2:52-59 division by zero",
		"SELECT k, sum(x + 9223372036854775806 - x * 0) AS y FROM v GROUP BY k HAVING count(*) > 0 UNION ALL SELECT 'c', sum(9223372036854775807 - x * 0) FROM v": "2:113-145 does not fit BIGINT",
		"SELECT k, sum(CASE WHEN x >= 0 THEN 9223372036854775807 END) AS y FROM (SELECT 'k' AS k, x FROM v) GROUP BY k":                                           `2:11-61 (group {"k":"k"})`,
		// Nothing says which of two statements it is.
		"SELECT 1 DIV x AS y FROM v; SELECT 1 DIV x AS y FROM v": "0:0-0 division by zero",
	} {
		text = v + text
		opts := arrowstream.Options{Allocator: columnartest.Allocator(t), Workers: 1}
		p, err := sql.Prepare(text, sltOptions(opts, newSLTStore(), nil))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, err = p.Run(t.Context())
		var e *arrowstream.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		place, msg, _ := strings.Cut(want, " ")
		if got := fmt.Sprintf("%d:%d-%d", e.Pos.Line, e.Pos.Col, e.Pos.EndCol); got != place || !strings.Contains(e.Msg, msg) {
			t.Errorf("%s\n%s %s, want %s", text, got, e.Msg, want)
		}
	}
}
