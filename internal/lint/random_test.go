package lint

import (
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"testing"
)

// seeded are the names of math/rand/v2 that give nothing without a seed.
var seeded = []string{"ChaCha8", "New", "NewChaCha8", "NewPCG", "NewZipf", "PCG", "Rand", "Source", "Zipf"}

// unseeded are the files whose results differ from run to run, with the reason
// why that harms none. Everything else must give the same bits again, in a
// process that takes up what another one has left too.
var unseeded = map[string]string{
	"internal/access/files.go": "names of temporary files",
	"internal/remote/retry.go": "pauses between attempts, so that clients do not come back all at once",
	"io/bucket/patience.go":    "pauses between attempts, so that clients do not come back all at once",
	"io/flight/auth.go":        "tokens of sessions, which nobody may guess",
	"io/flight/stream.go":      "the identity of a stream whose job has none, so that tickets of another are refused",
	"io/flight/ticket.go":      "the key that signs tickets, which nobody may guess",
	"io/http/sink.go":          "the first part of keys of a run without a state, so that those of another are not taken for them",
	"state/manifest.go":        "the identity of a job, given once and kept in its state",
}

func TestRandomnessHasASeed(t *testing.T) {
	used := map[string]bool{}
	goFiles(t, func(file, pkg string) {
		if isTest(pkg) {
			return
		}
		of := func(name string) bool { return name == "crypto/rand" || name == "math/rand/v2" }
		selectors(t, file, of, func(at token.Position, imported, name string) {
			if imported == "math/rand/v2" && slices.Contains(seeded, name) {
				return
			}
			in := path.Join(pkg, filepath.Base(file))
			if used[in] = true; unseeded[in] == "" {
				t.Errorf("%s: %s of %s is another one in each run: use a *rand.Rand with a seed, or give the reason in the table", at, name, imported)
			}
		})
	})
	for file := range unseeded {
		if !used[file] {
			t.Errorf("%s uses no randomness without a seed: take it out of the table", file)
		}
	}
}
