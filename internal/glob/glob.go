// Package glob turns the file pattern of a table into a sorted list of files.
// Floor 1.
package glob

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/arrowstream/arrowstream/internal/access"
)

// NoMatchError says that a pattern matched no file.
type NoMatchError struct {
	Pattern string
	Nearest string // the deepest directory on the way that exists
	// Extensions are the endings that were looked for, if Pattern is a directory.
	Extensions []string
}

// Error implements error.
func (e *NoMatchError) Error() string {
	if len(e.Extensions) > 0 {
		return fmt.Sprintf("directory %q holds no file that ends in %s", e.Pattern, strings.Join(e.Extensions, ", "))
	}
	return fmt.Sprintf("no file matches %q; nearest existing directory is %q", e.Pattern, e.Nearest)
}

// Is makes a NoMatchError an fs.ErrNotExist.
func (e *NoMatchError) Is(target error) bool { return target == fs.ErrNotExist }

// maxAlternatives bounds what the braces of one pattern expand to.
const maxAlternatives = 4096

// Expand returns the files that pattern names, sorted by name and without
// repetition. A pattern is
//   - the name of a file, even of one whose name looks like a pattern;
//   - the name of a directory: all files below it whose name ends in one of
//     extensions (".parquet"), or all files when none are given;
//   - a pattern: * and ? match within a name, ** any number of directories,
//     [a-z] and [!a-z] one character, {a,b} either text.
//
// Names that begin with . or _ are skipped, files and directories alike, unless
// the pattern writes that character out. Directories that match a pattern are
// skipped. No match is a *NoMatchError. What a does not allow is an error, and
// never looked at.
func Expand(a *access.Policy, pattern string, extensions ...string) ([]string, error) {
	if pattern == "" {
		return nil, errors.New("empty file name")
	}
	if strings.ContainsRune(pattern, 0) {
		return nil, fmt.Errorf("file name %q contains a NUL character", pattern)
	}
	var files []string
	switch info, err := a.Stat(pattern); {
	case err == nil && info.IsDir():
		if files, err = walk(a, nil, pattern, []string{"**", "*"}); err != nil {
			return nil, err
		}
		files = slices.DeleteFunc(files, func(f string) bool { return !hasExtension(f, extensions) })
		if len(files) == 0 {
			return nil, &NoMatchError{Pattern: pattern, Nearest: pattern, Extensions: extensions}
		}
	case err == nil:
		return []string{pattern}, nil
	case !HasMeta(pattern):
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &NoMatchError{Pattern: pattern, Nearest: nearest(a, pattern)}
		}
		return nil, err
	default:
		alternatives, err := braces(filepath.ToSlash(pattern))
		if err != nil {
			return nil, err
		}
		for _, alt := range alternatives {
			if files, err = expand(a, files, alt); err != nil {
				return nil, err
			}
		}
	}
	if len(files) == 0 {
		return nil, &NoMatchError{Pattern: pattern, Nearest: nearest(a, pattern)}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// HasMeta reports whether pattern contains a character that makes it a pattern.
func HasMeta(pattern string) bool { return strings.ContainsAny(pattern, "*?[{") }

// expand appends the files that one pattern without braces matches.
func expand(a *access.Policy, files []string, pattern string) ([]string, error) {
	root, rest := ".", pattern
	if strings.HasPrefix(pattern, "/") {
		root, rest = "/", strings.TrimLeft(pattern, "/")
	}
	var segments []string
	for _, s := range strings.Split(rest, "/") {
		switch {
		case s == "" || s == ".":
		case s == "**" && len(segments) > 0 && segments[len(segments)-1] == "**":
		default:
			s = strings.ReplaceAll(s, "[!", "[^")
			if _, err := path.Match(s, ""); err != nil {
				return nil, fmt.Errorf("pattern %q: unbalanced or empty brackets in %q", pattern, s)
			}
			segments = append(segments, s)
		}
	}
	if n := len(segments); n > 0 && segments[n-1] == "**" {
		segments = append(segments, "*")
	}
	// The folders in front of the pattern need not be allowed, only the last.
	for len(segments) > 1 && segments[0] != "**" && !HasMeta(segments[0]) {
		root, segments = filepath.Join(root, segments[0]), segments[1:]
	}
	switch info, err := a.Stat(root); {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), err == nil && !info.IsDir():
		return files, nil
	case err != nil:
		return nil, err
	}
	return walk(a, files, root, segments)
}

// walk appends the files below dir that segments match.
func walk(a *access.Policy, files []string, dir string, segments []string) ([]string, error) {
	seg, rest := segments[0], segments[1:]
	if seg != "**" && !HasMeta(seg) {
		name := filepath.Join(dir, seg)
		info, err := a.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return files, nil
		case err != nil:
			return nil, err
		case len(rest) > 0 && info.IsDir():
			return walk(a, files, name, rest)
		case len(rest) == 0 && !info.IsDir():
			files = append(files, name)
		}
		return files, nil
	}
	if seg == "**" {
		var err error
		if files, err = walk(a, files, dir, rest); err != nil {
			return nil, err
		}
	}
	entries, err := a.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.ContainsRune("._", rune(name[0])) && seg[0] != name[0] {
			continue
		}
		full := filepath.Join(dir, name)
		if seg == "**" {
			// Links to directories are not followed: they may form a circle.
			if e.IsDir() {
				if files, err = walk(a, files, full, segments); err != nil {
					return nil, err
				}
			}
			continue
		}
		if ok, _ := path.Match(seg, name); !ok {
			continue
		}
		info, err := a.Stat(full)
		switch {
		case errors.Is(err, fs.ErrNotExist): // a link to nowhere, or gone since
		case err != nil:
			return nil, err
		case len(rest) > 0 && info.IsDir():
			if files, err = walk(a, files, full, rest); err != nil {
				return nil, err
			}
		case len(rest) == 0 && !info.IsDir():
			files = append(files, full)
		}
	}
	return files, nil
}

// braces expands {a,b} from left to right; braces nest.
func braces(pattern string) ([]string, error) {
	open := strings.IndexByte(pattern, '{')
	if open < 0 {
		return []string{pattern}, nil
	}
	depth, start := 0, open+1
	var parts []string
	for i := open; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '{':
			depth++
		case c == ',' && depth == 1:
			parts = append(parts, pattern[start:i])
			start = i + 1
		case c == '}':
			if depth--; depth > 0 {
				continue
			}
			var out []string
			for _, p := range append(parts, pattern[start:i]) {
				more, err := braces(pattern[:open] + p + pattern[i+1:])
				if err != nil {
					return nil, err
				}
				if out = append(out, more...); len(out) > maxAlternatives {
					return nil, fmt.Errorf("pattern %q: braces stand for more than %d names", pattern, maxAlternatives)
				}
			}
			return out, nil
		}
	}
	return nil, fmt.Errorf("pattern %q: { without }", pattern)
}

func hasExtension(file string, extensions []string) bool {
	return len(extensions) == 0 || slices.ContainsFunc(extensions, func(e string) bool {
		return strings.HasSuffix(strings.ToLower(file), strings.ToLower(e))
	})
}

// nearest is the deepest existing directory above the pattern.
func nearest(a *access.Policy, pattern string) string {
	dir := filepath.FromSlash(pattern)
	for {
		if info, err := a.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
}
