package filetable

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/files"
)

// A position is its version, the identities of the files that were read to the
// end, in their order, that of the file that was begun, if any, and the place
// in it. Files that are in none of the two are new: they come behind, sorted.
const positionVersion = 2

// identify notes the files that are behind, and the one at hand if rows of it
// were read. Each is looked at once.
func (p *Partition) identify() error {
	for p.behind.Len() < p.file {
		id := p.begun
		if p.names[p.behind.Len()] != id.Name {
			var err error
			if id, err = files.Identify(p.set.access, p.names[p.behind.Len()]); err != nil {
				return p.set.kind.changed(err)
			}
		}
		p.behind.Add(id)
	}
	if p.at == (Place{}) || p.names[p.file] == p.begun.Name {
		return nil
	}
	id, err := files.Identify(p.set.access, p.names[p.file])
	if err != nil {
		return p.set.kind.changed(err)
	}
	p.begun = id
	return nil
}

// changed is the error of input that is not what was read.
func (k Kind) changed(err error) error {
	if no := arrowstream.Refused(err); no != nil {
		return no
	}
	return &arrowstream.Error{
		Code: "AS5005", Msg: k.Name + ": input that was read before has changed", Err: err,
		Hint: "bring the file back as it was, or start from an empty state",
	}
}

// Position implements [arrowstream.Replayer]. Its cost is that of a copy, but
// for the first 64 KiB of every file, which are read once.
func (p *Partition) Position() ([]byte, error) {
	var begun files.Identities
	if !p.set.Live() {
		if err := p.identify(); err != nil {
			return nil, err
		}
		if p.at != (Place{}) {
			begun.Add(p.begun)
		}
	}
	pos := make([]byte, 0, 1+p.behind.Size()+begun.Size()+2*binary.MaxVarintLen64)
	pos = begun.AppendTo(p.behind.AppendTo(append(pos, positionVersion)))
	pos = binary.AppendUvarint(pos, uint64(p.at.Offset))
	return binary.AppendUvarint(pos, uint64(p.at.Line)), nil
}

// Seek implements [arrowstream.Replayer].
func (p *Partition) Seek(ctx context.Context, pos []byte) error {
	name := p.set.kind.Name
	if p.set.Live() {
		return fmt.Errorf("%s: stdin cannot be read again", name)
	}
	behind, begun, at, err := parsePosition(pos)
	if err != nil {
		return fmt.Errorf("%s: position %.40x was not written by this source: %w", name, pos, err)
	}
	fresh := map[string]bool{}
	for _, name := range p.set.names {
		fresh[name] = true
	}
	p.names = nil
	for _, id := range append(behind, begun...) {
		err := id.Verify(p.set.access)
		if err == nil && !fresh[id.Name] {
			err = fmt.Errorf("%s is not in the path any more", id.Name)
		}
		if err != nil {
			return p.set.kind.changed(err)
		}
		delete(fresh, id.Name)
		p.names = append(p.names, id.Name)
	}
	p.names = append(p.names, slices.Sorted(maps.Keys(fresh))...)
	p.file, p.at = len(behind), at
	for _, id := range behind {
		p.behind.Add(id)
	}
	if len(begun) == 0 {
		return nil
	}
	p.begun = begun[0]
	return p.start(ctx)
}

// parsePosition reads a position; begun is one file or none.
func parsePosition(pos []byte) (behind, begun []files.Identity, at Place, err error) {
	if len(pos) == 0 || pos[0] != positionVersion {
		return nil, nil, at, fmt.Errorf("it is not of version %d", positionVersion)
	}
	behind, rest, err := files.CutIdentities(pos[1:])
	if err == nil {
		begun, rest, err = files.CutIdentities(rest)
	}
	if err != nil {
		return nil, nil, at, err
	}
	for _, to := range []*int64{&at.Offset, &at.Line} {
		v, n := binary.Uvarint(rest)
		if n <= 0 || v > 1<<62 {
			return nil, nil, at, errors.New("it ends early")
		}
		*to, rest = int64(v), rest[n:]
	}
	if len(rest) > 0 || len(begun) > 1 || len(begun) == 0 != (at == Place{}) {
		return nil, nil, at, errors.New("its parts contradict each other")
	}
	return behind, begun, at, nil
}
