package http

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

const (
	defaultBatchRows  = 1000
	defaultBatchBytes = 1 << 20
	defaultTimeout    = 30 * time.Second
	defaultPatience   = 5 * time.Minute
)

// Sink posts rows to a URL, in bodies of lines. With a store the rows of an epoch
// are sent after its commit, each body with the header
//
//	Idempotency-Key: JOB/EPOCH/NUMBER
//
// which is the same when an epoch is sent again after a crash.
type Sink struct {
	// URL to post to: http://HOST/PATH or https://HOST/PATH.
	URL string `option:"url,uri,endpoint" required:"true"`
	// Format encodes a row as a line: json or csv. FormatName is what the user
	// called it.
	Format     arrowstream.Format
	FormatName string `option:"format"`
	// Headers are sent with every request: "Name: value", where the value may
	// be env:NAME or file:PATH.
	Headers []string `option:"headers"`
	// Token is the bearer token to send; env:NAME and file:PATH are read.
	Token arrowstream.Secret `option:"token"`
	// BatchRows and BatchBytes bound the body of a request: 1,000 rows, 1 MiB.
	BatchRows  int   `option:"batch.rows"`
	BatchBytes int64 `option:"batch.bytes"`
	// CAFile holds the certificates to trust instead of those of the system.
	CAFile string `option:"tls.ca"`
	// Insecure lets the token and the headers go over http:// to another
	// machine.
	Insecure bool `option:"insecure"`
	// Timeout is how long one request may take; 30 s.
	Timeout time.Duration `option:"timeout"`
	// ConnectTimeout is how long the server may be out of reach or ask to come
	// back (408, 429, 5xx) before the job ends; 5 minutes.
	ConnectTimeout time.Duration `option:"connect.timeout"`

	target  *url.URL
	header  http.Header
	encoder arrowstream.Encoder
	client  *http.Client
	run     string // stands for job and epoch without a store
	live    *batcher
	aborted bool
}

// Delivers implements [arrowstream.Guaranteed].
func (s *Sink) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.AtLeastOnce, "an epoch that is repeated is sent again, with the same Idempotency-Key"
}

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	if err := kind.CheckFormat(s.Format, s.FormatName); err != nil {
		return err
	}
	if s.Format.Name() == "arrow" {
		return kind.BadOption("format: a body is lines, which arrow has not", "use json or csv, or the connector flight for Arrow")
	}
	if s.BatchRows < 0 || s.BatchBytes < 0 || s.Timeout < 0 || s.ConnectTimeout < 0 {
		return kind.BadOption("batch.rows, batch.bytes, timeout and connect.timeout are not negative", "")
	}
	var err error
	if s.target, err = url.Parse(s.URL); err != nil || s.target.Host == "" || s.target.Scheme != "http" && s.target.Scheme != "https" {
		return kind.BadOption("url: it is not http://HOST/PATH or https://HOST/PATH", "")
	}
	if s.target.User != nil {
		return kind.BadOption("url: it holds a user", "use token = 'env:NAME', or headers")
	}
	if err := env.Access.CheckDial("tcp", hostPort(s.target)); err != nil {
		return err
	}
	if s.header, err = s.headers(env.Access); err != nil {
		return err
	}
	if s.target.Scheme == "http" && !s.Insecure && !loopback(s.target.Hostname()) && (s.Token != "" || len(s.Headers) > 0) {
		return kind.BadOption("url: token and headers would cross the network in the clear", "use https://, or set insecure = true")
	}
	config, err := kind.TLS(env.Access, "tls.ca", s.CAFile)
	if err != nil {
		return err
	}
	if s.encoder, err = s.Format.NewEncoder(in); err != nil {
		return fmt.Errorf("http: %w", err)
	}
	s.BatchRows, s.BatchBytes = orDefault(s.BatchRows, defaultBatchRows), orDefault(s.BatchBytes, defaultBatchBytes)
	s.ConnectTimeout = orDefault(s.ConnectTimeout, defaultPatience)
	s.client = newClient(env.Access, config, orDefault(s.Timeout, defaultTimeout))
	s.run = strings.ToLower(rand.Text())
	return nil
}

func orDefault[T int | int64 | time.Duration](v, value T) T {
	if v == 0 {
		return value
	}
	return v
}

// hostPort is the address that a URL leads to.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// headers are those of every request.
func (s *Sink) headers(a *arrowstream.Access) (http.Header, error) {
	h := http.Header{"User-Agent": {"arrowstream"}, "Content-Type": {"application/x-ndjson"}}
	if s.Format.Name() == "csv" {
		h.Set("Content-Type", "text/csv")
	}
	for _, line := range s.Headers {
		name, ref, ok := strings.Cut(line, ":")
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		value, err := kind.Secret(a, "headers", arrowstream.Secret(strings.TrimSpace(ref)))
		if err != nil {
			return nil, err
		}
		switch {
		case !ok || name == "" || strings.ContainsAny(name, " \t\r\n") || strings.ContainsAny(value, "\r\n\x00"):
			return nil, kind.BadOption("headers: one of them is not Name: value", "")
		case name == "Host" || name == "Content-Length" || name == "Transfer-Encoding" || name == "Connection" || name == "Idempotency-Key":
			return nil, kind.BadOption(fmt.Sprintf("headers: %s is set by the sink", name), "")
		}
		h.Set(name, value)
	}
	if s.Token != "" {
		token, err := kind.Secret(a, "token", s.Token)
		if err != nil {
			return nil, err
		}
		h.Set("Authorization", "Bearer "+token)
	}
	return h, nil
}

// Write implements [arrowstream.Sink]: without a store, rows are sent as they
// come.
func (s *Sink) Write(ctx context.Context, b arrowstream.Batch) error {
	if s.live == nil {
		s.live = &batcher{sink: s, prefix: s.run}
	}
	return s.live.add(ctx, b)
}

// Flush implements [arrowstream.Sink].
func (s *Sink) Flush(ctx context.Context) error {
	if s.live == nil {
		return nil
	}
	return s.live.send(ctx)
}

// Claim implements [arrowstream.Publisher]. Nothing keeps an earlier process from
// posting what it still has; its bodies carry the keys that this one uses.
func (s *Sink) Claim(context.Context, arrowstream.Publication) error { return nil }

// Publish implements [arrowstream.Publisher].
func (s *Sink) Publish(ctx context.Context, p arrowstream.Publication) error {
	b := &batcher{sink: s, prefix: fmt.Sprintf("%s/%d", p.Job, p.Epoch)}
	for rows, err := range p.Rows {
		if err != nil {
			return err
		}
		err = b.add(ctx, rows)
		rows.Release()
		if err != nil {
			return err
		}
	}
	return b.send(ctx)
}

// Abort implements [arrowstream.Aborter]: rows not yet sent are dropped.
func (s *Sink) Abort(error) { s.aborted = true }

// Close implements [arrowstream.Sink].
func (s *Sink) Close() (err error) {
	if s.live != nil && !s.aborted {
		err = s.live.send(context.Background())
	}
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	return err
}
