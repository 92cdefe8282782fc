package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// The names in a store.
const (
	lockName        = "LOCK"
	incarnationName = "INCARNATION"
	manifestName    = "MANIFEST"
	reserveName     = "RESERVE"
	logDir          = "log"
	stateDir        = "state"
	outboxDir       = "outbox"
	journalDir      = "journal"
	savepointsDir   = "savepoints"
)

// The endings of files.
const (
	arrowsSuffix  = ".arrows"
	segmentSuffix = ".log"
	journalSuffix = ".journal"
	keysSuffix    = ".keys"
	// tempSuffix is that of files under construction.
	tempSuffix = ".inprogress"
)

// escape turns a UID or the name of a batch into the name of a file: ASCII
// letters, digits, - and _ and inner dots stay, every other byte is written as
// %XX. Names over 100 bytes are cut and end in a hash of the whole.
func escape(name string) string {
	var sb strings.Builder
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && i > 0:
			sb.WriteByte(c)
		default:
			fmt.Fprintf(&sb, "%%%02X", c)
		}
	}
	s := sb.String()
	if s == "" {
		return "%"
	}
	if len(s) > 100 {
		sum := sha256.Sum256([]byte(name))
		return s[:80] + "%." + hex.EncodeToString(sum[:8])
	}
	return s
}

// stagePath is the folder of a stage, outboxPath that of a sink and journalPath
// that of a source.
func stagePath(uid string) string   { return filepath.Join(stateDir, escape(uid)) }
func outboxPath(uid string) string  { return filepath.Join(outboxDir, escape(uid)) }
func journalPath(uid string) string { return filepath.Join(journalDir, escape(uid)) }

// stateFile is the name of the file of one batch of a stage in an epoch.
func stateFile(uid string, epoch arrowstream.Epoch, incarnation uint64, part string, delta bool) string {
	kind := "snap"
	if delta {
		kind = "delta"
	}
	return filepath.Join(stagePath(uid), fmt.Sprintf("%010d-%d.%s.%s", epoch, incarnation, escape(part), kind)+arrowsSuffix)
}

// outboxFile is the name of the file of the rows of a sink in an epoch.
func outboxFile(sink string, epoch arrowstream.Epoch, incarnation uint64) string {
	return filepath.Join(outboxPath(sink), fmt.Sprintf("%010d-%d", epoch, incarnation)+arrowsSuffix)
}

// segmentFile is the name of a segment of the log.
func segmentFile(number, incarnation uint64) string {
	return filepath.Join(logDir, fmt.Sprintf("%010d-%d", number, incarnation)+segmentSuffix)
}

// journalFile is the base name of a segment of a journal, or of its keys.
func journalFile(start int64, incarnation uint64, suffix string) string {
	return fmt.Sprintf("%020d-%d", start, incarnation) + suffix
}

// parseName takes the two numbers from the base name of a file, and reports
// whether it ends as files of its folder do and nobody else's.
func parseName(base, suffix string) (first, incarnation uint64, ok bool) {
	rest, ok := strings.CutSuffix(base, suffix)
	if !ok {
		return 0, 0, false
	}
	rest, _, _ = strings.Cut(rest, ".")
	a, b, ok := strings.Cut(rest, "-")
	if !ok || len(a) < 10 {
		return 0, 0, false
	}
	first, err1 := strconv.ParseUint(a, 10, 64)
	incarnation, err2 := strconv.ParseUint(b, 10, 64)
	return first, incarnation, err1 == nil && err2 == nil
}
