package http

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/intake"
)

const (
	// patience is how long a request waits for room in front of a busy pipeline
	// before it is told to come back.
	patience = time.Second
	// maxHeld bounds the bodies of all requests in memory, but for one of each
	// that is at its limit alone.
	maxHeld = 64 << 20
	readAt  = 64 << 10
	maxKey  = 255
)

// inbox is what a Source offers to requests.
type inbox struct {
	*intake.Partition
	name, path string
	format     arrowstream.Format
	columns    *arrow.Schema
	mem        memory.Allocator
	maxBody    int64
	strict     bool // a request with a bad line is refused

	requests sync.WaitGroup
	held     atomic.Int64 // bytes of bodies

	mu       sync.Mutex
	decoders []arrowstream.Decoder // not in use
}

// serve takes the body of a request. Whatever cannot be taken is an answer to
// that client alone.
func (in *inbox) serve(w http.ResponseWriter, r *http.Request, who string) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "rows are sent with POST")
		return
	}
	if !in.takes(r.Header.Get("Content-Type")) {
		refuse(w, http.StatusUnsupportedMediaType, "the body must be lines of "+in.format.Name())
		return
	}
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) > 1 || len(keys) == 1 && (keys[0] == "" || len(keys[0]) > maxKey) {
		refuse(w, http.StatusBadRequest, "Idempotency-Key must be one text of up to 255 bytes")
		return
	}
	// A slow body ends when the source does.
	control := http.NewResponseController(w)
	defer context.AfterFunc(in.Context(), func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })()
	body, size, err := in.read(w, r)
	defer in.held.Add(-size)
	if err != nil {
		in.refuse(w, err)
		return
	}
	if len(bytes.TrimSpace(body)) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if in.strict {
		if err := in.validate(body); err != nil {
			in.refuse(w, &refusal{http.StatusBadRequest, err.Error()})
			return
		}
	}
	// What stands beside the body is the same when it is sent again.
	key, from := "", "request of "+r.RemoteAddr
	if len(keys) == 1 {
		key, from = who+"\x00"+keys[0], "request "+strconv.Quote(keys[0])
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if err := in.Put(ctx, key, intake.Chunk{Data: body, From: from, Line: 1}); err != nil {
		in.refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// refusal is an error that a client is told as it is.
type refusal struct {
	code int
	why  string
}

// Error implements error.
func (e *refusal) Error() string { return e.why }

var errBusy = &refusal{http.StatusServiceUnavailable, "busy: send it again"}

// refuse answers that a request was not taken. Of errors that are not the
// client's nothing is told.
func (in *inbox) refuse(w http.ResponseWriter, err error) {
	var tooLarge *http.MaxBytesError
	var told *refusal
	switch {
	case errors.As(err, &tooLarge):
		told = &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", in.maxBody)}
	case errors.Is(err, arrowstream.ErrKeyReused):
		told = &refusal{http.StatusUnprocessableEntity, "the Idempotency-Key was used for another body"}
	case errors.As(err, &told):
	default: // closing, cut off, or too busy
		told = errBusy
	}
	if told.code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	refuse(w, told.code, told.why)
}

// takes reports whether a content type may hold lines of the format.
func (in *inbox) takes(contentType string) bool {
	if contentType == "" {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch t {
	case "text/plain", "application/octet-stream":
		return true
	case "application/json", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return in.format.Name() == "json"
	case "text/csv":
		return in.format.Name() == "csv"
	}
	return false
}

// read reads the body, unpacked. What it holds is counted while it grows, so that
// many requests cannot hold more than there is room for; the caller gives size
// back.
func (in *inbox) read(w http.ResponseWriter, r *http.Request) (body []byte, size int64, err error) {
	if r.ContentLength > in.maxBody {
		return nil, 0, &http.MaxBytesError{Limit: in.maxBody}
	}
	var from io.Reader = http.MaxBytesReader(w, r.Body, in.maxBody)
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(from)
		if err != nil {
			return nil, 0, badBody(err)
		}
		from = z
	default:
		return nil, 0, &refusal{http.StatusUnsupportedMediaType, "the body may be packed with gzip alone"}
	}
	for {
		if len(body) == cap(body) {
			grow := int64(max(readAt, cap(body)))
			if in.held.Load()+grow > max(maxHeld, in.maxBody) {
				return nil, size, errBusy
			}
			in.held.Add(grow)
			size += grow
			body = append(make([]byte, 0, cap(body)+int(grow)), body...)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > in.maxBody:
			return nil, size, &http.MaxBytesError{Limit: in.maxBody}
		case errors.Is(err, io.EOF):
			return body, size, nil
		case err != nil:
			return nil, size, badBody(err)
		}
	}
}

// badBody is the error of a body that cannot be read.
func badBody(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return &refusal{http.StatusBadRequest, "the body cannot be read to its end"}
}

// validate decodes a body and throws the rows away: they are decoded again when
// their turn has come.
func (in *inbox) validate(body []byte) error {
	d, err := in.decoder()
	if err != nil {
		return err
	}
	defer in.reuse(d)
	for number := int64(1); len(body) > 0; number++ {
		line, rest, _ := bytes.Cut(body, []byte{'\n'})
		body = rest
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			continue
		}
		if err := d.Append(line); err != nil {
			return intake.BadLine("http", "body", number, line, err)
		}
		if d.Rows() >= 4096 {
			if err := drop(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func drop(d arrowstream.Decoder) error {
	b, err := d.Flush()
	if b != nil {
		b.Release()
	}
	return err
}

func (in *inbox) decoder() (arrowstream.Decoder, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if n := len(in.decoders); n > 0 {
		d := in.decoders[n-1]
		in.decoders = in.decoders[:n-1]
		return d, nil
	}
	return in.format.NewDecoder(in.columns, in.mem)
}

func (in *inbox) reuse(d arrowstream.Decoder) {
	if err := drop(d); err != nil {
		d.Release()
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.decoders = append(in.decoders, d)
}

// free releases the decoders; no request is at work any more.
func (in *inbox) free() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, d := range in.decoders {
		d.Release()
	}
	in.decoders = nil
}
