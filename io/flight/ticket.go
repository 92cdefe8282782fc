package flight

import (
	"encoding/json"
	"fmt"
	"strings"

	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Where a subscriber may start.
const (
	fromRetained = -1 // at the oldest batch that is retained, whichever it is
	fromLive     = -2 // after the newest batch
)

// ticket names a stream and where to start. On the wire it is the plain name,
// or JSON: {"stream":"bids"}, {"stream":"bids","from":"live"} or
// {"stream":"bids","from":17} with the sequence number of a batch.
type ticket struct {
	stream string
	from   int64
}

func parseTicket(raw []byte) (ticket, error) {
	text := strings.TrimSpace(string(raw))
	if !strings.HasPrefix(text, "{") {
		return ticket{text, fromRetained}, nil
	}
	var t struct {
		Stream string          `json:"stream"`
		From   json.RawMessage `json:"from"`
	}
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return ticket{}, status.Errorf(codes.InvalidArgument, "ticket: %v", err)
	}
	out := ticket{t.Stream, fromRetained}
	switch from := string(t.From); from {
	case "", "null", `"start"`:
	case `"live"`:
		out.from = fromLive
	default:
		if err := json.Unmarshal(t.From, &out.from); err != nil || out.from < 0 {
			return ticket{}, status.Errorf(codes.InvalidArgument, `ticket: "from" is %s: use "start", "live" or the number of a batch`, from)
		}
	}
	return out, nil
}

func (t ticket) encode() []byte {
	var from any
	switch t.from {
	case fromRetained:
		return []byte(t.stream)
	case fromLive:
		from = "live"
	default:
		from = t.from
	}
	b, err := json.Marshal(map[string]any{"stream": t.stream, "from": from})
	if err != nil {
		panic(err) // a string and a number always encode
	}
	return b
}

// streamName is the stream a descriptor names: its path, or its command read
// as a ticket.
func streamName(d *arrowflight.FlightDescriptor) (string, error) {
	switch d.GetType() {
	case arrowflight.DescriptorPATH:
		if path := d.GetPath(); len(path) > 0 {
			return strings.Join(path, "."), nil
		}
	case arrowflight.DescriptorCMD:
		t, err := parseTicket(d.GetCmd())
		return t.stream, err
	}
	return "", status.Error(codes.InvalidArgument, "the descriptor names no stream: give its name as path or command")
}

// note is the app_metadata of the messages of a stream.
type note struct {
	// Seq is the number of the batch, counted from 0 over the stream.
	Seq *int64 `json:"seq,omitempty"`
	// Rows is the number of rows of the batch.
	Rows int64 `json:"rows,omitempty"`
	// First comes with the schema: the number of the first batch that follows.
	First *int64 `json:"first,omitempty"`
}

func (n note) encode() []byte {
	b, err := json.Marshal(n)
	if err != nil {
		panic(fmt.Sprintf("flight: %v", err)) // numbers always encode
	}
	return b
}
