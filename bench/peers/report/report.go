// Package report writes what benchmarks measured as a Markdown table and as an
// SVG plot. It holds no clock and knows no benchmark: rows in, text out, the
// same text for the same rows.
package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Row is one comparison: ours with a peer, or ours with the limit of the
// machine, measured in turn.
type Row struct {
	Suite   string `json:"suite"`
	Name    string `json:"name"`
	Threads int    `json:"threads"`
	// Peer is whom ours is compared with.
	Peer string `json:"peer"`
	// Ours and Theirs are the medians, in Unit.
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs"`
	Unit   string  `json:"unit"`
	// Ratio is the median over all pairs of ours/theirs, Min and Max are the
	// least and the greatest.
	Ratio float64 `json:"ratio"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	// CPU is the median ratio of processor time, which other programs on the
	// machine disturb less; 0 if it was not measured.
	CPU float64 `json:"cpu,omitempty"`
	// Pairs is how often both were measured.
	Pairs int `json:"pairs"`
	// Goal is what Ratio shall reach, 0 if there is none.
	Goal float64 `json:"goal,omitempty"`
	// Note is a remark, such as why there are no figures.
	Note string `json:"note,omitempty"`
}

// Run is everything a report says.
type Run struct {
	// About are lines on the machine and the versions, by key.
	About map[string]string `json:"about"`
	Rows  []Row             `json:"rows"`
}

// Merge puts rows into r: each replaces the one with the same suite, name,
// threads and peer, or comes last. Figures replace what said that a suite has
// none of its peer.
func (r *Run) Merge(rows ...Row) {
	for _, row := range rows {
		r.Rows = slices.DeleteFunc(r.Rows, func(old Row) bool {
			return row.Pairs > 0 && old.Pairs == 0 && old.Suite == row.Suite && old.Peer == row.Peer
		})
		same := func(old Row) bool {
			return old.Suite == row.Suite && old.Name == row.Name && old.Threads == row.Threads && old.Peer == row.Peer
		}
		if i := slices.IndexFunc(r.Rows, same); i >= 0 {
			r.Rows[i] = row
		} else {
			r.Rows = append(r.Rows, row)
		}
	}
}

// Load reads the JSON that Write wrote; a missing file is an empty run.
func Load(path string) (*Run, error) {
	r := &Run{About: map[string]string{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(data, r)
}

// Page is a report on one run.
type Page struct {
	// Name is that of the files, without ending.
	Name  string
	Title string
	// Text introduces the tables, in Markdown.
	Text   string
	Suites []Suite
}

// Write writes r as a page into dir: the rows as JSON, the tables as Markdown
// and the plot as SVG.
func (r *Run) Write(dir string, page Page) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	var table, drawing bytes.Buffer
	r.markdown(&table, page)
	if err := r.svg(&drawing, page.Suites); err != nil {
		return err
	}
	file := func(ending string) string { return filepath.Join(dir, page.Name+ending) }
	return errors.Join(
		os.WriteFile(file(".json"), append(data, '\n'), 0o666),
		os.WriteFile(file(".md"), table.Bytes(), 0o666),
		os.WriteFile(file(".svg"), drawing.Bytes(), 0o666),
	)
}

// Median is the middle of v, 0 of nothing.
func Median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	m := len(v) / 2
	if len(v)%2 == 0 {
		return (v[m-1] + v[m]) / 2
	}
	return v[m]
}
