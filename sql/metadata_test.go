package sql_test

import (
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/io/json"
	"github.com/arrowstream/arrowstream/io/kafka"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// TestMetadataColumns declares columns about the messages of a topic; no broker
// is needed to plan.
func TestMetadataColumns(t *testing.T) {
	const with = ` WITH ('connector'='kafka', 'brokers'='127.0.0.1:1', 'topic'='bid', 'format'='json'`
	for _, c := range []struct{ script, want string }{
		{
			"CREATE TABLE b (auction BIGINT, part INT METADATA FROM 'partition' VIRTUAL, price BIGINT, `offset` BIGINT METADATA, at TIMESTAMP(3) METADATA FROM 'timestamp', WATERMARK FOR at)" + with + "); DESCRIBE b",
			"auction BIGINT YES \"\" \"\"\npart INT YES \"\" \"METADATA FROM 'partition'\"\nprice BIGINT YES \"\" \"\"\noffset BIGINT YES \"\" \"METADATA FROM 'offset'\"\nat TIMESTAMP(3) YES \"\" \"METADATA FROM 'timestamp' WATERMARK\"",
		},
		{
			"CREATE TABLE b (x BIGINT, part INT METADATA FROM 'partition', twice AS part * 2)" + with + ", 'metadata'='topic'); DESCRIBE SELECT * FROM b",
			"x BIGINT YES \"\" \"\"\npart INT YES \"\" \"\"\ntopic VARCHAR NO \"\" \"\"\ntwice BIGINT YES \"\" \"\"",
		},
		{"CREATE TABLE b (x BIGINT, part INT METADATA FROM 'partition')" + with + "); INSERT INTO b SELECT 1", ""},
		{"CREATE TABLE b (x BIGINT, part INT METADATA FROM 'partition')" + with + "); INSERT INTO b SELECT 1, 2", `error[AS1302]: table "b" wants 1 columns, the query has 2`},
		{"CREATE TABLE b (x BIGINT, part INT METADATA FROM 'partition')" + with + "); INSERT INTO b (x, part) SELECT 1, 2", `error[AS1203]: column "part" of table "b" not found`},
		{"CREATE TABLE b (x BIGINT, part INT METADATA FROM 'headers')" + with + "); SELECT * FROM b", "error[AS1504]: table \"b\": kafka: option metadata: \"headers"},
		{"CREATE TABLE b (x BIGINT, part STRING METADATA FROM 'offset')" + with + "); SELECT * FROM b", "cannot hold offset"},
		{"CREATE TABLE b (x BIGINT, part INT METADATA) WITH ('connector'='mem', 'data'='bid')", `error[AS1504]: connector "mem" has no metadata`},
		{"CREATE TABLE b (x BIGINT, part INT METADATA)", `error[AS1504]: table "b" has no connector`},
		{"CREATE TABLE b (x BIGINT, `a,b` INT METADATA FROM 'partition')" + with + ")", `error[AS1504]: a metadata column cannot be called "a,b"`},
		{"CREATE TABLE b (part INT METADATA FROM 'partition')" + with + "); SELECT * FROM b", "columns are not declared"},
	} {
		opts := newHarness(t).options()
		opts.Connectors = append(opts.Connectors, kafka.Connector)
		opts.Formats = append(opts.Formats, json.Format)
		p, err := sql.Prepare(c.script, opts)
		got := ""
		if err != nil {
			got = syntax.Render(err, c.script)
		} else {
			for _, r := range p.Results {
				got += columnartest.Text(r.Rows)
				r.Rows.Release()
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", c.script, got, c.want)
		}
	}
}
