package syntax

func (w *writer) query(q *Query) {
	for i, c := range q.With {
		w.add([]string{"WITH ", ", "}[min(i, 1)])
		w.ident(c.Name)
		if c.Columns != nil {
			w.add(" ")
			w.idents(c.Columns)
		}
		w.add(" AS (")
		w.query(c.Query)
		w.add(")")
	}
	if q.With != nil {
		w.add(" ")
	}
	w.body(q.Body)
	w.orderBy(q.OrderBy)
	if q.Limit != nil {
		w.add(" LIMIT ")
		w.expr(q.Limit, bpBitOr)
	}
	if q.Offset != nil {
		w.add(" OFFSET ")
		w.expr(q.Offset, bpBitOr)
	}
	w.stream(q.Stream)
}

func (w *writer) body(b Body) {
	switch b := b.(type) {
	case *Select:
		w.selectBlock(b)
	case *Query:
		w.add("(")
		w.query(b)
		w.add(")")
	case *Values:
		for i, row := range b.Rows {
			w.add([]string{"VALUES (", ", ("}[min(i, 1)])
			w.exprs(row)
			w.add(")")
		}
	case *Union:
		w.body(b.L)
		w.add(" ", b.Op, " ", when(b.All, "ALL "))
		if r, ok := b.R.(*Union); ok && b.Op != "INTERSECT" && r.Op == "INTERSECT" {
			w.body(r)
			return
		}
		w.body(b.R)
	}
}

func (w *writer) selectBlock(s *Select) {
	w.add("SELECT ", when(s.Distinct, "DISTINCT "))
	w.items(s.Items)
	if s.From != nil {
		w.add(" FROM ")
		w.from(s.From)
	}
	if s.Where != nil {
		w.add(" WHERE ")
		w.expr(s.Where, 0)
	}
	if s.GroupBy != nil {
		w.add(" GROUP BY ")
		w.exprs(s.GroupBy)
	}
	if s.Having != nil {
		w.add(" HAVING ")
		w.expr(s.Having, 0)
	}
}

func (w *writer) items(items []Item) {
	for i, it := range items {
		if i > 0 {
			w.add(", ")
		}
		w.expr(it.X, 0)
		if it.Alias != nil {
			w.add(" AS ")
			w.ident(*it.Alias)
		}
	}
}

func (w *writer) from(f From) {
	alias := Alias{}
	switch f := f.(type) {
	case *Table:
		if f.Path != "" || len(f.Name.Parts) == 0 {
			w.add(quoteText(f.Path))
		} else {
			w.name(f.Name)
		}
		alias = f.Alias
	case *Derived:
		w.add("(")
		w.query(f.Query)
		w.add(")")
		alias = f.Alias
	case *TableFunc:
		w.add("TABLE(")
		w.call(f.Call)
		w.add(")")
		alias = f.Alias
	}
	if alias.Name != nil {
		w.add(" AS ")
		w.ident(*alias.Name)
		if alias.Columns != nil {
			w.add(" ")
			w.idents(alias.Columns)
		}
	}
}

func (w *writer) orderBy(orders []Order) {
	for i, o := range orders {
		w.add([]string{" ORDER BY ", ", "}[min(i, 1)])
		w.expr(o.X, 0)
		w.add(when(o.Desc, " DESC"))
		if o.Nulls != "" {
			w.add(" NULLS ", o.Nulls)
		}
	}
}

func (w *writer) clause(words string, x Expr) {
	if x != nil {
		w.add(words)
		w.expr(x, bpBitOr)
	}
}

func (w *writer) stream(s StreamClauses) {
	switch s.Emit {
	case EmitOnClose:
		w.add(" EMIT ON WINDOW CLOSE")
		w.clause(" WITH DELAY ", s.Delay)
		w.clause(" TIMEOUT ", s.Timeout)
	case EmitOnUpdate:
		w.add(" EMIT ON UPDATE")
		w.clause(" WITH BATCH ", s.Every)
	case EmitPeriodic:
		w.add(" EMIT PERIODIC")
		w.clause(" ", s.Every)
	}
	if s.Emit != EmitOnClose {
		w.clause(" EMIT TIMEOUT ", s.Timeout)
	}
	w.clause(" ALLOW LATENESS ", s.Lateness)
	if s.LateTo != nil {
		w.add(" LATE DATA TO ")
		w.name(*s.LateTo)
	}
	if s.OnError != "" {
		w.add(" ON ERROR ", s.OnError)
		if s.DeadTo != nil {
			w.add(" TO ")
			w.name(*s.DeadTo)
			w.clause(" LIMIT ", s.Limit)
			w.clause(" RATE ", s.Rate)
		}
	}
}

func (w *writer) options(opts []Option) {
	w.add("(")
	for i, o := range opts {
		if i > 0 {
			w.add(", ")
		}
		w.add(quoteText(o.Key), " = ")
		switch {
		case o.IsList:
			w.add("[")
			for j, v := range o.List {
				w.add(when(j > 0, ", "), quoteText(v))
			}
			w.add("]")
		case Secret(o.Key) && !Reference(o.Value):
			w.add("'***'")
		default:
			w.add(quoteText(Redact(o.Value)))
		}
	}
	w.add(")")
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
		if s.Options != nil {
			w.add(" OPTIONS ")
			w.options(s.Options)
		}
		if s.Query != nil {
			w.add(" AS ")
			w.query(s.Query)
		}
	case *CreateFunction:
		w.create(s.OrReplace, s.Temporary, "FUNCTION", s.IfNotExists, s.Name)
		if s.Body != nil {
			if s.Params == nil {
				w.add(" ()")
			}
			w.columnList(" ", s.Params)
			w.add(" RETURNS ")
			w.typ(s.Returns)
			w.add(" AS ")
			w.expr(s.Body, 0)
			return
		}
		w.add(" AS ", quoteText(s.Class))
		if s.Resource != "" {
			w.add(" USING ", s.Resource, " ", quoteText(s.Path))
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
	if s.Columns != nil {
		w.add(" ")
		w.idents(s.Columns)
	}
	w.add(" ")
	w.query(s.Query)
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
	if s.Options != nil {
		w.add(" WITH ")
		w.options(s.Options)
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
