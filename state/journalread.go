package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/arrowstream/arrowstream"
)

// cursor is where a journal is read: a file of which only what is on the disk is
// looked at.
type cursor struct {
	span
	file File
	at   int64  // offset of the next frame; its place in the file follows from it
	got  int64  // bytes of the file that were read
	buf  []byte // those from the next frame on
}

// readAhead is how much is asked of a file at once.
const readAhead = 256 << 10

// Read implements [arrowstream.Journal]. Reading on where the last Read ended is
// cheap; elsewhere the segment is read up to there.
func (j *journal) Read(ctx context.Context, at int64) (e arrowstream.JournalEntry, next int64, err error) {
	s, limit, err := j.available(ctx, at)
	if err != nil {
		return e, 0, err
	}
	c := &j.cursor
	if c.file == nil || c.at != at || c.span.start != s.start {
		if err := j.seek(s, at, limit); err != nil {
			return e, 0, err
		}
	}
	f, err := j.next(limit)
	if err != nil {
		return e, 0, err
	}
	e, _, ok := readEntry(f.payload)
	if f.kind != frameEntry || !ok {
		return e, 0, j.flawed("it is no entry of a journal")
	}
	j.mu.Lock()
	j.read = c.at
	j.wake()
	j.mu.Unlock()
	return e, c.at, nil
}

// available waits until there is an entry at an offset, and returns its segment
// and the offset up to which that may be read.
func (j *journal) available(ctx context.Context, at int64) (span, int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.read = at
	for {
		if j.err != nil {
			return span{}, 0, j.err
		}
		switch {
		case at < j.chain[0].start:
			return span{}, 0, &arrowstream.Error{
				Code: "AS5005", Msg: fmt.Sprintf("the journal of %s begins at byte %d, and the job goes on at %d", j.uid, j.chain[0].start, at),
				Hint: "bring the files of the journal back, or start from an empty state",
			}
		case at > j.end:
			return span{}, 0, damaged(j.dir, flaw{-1, fmt.Sprintf("it ends at byte %d, and %d bytes were committed", j.end, at)}, j.log.commits().lastEpoch())
		case at < j.durable:
			i := sort.Search(len(j.chain), func(i int) bool { return j.chain[i].start > at }) - 1
			s, limit := j.chain[i], j.durable
			if i+1 < len(j.chain) {
				limit = j.chain[i+1].start
			}
			return s, limit, nil
		}
		if err := ctx.Err(); err != nil {
			return span{}, 0, err
		}
		var err error
		if j.durable < j.end {
			err = j.sync(ctx, j.end)
		} else {
			err = j.wait(ctx)
		}
		if err != nil {
			return span{}, 0, err
		}
	}
}

// seek opens a segment and skips the frames in front of an offset.
func (j *journal) seek(s span, at, limit int64) error {
	if err := j.cursor.close(); err != nil {
		return unusable("close "+j.path(s, journalSuffix), err)
	}
	f, err := j.folder.FS.Open(j.path(s, journalSuffix))
	if err != nil {
		return unusable("read "+j.path(s, journalSuffix), err)
	}
	c := &j.cursor
	*c = cursor{span: s, file: f, at: s.start, buf: c.buf[:0]}
	b, err := j.fill(headerSize, c.start)
	if err != nil {
		return err
	}
	h, ok := readHeader(b)
	if !ok {
		return j.flawed("the header is not valid")
	}
	if bad := j.log.manifest.owns(h, s); bad != nil {
		return j.flawed(bad.reason)
	}
	c.buf = c.buf[headerSize:]
	for c.at < at {
		if _, err := j.next(limit); err != nil {
			return err
		}
	}
	if c.at > at {
		return j.flawed(fmt.Sprintf("no entry begins at byte %d", at))
	}
	return nil
}

// next takes the next frame, whose bytes are valid until the next call.
func (j *journal) next(limit int64) (frame, error) {
	c := &j.cursor
	b, err := j.fill(frameHead, limit)
	if err != nil {
		return frame{}, err
	}
	n := int64(binary.LittleEndian.Uint32(b))
	if n > maxPayload || c.at+frameHead+n+frameTail > limit {
		return frame{}, j.flawed("a frame is too long")
	}
	if b, err = j.fill(int(frameHead+n+frameTail), limit); err != nil {
		return frame{}, err
	}
	f, size := readFrame(b, uint64(c.start), headerSize+c.at-c.start)
	if size == 0 {
		return frame{}, j.flawed("a frame is not what was written")
	}
	c.buf = c.buf[size:]
	c.at += int64(size)
	return f, nil
}

// fill returns the next n bytes, which must be in front of the offset limit.
func (j *journal) fill(n int, limit int64) ([]byte, error) {
	c := &j.cursor
	if len(c.buf) < n {
		left := headerSize + limit - c.start - c.got
		ask := min(int64(max(n-len(c.buf), readAhead)), left)
		if int64(n-len(c.buf)) > left {
			return nil, j.flawed("it is shorter than it was")
		}
		have := len(c.buf)
		if cap(c.buf)-have < int(ask) {
			c.buf = append(make([]byte, 0, have+int(ask)), c.buf...)
		}
		got, err := io.ReadFull(c.file, c.buf[have:have+int(ask)])
		c.got += int64(got)
		c.buf = c.buf[:have+got]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, j.flawed("it is shorter than it was")
		}
		if err != nil {
			return nil, unusable("read "+j.path(c.span, journalSuffix), err)
		}
	}
	return c.buf[:n], nil
}

// flawed is the error of a segment that is not what was written, at the cursor.
func (j *journal) flawed(reason string) error {
	c := &j.cursor
	return damaged(j.path(c.span, journalSuffix), flaw{headerSize + c.at - c.start, reason}, j.log.commits().lastEpoch())
}

func (c *cursor) close() error {
	if c.file == nil {
		return nil
	}
	err := c.file.Close()
	c.file = nil
	return err
}
