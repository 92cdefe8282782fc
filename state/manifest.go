package state

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/wire"
)

// formatVersion is the format that this program writes; it reads this one and
// the one before. Opening a store never raises its version, so that the
// program before can still open it: Upgrade and savepoints do.
const formatVersion = 1

// maxManifest bounds the size of a MANIFEST.
const maxManifest = 16 << 20

// manifest says what a store belongs to. On disk it is JSON for humans and a
// last line with its sum: "crc32c 01234567".
type manifest struct {
	FormatVersion    uint32 `json:"format_version"`
	MinReaderVersion uint32 `json:"min_reader_version"`
	// Engine is the program that made the store.
	Engine string `json:"engine"`
	// ID is the job for good, 32 hexadecimal digits.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Program is the text, and Fingerprint the SHA-256 of text and parts.
	Program     string `json:"program"`
	Fingerprint string `json:"fingerprint"`

	Stages  []part `json:"stages"`
	Sources []part `json:"sources"`
	Sinks   []part `json:"sinks"`
	Code    []part `json:"code,omitempty"`
}

// part is an arrowstream.Part.
type part struct {
	UID    string `json:"uid"`
	Kind   string `json:"kind"`
	Config string `json:"config,omitempty"`
	Fields string `json:"fields"` // the schema, for humans
	// Schema is the schema as an Arrow stream without batches.
	Schema []byte `json:"schema"`
	// Since is the last epoch before the part was added to the job.
	Since arrowstream.Epoch `json:"since"`
}

// newID makes the identity of a job.
func newID() [16]byte {
	var id [16]byte
	_, _ = rand.Read(id[:]) // does not fail
	return id
}

// newManifest describes job; its parts are new at the epoch since.
func newManifest(job arrowstream.Job, since arrowstream.Epoch) (*manifest, error) {
	m := &manifest{FormatVersion: formatVersion, MinReaderVersion: formatVersion, Engine: engine(), Name: job.Name, Program: job.Program}
	for _, list := range []struct {
		to    *[]part
		parts []arrowstream.Part
	}{{&m.Stages, job.Stages}, {&m.Sources, job.Sources}, {&m.Sinks, job.Sinks}, {&m.Code, job.Code}} {
		*list.to = make([]part, 0, len(list.parts))
		seen := map[string]bool{}
		for _, p := range list.parts {
			if seen[p.UID] {
				return nil, fmt.Errorf("state: two parts of the job have the uid %q", p.UID)
			}
			seen[p.UID] = true
			n := part{UID: p.UID, Kind: p.Kind, Config: p.Config, Since: since}
			if p.Schema != nil {
				var buf bytes.Buffer
				w := ipc.NewWriter(&buf, ipc.WithSchema(p.Schema))
				if err := w.Close(); err != nil {
					return nil, fmt.Errorf("state: schema of %s: %w", p.UID, err)
				}
				n.Schema, n.Fields = buf.Bytes(), fields(p.Schema)
			}
			*list.to = append(*list.to, n)
		}
	}
	h := sha256.New()
	h.Write([]byte(m.Program))
	for _, parts := range [][]part{m.Stages, m.Sources, m.Sinks} {
		for _, p := range parts {
			_ = json.NewEncoder(h).Encode([]any{p.UID, p.Kind, p.Config, p.Schema})
		}
	}
	m.Fingerprint = hex.EncodeToString(h.Sum(nil))
	return m, nil
}

// fields is a schema in one line.
func fields(s *arrow.Schema) string {
	var b bytes.Buffer
	for i, f := range s.Fields() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s", f.Name, f.Type)
		if !f.Nullable {
			b.WriteString(" not null")
		}
	}
	return b.String()
}

// schema reads the schema of p, which is nil if it has none.
func (p *part) schema() (*arrow.Schema, error) {
	if len(p.Schema) == 0 {
		return nil, nil
	}
	rd, err := wire.NewReader("", bytes.NewReader(p.Schema), memory.DefaultAllocator, wire.Limits{})
	if err != nil {
		return nil, err
	}
	defer rd.Release()
	return rd.Schema(), nil
}

var sumLine = []byte("\ncrc32c ")

func (m *manifest) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return signed(append(b, '\n')), nil
}

// signed adds the last line.
func signed(b []byte) []byte {
	return fmt.Appendf(b, "crc32c %08x\n", crc32.Checksum(b, castagnoli))
}

// parseManifest reads a MANIFEST, which may be hostile. One of a later version
// comes with its versions only.
func parseManifest(b []byte) (*manifest, error) {
	end := len(b) - len("crc32c 01234567\n")
	if end < 1 || !bytes.HasPrefix(b[end-1:], sumLine) {
		return nil, errors.New("the last line is not a checksum: it was cut short or changed")
	}
	if want := fmt.Appendf(nil, "crc32c %08x\n", crc32.Checksum(b[:end], castagnoli)); !bytes.Equal(want, b[end:]) {
		return nil, errors.New("the checksum does not match")
	}
	return decodeManifest(b[:end])
}

// decodeManifest reads the JSON of a manifest.
func decodeManifest(b []byte) (*manifest, error) {
	var v struct {
		FormatVersion    uint32 `json:"format_version"`
		MinReaderVersion uint32 `json:"min_reader_version"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	if v.FormatVersion == 0 {
		return nil, errors.New("it has no format version")
	}
	m := &manifest{FormatVersion: v.FormatVersion, MinReaderVersion: v.MinReaderVersion}
	if v.MinReaderVersion > formatVersion {
		return m, nil
	}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, err
	}
	if _, err := m.job(); err != nil {
		return nil, err
	}
	for _, parts := range [][]part{m.Stages, m.Sources, m.Sinks} {
		for i := range parts {
			if _, err := parts[i].schema(); err != nil {
				return nil, fmt.Errorf("schema of %q: %w", parts[i].UID, err)
			}
		}
	}
	return m, nil
}

// job is the ID as bytes.
func (m *manifest) job() (id [16]byte, err error) {
	b, err := hex.DecodeString(m.ID)
	if err != nil || len(b) != len(id) || m.ID != hex.EncodeToString(b) {
		return id, fmt.Errorf("%q is not the id of a job", arrowstream.CutValue([]byte(m.ID)))
	}
	return [16]byte(b), nil
}
