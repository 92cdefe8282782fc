package parquet

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// A file that stays open at the end of an epoch gets a note behind its row
// groups: their metadata, as the footer will have it, and where the note before
// stands. Another process can go on from the last note. No footer points to
// notes, so readers do not see them; each row group is in one, so that they
// take as much space as the footer.

// note is where a note stands, and what else a part has to know to go on.
type note struct {
	At     int64 `json:"at"` // 0: there is none
	Length int64 `json:"length"`
	// Groups is how many row groups have been noted.
	Groups int `json:"groups"`
	// Bucket is the interval of the event time, if Timed.
	Bucket int64 `json:"bucket,omitempty"`
	Timed  bool  `json:"timed,omitempty"`
}

// noteTail is the place of the note before: two numbers of 8 bytes.
const noteTail = 16

// jot ends the row group and notes what was not noted yet.
func (w *fileWriter) jot() error {
	if err := w.endGroup(); err != nil {
		return err
	}
	if w.note.Groups == len(w.groups) {
		return nil
	}
	meta := format.FileMetaData{Version: 2, RowGroups: w.groups[w.note.Groups:]}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		return fmt.Errorf("parquet: note in %s: %w", w.f.Path(), err)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(w.note.At))
	b = binary.LittleEndian.AppendUint64(b, uint64(w.note.Length))
	w.note = note{At: w.f.Size(), Length: int64(len(b)), Groups: len(w.groups)}
	return w.put(b)
}

// recall reads the notes of a file, from the last to the first. Their bytes
// have been compared with their checksum.
func (w *fileWriter) recall(r io.ReaderAt, extra []byte) (note, error) {
	var last note
	if err := json.Unmarshal(extra, &last); err != nil {
		return last, fmt.Errorf("parquet: notes in %s: %w", w.f.Path(), err)
	}
	var blocks [][]format.RowGroup
	for at, length := last.At, last.Length; at > 0; {
		if length < noteTail || at+length > w.f.Size() {
			return last, fmt.Errorf("parquet: note at byte %d of %s has no place in it", at, w.f.Path())
		}
		b := make([]byte, length)
		if _, err := r.ReadAt(b, at); err != nil {
			return last, fmt.Errorf("parquet: notes in %s: %w", w.f.Path(), err)
		}
		var meta format.FileMetaData
		if err := thrift.Unmarshal(new(thrift.CompactProtocol), b[:length-noteTail], &meta); err != nil {
			return last, fmt.Errorf("parquet: notes in %s: %w", w.f.Path(), err)
		}
		blocks = append(blocks, meta.RowGroups)
		before := int64(binary.LittleEndian.Uint64(b[length-noteTail:]))
		if before >= at {
			return last, fmt.Errorf("parquet: notes in %s go in circles", w.f.Path())
		}
		at, length = before, int64(binary.LittleEndian.Uint64(b[length-8:]))
	}
	for i := len(blocks) - 1; i >= 0; i-- {
		w.groups = append(w.groups, blocks[i]...)
	}
	if len(w.groups) != last.Groups {
		return last, fmt.Errorf("parquet: notes in %s name %d row groups, not %d", w.f.Path(), len(w.groups), last.Groups)
	}
	w.note = note{At: last.At, Length: last.Length, Groups: last.Groups}
	return last, nil
}
