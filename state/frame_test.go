package state

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

// segmentOf is a segment with frames, of which the first base frames were there
// when it got its name.
func segmentOf(base int, frames ...frame) []byte {
	size := int64(headerSize)
	for _, f := range frames[:base] {
		size += int64(frameHead + len(f.payload) + frameTail)
	}
	b := appendHeader(nil, header{version: formatVersion, job: [16]byte{1, 2}, number: 7, incarnation: 3, base: size})
	for _, f := range frames {
		b = appendFrame(b, f, 7, int64(len(b)))
	}
	return b
}

func TestFramesStandWhereTheyWereWritten(t *testing.T) {
	want := []frame{
		{kind: frameOpen, incarnation: 3, payload: []byte("{}")},
		{kind: frameCommit, epoch: 4, incarnation: 3, durable: 64, payload: bytes.Repeat([]byte("x"), 1000)},
		{kind: framePublished, epoch: 4, incarnation: 3, durable: 70, payload: []byte{}},
	}
	b := segmentOf(1, want...)
	s, bad := readSegment(b)
	if bad != nil || s.end != int64(len(b)) || !reflect.DeepEqual(s.frames, want) {
		t.Fatalf("read %+v, %v", s, bad)
	}
	for _, at := range []int64{63, 65, 0} {
		if f, size := readFrame(b[headerSize:], 7, at); size != 0 {
			t.Errorf("a frame of byte 64 is read at byte %d: %v", at, f)
		}
	}
	if _, size := readFrame(b[headerSize:], 8, headerSize); size != 0 {
		t.Error("a frame of another segment is read")
	}
}

func TestTornEndOrDamage(t *testing.T) {
	open := frame{kind: frameOpen, payload: []byte("{}")}
	first := frame{kind: frameCommit, epoch: 1, durable: 100, payload: []byte("one")}
	size := func(f frame) int { return frameHead + len(f.payload) + frameTail }
	firstAt := headerSize + size(open)
	secondAt := firstAt + size(first)
	second := func(durable int) frame {
		return frame{kind: frameCommit, epoch: 2, durable: int64(durable), payload: []byte("two")}
	}
	for name, c := range map[string]struct {
		second frame
		spoil  func([]byte) []byte
		frames int
		flaw   string // "" if the end is torn
	}{
		"whole":                      {second(secondAt), func(b []byte) []byte { return b }, 3, ""},
		"cut in the second":          {second(secondAt), func(b []byte) []byte { return b[:secondAt+20] }, 2, ""},
		"zeros at the end":           {second(secondAt), func(b []byte) []byte { return append(b[:secondAt], make([]byte, 500)...) }, 2, ""},
		"first bad, not known to be": {second(firstAt), func(b []byte) []byte { b[firstAt+31] ^= 1; return b }, 1, ""},
		"first bad, known to be":     {second(secondAt), func(b []byte) []byte { b[firstAt+31] ^= 1; return b }, 1, fmt.Sprintf("says that %d bytes", secondAt)},
		"a long length in the first": {second(secondAt), func(b []byte) []byte { b[firstAt+2] ^= 1; return b }, 1, fmt.Sprintf("says that %d bytes", secondAt)},
		"base bad":                   {second(secondAt), func(b []byte) []byte { b[headerSize+31] ^= 1; return b }, 0, "were on the disk"},
		"base cut":                   {second(secondAt), func(b []byte) []byte { return b[:firstAt-1] }, 0, "were on the disk"},
		"no header":                  {second(secondAt), func(b []byte) []byte { return b[:headerSize-1] }, 0, "header"},
		"second moved":               {second(firstAt), func(b []byte) []byte { return append(slices.Clone(b[:secondAt]), b[secondAt-1:]...) }, 2, ""},
	} {
		s, bad := readSegment(c.spoil(segmentOf(1, open, first, c.second)))
		if len(s.frames) != c.frames || (bad == nil) != (c.flaw == "") || bad != nil && !strings.Contains(bad.reason, c.flaw) {
			t.Errorf("%s: %d frames, %v; want %d, %q", name, len(s.frames), bad, c.frames, c.flaw)
		}
	}
}

// TestManyPossibleFrames bounds the search behind a torn end: bytes that look
// like the heads of long frames everywhere must not cost their product.
func TestManyPossibleFrames(t *testing.T) {
	b := segmentOf(1, frame{kind: frameOpen})
	head := appendFrame(nil, frame{kind: frameCommit, payload: make([]byte, 8<<20)}, 7, 0)[:frameHead]
	tail := bytes.Repeat(head, (24<<20)/len(head))
	if _, bad := readSegment(append(append(b, 0xFF), tail...)); bad == nil || !strings.Contains(bad.reason, "too many frames") {
		t.Errorf("flaw %v", bad)
	}
}

// mended is any text as a segment with a header, whose base is what comes before
// the frames. Sums are made right, so that what is behind them is reached.
func mended(b []byte, h header) []byte {
	if len(b) < headerSize {
		return b
	}
	b = slices.Clone(b)
	h.base = headerSize
	copy(b, appendHeader(nil, h))
	for at := int64(headerSize); at < int64(len(b)); {
		size := frameSize(b[at:], at)
		if size == 0 {
			break
		}
		payload := b[at+frameHead : at+int64(size)-frameTail]
		fixed := appendFrame(nil, frame{kind: b[at+4], epoch: 1, payload: payload}, h.number, at)
		copy(b[at:], fixed)
		at += int64(size)
	}
	return b
}

func FuzzSegment(f *testing.F) {
	open := frame{kind: frameOpen, payload: []byte("{}")}
	r, err := newRecord(arrowstream.Commit{Epoch: 1, Driver: []byte("d"), Sinks: map[string]arrowstream.SinkCommit{"s": {Rows: 3}}}, 1).encode()
	if err != nil {
		f.Fatal(err)
	}
	commit := frame{kind: frameCommit, epoch: 1, payload: r}
	f.Add(segmentOf(1, open))
	f.Add(segmentOf(2, open, commit))
	f.Add(segmentOf(1, open, commit, frame{kind: framePublished, epoch: 1, durable: 70, payload: []byte("s")}))
	f.Add(segmentOf(1, open, commit)[:150])
	f.Fuzz(func(t *testing.T, b []byte) {
		hostiletest.Within(t, len(b), func() {
			h, _ := readHeader(b)
			h.version = formatVersion
			b = mended(b, h)
			s, bad := readSegment(b)
			if bad == nil && (s.end > int64(len(b)) || s.end < headerSize) {
				t.Fatalf("%d bytes end at %d", len(b), s.end)
			}
			var x index
			for _, f := range s.frames {
				if x.apply(f) != nil {
					break
				}
			}
			for i := range x.commits {
				for _, uid := range x.uids(i) {
					x.chain(i, uid, 0)
				}
				x.commits[i].frames()
			}
		})
	})
}

func FuzzManifest(f *testing.F) {
	m, err := newManifest(testJob(), 0)
	if err != nil {
		f.Fatal(err)
	}
	m.ID = "000102030405060708090a0b0c0d0e0f"
	b, err := m.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-3])
	f.Fuzz(func(t *testing.T, b []byte) {
		hostiletest.Within(t, len(b), func() {
			// The sum is made right, so that what is behind it is reached.
			if i := bytes.LastIndex(b, sumLine); i >= 0 {
				b = signed(slices.Clone(b[:i+1]))
			}
			m, err := parseManifest(b)
			if err != nil || m.MinReaderVersion > formatVersion {
				return
			}
			compare(m, m)
			again, err := m.encode()
			if err != nil {
				t.Fatal(err)
			}
			n, err := parseManifest(again)
			if err != nil || !reflect.DeepEqual(m, n) {
				t.Fatalf("%+v is read again as %+v, %v", m, n, err)
			}
		})
	})
}

func TestNamesOfFiles(t *testing.T) {
	seen := map[string]string{}
	for _, uid := range []string{
		"", ".", "..", ".hidden", "a/b", `a\b`, "a b", "a%20b", "%", "ü", "a\x00b", "CON:", strings.Repeat("long/", 50), strings.Repeat("long/", 51), strings.Repeat("x", 100), strings.Repeat("x", 101),
	} {
		name := escape(uid)
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q are both %q", uid, other, name)
		}
		seen[name] = uid
		if name == "" || name[0] == '.' || len(name) > 100 || strings.ContainsAny(name, "/\\\x00: ") {
			t.Errorf("%q becomes %q", uid, name)
		}
	}
}
