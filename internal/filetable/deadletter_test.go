package filetable

import (
	"io"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestDeadLetters(t *testing.T) {
	set := folder(t, "!1\na\n!2\n!3\r\nb\n", "!4", "", "c\n!5\n!6\n", "!7\nd")
	want := []string{"!!1", "a", "!!2", "!!3", "b", "!!4", "c", "!!5", "!!6", "!!7", "d"}
	for _, limit := range []int{1, 2, 3, 0} {
		iotest.Resumable(t, func() arrowstream.Partition {
			return open(t, set, false, limit, arrowstream.DeadLetterBadRow)
		}, want)
	}
	// Of long lines there is only the beginning, and only so many are held.
	long := strings.Repeat("!", MaxLine+2)
	p := open(t, folder(t, strings.Repeat(strings.Repeat("!", 100_000)+"\n", 40)+long+"\na"), false, 0, arrowstream.DeadLetterBadRow)
	reads, bad := 0, 0
	for ; ; reads++ {
		rows, err := iotest.Next(t.Context(), p)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if strings.HasPrefix(r, "!") {
				bad++
				if len(r) != 1+64<<10 {
					t.Errorf("%d bytes of a bad row", len(r))
				}
			}
		}
	}
	if reads != 3 || bad != 41 {
		t.Errorf("%d reads, %d bad rows", reads, bad)
	}
}
