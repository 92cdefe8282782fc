package kafka

import (
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestDeadLetters(t *testing.T) {
	for _, block := range []bool{false, true} {
		c := cluster(t, kfake.SeedTopics(1, "t"))
		cl := kgoClient(t, c.ListenAddrs())
		var want []string
		for i := range 30 {
			value := strconv.Itoa(i)
			switch {
			case i < 2 || i%4 == 1 || i >= 14 && i < 20 || i == 29:
				value = "bad"
				want = append(want, "!bad")
			case block:
				value += "\n" + strconv.Itoa(100+i) + "\n" + strconv.Itoa(200+i)
				want = append(want, strconv.Itoa(i), strconv.Itoa(100+i), strconv.Itoa(200+i))
			default:
				want = append(want, value)
			}
			put(t, cl, message("t", 0, value))
		}
		mem := columnartest.Allocator(t)
		s := &Source{Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{Block: block}, End: "latest"}
		for _, rows := range []int{1, 2, 5, 0} {
			iotest.Resumable(t, func() arrowstream.Partition {
				env := sourceEnv(mem, rows)
				env.OnBadRow = arrowstream.DeadLetterBadRow
				parts, err := s.Open(t.Context(), env)
				if err != nil {
					t.Fatal(err)
				}
				return parts[0]
			}, want)
		}
	}
}
