package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// batcher cuts rows into bodies and sends them. Where it cuts is a function of
// the rows alone, so that what is sent again has the same keys.
type batcher struct {
	sink   *Sink
	prefix string
	number int64
	body   bytes.Buffer
	rows   int
}

func (b *batcher) add(ctx context.Context, rows arrowstream.Batch) error {
	return b.sink.encoder.Encode(rows, func(_ int, value []byte) error {
		if bytes.IndexByte(value, '\n') >= 0 {
			return fmt.Errorf("http: format %s gives values that hold newlines", b.sink.Format.Name())
		}
		if b.rows > 0 && int64(b.body.Len()+len(value)+1) > b.sink.BatchBytes {
			if err := b.send(ctx); err != nil {
				return err
			}
		}
		b.body.Write(value)
		b.body.WriteByte('\n')
		if b.rows++; b.rows >= b.sink.BatchRows {
			return b.send(ctx)
		}
		return nil
	})
}

// send posts what has been collected.
func (b *batcher) send(ctx context.Context) error {
	if b.rows == 0 {
		return nil
	}
	key := b.prefix + "/" + strconv.FormatInt(b.number, 10)
	if err := b.sink.post(ctx, key, b.body.Bytes()); err != nil {
		b.sink.aborted = true // Close does not try once more
		return err
	}
	b.number++
	b.rows = 0
	b.body.Reset()
	return nil
}

// maxAnswer is how much of an answer is looked at.
const maxAnswer = 200

// post sends one body until it is taken. Connections that fail and the answers
// 408, 429 and 5xx are tried again; any other answer is the end.
func (s *Sink) post(ctx context.Context, key string, body []byte) error {
	err := remote.Retry(ctx, s.ConnectTimeout, func(ctx context.Context) (again bool, err error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
		if err != nil {
			return false, err
		}
		r.Header = s.header.Clone()
		r.Header.Set("Idempotency-Key", key)
		answer, err := s.client.Do(r)
		if err != nil {
			var u *url.Error // it holds the URL with its query
			if errors.As(err, &u) {
				err = u.Err
			}
			return arrowstream.Refused(err) == nil, err
		}
		defer answer.Body.Close()
		if answer.StatusCode/100 == 2 {
			_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
			return false, nil
		}
		text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
		err = fmt.Errorf("the server answers %d: %q", answer.StatusCode, text)
		switch code := answer.StatusCode; {
		case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
			return true, &remote.Later{After: retryAfter(answer.Header.Get("Retry-After")), Err: err}
		}
		return false, err
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	place := s.target.Scheme + "://" + s.target.Host + s.target.EscapedPath()
	var gaveUp *remote.GaveUpError
	if errors.As(err, &gaveUp) {
		return &arrowstream.Error{Code: "AS3001", Msg: "http: post to " + place, Err: gaveUp.Err, Hint: gaveUp.Hint()}
	}
	return fmt.Errorf("http: post to %s: %w", place, err)
}

// retryAfter reads the header: seconds, or a date. Anything else is no wish.
func retryAfter(value string) time.Duration {
	if n, err := strconv.Atoi(value); err == nil && n >= 0 {
		return time.Duration(min(n, 24*3600)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, time.Until(at)), 24*time.Hour)
	}
	return 0
}
