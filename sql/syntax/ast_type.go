package syntax

// Type is a type as written, in its canonical spelling.
type Type struct {
	Span
	Name   string // BIGINT, VARCHAR, DECIMAL, ARRAY, ROW, ...
	Params []int  // DECIMAL(10,2), TIMESTAMP(3), VECTOR(4)
	Elem   []*Type
	Fields []TypeField
	NoZone bool // TIMESTAMP WITHOUT TIME ZONE and TIMESTAMP_NTZ, where TIMESTAMP alone may have one
}

// TypeField is one field of a ROW type.
type TypeField struct {
	Name Ident
	Type *Type
}
