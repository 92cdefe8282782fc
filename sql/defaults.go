package sql

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// addDefault declares the DEFAULT of a column: an expression without columns,
// which an INSERT with a column list writes into the columns that it leaves out.
func (s *session) addDefault(t *table, c syntax.ColumnDef, typ arrow.DataType) error {
	if c.Metadata {
		return s.src.Error(c.Default.Range(), "AS1501", "leave DEFAULT out", fmt.Sprintf("column %q is metadata and never written", c.Name.Name))
	}
	_, have, err := s.constant(c.Default)
	if err != nil {
		return err
	}
	if have.ID() != arrow.NULL && !arrow.TypeEqual(plainType(have), plainType(typ)) && !assignable(have, typ) {
		return s.src.Error(c.Default.Range(), "AS1302", fmt.Sprintf("write CAST(%s AS %s)", syntax.Text(c.Default), typeName(typ)), fmt.Sprintf("column %q is %s, its default is %s", c.Name.Name, typeName(typ), typeName(have)))
	}
	if t.defaults == nil {
		t.defaults = map[string]syntax.Expr{}
	}
	t.defaults[c.Name.Name] = c.Default
	return nil
}

// constant binds an expression without columns.
func (s *session) constant(e syntax.Expr) (expr.Expr, arrow.DataType, error) {
	one := s.oneRow()
	b := &binder{s: s, scope: &scope{schema: one.schema}}
	return b.typed(e)
}

// missing is the value of a column of t that an INSERT does not name.
func (s *session) missing(t *table, f arrow.Field) (expr.Expr, error) {
	e, ok := t.defaults[f.Name]
	if !ok {
		return expr.Cast{Of: expr.Lit{}, To: f.Type}, nil
	}
	x, _, err := s.constant(e)
	return expr.Cast{Of: x, To: f.Type, Zone: s.zone()}, err
}
