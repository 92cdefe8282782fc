package main

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/arrowstream/arrowstream/columnar"
)

// duckDB is a database in memory that reads Parquet files where they lie. Its
// C interface is used without the layers above it: what is measured is the
// query and a look at the vectors of its result.
type duckDB struct {
	db   mapping.Database
	conn mapping.Connection
}

// openDuckDB returns DuckDB with the file as table t.
func openDuckDB(file string) (*duckDB, error) {
	d := &duckDB{}
	if mapping.Open("", &d.db) != mapping.StateSuccess {
		return nil, fmt.Errorf("duckdb: cannot open")
	}
	if mapping.Connect(d.db, &d.conn) != mapping.StateSuccess {
		d.Close()
		return nil, fmt.Errorf("duckdb: cannot connect")
	}
	if err := d.run("CREATE VIEW t AS FROM read_parquet('" + strings.ReplaceAll(file, "'", "''") + "')"); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *duckDB) Close() {
	mapping.Disconnect(&d.conn)
	mapping.Close(&d.db)
}

// SetThreads bounds the threads of later queries, the calling one included.
func (d *duckDB) SetThreads(n int) error { return d.run("SET threads = " + strconv.Itoa(n)) }

func (d *duckDB) run(statement string) error {
	_, err := d.Query(statement)
	return err
}

// Query runs a query and looks at all rows of its result.
func (d *duckDB) Query(query string) (*Digest, error) {
	var result mapping.Result
	state := mapping.Query(d.conn, query, &result)
	defer mapping.DestroyResult(&result)
	if state != mapping.StateSuccess {
		return nil, fmt.Errorf("duckdb: %s", mapping.ResultError(&result))
	}
	types := make([]mapping.Type, mapping.ColumnCount(&result))
	for j := range types {
		types[j] = mapping.ColumnType(&result, mapping.IdxT(j))
	}
	digest, columns := &Digest{}, make([]column, len(types))
	for {
		chunk := mapping.FetchChunk(result)
		if chunk.Ptr == nil {
			return digest, nil
		}
		n := int(mapping.DataChunkGetSize(chunk))
		for j, t := range types {
			var err error
			if columns[j], err = vectorOf(mapping.DataChunkGetVector(chunk, mapping.IdxT(j)), t, n); err != nil {
				mapping.DestroyDataChunk(&chunk)
				return nil, err
			}
		}
		digest.Add(n, columns)
		mapping.DestroyDataChunk(&chunk)
	}
}

// vectorOf is the first n values of a vector of DuckDB, valid as long as it.
func vectorOf(v mapping.Vector, t mapping.Type, n int) (column, error) {
	c := column{valid: columnar.Bitmap{N: n}}
	if mask := mapping.VectorGetValidity(v); mask != nil {
		c.valid.Bits = unsafe.Slice((*byte)(mask), columnar.BitmapBytes(n))
	}
	data := mapping.VectorGetData(v)
	switch t {
	case mapping.TypeBigInt, mapping.TypeTimestamp:
		c.ints = unsafe.Slice((*int64)(data), n)
	case mapping.TypeDouble:
		c.floats = unsafe.Slice((*float64)(data), n)
	case mapping.TypeVarchar:
		texts := unsafe.Slice((*duckText)(data), n)
		c.text = func(i int) string { return texts[i].String() }
	default:
		return c, fmt.Errorf("duckdb: a column of type %d in a result: cast it to BIGINT, DOUBLE, VARCHAR or TIMESTAMP", t)
	}
	return c, nil
}

// duckText is the C type duckdb_string_t: up to 12 bytes in place, or the first
// four and a pointer.
type duckText struct {
	size   uint32
	prefix [4]byte
	rest   [8]byte
}

// String is the text where it lies.
func (s *duckText) String() string {
	if s.size <= 12 {
		return unsafe.String(&s.prefix[0], s.size)
	}
	return unsafe.String(*(**byte)(unsafe.Pointer(&s.rest)), s.size)
}
