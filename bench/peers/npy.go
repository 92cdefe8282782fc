package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/arrowstream/arrowstream/columnar"
)

// writeNPY writes columns of equal length as a file of numpy: a vector if there
// is one, else a matrix stored by column. Format 1.0: magic, a header in Python
// syntax padded to 64 bytes, the values little endian.
func writeNPY[T int64 | float64](path string, columns ...[]T) (err error) {
	kind, shape := "<i8", fmt.Sprintf("(%d,)", len(columns[0]))
	if _, ok := any(columns[0]).([]float64); ok {
		kind = "<f8"
	}
	if len(columns) > 1 {
		shape = fmt.Sprintf("(%d, %d)", len(columns[0]), len(columns))
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", kind, map[bool]string{true: "True", false: "False"}[len(columns) > 1], shape)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := out.WriteString("\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), byte(len(header) >> 8)}) + header); err != nil {
		return err
	}
	for _, c := range columns {
		if _, err := out.Write(columnar.AsBytes(c)); err != nil {
			return err
		}
	}
	return nil
}
