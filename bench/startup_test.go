package bench

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkStartup starts the binary on a CSV file of 100 rows and waits for
// the first byte of the result.
func BenchmarkStartup(b *testing.B) {
	dir := b.TempDir()
	binary := filepath.Join(dir, "arrowstream")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "../cmd/arrowstream")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	file := filepath.Join(dir, "small.csv")
	if err := os.WriteFile(file, []byte("k,x\n"+strings.Repeat("a,1.5\nb,2\n", 50)), 0o666); err != nil {
		b.Fatal(err)
	}
	var first time.Duration
	n := 0
	for b.Loop() {
		cmd := exec.Command(binary, "run", "-q", "-e", "SELECT k, count(*) AS n, avg(x) AS mean FROM '"+file+"' GROUP BY k")
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadByte(); err != nil {
			b.Fatal(err)
		}
		first += time.Since(began)
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(first.Microseconds())/1000/float64(n), "ms-to-first-result")
}
