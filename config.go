package arrowstream

import (
	"fmt"
	"reflect"
	"strings"
)

// typeName is the type of a part with its package: "parquet.Source".
func typeName(v any) string { return strings.TrimPrefix(reflect.TypeOf(v).String(), "*") }

// configuration is the text of the exported fields of a stage, a join or a part
// of one that are not zero: what its state depends on. A field with the tag
// state:"-" may change between two runs; one with state:"default=X" is the same
// when it is X as when it is zero, as before there was such a field.
func configuration(v any) string {
	var sb strings.Builder
	writeConfig(&sb, reflect.ValueOf(v), 0)
	return strings.TrimSuffix(strings.TrimPrefix(sb.String(), "{"), "}")
}

// maxConfigDepth ends values that hold themselves.
const maxConfigDepth = 32

func writeConfig(sb *strings.Builder, v reflect.Value, depth int) {
	if depth > maxConfigDepth {
		sb.WriteString("...")
		return
	}
	if s, ok := exportedStringer(v); ok {
		sb.WriteString(s.String())
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			if v.Elem().Kind() == reflect.Struct {
				sb.WriteString(v.Elem().Type().Name())
			}
			writeConfig(sb, v.Elem(), depth+1)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			writeConfig(sb, v.Elem(), depth+1)
		}
	case reflect.Struct:
		sb.WriteString("{")
		sep := ""
		for i := range v.NumField() {
			f := v.Type().Field(i)
			tag := f.Tag.Get("state")
			if !f.IsExported() || tag == "-" || v.Field(i).IsZero() || tag != "" && tag == "default="+v.Field(i).String() {
				continue
			}
			sb.WriteString(sep + f.Name + ": ")
			writeConfig(sb, v.Field(i), depth+1)
			sep = ", "
		}
		sb.WriteString("}")
	case reflect.Slice, reflect.Array:
		sb.WriteString("[")
		for i := range v.Len() {
			if i > 0 {
				sb.WriteString(", ")
			}
			writeConfig(sb, v.Index(i), depth+1)
		}
		sb.WriteString("]")
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
	case reflect.String:
		fmt.Fprintf(sb, "%q", v.String())
	default:
		fmt.Fprint(sb, v.Interface()) // maps are printed in the order of their keys
	}
}

// exportedStringer is v as a fmt.Stringer, if it is one that is no nil pointer:
// durations, types, expressions.
func exportedStringer(v reflect.Value) (fmt.Stringer, bool) {
	if !v.IsValid() || !v.CanInterface() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil() {
		return nil, false
	}
	s, ok := v.Interface().(fmt.Stringer)
	return s, ok
}
