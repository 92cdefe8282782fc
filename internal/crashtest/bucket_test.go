package crashtest

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// objectFiles keeps the state in objects that are files.
func objectFiles(_ *testing.T, dir string) (state string, env []string) {
	return "file://" + dir + "/objects", nil
}

// bucketS3 keeps the state in a server of S3, which is not killed with the job.
func bucketS3(t *testing.T, _ string) (state string, env []string) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("jobs"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return "s3://jobs/clicks?region=us-east-1&use_path_style=true&endpoint=" + url.QueryEscape(server.URL),
		[]string{"AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true"}
}
