package syntax

// Script is a parsed text: its statements in order. Source is what their
// places refer to.
type Script struct {
	Source     *Source
	Statements []Statement
}

// Statement is one statement.
type Statement interface {
	Node
	stmt()
}

// Option is one key and value of OPTIONS or WITH. Keys are in lower case.
type Option struct {
	Key     string
	KeyAt   Span
	Value   string
	ValueAt Span
	List    []string // of ['a', 'b']; Value then holds the items with commas between
	IsList  bool
}

// CreateTable declares a table.
type CreateTable struct {
	Span
	OrReplace, Temporary, IfNotExists bool
	Name                              Name
	Columns                           []ColumnDef
	Watermark                         *WatermarkDef
	PrimaryKey                        []Ident
	PartitionedBy                     []Ident
	Comment                           string
	Options                           []Option // USING x is the option connector
	Like                              *TableLike
	Query                             *Query
}

// TableLike is LIKE table: what is not declared is that of the table, without the parts
// that EXCLUDING leaves out (CONSTRAINTS, GENERATED, METADATA, OPTIONS, PARTITIONS,
// WATERMARKS).
type TableLike struct {
	Table   Name
	Without []string
}

// ColumnDef is one column of CREATE TABLE. A computed column has Expr, a
// metadata column Metadata.
type ColumnDef struct {
	Span
	Name        Ident
	Type        *Type // nil for a computed column without a type
	NotNull     bool
	Expr        Expr
	Metadata    bool
	MetadataKey string
	Virtual     bool
	Default     Expr
	Comment     string
}

// WatermarkDef is WATERMARK FOR column [AS expr].
type WatermarkDef struct {
	Span
	Column Ident
	Expr   Expr
}

// CreateView declares a view.
type CreateView struct {
	Span
	OrReplace, Temporary, Materialized, IfNotExists bool
	Name                                            Name
	Columns                                         []Ident
	Query                                           *Query
}

// CreateModel declares a model; with a query it is trained by it.
type CreateModel struct {
	Span
	OrReplace, Temporary, IfNotExists bool
	Name                              Name
	Input, Output                     []ColumnDef
	Transform                         []Item
	Options                           []Option
	Query                             *Query
}

// CreateFunction declares a function: by a class name looked up in the
// registry, or by its parameters and result with a Body in SQL, or with Class
// as the name of an export of a module.
type CreateFunction struct {
	Span
	OrReplace, Temporary, IfNotExists bool
	Name                              Name
	Class                             string
	Language                          string // in upper case; "" and SQL for a Body
	Resource                          string // JAR, FILE, WASM or PLUGIN
	Path                              string
	Params                            []ColumnDef
	Returns                           *Type // nil for a class alone
	Volatile                          bool  // NOT DETERMINISTIC
	Body                              Expr
}

// CreateStream is CREATE STREAM name [OPTIONS options] insert: an INSERT as a
// job of that name, with settings of its own. A key k of the options is the
// setting job.NAME.k.
type CreateStream struct {
	Span
	Name    Name
	Options []Option
	Insert  *Insert
}

// CreateScan is CREATE SCAN name ON table USING STREAM|BATCH [OPTIONS options]:
// a named read of a table.
type CreateScan struct {
	Span
	Name    Name
	Table   Name
	Batch   bool
	Options []Option
}

// CreateDatabase is CREATE DATABASE name.
type CreateDatabase struct {
	Span
	IfNotExists bool
	Name        Name
}

// Use is USE name: the database of names without one.
type Use struct {
	Span
	Name Name
}

// Alter is ALTER TABLE|VIEW|MODEL name with one of SET options, RESET (keys),
// RENAME TO name and AS query. Kind is in upper case.
type Alter struct {
	Span
	Kind     string
	IfExists bool
	Name     Name
	Options  []Option
	Reset    []Ident // keys in lower case
	Rename   *Name
	Query    *Query
}

// Summarize is SUMMARIZE of a table, a file or a query: statistics of its
// columns.
type Summarize struct {
	Span
	Name  Name
	Path  string
	Query *Query
}

// Set is SET key = value. Without a value it shows one setting, without a key
// all of them.
type Set struct {
	Span
	Key      string
	Value    string
	HasValue bool
	KeyAt    Span
	ValueAt  Span
}

// Reset is RESET [key].
type Reset struct {
	Span
	Key string
}

// Insert writes a query into a table or a file.
type Insert struct {
	Span
	Overwrite bool
	Table     Name
	Path      string
	TableAt   Span
	Hints     []Hint
	Columns   []Ident
	Query     *Query
}

// StatementSet runs several inserts as one job.
type StatementSet struct {
	Span
	Inserts []*Insert
}

// QueryStatement is a query on its own: its result is shown.
type QueryStatement struct {
	Span
	Query *Query
}

// Describe is DESC. Kind is TABLE, MODEL, FUNCTION, FILE or QUERY.
type Describe struct {
	Span
	Extended bool
	Kind     string
	Name     Name
	Path     string
	Query    *Query
}

// Explain prints the plan of a statement.
type Explain struct {
	Span
	Analyze, Verbose bool
	Format           string // "", TEXT or JSON
	For              Expr   // ANALYZE FOR 10 SECONDS: how long to run
	Stmt             Statement
}

// Show is SHOW what [LIKE pattern]; What is in upper case.
type Show struct {
	Span
	What string
	Like string
}

// ShowCreate is SHOW CREATE TABLE name.
type ShowCreate struct {
	Span
	Kind string
	Name Name
}

// Drop removes an object. Kind is in upper case.
type Drop struct {
	Span
	Kind     string
	IfExists bool
	Name     Name
}

func (*CreateTable) stmt()    {}
func (*CreateView) stmt()     {}
func (*CreateModel) stmt()    {}
func (*CreateFunction) stmt() {}
func (*CreateStream) stmt()   {}
func (*CreateScan) stmt()     {}
func (*CreateDatabase) stmt() {}
func (*Use) stmt()            {}
func (*Alter) stmt()          {}
func (*Summarize) stmt()      {}
func (*Set) stmt()            {}
func (*Reset) stmt()          {}
func (*Insert) stmt()         {}
func (*StatementSet) stmt()   {}
func (*QueryStatement) stmt() {}
func (*Describe) stmt()       {}
func (*Explain) stmt()        {}
func (*Show) stmt()           {}
func (*ShowCreate) stmt()     {}
func (*Drop) stmt()           {}
