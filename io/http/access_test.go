package http

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/io/json"
)

// TestAccess refuses what a restricted process may not reach: addresses of the
// sink and the source, and the files and variables of their options.
func TestAccess(t *testing.T) {
	walls, err := arrowstream.Restrict(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTP_TEST_TOKEN", "s3cret")
	schema := iotest.Schema(t, "x:int64")
	for _, s := range []*Sink{{URL: "http://127.0.0.1:1/"}, {URL: "https://[::ffff:169.254.169.254]/"}, {URL: "https://example.com/", Token: "env:HTTP_TEST_TOKEN"}} {
		s.Format = json.Format
		if err := s.Bind(schema, arrowstream.Env{Access: walls}); arrowstream.Refused(err) == nil {
			t.Errorf("%s: %v", s.URL, err)
		}
	}
	s := &Source{Listen: "127.0.0.1:0", Path: "/x", Columns: schema, Format: json.Format, Access: walls, Users: "file:/etc/passwd"}
	if _, err := s.Open(t.Context(), iotest.Env(columnartest.Allocator(t), 0)); arrowstream.Refused(err) == nil {
		t.Error(err)
	}
}
