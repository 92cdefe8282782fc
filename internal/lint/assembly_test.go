package lint

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// vector are registers of the vector units in Go assembly, mnemonic the first
// word of an instruction.
var (
	vector   = regexp.MustCompile(`\b[XYZ][0-9]{1,2}\b`)
	mnemonic = regexp.MustCompile(`^\t([A-Z][A-Z0-9.]*)\b`)
)

// TestAssemblyIsVex looks for instructions that cost a hundred times what they
// should: the legacy-SSE form of one on a vector register, whose name has no V,
// and a return to Go code, which is legacy SSE, without VZEROUPPER.
func TestAssemblyIsVex(t *testing.T) {
	functions := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_amd64.s") {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		functions += strings.Count(string(text), "\nTEXT ")
		for _, complaint := range vexComplaints(string(text)) {
			t.Errorf("%s: %s", file, complaint)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if functions == 0 {
		t.Error("saw no function: does the test look at the right folder?")
	}
}

// vexComplaints goes through Go assembly a line at a time.
func vexComplaints(text string) (complaints []string) {
	name, last, vectors := "", "", false
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), "//")
		if rest, ok := strings.CutPrefix(line, "TEXT ·"); ok {
			name, _, _ = strings.Cut(rest, "(")
			vectors = false
			continue
		}
		m := mnemonic.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		op := m[1]
		uses := vector.MatchString(line)
		vectors = vectors || uses
		switch {
		case uses && !strings.HasPrefix(op, "V") && !strings.HasPrefix(op, "K"):
			complaints = append(complaints, name+": "+op+" on a vector register is legacy SSE")
		case op == "RET" && vectors && last != "VZEROUPPER":
			complaints = append(complaints, name+": RET without VZEROUPPER before it")
		}
		last = op
	}
	return complaints
}

func TestVexComplaints(t *testing.T) {
	for _, c := range []struct {
		code string
		want int
	}{
		{"\tVADDPD Y0, Y1, Y1\n\tVZEROUPPER\n\tRET\n", 0},
		{"\tVADDPD Y0, Y1, Y1\n\tRET\n", 1},
		{"\tMOVQ AX, X1\n\tVZEROUPPER\n\tRET\n", 1},
		{"\tADDQ AX, BX\n\tRET\n", 0},
		{"\tKMOVW K1, AX\n\tVPADDD Z31, Z2, Z3\n\tVZEROUPPER\n\tRET\n\tRET\n", 1},
		{"\tMOVSD X0, ret+8(FP) // X\n\tRET\n", 2},
	} {
		if got := vexComplaints("TEXT ·f(SB), NOSPLIT, $0-8\n" + c.code); len(got) != c.want {
			t.Errorf("%q: %v, want %d complaints", c.code, got, c.want)
		}
	}
}
