package socket

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/iotest"
)

// BenchmarkLines cuts lines of 100 bytes; decoding is not measured.
func BenchmarkLines(b *testing.B) {
	text := strings.Repeat(strings.Repeat("x", 99)+"\n", 100_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l := &lineReader{r: strings.NewReader(text), max: 1 << 20, grow: func(int) bool { return true }}
		for {
			c, err := l.next()
			if err == io.EOF {
				break
			}
			n += strings.Count(string(c.Data[:1]), "x")
		}
	}
	if n == 0 {
		b.Fatal("nothing read")
	}
}

// BenchmarkSource reads rows of a text and a number over the loopback.
func BenchmarkSource(b *testing.B) {
	s := &Source{Listen: "127.0.0.1:0", Columns: iotest.Schema(b, "k:utf8 x:int64"), Format: iotest.TextFormat{}}
	p := open(b, s, memory.NewGoAllocator(), 0)
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	const rows = 10_000
	text := strings.Repeat("some key of twenty by|12345\n", rows)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		go io.WriteString(c, text)
		for got := 0; got < rows; {
			batch, err := p.Read(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			got += int(batch.NumRows())
			batch.Release()
		}
		n += rows
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
