package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/sql"
)

const module = "github.com/arrowstream/arrowstream"

// mark matches a generated part: <!-- table NAME --> ... <!-- end -->.
var mark = regexp.MustCompile(`(?s)<!-- table ([^ ]+) -->\n.*?<!-- end -->`)

// fillTables writes the generated parts of a document anew.
func fillTables(t *testing.T, doc string) string {
	return mark.ReplaceAllStringFunc(doc, func(old string) string {
		name := mark.FindStringSubmatch(old)[1]
		return fmt.Sprintf("<!-- table %s -->\n%s<!-- end -->", name, table(t, name))
	})
}

// table makes the generated part of a name.
func table(t *testing.T, name string) string {
	kind, of, _ := strings.Cut(name, ":")
	switch kind {
	case "functions":
		return functions(t)
	case "aggregates":
		return aggregates(t)
	case "connectors":
		return connectors()
	case "models":
		return models()
	case "options":
		return options(t, of, nil)
	case "learner":
		return learner(t, strings.Split(of, ","))
	}
	t.Fatalf("unknown table %q", name)
	return ""
}

// row is a line of a table; bars inside cells are escaped.
func row(cells ...string) string {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func header(cells ...string) string {
	return row(cells...) + "|" + strings.Repeat("---|", len(cells)) + "\n"
}

func code(s string) string { return "`" + s + "`" }

func codeList(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = code(n)
	}
	return strings.Join(out, " ")
}

// functions lists the scalar functions under the headings of the function
// table in the source.
func functions(t *testing.T) string {
	var sb strings.Builder
	headings := functionHeadings(t)
	for _, name := range kernels.Names() {
		if h, ok := headings[name]; ok {
			fmt.Fprintf(&sb, "\n**%s**\n\n%s", h, header("usage", "result", "other names"))
		}
		f, _ := kernels.Find(name)
		other := []string{}
		for _, n := range append([]string{f.Name}, f.Aliases...) {
			if !strings.HasPrefix(strings.ToLower(f.Usage), n+"(") {
				other = append(other, n)
			}
		}
		sb.WriteString(row(code(f.Usage), f.Doc, codeList(other)))
	}
	fmt.Fprintf(&sb, "\n**Windows, models and tables**\n\n%s", header("usage", "result"))
	for _, f := range shownFunctions(t) {
		if _, scalar := kernels.Find(f[0]); scalar {
			continue
		}
		if _, aggregate := agg.Find(f[0]); !aggregate {
			sb.WriteString(row(code(f[1]), f[2]))
		}
	}
	return sb.String() + "\n"
}

// shownFunctions are the rows of SHOW FUNCTIONS: name, usage and what it is about.
func shownFunctions(t *testing.T) (rows [][3]string) {
	p, err := sql.Prepare("SHOW FUNCTIONS", sql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shown := p.Results[0].Rows
	for i := range int(shown.NumRows()) {
		var row [3]string
		for k := range row {
			row[k] = shown.Column(k).(*array.String).Value(i)
		}
		rows = append(rows, row)
	}
	return rows
}

// functionHeadings are the first sentences of the comments inside the function
// table, by the name of the function that follows.
func functionHeadings(t *testing.T) map[string]string {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, sourceFile("kernels/functions.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) < 100 {
			return true
		}
		for _, c := range f.Comments {
			if c.Pos() < lit.Pos() || c.End() > lit.End() {
				continue
			}
			i := slices.IndexFunc(lit.Elts, func(e ast.Expr) bool { return e.Pos() > c.End() })
			first, _, _ := strings.Cut(strings.TrimSpace(c.Text()), ".")
			name := lit.Elts[i].(*ast.CompositeLit).Elts[0].(*ast.BasicLit).Value
			out[strings.Trim(name, `"`)] = first
		}
		return false
	})
	if len(out) == 0 {
		t.Fatal("no headings found in the function table")
	}
	return out
}

// aggregateDocs says what each aggregate gives. A new one needs a line.
var aggregateDocs = map[string]string{
	"count":                 "number of rows, or of values that are not NULL",
	"count_if":              "number of rows where the condition is TRUE",
	"sum":                   "sum; of integers a BIGINT, overflow is an error; of decimals a DECIMAL(38, s)",
	"avg":                   "mean",
	"try_sum":               "sum, NULL where it overflows",
	"try_avg":               "mean, NULL where it overflows",
	"min":                   "least value",
	"max":                   "greatest value; NaN is greater than every number",
	"var_samp":              "variance of a sample (n - 1); NULL for one value",
	"var_pop":               "variance of a population (n)",
	"stddev_samp":           "standard deviation of a sample; NULL for one value",
	"stddev_pop":            "standard deviation of a population",
	"covar_samp":            "covariance of a sample, of the rows where both are known",
	"covar_pop":             "covariance of a population",
	"corr":                  "correlation after Pearson; NULL if one of them is constant",
	"first":                 "first value in the order of the rows that is not NULL",
	"last":                  "last value in the order of the rows that is not NULL",
	"any_value":             "one value that is not NULL: the first",
	"map_agg":               "map of the keys, in the order in which they first came, to the x of the last row of each; rows whose key is NULL are passed over",
	"json_arrayagg":         "JSON array of the values in the order of the rows; a NULL is left out unless NULL is said",
	"json_objectagg":        "JSON object of the members in the order of the rows; a NULL is null unless ABSENT is said; rows whose key is NULL are passed over",
	"approx_top_k":          "list of the k values, 5 if not given, that occur most, each with its count; counts are at most rows / (tracked + 1) too low, tracked being 10000 if not given, and exact up to twice as many values",
	"listagg":               "texts that are not NULL, with the separator, a comma if not given, between them",
	"mode":                  "value that occurs most; of several the first",
	"bit_and":               "bits that all integers have",
	"bit_or":                "bits that any integer has",
	"bit_xor":               "bits that an odd number of integers have",
	"percentile_disc":       "exact percentile that is one of the values",
	"percentile_disc_desc":  "exact percentile of the values from the greatest on",
	"regr_slope":            "slope of the line through the points (x, y), by least squares",
	"regr_intercept":        "where that line is at x = 0",
	"regr_r2":               "square of the correlation: how much of y the line explains",
	"regr_avgx":             "mean of x where y is not NULL",
	"regr_avgy":             "mean of y where x is not NULL",
	"regr_sxx":              "sum of squared deviations of x",
	"regr_syy":              "sum of squared deviations of y",
	"regr_sxy":              "sum of the products of deviations",
	"regr_count":            "number of rows where both are known",
	"skewness":              "third standardised moment of the population",
	"kurtosis":              "fourth standardised moment of the population, less 3",
	"roc_auc":               "exact area under the curve of true and false positives; labels above 0 are positive",
	"arg_min":               "x of the row with the least y",
	"arg_max":               "x of the row with the greatest y",
	"array_agg":             "list of the values that are not NULL in the order of the rows",
	"collect_set":           "list of the distinct values in the order in which they appeared",
	"bool_and":              "whether the condition is TRUE in all rows where it is known",
	"bool_or":               "whether the condition is TRUE in any row",
	"median":                "exact median; keeps all values",
	"percentile":            "exact percentile, interpolated; p from 0 to 1; keeps all values",
	"approx_count_distinct": "estimate of the number of distinct values, standard error 1.6 %; exact up to 256",
	"accuracy":              "share of rows where prediction and label are equal, of those where both are known",
	"f1":                    "harmonic mean of precision and recall of the positive class; predictions and labels above 0, or TRUE, are positive",
	"mae":                   "mean absolute error",
	"rmse":                  "root of the mean squared error",
	"adwin":                 "number of drifts that ADWIN signals in the rows so far, with confidence delta, 0.002 if not given; it begins anew after each",
	"page_hinkley":          "number of drifts that the test of Page and Hinkley signals in the rows so far: the threshold is 50 and delta 0.005 if not given",
	"log_loss":              "mean of -ln of the probability given to what came true; the label is 0 or 1",
}

func aggregates(t *testing.T) string {
	out := header("usage", "result", "other names")
	for _, name := range agg.Names() {
		f, _ := agg.Find(name)
		if aggregateDocs[name] == "" {
			t.Errorf("aggregate %q has no line in aggregateDocs", name)
		}
		out += row(code(f.Usage), aggregateDocs[name], codeList(f.Aliases))
	}
	return out
}

// connectors lists what io/all has.
func connectors() string {
	yes := map[bool]string{true: "yes", false: ""}
	out := header("connector", "other names", "reads", "writes", "file names")
	for _, c := range all.Connectors() {
		out += row(code(c.Name), codeList(c.Aliases), yes[c.Source != nil], yes[c.Sink != nil], codeList(c.Extensions))
	}
	return out
}

// models lists the model types.
func models() string {
	out := header("`model_type`", "other names", "task", "about")
	for _, m := range mlkernels.Types() {
		out += row(code(m.Name), codeList(m.Aliases), m.Task.String(), m.About)
	}
	return out
}

// learner lists the options of model types that share a struct of options, with
// the defaults of each.
func learner(t *testing.T, types []string) string {
	defaults := map[string][]string{} // by Go field: default, types
	var config reflect.Type
	for _, m := range mlkernels.Types() {
		if !slices.Contains(types, m.Name) {
			continue
		}
		v := reflect.ValueOf(m.Options)
		config = v.Type()
		for i := range v.NumField() {
			field := v.Type().Field(i).Name
			if f := v.Field(i); !f.IsZero() {
				defaults[field] = append(defaults[field], fmt.Sprint(f.Interface()))
			} else {
				defaults[field] = append(defaults[field], "")
			}
		}
	}
	if config == nil {
		t.Fatalf("no model types %v", types)
	}
	text := map[string]string{}
	for field, values := range defaults {
		one := slices.Compact(slices.Clone(values))
		if len(one) == 1 {
			if one[0] != "" {
				text[field] = code(one[0])
			}
			continue
		}
		var each []string
		for i, v := range values {
			if v == "" {
				v = "0"
			}
			each = append(each, types[i]+" "+code(v))
		}
		text[field] = strings.Join(each, ", ")
	}
	return options(t, strings.TrimPrefix(config.PkgPath(), module+"/")+"."+config.Name(), text)
}

// option is one option of a struct.
type option struct {
	field, name string
	aliases     []string
	typ, doc    string
	required    bool
}

// options lists the options of a struct: "io/csv.Source".
func options(t *testing.T, of string, defaults map[string]string) string {
	dir, name := path.Split(of)
	pkg, name, _ := strings.Cut(name, ".")
	docs := fieldDocs(t, path.Join(dir, pkg))
	list := docs.options(name)
	if len(list) == 0 {
		t.Fatalf("%s has no options", of)
	}
	if !declared(of) {
		t.Errorf("%s is in no list of options of a connector or model", of)
	}
	cells := []string{"option", "other names", "value"}
	if defaults != nil {
		cells = append(cells, "default")
	}
	out := header(append(cells, "meaning")...)
	for _, o := range list {
		meaning := o.doc
		if o.required {
			meaning = "Required. " + meaning
		}
		cells := []string{code(o.name), codeList(o.aliases), o.typ}
		if defaults != nil {
			cells = append(cells, defaults[o.field])
		}
		out += row(append(cells, meaning)...)
	}
	return out
}

// declared reports whether a connector, a format, a model type or a model
// description has the struct.
func declared(of string) bool {
	known := []any{mlkernels.Spec{}}
	for _, c := range all.Connectors() {
		known = append(known, c.Options...)
	}
	for _, f := range all.Formats() {
		known = append(known, f)
	}
	for _, m := range mlkernels.Types() {
		known = append(known, m.Options)
	}
	return slices.ContainsFunc(known, func(x any) bool {
		t := reflect.TypeOf(x)
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		return strings.TrimPrefix(t.PkgPath(), module+"/")+"."+t.Name() == of
	})
}

// TestAllOptionsDocumented checks that every struct of options of a connector
// has its table.
func TestAllOptionsDocumented(t *testing.T) {
	doc, err := os.ReadFile(sourceFile("docs/connectors.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all.Connectors() {
		for _, x := range c.Options {
			typ := reflect.TypeOf(x)
			if typ.Kind() == reflect.Pointer {
				typ = typ.Elem()
			}
			name := "<!-- table options:" + strings.TrimPrefix(typ.PkgPath(), module+"/") + "." + typ.Name() + " -->"
			if len(arrowstream.OptionNames(x)) > 0 && !strings.Contains(string(doc), name) {
				t.Errorf("connectors.md lacks %s", name)
			}
		}
	}
}
