// Package wasm makes functions of SQL out of WebAssembly modules: floor 24.
//
// A module is a guest without rights: it must import nothing, so that it reaches
// neither files nor hosts nor clocks, its memory is bounded, and every call ends
// in time. What it does wrong is an error that names the function.
//
// # Functions of numbers
//
// An export of plain numbers is called for every row in which no argument is
// NULL; NULL gives NULL. BOOLEAN (0, 1), INT and DATE are i32, BIGINT,
// TIMESTAMP and INTERVAL DAY TO SECOND are i64 (in the unit of the type), FLOAT
// is f32 and DOUBLE f64. The loop over the rows is a small module of its own
// (rows.go), so that a row costs a call between modules and none from Go.
//
// # Functions of columns
//
// For everything else the module exports its memory, "alloc" and, for a function
// f, "f_batch":
//
//	alloc(bytes i32) -> i32          a block that stays until the next alloc, at a multiple of 16
//	f_batch(rows i32, columns i32) -> i32   0, or another number on an error
//
// columns is the address of one descriptor for each argument and, last, one for
// the result. A descriptor is four i32, in the layout of Arrow:
//
//	values    where the values are: little endian, BOOLEAN as bits, text and bytes as a run of bytes
//	offsets   of text and bytes: rows+1 numbers, i32, where each value begins and the last one ends
//	validity  one bit for each row, the lowest first, 0 for NULL; the address 0 is no NULLs
//	bytes     the length of values
//
// The result has room for its values (numbers) or offsets (text), and a validity
// that says NULL where an argument is NULL. The function fills in values, changes
// the validity if it knows better, and for text sets values and bytes to a place
// of its own. After an error, values and bytes are the text of its message.
// At most 4096 rows are handed over at a time.
//
// # One invariant
//
// Functions are pure unless they are declared NOT DETERMINISTIC: instances of a
// module are used by several workers, and which one serves a batch is open. NaNs
// of results are made equal, since processors differ in their bits.
package wasm
