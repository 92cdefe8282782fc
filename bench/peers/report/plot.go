package report

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	plotWidth  = 24 * vg.Centimeter
	lineHeight = 13
	suiteSpace = 66 // of the title and the axis of a suite
)

// svg draws the ratios of r: per suite a line for each row from its least to its
// greatest ratio, a dot at the median and a cross at the goal. The axis is
// logarithmic, since twice as fast and half as fast are as far from equal.
func (r *Run) svg(w io.Writer, suites []Suite) error {
	var parts []*plot.Plot
	var heights []vg.Length
	total := vg.Length(0)
	for _, s := range suites {
		var rows []Row
		for _, row := range r.Rows {
			if row.Suite == s.Name && row.Ratio > 0 {
				rows = append(rows, row)
			}
		}
		if len(rows) == 0 {
			continue
		}
		p, err := ratios(s, rows)
		if err != nil {
			return err
		}
		parts, heights = append(parts, p), append(heights, vg.Length(len(rows)*lineHeight+suiteSpace))
		total += heights[len(heights)-1]
	}
	canvas := vgsvg.New(plotWidth, max(total, lineHeight))
	page := draw.New(canvas)
	top := vg.Length(0)
	for i, p := range parts {
		p.Draw(draw.Crop(page, 0, 0, total-top-heights[i], -top))
		top += heights[i]
	}
	_, err := canvas.WriteTo(w)
	return err
}

// spans are the points and error bars of rows, the first one on top.
type spans []Row

// Len, XY and XError implement the interfaces of plotter.
func (s spans) Len() int { return len(s) }

func (s spans) XY(i int) (x, y float64) { return s[i].Ratio, float64(len(s) - 1 - i) }

func (s spans) XError(i int) (low, high float64) { return s[i].Ratio - s[i].Min, s[i].Max - s[i].Ratio }

func ratios(s Suite, rows []Row) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = s.Title
	p.X.Label.Text = "ratio"
	labels, goals := make([]string, len(rows)), plotter.XYs{}
	low, high := 0.8, 1.25
	for i, row := range rows {
		at := len(rows) - 1 - i
		labels[at] = fmt.Sprintf("%s, %s", row.Name, row.Peer)
		if row.Threads > 1 {
			labels[at] += fmt.Sprintf(", %d threads", row.Threads)
		}
		if row.Goal > 0 {
			goals = append(goals, plotter.XY{X: row.Goal, Y: float64(at)})
			low, high = min(low, row.Goal), max(high, row.Goal)
		}
		low, high = min(low, row.Min), max(high, row.Max)
	}
	p.NominalY(labels...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(rows))-0.4
	p.X.Scale, p.X.Min, p.X.Max = plot.LogScale{}, low/1.1, high*1.1
	p.X.Tick.Marker = ticks(p.X.Min, p.X.Max)
	equal, err := plotter.NewLine(plotter.XYs{{X: 1, Y: p.Y.Min}, {X: 1, Y: p.Y.Max}})
	if err != nil {
		return nil, err
	}
	equal.Color = color.Gray{Y: 160}
	bars, err := plotter.NewXErrorBars(spans(rows))
	if err != nil {
		return nil, err
	}
	bars.Color = color.RGBA{R: 70, G: 110, B: 180, A: 255}
	dots, err := plotter.NewScatter(spans(rows))
	if err != nil {
		return nil, err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: bars.Color, Radius: 2.5, Shape: draw.CircleGlyph{}}
	p.Add(equal, bars, dots)
	if len(goals) > 0 {
		crosses, err := plotter.NewScatter(goals)
		if err != nil {
			return nil, err
		}
		crosses.GlyphStyle = draw.GlyphStyle{Color: color.RGBA{R: 200, G: 60, B: 40, A: 255}, Radius: 3, Shape: draw.CrossGlyph{}}
		p.Add(crosses)
	}
	return p, nil
}

// ticks are at 1, 2 and 5 times the powers of ten.
func ticks(low, high float64) plot.ConstantTicks {
	var t plot.ConstantTicks
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, step := range []float64{1, 2, 5} {
			if v := step * power; low <= v && v <= high {
				t = append(t, plot.Tick{Value: v, Label: fmt.Sprintf("%.4g", v)})
			}
		}
	}
	return t
}
