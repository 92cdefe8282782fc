package state

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func schemaOf(t *testing.T, text string) *arrow.Schema {
	t.Helper()
	s, err := columnartest.Schema(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemasBetweenRuns(t *testing.T) {
	for _, c := range []struct{ old, now, want string }{
		{"a:int64 b:utf8", "a:int64 b:utf8", ""},
		{"a:int64", "a:int64 b:utf8", ""},
		{"a:int64", "b:utf8 a:int64", ""},
		{"a:int32", "a:int64", ""},
		{"a:uint8", "a:uint32", ""},
		{"a:int64!", "a:int64", ""},
		{"a:int64", "a:int64 b:utf8!", "column b is new and cannot be null"},
		{"a:int64", "a:int32", "column a was int64 and is int32"},
		{"a:int32", "a:uint64", "column a was int32 and is uint64"},
		{"a:int32", "a:float64", "column a was int32 and is float64"},
		{"a:int64", "b:int64", "column a is gone"},
		{"a:int64", "a:int64!", "column a may hold nulls"},
	} {
		m, err := newManifest(arrowstream.Job{Stages: []arrowstream.Part{
			{UID: "old", Kind: "k", Schema: schemaOf(t, c.old)}, {UID: "now", Kind: "k", Schema: schemaOf(t, c.now)},
		}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := incompatible(&m.Stages[0], &m.Stages[1]); got != c.want {
			t.Errorf("%s, then %s: %q, want %q", c.old, c.now, got, c.want)
		}
	}
}

// change returns the job of the tests with one thing changed.
func change(f func(*arrowstream.Job)) arrowstream.Job {
	j := testJob()
	f(&j)
	return j
}

func TestAnotherProgram(t *testing.T) {
	another := arrowstream.Part{UID: "max k", Kind: "aggregate", Schema: stageSchema}
	dropped := change(func(j *arrowstream.Job) { j.Stages = j.Stages[:1] })
	added := change(func(j *arrowstream.Job) { j.Stages = append(j.Stages, another) })
	for name, c := range map[string]struct {
		job   arrowstream.Job
		dir   Dir
		words []string // of the error; none if the job may go on
	}{
		"text":           {job: change(func(j *arrowstream.Job) { j.Program += " -- another comment" })},
		"order":          {job: change(func(j *arrowstream.Job) { j.Stages[0], j.Stages[1] = j.Stages[1], j.Stages[0] })},
		"new":            {job: added, words: []string{"kept         stage agg k (aggregate)", "new          stage max k (aggregate)", "--allow-new-state would"}},
		"new allowed":    {job: added, dir: Dir{AllowNewState: true}},
		"new, dropping":  {job: added, dir: Dir{AllowDropState: true}, words: []string{"--allow-new-state"}},
		"dropped":        {job: dropped, words: []string{"dropped      stage all (list)", "--allow-drop-state would"}},
		"drop allowed":   {job: dropped, dir: Dir{AllowDropState: true}},
		"kind":           {job: change(func(j *arrowstream.Job) { j.Stages[0].Kind = "window" }), dir: Dir{AllowNewState: true, AllowDropState: true}, words: []string{"incompatible stage agg k (window): it was an aggregate"}},
		"schema":         {job: change(func(j *arrowstream.Job) { j.Stages[0].Schema = sinkSchema }), dir: Dir{AllowNewState: true}, words: []string{"column k is gone"}},
		"another source": {job: change(func(j *arrowstream.Job) { j.Sources[0].UID = "asks" }), dir: Dir{AllowNewState: true, AllowDropState: true}, words: []string{"source asks (generator): the state has no such source", "source bids (generator): the program does not read it"}},
		"sink":           {job: change(func(j *arrowstream.Job) { j.Sinks[0].UID = "out2" }), words: []string{"--allow-new-state and --allow-drop-state", "text"}},
	} {
		t.Run(name, func(t *testing.T) {
			mem, d := written(t, 5, true)
			d.AllowNewState, d.AllowDropState = c.dir.AllowNewState, c.dir.AllowDropState
			before := string(contents(t, mem, d.at(incarnationName)))
			l, err := d.Open(t.Context(), c.job)
			if len(c.words) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				// The change is taken in: the next time it needs no permission.
				l.Close()
				d.AllowNewState, d.AllowDropState = false, false
				l, err := d.Open(t.Context(), c.job)
				if err != nil {
					t.Fatal(err)
				}
				l.Close()
				return
			}
			words := c.words
			if name == "sink" {
				words = words[:1]
			}
			wantCode(t, err, "AS5008", words...)
			if string(contents(t, mem, d.at(incarnationName))) != before {
				t.Error("the store was touched")
			}
		})
	}
}

// TestDroppedStateStaysDropped adds a stage again that was dropped before: it
// begins with nothing.
func TestDroppedStateStaysDropped(t *testing.T) {
	mem := columnartest.Allocator(t)
	_, d := written(t, 5, true)
	without := change(func(j *arrowstream.Job) { j.Stages = j.Stages[:1] })
	d.AllowDropState = true
	l, err := d.Open(t.Context(), without)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(t.Context(), arrowstream.Commit{Epoch: 6}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t.Context(), l, mem, "all"); err == nil {
		t.Error("a stage that is not of the job loads")
	}
	l.Close()
	d.AllowNewState = true
	l, err = d.Open(t.Context(), testJob())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	states, err := load(t.Context(), l, mem, "all")
	if err != nil || len(states) != 0 {
		t.Fatalf("%d states of a stage that was dropped, %v", len(states), err)
	}
	states, err = load(t.Context(), l, mem, "agg k")
	if err != nil || len(states) != 5 {
		t.Fatalf("%d states of the stage that was kept, %v", len(states), err)
	}
	for _, s := range states {
		s.Release()
	}
}

func TestSameUIDTwice(t *testing.T) {
	d := testDir(memFS{FS: vfs.NewMem()})
	_, err := d.Open(t.Context(), change(func(j *arrowstream.Job) { j.Stages[1].UID = j.Stages[0].UID }))
	if err == nil {
		t.Fatal("two stages with one uid")
	}
}
