package syntax

import "strings"

func (w *writer) options(opts []Option) {
	w.add("(")
	for i, o := range opts {
		if i > 0 {
			w.add(", ")
		}
		w.add(quoteText(o.Key), " = ")
		w.optionValue(o)
	}
	w.add(")")
}

func (w *writer) optionValue(o Option) {
	switch {
	case o.IsList:
		w.add("[")
		for i, v := range o.List {
			w.add(when(i > 0, ", "), quoteText(v))
		}
		w.add("]")
	case Secret(o.Key) && !Reference(o.Value):
		w.add("'***'")
	default:
		w.add(quoteText(Redact(o.Value)))
	}
}

func (w *writer) optionsClause(before string, opts []Option) {
	if opts != nil {
		w.add(before)
		w.options(opts)
	}
}

// hints prints /*+ NAME(args), ... */ with a blank before it.
func (w *writer) hints(hints []Hint) {
	for i, h := range hints {
		w.add([]string{" /*+ ", ", "}[min(i, 1)], h.Name, "(")
		for j, a := range h.Args {
			w.add(when(j > 0, ", "))
			if a.Key != "" {
				w.add(quoteText(a.Key), " = ")
			}
			w.optionValue(a)
		}
		w.add(")")
	}
	w.add(when(hints != nil, " */"))
}

func (w *writer) create(orReplace, temporary bool, kind string, ifNot bool, name Name) {
	w.add("CREATE ", when(orReplace, "OR REPLACE "), when(temporary, "TEMPORARY "), kind, " ", when(ifNot, "IF NOT EXISTS "))
	w.name(name)
}

func (w *writer) statement(s Statement) {
	switch s := s.(type) {
	case *CreateTable:
		w.createTable(s)
	case *CreateView:
		w.create(s.OrReplace, s.Temporary, when(s.Materialized, "MATERIALIZED ")+"VIEW", s.IfNotExists, s.Name)
		if s.Columns != nil {
			w.add(" ")
			w.idents(s.Columns)
		}
		w.add(" AS ")
		w.query(s.Query)
	case *CreateModel:
		w.create(s.OrReplace, s.Temporary, "MODEL", s.IfNotExists, s.Name)
		w.columnList(" INPUT ", s.Input)
		w.columnList(" OUTPUT ", s.Output)
		if s.Transform != nil {
			w.add(" TRANSFORM (")
			w.items(s.Transform)
			w.add(")")
		}
		w.optionsClause(" OPTIONS ", s.Options)
		if s.Query != nil {
			w.add(" AS ")
			w.query(s.Query)
		}
	case *CreateFunction:
		w.createFunction(s)
	case *CreateStream:
		w.add("CREATE STREAM ")
		w.name(s.Name)
		w.optionsClause(" OPTIONS ", s.Options)
		w.add(" ")
		w.insert(s.Insert)
	case *CreateScan:
		w.add("CREATE SCAN ")
		w.name(s.Name)
		w.add(" ON ")
		w.name(s.Table)
		w.add(" USING ", when(s.Batch, "BATCH"), when(!s.Batch, "STREAM"))
		w.optionsClause(" OPTIONS ", s.Options)
	case *CreateDatabase:
		w.create(false, false, "DATABASE", s.IfNotExists, s.Name)
	case *Use:
		w.add("USE ")
		w.name(s.Name)
	case *Alter:
		w.add("ALTER ", s.Kind, " ", when(s.IfExists, "IF EXISTS "))
		w.name(s.Name)
		switch {
		case s.Rename != nil:
			w.add(" RENAME TO ")
			w.name(*s.Rename)
		case s.Query != nil:
			w.add(" AS ")
			w.query(s.Query)
		case s.Reset != nil:
			w.add(" RESET ")
			sep := "("
			for _, k := range s.Reset {
				w.add(sep, quoteText(k.Name))
				sep = ", "
			}
			w.add(")")
		default:
			w.add(" SET ")
			w.options(s.Options)
		}
	case *Summarize:
		w.add("SUMMARIZE ")
		switch {
		case s.Query != nil:
			w.query(s.Query)
		case len(s.Name.Parts) > 0:
			w.name(s.Name)
		default:
			w.add(quoteText(s.Path))
		}
	case *Set:
		w.add("SET")
		if s.Key != "" {
			w.add(" ", quoteText(s.Key))
		}
		if s.HasValue {
			w.add(" = ", quoteText(s.Value))
		}
	case *Reset:
		w.add("RESET", when(s.Key != "", " "+s.Key))
	case *Insert:
		w.insert(s)
	case *StatementSet:
		w.add("EXECUTE STATEMENT SET BEGIN ")
		for _, ins := range s.Inserts {
			w.insert(ins)
			w.add("; ")
		}
		w.add("END")
	case *QueryStatement:
		w.query(s.Query)
	case *Describe:
		w.add("DESCRIBE ", when(s.Extended, "EXTENDED "))
		switch s.Kind {
		case "QUERY":
			w.query(s.Query)
		case "FILE":
			w.add(quoteText(s.Path))
		default:
			w.add(s.Kind, " ")
			w.name(s.Name)
		}
	case *Explain:
		w.add("EXPLAIN ", when(s.Analyze, "ANALYZE "), when(s.Verbose, "VERBOSE "), when(s.Format != "", "FORMAT "+s.Format+" "))
		if s.For != nil {
			w.clause("FOR ", s.For)
			w.add(" ")
		}
		w.statement(s.Stmt)
	case *Show:
		w.add("SHOW ", s.What, when(s.Like != "", " LIKE "+quoteText(s.Like)))
	case *ShowCreate:
		w.add("SHOW CREATE ", s.Kind, " ")
		w.name(s.Name)
	case *Drop:
		w.add("DROP ", s.Kind, " ", when(s.IfExists, "IF EXISTS "))
		w.name(s.Name)
	}
}

func (w *writer) columnList(before string, cols []ColumnDef) {
	if cols == nil {
		return
	}
	w.add(before, "(")
	for i, c := range cols {
		w.add(when(i > 0, ", "))
		w.ident(c.Name)
		w.add(" ")
		w.typ(c.Type)
	}
	w.add(")")
}

func (w *writer) insert(s *Insert) {
	w.add("INSERT ", when(!s.Overwrite, "INTO "), when(s.Overwrite, "OVERWRITE "))
	if s.Path != "" {
		w.add(quoteText(s.Path))
	} else {
		w.name(s.Table)
	}
	w.hints(s.Hints)
	if s.Columns != nil {
		w.add(" ")
		w.idents(s.Columns)
	}
	w.add(" ")
	w.query(s.Query)
}

func (w *writer) createFunction(s *CreateFunction) {
	w.create(s.OrReplace, s.Temporary, "FUNCTION", s.IfNotExists, s.Name)
	if s.Returns != nil {
		w.add(when(s.Params == nil, " ()"))
		w.columnList(" ", s.Params)
		w.add(" RETURNS ")
		w.typ(s.Returns)
		w.add(when(s.Language != "", " LANGUAGE "+s.Language), when(s.Volatile, " NOT DETERMINISTIC"))
	}
	w.add(" AS ")
	if s.Body != nil {
		w.expr(s.Body, 0)
		return
	}
	w.add(quoteText(s.Class))
	if s.Returns == nil && s.Language != "" {
		w.add(" LANGUAGE ", s.Language)
	}
	if s.Resource != "" {
		w.add(" USING ", s.Resource, " ", quoteText(s.Path))
	}
}

func (w *writer) createTable(s *CreateTable) {
	w.create(s.OrReplace, s.Temporary, "TABLE", s.IfNotExists, s.Name)
	sep := " ("
	next := func() {
		w.add(sep)
		sep = ", "
	}
	for _, c := range s.Columns {
		next()
		w.column(c)
	}
	if s.Watermark != nil {
		next()
		w.add("WATERMARK FOR ")
		w.ident(s.Watermark.Column)
		if s.Watermark.Expr != nil {
			w.add(" AS ")
			w.expr(s.Watermark.Expr, 0)
		}
	}
	if s.PrimaryKey != nil {
		next()
		w.add("PRIMARY KEY ")
		w.idents(s.PrimaryKey)
		w.add(" NOT ENFORCED")
	}
	w.add(when(sep != " (", ")"))
	if s.Comment != "" {
		w.add(" COMMENT ", quoteText(s.Comment))
	}
	if s.PartitionedBy != nil {
		w.add(" PARTITIONED BY ")
		w.idents(s.PartitionedBy)
	}
	w.optionsClause(" WITH ", s.Options)
	if s.Like != nil {
		w.add(" LIKE ")
		w.name(s.Like.Table)
		if s.Like.Without != nil {
			w.add(" (EXCLUDING ", strings.Join(s.Like.Without, " EXCLUDING "), ")")
		}
	}
	if s.Query != nil {
		w.add(" AS ")
		w.query(s.Query)
	}
}

func (w *writer) column(c ColumnDef) {
	w.ident(c.Name)
	switch {
	case c.Expr != nil && c.Type == nil:
		w.add(" AS ")
		w.expr(c.Expr, 0)
	default:
		w.add(" ")
		w.typ(c.Type)
		w.add(when(c.NotNull, " NOT NULL"))
		if c.Expr != nil {
			w.add(" GENERATED ALWAYS AS (")
			w.expr(c.Expr, 0)
			w.add(")")
		}
	}
	if c.Metadata {
		w.add(" METADATA", when(c.MetadataKey != "", " FROM "+quoteText(c.MetadataKey)), when(c.Virtual, " VIRTUAL"))
	}
	if c.Default != nil {
		w.add(" DEFAULT ")
		w.expr(c.Default, bpBitOr)
	}
	if c.Comment != "" {
		w.add(" COMMENT ", quoteText(c.Comment))
	}
}
