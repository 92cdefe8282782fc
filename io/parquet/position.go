package parquet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/files"
)

// position is what is stored of the place of a partition, as JSON.
type position struct {
	Version int    `json:"v"`
	Order   string `json:"order"`
	// Behind are the identities of the files that were read to the end, Begun
	// of those that were read in part, in the form of files.Identities. Other
	// files are new.
	Behind []byte `json:"behind"`
	Begun  []byte `json:"begun"`
	// Row group of the file that was begun, and row within it.
	Group int   `json:"group"`
	Row   int64 `json:"row"`
	// Rows read of each file that was begun and the time of the last, when
	// files are merged.
	Rows  []int64 `json:"rows,omitempty"`
	Times []int64 `json:"times,omitempty"`
}

const positionVersion = 2

// identify is the identity of a file as it was planned; the hash is read once.
func (f *fileInfo) identify() (files.Identity, error) {
	if f.id.Name == "" {
		id, err := files.Identify(f.access, f.path)
		if err != nil {
			return id, changed(err)
		}
		id.Size, id.MTime = f.size, f.mtime.UnixNano()
		f.id = id
	}
	return f.id, nil
}

// changed is the error of input that is not what was read.
func changed(err error) error {
	if no := arrowstream.Refused(err); no != nil {
		return no
	}
	return &arrowstream.Error{
		Code: "AS5005", Msg: "parquet: input that was read before has changed", Err: err,
		Hint: "bring the file back as it was, or start from an empty state",
	}
}

// addTo adds files to a list.
func addTo(list *files.Identities, infos ...*fileInfo) error {
	for _, f := range infos {
		id, err := f.identify()
		if err != nil {
			return err
		}
		list.Add(id)
	}
	return nil
}

// decodePosition reads a position of the given order.
func decodePosition(b []byte, order string) (p position, behind, begun []files.Identity, err error) {
	if err := json.Unmarshal(b, &p); err != nil {
		return p, nil, nil, fmt.Errorf("parquet: position %.80q cannot be read: %w", b, err)
	}
	switch {
	case p.Version != positionVersion:
		return p, nil, nil, fmt.Errorf("parquet: position has version %d, this program reads %d", p.Version, positionVersion)
	case p.Order != order:
		return p, nil, nil, fmt.Errorf("parquet: position was taken with order %q, the source has %q", p.Order, order)
	}
	behind, rest, err := files.CutIdentities(p.Behind)
	if err == nil && len(rest) == 0 {
		begun, rest, err = files.CutIdentities(p.Begun)
	}
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes too many", len(rest))
	}
	if err != nil {
		err = fmt.Errorf("parquet: position %.80q cannot be read: %w", b, err)
	}
	return p, behind, begun, err
}

// known finds files that were read before among infos, and makes sure that they
// are the same.
func known(a *arrowstream.Access, infos []*fileInfo, ids []files.Identity) ([]*fileInfo, error) {
	byName := map[string]*fileInfo{}
	for _, f := range infos {
		byName[f.path] = f
	}
	var out []*fileInfo
	for _, id := range ids {
		if err := id.Verify(a); err != nil {
			return nil, changed(err)
		}
		f, ok := byName[id.Name]
		if !ok {
			return nil, changed(fmt.Errorf("%s is not in the path any more", id.Name))
		}
		f.id = id
		out = append(out, f)
	}
	return out, nil
}

// Position implements arrowstream.Replayer. Its cost is that of a copy, but for
// the first 64 KiB of every file, which are read once.
func (s *sequence) Position() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.next()
	for s.behind.Len() < at.file {
		if err := addTo(&s.behind, s.files[s.behind.Len()]); err != nil {
			return nil, err
		}
	}
	p := position{Version: positionVersion, Order: orderName, Behind: s.behind.AppendTo(nil), Group: at.group, Row: at.row}
	var begun files.Identities
	if at.group > 0 || at.row > 0 {
		if err := addTo(&begun, s.files[at.file]); err != nil {
			return nil, err
		}
	}
	p.Begun = begun.AppendTo(nil)
	return json.Marshal(p)
}

// Seek implements arrowstream.Replayer.
func (s *sequence) Seek(_ context.Context, pos []byte) error {
	p, behind, begun, err := decodePosition(pos, orderName)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := known(s.plan.source.Access, s.files, behind)
	if err != nil {
		return err
	}
	current, err := known(s.plan.source.Access, s.files, begun)
	if err != nil {
		return err
	}
	order := append(before, current...)
	seen := map[*fileInfo]bool{}
	for _, f := range order {
		if seen[f] {
			return fmt.Errorf("parquet: position names %s twice", f.path)
		}
		seen[f] = true
	}
	for _, f := range s.files {
		if !seen[f] {
			order = append(order, f)
		}
	}
	s.files, s.from = order, place{file: len(behind)}
	if err := addTo(&s.behind, s.files[:len(behind)]...); err != nil {
		return err
	}
	switch {
	case len(begun) == 0 && p.Group == 0 && p.Row == 0:
		return nil
	case len(begun) != 1:
		return fmt.Errorf("parquet: position is in %d files", len(begun))
	}
	f := current[0]
	if p.Group < 0 || p.Row < 0 || p.Group > len(f.groups) || p.Group < len(f.groups) && p.Row > f.groups[p.Group] {
		return fmt.Errorf("parquet: position row group %d, row %d is outside of %s", p.Group, p.Row, f.path)
	}
	s.from.group, s.from.row = p.Group, p.Row
	return nil
}

// Position implements arrowstream.Replayer. Files that are merged are behind in
// the order in which they ended.
func (m *merge) Position() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := position{Version: positionVersion, Order: orderEventTime}
	var begun files.Identities
	for _, c := range m.all {
		switch {
		case c.noted || c.rows == 0:
		case c.rows == c.info.rows:
			if err := addTo(&m.behind, c.info); err != nil {
				return nil, err
			}
			c.noted = true
		default:
			if err := addTo(&begun, c.info); err != nil {
				return nil, err
			}
			p.Rows = append(p.Rows, c.rows)
			p.Times = append(p.Times, c.last)
		}
	}
	p.Behind, p.Begun = m.behind.AppendTo(nil), begun.AppendTo(nil)
	return json.Marshal(p)
}

// Seek implements arrowstream.Replayer. The order of files whose rows have equal
// times stays that of their names.
func (m *merge) Seek(_ context.Context, pos []byte) error {
	p, behind, begun, err := decodePosition(pos, orderEventTime)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before, err := known(m.plan.source.Access, m.plan.files, behind)
	if err != nil {
		return err
	}
	current, err := known(m.plan.source.Access, m.plan.files, begun)
	if err != nil {
		return err
	}
	if len(p.Rows) != len(current) || len(p.Times) != len(current) {
		return fmt.Errorf("parquet: position names %d files and %d places in them", len(current), len(p.Rows))
	}
	for _, c := range m.all {
		if slices.Contains(before, c.info) {
			c.rows, c.noted = c.info.rows, true
		}
	}
	if err := addTo(&m.behind, before...); err != nil {
		return err
	}
	for i, f := range current {
		c := m.all[slices.Index(m.plan.files, f)]
		if p.Rows[i] < 0 || p.Rows[i] > c.info.rows {
			return fmt.Errorf("parquet: position row %d is outside of %s", p.Rows[i], c.info.path)
		}
		c.rows, c.last = p.Rows[i], p.Times[i]
		c.low = max(c.low, c.last)
	}
	m.heap = slices.DeleteFunc(m.heap, func(c *cursor) bool { return c.noted })
	m.heap.fix()
	return nil
}
