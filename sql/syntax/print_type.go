package syntax

import (
	"fmt"
	"strconv"
	"strings"
)

func (w *writer) typ(t *Type) {
	if t == nil {
		return
	}
	name := t.Name
	w.add(name)
	switch {
	case name == "VECTOR":
		sep := "("
		for _, n := range t.Params {
			w.add(sep, strconv.Itoa(n))
			sep = ", "
		}
		if len(t.Elem) > 0 {
			w.add(sep, "FLOAT")
			sep = ", "
		}
		w.add(when(sep != "(", ")"))
	case len(t.Elem) > 0:
		w.add("<")
		for i, e := range t.Elem {
			if i > 0 {
				w.add(", ")
			}
			w.typ(e)
		}
		w.add(">")
	case len(t.Fields) > 0:
		w.add("<")
		for i, f := range t.Fields {
			if i > 0 {
				w.add(", ")
			}
			w.ident(f.Name)
			w.add(" ")
			w.typ(f.Type)
		}
		w.add(">")
	case len(t.Params) > 0:
		w.add("(", strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Params), " ", ", "), "[]"), ")")
	}
	w.add(when(t.NoZone, " WITHOUT TIME ZONE"))
}
