package state

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/arrowstream/arrowstream"
)

// filled sets everything in v to something, so that what a store leaves out of
// a commit shows.
func filled(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(1)
	case reflect.String:
		v.SetString("s")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		filled(t, v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(t, key)
		filled(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			filled(t, v.Field(i))
		}
	default:
		t.Fatalf("the test does not know %s", v.Type())
	}
}

func TestCommitsComeBackWhole(t *testing.T) {
	d := testDir(memFS{FS: vfs.NewMem()})
	var full arrowstream.Commit
	filled(t, reflect.ValueOf(&full).Elem())
	full.Epoch = 1
	empty := arrowstream.Commit{Epoch: 2, Driver: []byte{}, Sinks: map[string]arrowstream.SinkCommit{"out": {Prepared: []byte{}}}}
	for _, want := range []arrowstream.Commit{full, empty} {
		l := mustOpen(t, d)
		if err := l.Commit(t.Context(), want, nil); err != nil {
			t.Fatal(err)
		}
		l.Close()
		l = mustOpen(t, d)
		if got := *l.Start().Last; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		l.Close()
	}
}

func TestRecordsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                     "unexpected end",
		`{`:                    "unexpected end",
		`{"v":2}`:              "version 2",
		`{"v":1,"driver":"?"}`: "base64",
		`{"v":1,"states":[{"uid":"a"},{"uid":"a"}]}`:                         "twice",
		`{"v":1,"states":[{"uid":"a","files":{"x":{"bytes":-1}}}]}`:          "negative",
		`{"v":1,"outbox":{"s":{"rows":-1}}}`:                                 "negative",
		`{"v":1,"sinks":{"s":{"rows":-1}}}`:                                  "negative",
		`{"v":1,"states":[{"uid":"a","files":{"x":{"crc32c":4294967296}}}]}`: "crc32c",
	} {
		if _, err := decodeRecord([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
