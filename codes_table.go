package arrowstream

// errorCodes is the table of all codes, sorted.
var errorCodes = []ErrorCode{
	{
		"AS1001", "a quote or a comment is not closed",
		"The text ends inside a string, a quoted name or a comment. Often a quote inside a string was not doubled: write 'it''s'. Close it where the caret points, or double the quote.",
	},
	{
		"AS1002", "not a number",
		"A number or a binary literal cannot be read or is outside the range of every type. 99999999999999999999 is too large for BIGINT, and x'abc' has an odd number of digits. Write 12, 1.5, 1e3, 0xFF, or a large number with an exponent: 1e40.",
	},
	{
		"AS1003", "unexpected character",
		"A character has no meaning in SQL at this place. A typical cause is text copied from a document with curly quotes. Replace the character, or write the name that holds it in backquotes.",
	},
	{
		"AS1004", "the text is not UTF-8",
		"The script has bytes that are no UTF-8. Editors that save as Latin-1 or UTF-16 cause it. Save the file as UTF-8.",
	},
	{
		"AS1010", "double quotes are read as text",
		"This is a warning: a word in double quotes names no column and is taken as a string. Write strings in single quotes. SET sql.double-quotes = identifier or string fixes one meaning.",
	},
	{
		"AS1101", "not a statement",
		"The statement, or an operator built in Go, is not put together as the language wants it: a word is unexpected, a part is missing, or a count is negative. A typo in a keyword or a missing comma is the usual cause. The error says what was expected instead.",
	},
	{
		"AS1102", "not part of the dialect",
		"UPDATE, DELETE, MERGE and the like change stored tables, and a stream is not stored. Write INSERT INTO a table, and aggregate or deduplicate in the query that reads it.",
	},
	{
		"AS1103", "not supported yet",
		"The statement or clause is understood but not implemented; as a warning, that it has no effect. The error names another way where there is one.",
	},
	{
		"AS1104", "not an interval",
		"A duration cannot be read, is out of range, or mixes months with days. A month has no fixed length, so it cannot be the size of a window. Write INTERVAL '10' SECOND, INTERVAL '1:30' MINUTE TO SECOND or 10s.",
	},
	{
		"AS1105", "not an option or setting",
		"SET and OPTIONS want key = value with the value in quotes. A value with special characters that stands without quotes is the usual cause. Write SET key = 'value'.",
	},
	{
		"AS1107", "nested too deeply",
		"An expression, a query or a name has more levels or parts than the engine takes. Generated SQL causes it, for example a thousand ORs. Use IN for long lists, and name parts of the query with WITH or CREATE VIEW.",
	},
	{
		"AS1108", "option written twice",
		"The same option stands twice in one list, and it is not clear which one counts. Remove one of them.",
	},
	{
		"AS1201", "table, view, model or function not found",
		"No statement above declares the name. Names are looked up in the script from top to bottom; a typo or a declaration further down is the usual cause. A file can be read without a declaration: FROM 'bids.parquet'.",
	},
	{
		"AS1203", "column not found",
		"The input has no column or field of this name. Check the spelling with DESCRIBE table; a column of the select list cannot be used in WHERE of the same query. Text is written in single quotes, names in none or in backquotes.",
	},
	{
		"AS1204", "a name stands for several things",
		"A name fits several columns or objects, which differ in their tables or only in upper and lower case, or two outputs have the same name. Qualify the column with its table, write the name in its own case, or rename one of them with AS.",
	},
	{
		"AS1205", "column is neither grouped by nor aggregated",
		"A query with GROUP BY or an aggregate gives one row per group, so every other column needs to be told which of its values to show. Add the column to GROUP BY, or put it into an aggregate such as max or last_value.",
	},
	{
		"AS1206", "aggregate in a wrong place",
		"Aggregates stand in the select list and in HAVING; they cannot stand in WHERE, in GROUP BY or inside another aggregate. Aggregate in a query in FROM and go on from its result.",
	},
	{
		"AS1207", "side output not found",
		"A stage has no side output of the name. Windows have one for late rows when they are told to emit them. Use one of the names the error lists.",
	},
	{
		"AS1301", "types do not fit",
		"A type is unknown, or an operator, a function or a condition got a type it cannot work on. Comparing text with numbers is a typical cause. Convert one side: CAST(x AS BIGINT), or TRY_CAST to get NULL for values that cannot be converted.",
	},
	{
		"AS1302", "columns do not fit",
		"The columns of a query differ in number or type from what takes them: a table, another part of a UNION ALL, a list of names. Columns are matched by position. Select the columns in the order of the table and CAST those whose type differs.",
	},
	{
		"AS1310", "groups by a fraction",
		"A grouping key divides whole numbers with /, whose result is a fraction: 90000 / 60000 is 1.5, and every value becomes a group of its own. Ranges of values are x DIV y. SET sql.integer-division = truncate makes / cut the fraction off, as Flink does. A warning.",
	},
	{
		"AS1401", "state would grow without bound",
		"The query keeps something for every group of a stream that does not end, and would run out of memory some day. Group by a window, which is forgotten when it closes. SET state.unbounded = allow says that the number of groups is known to be small.",
	},
	{
		"AS1402", "no watermark declared",
		"A window needs to know how far rows may be out of order, and the table does not say. As a warning, 10 seconds are assumed. Declare it: WATERMARK FOR ts AS ts - INTERVAL '5' SECOND.",
	},
	{
		"AS1403", "not an event time",
		"A window or a watermark wants the event-time column of its input: a timestamp or date that the table declares. A number of seconds is none until TO_TIMESTAMP_LTZ makes a timestamp of it in a computed column. A computed or aggregated time is none; declare WATERMARK FOR its column where the table is created.",
	},
	{
		"AS1404", "these sizes make no window",
		"The size, slide, step, gap or number of rows of a window cannot be used: it is zero or negative, finer than the time column, or one does not divide the other. Size and slide are often swapped: HOP takes slide, size, while HOPPING and window() take size, slide.",
	},
	{
		"AS1405", "cannot be sorted or limited",
		"ORDER BY needs all rows before it can give the first one, which a stream that does not end never has. Sort inside a window, or read a bounded table. With DISTINCT, order by selected columns only.",
	},
	{
		"AS1406", "updates do not fit here",
		"A query that corrects its results meets an operator or a sink that takes appended rows only, or a clause about emitting stands where nothing is emitted again. Use EMIT ON WINDOW CLOSE and leave ALLOW LATENESS out, or write to a sink that takes updates.",
	},
	{
		"AS1407", "grouping does not fit the window",
		"Rows of a window are grouped, but GROUP BY does not tell their window, or it tells two different ones. Group by window_start, window_end and the key the window is made per.",
	},
	{
		"AS1408", "query cannot be planned",
		"A view or a WITH query reads itself, directly or through others: a stream has no fixed point at which recursion could stop, so give the inner query another name. Or a query inside an expression reads columns of the query around in a way that is no join: tie the two by equalities in the WHERE of the inner one, or write the join. A join FOR SYSTEM_TIME AS OF is an inner or a left join; the condition of an ASOF JOIN is equalities and one comparison of times, and on streams it looks for earlier rows only.",
	},
	{
		"AS1409", "pattern is not bounded",
		"A row pattern can match nothing, can go on for ever, or names a variable that it does not have. Bound A+ with WITHIN or a time to live, or write A{1,100}; let at least one row be needed.",
	},
	{
		"AS1410", "no version of the table",
		"A join FOR SYSTEM_TIME AS OF takes the version of a table that was valid at a time, and cannot tell which one that is. The table needs a PRIMARY KEY, or is a view of the last row of each key; ON ties each column of that key to the other side by an equality; and unless the time is a processing time, the table has a WATERMARK for the time from which a row is valid. The time is a column of the left side. Tables that end can be looked up by any column FOR SYSTEM_TIME AS OF PROCTIME().",
	},
	{
		"AS1501", "declaration is wrong",
		"CREATE TABLE declares something twice, or a watermark that is not of the form ts - INTERVAL '5' SECOND. Keep one of the columns or watermarks; compute another event time in a computed column.",
	},
	{
		"AS1502", "name is taken",
		"A table, view, model, function or WITH query of the name exists already. Use another name, CREATE OR REPLACE or IF NOT EXISTS.",
	},
	{
		"AS1503", "unknown setting or value",
		"SET or RESET names a setting that does not exist, or gives it a value it does not take. The error lists the nearest names; SHOW SETTINGS shows what is set.",
	},
	{
		"AS1504", "connector or option is wrong",
		"A connector is unknown, cannot do what is asked of it, or an option is unknown, missing or out of range. The error names the option and what it takes. docs/connectors.md lists all options.",
	},
	{
		"AS1512", "table is not declared",
		"This is a warning: INSERT INTO names a table that no statement declares, so that its rows are shown. Declare it with CREATE TABLE name WITH ('connector' = ...), or name a file: INSERT INTO 'out.parquet'.",
	},
	{
		"AS1601", "unknown function or wrong arguments",
		"There is no function of the name, or it does not take these arguments. Check the spelling with SHOW FUNCTIONS LIKE '%name%', and the arguments with DESCRIBE FUNCTION name.",
	},
	{
		"AS1603", "function does not do what it declares",
		"A function of the program or of a module returned a column of another length or type than it declares, or none. It is the function that has to be mended; no row is at fault.",
	},
	{
		"AS1604", "pattern cannot be used",
		"A pattern of LIKE, a regular expression or a date format is not well formed. An unclosed bracket or an escape at the end is the usual cause.",
	},
	{
		"AS1610", "no native function for a class",
		"CREATE FUNCTION names a class of another engine, and code is never loaded. When a native function does the same, its name can be given. Otherwise write the function in SQL: CREATE FUNCTION f(x DOUBLE) RETURNS DOUBLE AS x * 2.",
	},
	{
		"AS1611", "library is not loaded",
		"This is a warning: CREATE FUNCTION names a library, and the native function of the same name is used instead. Leave the library out to silence it.",
	},
	{
		"AS1612", "module cannot be used",
		"CREATE FUNCTION names a module that cannot be read, is none, wants something of its host, or has no export of the name and the types of the function. Build it without WASI, and compare the types: INT is i32, BIGINT i64, FLOAT f32 and DOUBLE f64; text needs an export f_batch.",
	},
	{
		"AS1701", "model does not fit the query",
		"A model is called in a way its type or its features do not allow: another type of function, other features, or on rows that are taken back. Call the function of its type and name the features it learns from, in their order.",
	},
	{
		"AS1702", "model has nothing to learn from",
		"CREATE MODEL has neither a query nor a file. Write AS SELECT features, label FROM ..., or OPTIONS (model_path = '...') to load one.",
	},
	{
		"AS1703", "model learns from other rows",
		"This is a warning: the rows that are scored are not the rows the model learns from, so a row may be scored after it was learned. Score the table of the training query to score each row before it is learned.",
	},
	{
		"AS1704", "model scores other columns already",
		"A model that learns scores its rows once, and two ML_PREDICT ask for different columns of them. Put the first ML_PREDICT into a view with all columns and read it twice.",
	},
	{
		"AS1705", "column of the training query is missing",
		"A model scores the rows it learns from, but a column of its training query is not among them and cannot be computed from them. Select the column in the table given to ML_PREDICT as well.",
	},
	{
		"AS2001", "output exists",
		"A file that would be written is there already, and nothing is overwritten unasked. Set 'overwrite' = 'true', or name a directory to add files to. If the state of the job is older than its output, move the files away that the error names.",
	},
	{
		"AS2102", "parameter is not set",
		"${NAME} stands in an option, a setting or a file name, and there is neither a parameter nor an environment variable of the name. Pass --param NAME=value, or give a default: ${NAME:-value}. A ? or :name in a query gets its value from the program that prepares it, one for each: Options.Args and Options.Named.",
	},
	{
		"AS2103", "secret is written out",
		"This is a warning: a password, a token or a key stands in the text of a script or on the command line, where others can see it. Write a reference instead: env:NAME for a variable of the environment or file:PATH for a file, as in 'password' = 'env:DB_PASSWORD'. Secrets are never printed, logged or kept with the state, however they are given.",
	},
	{
		"AS2110", "csv: an option is wrong",
		"An option of a CSV table has a value it does not take, or names a column that is not there. A delimiter of several characters is a typical cause. See the options of csv in docs/connectors.md.",
	},
	{
		"AS2111", "csv: no input",
		"No file matches the path, or the input is empty and tells no columns. Check the path and the pattern; declare the columns to read input that may be empty.",
	},
	{
		"AS2120", "json: an option is wrong",
		"An option of a JSON table has a value it does not take, or names a column that is not there. See the options of json in docs/connectors.md.",
	},
	{
		"AS2121", "json: no input",
		"No file matches the path, or there is no object to tell the columns. Check the path and the pattern; declare the columns to read input that may be empty.",
	},
	{
		"AS2130", "arrow: an option is wrong",
		"An option of an Arrow IPC table has a value it does not take, or the event-time column is missing or no time. See the options of arrow in docs/connectors.md.",
	},
	{
		"AS2131", "arrow: no input",
		"No file matches the path of an Arrow IPC table, or what is found there is no Arrow data. Check the path and the pattern, and that the file was written as a whole.",
	},
	{
		"AS2140", "console: an option is wrong",
		"A result cannot be shown as asked: the layout is unknown, or its options do not go with it. Use auto, table, csv or json.",
	},
	{
		"AS2150", "libsvm: an option is wrong",
		"An option of a libsvm table has a value it does not take. The columns are always label DOUBLE and features VECTOR; leave the column list out. Give the number of features when the input can be read only once.",
	},
	{
		"AS2151", "libsvm: no input",
		"No file matches the path of a libsvm table, or it cannot be read to tell the number of features. Check the path and the pattern, or give the number of features.",
	},
	{
		"AS2160", "generator: no such column",
		"The declared columns or the table name an output that the generator does not make, or with another type. Leave the column list out to get all columns, or see docs/connectors.md for them.",
	},
	{
		"AS2161", "generator: an option is out of range",
		"A number of rows, a rate or another option of a generator is out of the range that the error names. Choose a value inside it.",
	},
	{
		"AS2170", "memory: batches do not fit",
		"The batches given to a memory source have different schemas, or there are none and no fields either. Give all batches the same schema, or set Fields.",
	},
	{
		"AS2201", "access is not allowed",
		"The program runs restricted, and a file, a folder, a host or a variable of the environment was not allowed when it was started. The error names it and the flag that would allow it: --allow-path DIR or DIR:rw, --allow-host HOST[:PORT], --allow-env NAME. Devices, pipes and links that lead out of an allowed folder are refused in any case, and so are names of hosts that stand for this machine or for addresses such as 169.254.169.254, unless these are allowed themselves.",
	},
	{
		"AS3001", "cannot connect",
		"A server does not answer, refuses the connection or the login, or an address to listen on is taken. Check the address, that the server runs, and the options for TLS and login. The connection is tried again for connect.timeout.",
	},
	{
		"AS3002", "topic does not exist",
		"The Kafka cluster has no topic of the name, or none matches the pattern. Check the spelling, or create the topic.",
	},
	{
		"AS3003", "table does not exist",
		"The database has no table of the name. Check the spelling, the schema and the database of the URL; names are taken as they are written, also their case. A sink makes the table unless 'table.missing' = 'fail'.",
	},
	{
		"AS3004", "database refuses a statement",
		"The database has answered a statement with an error, which stands behind it: usually a permission that is missing, or an error in the query option. Grant what is missing; a sink needs to read and write its table and arrowstream_epochs, and with a key to make temporary tables.",
	},
	{
		"AS3011", "kafka: exactly once is not possible",
		"The Kafka cluster has no transactions, is older than 3.6, where a late message could get into the next transaction, or its topic __arrowstream_progress is not compacted. Upgrade it or mend the topic, or set 'delivery.guarantee' = 'at-least-once'.",
	},
	{
		"AS3012", "kafka: transaction took too long",
		"An epoch was not written within transaction.timeout, so the cluster has dropped its transaction. Nothing of it is visible; it is written when the job starts again. Raise transaction.timeout, at most to transaction.max.timeout.ms of the brokers, or make epochs shorter.",
	},
	{
		"AS3021", "flight: position is not retained",
		"A reader comes back to an exported stream for rows that are not kept any more, or the stream is that of another run. The error names the oldest batch there is; nothing is left out silently. Keep more with retain.epochs, retain.bytes or retain.path where the stream is exported; to go on regardless, start the reader from an empty state.",
	},
	{
		"AS4001", "value is out of range",
		"The result of a computation does not fit its type, or an event time lies beyond what windows can hold. Nothing wraps around. CAST the operands to BIGINT, DOUBLE or DECIMAL, or filter the rows before.",
	},
	{
		"AS4002", "division by zero",
		"A whole number or a decimal is divided by zero. Write x / NULLIF(y, 0) to get NULL, or compute in DOUBLE, where it gives an infinity.",
	},
	{
		"AS4003", "value cannot be converted",
		"A value is not of the form that a conversion or a function wants, such as the text abc where a number is read. Use TRY_CAST to get NULL instead, or filter such rows before.",
	},
	{
		"AS4004", "row cannot be decoded",
		"A line or a message is not a row of its format: broken JSON, a wrong number of fields, a quote without end, a row that is too long. Repair the input, or write ON ERROR SKIP or ON ERROR DEAD LETTER TO a table behind the query.",
	},
	{
		"AS4005", "too many rows cannot be decoded",
		"More rows had to be left out than LIMIT or RATE of ON ERROR DEAD LETTER allows, so that something is wrong with the input as a whole; the error behind it is that of the last row. The dead letters of committed epochs are in their table. Repair the input or raise the bound, and start the job again: it goes on behind the last epoch.",
	},
	{
		"AS4006", "event time is NULL",
		"A row without an event time came to a window that was told to refuse it. Filter such rows with WHERE ts IS NOT NULL, or let the window skip and count them.",
	},
	{
		"AS4007", "NULL in a column that is NOT NULL",
		"INSERT writes a NULL into a column that its table declares NOT NULL. Filter the rows, replace the NULL with COALESCE, or drop NOT NULL.",
	},
	{
		"AS4009", "no row to skip to",
		"After a match the search was to go on at a row of a variable, but the match has no such row, or it is the row at which the match began, so that the same match would be found for ever. Skip to another variable, past the last row or to the next row.",
	},
	{
		"AS4010", "query as a value has several rows",
		"A query in parentheses stands where one value is wanted, and it has more than one row, or more than one for a row of the query around. Make it an aggregate such as max, add LIMIT 1, or use IN, which takes any number of rows.",
	},
	{
		"AS4011", "function of the user failed",
		"A function that was registered in Go, or comes from a WebAssembly module, returned an error, panicked or trapped for a row. The error names the function and shows the row. Mend the function, or write ON ERROR SKIP or ON ERROR DEAD LETTER TO a table behind the query.",
	},
	{
		"AS4101", "offset is gone",
		"Kafka has deleted the rows that would be read next, because they are older than the retention of the topic. Set 'on.lost.offset' to earliest to go on with the oldest row there is, or keep rows longer.",
	},
	{
		"AS4110", "csv: a declared column is not in the file",
		"The header of a file has no column of a name that the table declares. Check the spelling, or read the file without declared columns to see what it holds.",
	},
	{
		"AS4130", "arrow: the file has other columns",
		"A file or stream has no column that the table declares, or has it with another type. Declare the columns as they are, or leave the column list out.",
	},
	{
		"AS4140", "parquet: a column cannot be read",
		"A column has a type or an encoding that is not supported. Leave it out of the query: select the columns you need by name.",
	},
	{
		"AS4141", "parquet: the files have different columns",
		"Files that are read as one table differ in a column. Set 'union_by_name' = 'true' when columns are missing in some files, or read files of different types in separate tables and CAST them.",
	},
	{
		"AS4142", "a column cannot be written to a file",
		"A column has a type that Parquet files cannot hold here, or a value that is no name of a folder. CAST it in the query, or leave it out; partition by something short.",
	},
	{
		"AS4150", "columns do not fit the table of a database",
		"A table lacks a column that is written, has it with a type that would change values, has a column that must be given, or has no key to upsert by. The error names the column, its type and what to write instead: CAST it in the query, or change the table.",
	},
	{
		"AS4151", "database cannot hold a value",
		"A value is not in the range of its column, breaks a constraint of the table, or has no form in the database, such as NaN in MySQL. Nothing of the transaction was written. Filter or convert such values in the query.",
	},
	{
		"AS4152", "column of a database cannot be read",
		"A column is of a type without a counterpart here, or does not convert to the declared type. Leave it out, declare it as the error says, or give a query that casts it.",
	},
	{
		"AS5001", "state is not of this query",
		"A saved state belongs to another query, other columns or another model than the one that is to go on from it. Start from an empty state, or run the query that wrote it.",
	},
	{
		"AS5002", "state directory is in use",
		"Another process has the state directory open; the error names it. Stop that process, or give this job a directory of its own.",
	},
	{
		"AS5003", "state is damaged",
		"A file of the state directory, or a hidden file of a sink that holds committed rows, is not what was written: the error names the file and the place. Nothing was changed. Restore it from a copy or a savepoint; arrowstream state verify checks the directory.",
	},
	{
		"AS5004", "state has another format version",
		"The state directory was written by a version of arrowstream that this one cannot read. Use that version, or arrowstream state upgrade with the newer one.",
	},
	{
		"AS5005", "input has changed behind the job",
		"What the job has read already is not there any more or is not the same: a file was changed or removed, or Kafka has deleted the messages after the position of the job. The error names what there is. Start from an empty state, or bring the input back.",
	},
	{
		"AS5006", "another process has taken the job over",
		"A newer process works on the same state or publishes to the same sink, so this one has stopped before it could publish anything twice.",
	},
	{
		"AS5007", "state cannot be written",
		"Writing to the state directory has failed: the disk is full, read-only or broken. Nothing was published that is not committed; when there is space the job goes on from its last commit.",
	},
	{
		"AS5008", "program is not the one of the state",
		"The stateful parts, the sources or the sinks of the program differ from those in the state directory; the error lists them. Run the old program, allow the difference with the flag it names, or start from an empty state.",
	},
	{
		"AS5009", "sink is ahead of the state",
		"The place that a sink writes to has a later epoch of the job than the last one in its state directory: the state was taken back, or it is an old savepoint. What the job would write now has the numbers of epochs that are there already and would be lost. Go on from the later state, or write to another place under another name, which needs --allow-new-state and --allow-drop-state.",
	},
	{
		"AS6001", "memory budget is used up",
		"The job holds more memory than it may; the error names the operator that asked for more, and how many keys it remembers in how many bytes. Raise --memory-limit, let GROUP BY, DISTINCT, joins and windows go on in a folder with --spill, group by fewer keys or smaller windows, or bound the state by a window or a TTL.",
	},
	{
		"AS6002", "call of a function takes too long",
		"A function of a WebAssembly module did not return in time, probably because of a loop without end. SET function.wasm.timeout = '1 min' gives each call for at most 4096 rows more time.",
	},
	{
		"AS7001", "unknown model type",
		"model_type names no model. SHOW MODEL TYPES lists them.",
	},
	{
		"AS7002", "option alpha is ambiguous",
		"Libraries mean different things by alpha: the learning rate, the strength of regularization, or a quantile. Name the one that is meant: learn_rate, l2_reg or another option the error names.",
	},
	{
		"AS7003", "options of a model contradict each other",
		"Two options cannot be had together, such as batches without their length. The error names both and says which one to change.",
	},
	{
		"AS7004", "option does not fit the features",
		"An option cannot be used with the features or classes of the training query, such as weights for another number of features. Change the option or the query as the error says.",
	},
	{
		"AS7010", "column of a model is missing",
		"A feature, the label or the weight of a model is no column of the rows it gets, or the label is also a feature. Select the columns under the names the model knows.",
	},
	{
		"AS7011", "column of a model has an unusable type",
		"A feature, label, weight or probability is of a type that cannot be learned from. Features are numbers, booleans, texts or vectors. Leave the column out, or convert it with CAST or EXTRACT.",
	},
	{
		"AS7012", "columns do not fit the model",
		"The rows to score have other columns or types than those the model learned from. Rename or CAST the columns in the query that feeds the model.",
	},
	{
		"AS7013", "model needs a label",
		"The model type or the evaluation learns or judges a label, and none is named. Set input_label_cols, or name the label column.",
	},
	{
		"AS7014", "models learn from appended rows only",
		"The training query takes rows back that a model has learned already. Learn before the aggregation, or aggregate in windows that emit once.",
	},
	{
		"AS7015", "model cannot be used yet",
		"A model was neither trained nor loaded, or the file it is loaded from cannot be used. Train it with AS SELECT, or check model_path.",
	},
	{
		"AS7016", "evaluation cannot be made this way",
		"ML_EVALUATE judges in windows, for which its input needs an event time, or every so many rows, but not both. Declare a WATERMARK on the input, or leave the window out.",
	},
	{
		"AS7017", "model cannot be called as a function",
		"The function of a model type takes a vector, an array of numbers or a text and returns a number, which does not fit a model of text features or text classes. Use ML_PREDICT with the columns of the model.",
	},
	{
		"AS7018", "warm start does not fit",
		"The model named by warm_start_from was made with other options. Leave those options as they were, or start without it.",
	},
	{
		"AS7020", "training diverged",
		"A weight would no longer be finite. The learning rate is too high, or features are of very different size. Lower learn_rate, or set standardize_features.",
	},
	{
		"AS7030", "not a model file",
		"The file does not start as a model does. Models are written by CREATE MODEL with model_path and by mlkernels.Save; check the path.",
	},
	{
		"AS7031", "model file of another version",
		"The file was written by a version of this program with another format. Read it with that version, or train the model again.",
	},
	{
		"AS7032", "model file is damaged",
		"The checksum of the file does not match what it holds: it was cut short or changed. Copy it again, or train the model again.",
	},
	{
		"AS7033", "model file cannot be read",
		"The file of a model cannot be opened, read or written; the cause follows in the error. Check the path and the permissions.",
	},
	{
		"AS9001", "error in the program",
		"The engine ran into a state that cannot be. The error holds the place in the program. Please report it with the script and, if possible, the data.",
	},
}
