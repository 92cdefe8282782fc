package database

import (
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/columnar"
)

// TestHolds goes through pairs of types: what a column takes as it is, and what
// is written instead otherwise.
func TestHolds(t *testing.T) {
	for _, line := range strings.Split(strings.TrimSpace(`
int64 int16
uint64 decimal(20,0)
int64 float64
int8 utf8
float32 float64
float64 float32                CAST(c AS FLOAT)
float64 int64                  CAST(c AS BIGINT)
float64 decimal(10,2)          CAST(c AS DECIMAL(10, 2))
decimal(10,2) decimal(12,3)
decimal(10,0) int64
decimal(10,2) int64            CAST(c AS BIGINT)
decimal(10,2) decimal(12,1)    CAST(c AS DECIMAL(12, 1))
decimal(10,2) float64
bool bool
bool int8                      CAST(c AS TINYINT)
bool utf8                      CAST(c AS STRING)
int8 bool                      CAST(c AS BOOLEAN)
utf8 utf8
dict utf8
utf8 int32                     CAST(c AS INT)
utf8 date32                    CAST(c AS DATE)
binary binary
binary utf8                    CAST(c AS STRING)
utf8 binary                    CAST(c AS BYTES)
date32 date32
date32 timestamp[us]
date32 timestamp[us,UTC]       CAST(c AS TIMESTAMP_LTZ(6))
timestamp[ns] timestamp[s]
timestamp[us] timestamp[us,UTC]  CAST(c AS TIMESTAMP_LTZ(6))
timestamp[us,UTC] timestamp[ms]  CAST(c AS TIMESTAMP(3))
timestamp[us] date32           CAST(c AS DATE)
time64[ns] time64[us]
list<int64> utf8
list<int64> int64              CAST(c AS BIGINT)
null int64`), "\n") {
		types, hint, _ := strings.Cut(line, "  ")
		from, to, _ := strings.Cut(types, " ")
		a, err1 := columnar.ParseType(from)
		b, err2 := columnar.ParseType(to)
		if err1 != nil || err2 != nil {
			t.Fatal(line)
		}
		got, ok := holds(Column{Name: "c", SQL: "x", Type: b}, a)
		if want := strings.TrimSpace(hint); ok != (want == "") || want != "" && got != want+" in the query" {
			t.Errorf("%s: %v %q", line, ok, got)
		}
	}
}
