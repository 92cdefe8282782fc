package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
)

// BenchmarkQuery runs each query in this process, for profiles; NEXMARK_QUERIES
// names those wanted.
func BenchmarkQuery(b *testing.B) {
	for _, q := range queries() {
		if list := os.Getenv("NEXMARK_QUERIES"); list != "" && !strings.Contains(","+list+",", ","+q+",") {
			continue
		}
		b.Run(q, func(b *testing.B) {
			const events = 500_000
			for b.Loop() {
				if _, err := (job{Query: q, Events: events, Rate: 100_000, Workers: 1, Generators: 1}).run(context.Background(), arrowstream.Options{Workers: 1}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*events/b.Elapsed().Seconds(), "events/s")
		})
	}
}
