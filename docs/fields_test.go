package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// repository is the root of the repository; tests start in the folder of their
// package.
var repository, _ = filepath.Abs("..")

// sourceFile is a file of the repository, from any folder.
func sourceFile(name string) string { return filepath.Join(repository, name) }

// structs are the structs of a package by name, and its text constants.
type structs struct {
	types     map[string]*ast.StructType
	constants map[string]string
}

// fieldDocs reads the structs of a package with the comments of their fields.
func fieldDocs(t *testing.T, pkg string) structs {
	found := structs{map[string]*ast.StructType{}, map[string]string{}}
	dir := sourceFile(pkg)
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != dir:
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if st, ok := n.Type.(*ast.StructType); ok {
					found.types[n.Name.Name] = st
				}
			case *ast.ValueSpec:
				for i, v := range n.Values {
					if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						found.constants[n.Names[i].Name] = strings.Trim(lit.Value, `"`)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// options lists the fields of a struct that are options, in their order.
func (s structs) options(name string) []option {
	st := s.types[name]
	if st == nil {
		return nil
	}
	var out []option
	doc, first := "", ""
	for _, f := range st.Fields.List {
		if f.Doc != nil {
			doc, first = strings.Join(strings.Fields(f.Doc.Text()), " "), ""
		} else if f.Comment != nil {
			doc, first = strings.Join(strings.Fields(f.Comment.Text()), " "), ""
		}
		if f.Tag == nil || len(f.Names) == 0 {
			continue
		}
		tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
		names := strings.Split(tag.Get("option"), ",")
		if names[0] == "" {
			continue
		}
		o := option{field: f.Names[0].Name, name: names[0], aliases: names[1:], typ: valueType(f.Type), required: tag.Get("required") == "true"}
		switch borrowed := s.borrowed(doc, o.field); {
		case borrowed != "":
			o.doc = borrowed
		case first == "":
			o.doc, first = doc, o.name
		default:
			o.doc = "see " + code(first)
		}
		out = append(out, o)
	}
	for i := range out {
		out[i].doc = s.speakOptions(out[i].doc, out)
	}
	return out
}

var asIn = regexp.MustCompile(`(?:is|are) as in \[(\w+)\]`)

// borrowed is the comment of the field in the struct that doc refers to, "" if
// it refers to none.
func (s structs) borrowed(doc, field string) string {
	m := asIn.FindStringSubmatch(doc)
	if m == nil || s.types[m[1]] == nil {
		return ""
	}
	last := ""
	for _, f := range s.types[m[1]].Fields.List {
		if f.Doc != nil {
			last = strings.Join(strings.Fields(f.Doc.Text()), " ")
		}
		if slices.ContainsFunc(f.Names, func(n *ast.Ident) bool { return n.Name == field }) {
			return last
		}
	}
	return ""
}

var (
	word     = regexp.MustCompile(`\[?\b[A-Z]\w*\b\]?`)
	sentence = regexp.MustCompile(`(^|[.:] )$`)
)

// asides are parts of comments that speak to Go programmers only.
var asides = regexp.MustCompile(` \(see package \w+\)| \w+ is what the user called it[^.]*\.`)

// speakOptions writes the names of options for those of fields. A plain word
// at the start of a sentence that is followed by a preposition is a noun.
func (s structs) speakOptions(doc string, list []option) string {
	doc = strings.ReplaceAll(asides.ReplaceAllString(doc, ""), "; nil means", "; none means")
	var sb strings.Builder
	at := 0
	for _, m := range word.FindAllStringIndex(doc, -1) {
		field := strings.Trim(doc[m[0]:m[1]], "[]")
		i := slices.IndexFunc(list, func(o option) bool { return o.field == field })
		next, _, _ := strings.Cut(strings.TrimPrefix(doc[m[1]:], " "), " ")
		noun := sentence.MatchString(doc[:m[0]]) && field == strings.ToUpper(field[:1])+strings.ToLower(field[1:]) &&
			slices.Contains([]string{"of", "to", "from", "at", "between", "around", "in", "for"}, next)
		sb.WriteString(doc[at:m[0]])
		switch {
		case i >= 0 && !noun:
			sb.WriteString(code(list[i].name))
		case s.constants[field] != "":
			sb.WriteString(s.constants[field])
		default:
			sb.WriteString(field)
		}
		at = m[1]
	}
	return sb.String() + doc[at:]
}

// valueType names the values that a field takes.
func valueType(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		switch e.Name {
		case "bool", "Switch":
			return "true, false"
		case "Instant":
			return "time"
		case "float64":
			return "number"
		}
		if strings.HasPrefix(e.Name, "int") || strings.HasPrefix(e.Name, "uint") {
			return "whole number"
		}
	case *ast.SelectorExpr:
		if e.Sel.Name == "Duration" {
			return "duration"
		}
	case *ast.ArrayType:
		if id, ok := e.Elt.(*ast.Ident); ok && id.Name == "float64" {
			return "numbers"
		}
		return "list"
	}
	return "text"
}
