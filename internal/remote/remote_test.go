package remote

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arrowstream/arrowstream"
)

const kind = Kind("test")

func TestRetry(t *testing.T) {
	down, no := errors.New("down"), errors.New("no")
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		start := time.Now()
		err := Retry(t.Context(), time.Minute, func(context.Context) (bool, error) {
			if tries++; tries < 4 {
				return true, down
			}
			return false, nil
		})
		// 50, 100 and 200 ms, each times 0.5 to 1.
		if took := time.Since(start); err != nil || tries != 4 || took < 175*time.Millisecond || took > 350*time.Millisecond {
			t.Errorf("%d tries in %s, %v", tries, took, err)
		}
		if err := Retry(t.Context(), time.Minute, func(context.Context) (bool, error) { return false, no }); err != no {
			t.Error(err)
		}
		start = time.Now()
		err = Retry(t.Context(), 10*time.Second, func(ctx context.Context) (bool, error) {
			if time.Since(start) > 9*time.Second { // the last try is cut off
				<-ctx.Done()
				return true, ctx.Err()
			}
			return true, down
		})
		var gaveUp *GaveUpError
		if !errors.As(err, &gaveUp) || gaveUp.Err != down || gaveUp.After != 10*time.Second || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Retry(ctx, time.Minute, func(context.Context) (bool, error) { return true, down }); err != context.DeadlineExceeded {
			t.Error(err)
		}
	})
}

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REMOTE_TEST_SECRET", "hidden")
	t.Setenv("REMOTE_TEST_EMPTY", "")
	for ref, want := range map[arrowstream.Secret]string{"": "", "plain": "plain", "env:REMOTE_TEST_SECRET": "hidden", arrowstream.Secret("file:" + path): "s3cret"} {
		if got, err := kind.Secret(nil, "token", ref); err != nil || got != want {
			t.Errorf("%s: %q %v", ref, got, err)
		}
	}
	for ref, want := range map[arrowstream.Secret]string{"env:REMOTE_TEST_EMPTY": "test: option token: environment variable REMOTE_TEST_EMPTY", "file:/no/such": "test: option token: open /no/such"} {
		if _, err := kind.Secret(nil, "token", ref); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	for _, ca := range []string{path, "/no/such"} {
		if _, err := kind.TLS(nil, "tls.ca", ca); err == nil || !strings.Contains(err.Error(), "test: option tls.ca: ") {
			t.Errorf("%s: %v", ca, err)
		}
	}
	if c, err := kind.TLS(nil, "tls.ca", ""); err != nil || c.RootCAs != nil {
		t.Error(err)
	}
}

func TestCheckListen(t *testing.T) {
	for address, open := range map[string]bool{"127.0.0.1:1": false, "localhost:1": false, "[::1]:1": false, ":1": true, "10.0.0.1:1": true} {
		if err := kind.CheckListen(address, open, "look", "hint"); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for address, want := range map[string]string{"x": "not host:port", ":1": "others could look", "10.0.0.1:1": "hint", "example.com:1": "loopback"} {
		if err := kind.CheckListen(address, false, "look", "hint"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
