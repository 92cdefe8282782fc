package zstdframe

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

func compressed(t testing.TB, data []byte, opts ...zstd.EOption) []byte {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCheck(t *testing.T) {
	noise := make([]byte, 500_000)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(noise)
	text := bytes.Repeat([]byte("some text "), 100_000)
	wide := compressed(t, append(text, noise...), zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(false))
	small := compressed(t, []byte("x"))
	skip := []byte{0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 9, 9}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":              {nil, ""},
		"small":                {small, ""},
		"noise":                {compressed(t, noise), ""},
		"text without sums":    {compressed(t, text, zstd.WithEncoderCRC(false)), ""},
		"zeros":                {compressed(t, make([]byte, 4<<20)), ""},
		"two frames":           {append(bytes.Clone(small), small...), ""},
		"a frame to skip":      {append(bytes.Clone(skip), small...), ""},
		"a wide window":        {wide, "a window of 16777216 bytes"},
		"a wide window behind": {append(bytes.Clone(small), wide...), "a window of 16777216 bytes"},
		"a wide segment":       {[]byte{0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 'x'}, "a window of 17179869184 bytes"},
		"cut off":              {small[:len(small)-1], "cut off"},
		"cut off in a skip":    {skip[:9], "cut off"},
		"no frame":             {[]byte("hello, world"), "zstd: "},
	} {
		err := Check(c.data, Window)
		if err == nil && c.want != "" || err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// FuzzCheck decodes what passes: within the window there is no excess.
func FuzzCheck(f *testing.F) {
	f.Add(compressed(f, []byte("hello, hello, hello")))
	f.Add(compressed(f, make([]byte, 1<<20)))
	f.Add([]byte{0x28, 0xB5, 0x2F, 0xFD, 0, 19 << 3, 9, 0, 0, 'x'})
	f.Add([]byte{0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 'x'})
	f.Fuzz(func(t *testing.T, data []byte) {
		hostiletest.Within(t, len(data), func() {
			if Check(data, Window) != nil {
				return
			}
			z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return
			}
			defer z.Close()
			buf := make([]byte, 1<<16)
			for range 100 {
				if _, err := z.Read(buf); err != nil {
					break
				}
			}
		})
	})
}
