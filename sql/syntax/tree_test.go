package syntax_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// tree is all that a node holds but its place and the backquotes round names
// that need none.
func tree(n any) string {
	var sb strings.Builder
	dump(&sb, reflect.ValueOf(n))
	return sb.String()
}

func dump(sb *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			sb.WriteString("nil")
			return
		}
		dump(sb, v.Elem())
	case reflect.Slice:
		sb.WriteString("[")
		for i := range v.Len() {
			dump(sb, v.Index(i))
			sb.WriteString(" ")
		}
		sb.WriteString("]")
	case reflect.Struct:
		sb.WriteString(v.Type().Name() + "{")
		for i := range v.NumField() {
			f := v.Type().Field(i)
			switch x := v.Field(i).Interface().(type) {
			case syntax.Span:
				continue
			case syntax.StreamClauses: // has a place also when it is empty
				if x.Empty() {
					continue
				}
			case byte:
				if x == '`' {
					continue
				}
			}
			if !v.Field(i).IsZero() {
				sb.WriteString(f.Name + ":")
				dump(sb, v.Field(i))
				sb.WriteString(" ")
			}
		}
		sb.WriteString("}")
	default:
		fmt.Fprintf(sb, "%q", fmt.Sprint(v))
	}
}

// checkPrinted checks that the canonical text of a statement parses to the same
// tree, which prints to the same text.
func checkPrinted(t *testing.T, st syntax.Statement) {
	t.Helper()
	once := syntax.Text(st)
	again, err := syntax.Parse("", once)
	if err != nil || len(again.Statements) != 1 {
		t.Errorf("canonical text does not parse: %q: %v", once, err)
		return
	}
	if twice := syntax.Text(again.Statements[0]); twice != once {
		t.Errorf("canonical text changes:\n%s\n%s", once, twice)
	}
	if strings.Contains(once, "***") { // a secret is gone
		return
	}
	if a, b := tree(st), tree(again.Statements[0]); a != b {
		t.Errorf("the tree of %q changes:\n%s\n%s", once, a, b)
	}
}
