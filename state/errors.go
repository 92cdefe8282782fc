package state

import (
	"errors"
	"fmt"

	"github.com/arrowstream/arrowstream"
)

// Damage is the cause of an error with the code AS5003.
type Damage struct {
	// File is the path of the file and Offset the byte from which on it is not
	// what was written; -1 for the file as a whole.
	File   string
	Offset int64
	Reason string
	// Whole is the newest epoch of which everything is there, 0 for none.
	Whole arrowstream.Epoch
}

// Error implements error.
func (d *Damage) Error() string { return d.Reason }

// damaged is the error of a file that is not what was written.
func damaged(file string, bad flaw, whole arrowstream.Epoch) error {
	place := ""
	if bad.at >= 0 {
		place = fmt.Sprintf(" at byte %d", bad.at)
	}
	hint := fmt.Sprintf("no epoch was changed or removed; the newest that is whole is %d", whole)
	if whole == 0 {
		hint = "nothing was changed or removed; no whole epoch was found"
	}
	return &arrowstream.Error{
		Code: "AS5003", Msg: fmt.Sprintf("state: %s is damaged%s", file, place), Hint: hint,
		Err: &Damage{File: file, Offset: bad.at, Reason: bad.reason, Whole: whole},
	}
}

// unusable is the error of the file system.
func unusable(what string, err error) error {
	var e *arrowstream.Error
	if errors.As(err, &e) {
		return err
	}
	return &arrowstream.Error{Code: "AS5007", Msg: "state: " + what, Err: err}
}

// version is the error of a store of a later program.
func version(file string, found uint32) error {
	return &arrowstream.Error{
		Code: "AS5004", Msg: fmt.Sprintf("state: %s has format version %d, and this program knows %d", file, found, formatVersion),
		Hint: "use the version of arrowstream that wrote it, or a newer one",
	}
}
