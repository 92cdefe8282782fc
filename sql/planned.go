package sql

import "strings"

// plannedFunction is a function that the planner makes something else of: it is
// neither a kernel nor an aggregate.
type plannedFunction struct{ name, usage, doc string }

// plannedFunctions are those that have no table of their own, as SHOW FUNCTIONS
// tells them.
var plannedFunctions = []plannedFunction{
	{"row_number", "row_number() OVER (... ORDER BY key)", "number of the row in its partition, from 1"},
	{"rank", "rank() OVER (... ORDER BY key)", "number of the first row that is equal in the order"},
	{"dense_rank", "dense_rank() OVER (... ORDER BY key)", "number of different keys up to that of the row"},
	{"percent_rank", "percent_rank() OVER (... ORDER BY key)", "(rank - 1) / (rows - 1), 0 for one row"},
	{"cume_dist", "cume_dist() OVER (... ORDER BY key)", "share of the rows up to those that are equal in the order"},
	{"ntile", "ntile(n) OVER (... ORDER BY key)", "which of n stretches of nearly equal length the row is in"},
	{"lag", "lag(x[, n[, default]]) OVER (... ORDER BY key)", "x of the row n, 1 if not given, before"},
	{"lead", "lead(x[, n[, default]]) OVER (... ORDER BY key)", "x of the row n, 1 if not given, behind"},
	{"nth_value", "nth_value(x, n) OVER (... ORDER BY key)", "x of row n of the frame, NULL if there is none"},
	{"grouping", "grouping(key)", "1 where the key is not in the list of GROUPING SETS that the row is grouped by, else 0"},
	{"grouping_id", "grouping_id(key, ...)", "the bits of grouping of the keys, the last one lowest"},

	{"now", "now()", "instant of the query, on a stream of each row; also CURRENT_TIMESTAMP, LOCALTIMESTAMP and CURRENT_DATE"},
	{"proctime", "proctime()", "instant at which a row is processed"},
	{"current_watermark", "current_watermark(ts)", "watermark before the tick of a row, NULL before there is one"},

	{"json_object", "json_object([KEY] key VALUE x, ... [NULL | ABSENT ON NULL])", "JSON object of its members; a NULL is null unless ABSENT is said"},
	{"json_array", "json_array(x, ... [NULL | ABSENT ON NULL])", "JSON array of the arguments; a NULL is left out unless NULL is said"},

	{"unnest", "unnest(list or map) [WITH ORDINALITY]", "in FROM: a row per element, or per key and value; also EXPLODE"},
	{"posexplode", "posexplode(list)", "in FROM: a row per element, with its position from 0"},
	{"inline", "inline(list of structs)", "in FROM: a row per struct, a column per field"},
	{"generate_series", "generate_series(from, to[, step])", "in FROM: a row per integer, or per time with an interval for a step"},
	{"tumble", "tumble(TABLE t, DESCRIPTOR(ts), size[, offset])", "in FROM: the windows of one size that follow each other"},
	{"hop", "hop(TABLE t, DESCRIPTOR(ts), slide, size[, offset])", "in FROM: windows that begin every slide"},
	{"cumulate", "cumulate(TABLE t, DESCRIPTOR(ts), step, size[, offset])", "in FROM: windows that grow by steps up to a size"},
	{"session", "session(TABLE t [PARTITION BY key], DESCRIPTOR(ts), gap)", "in FROM: windows of rows that are less than a gap apart"},

	{"ml_predict", "ml_predict(TABLE t, MODEL m, DESCRIPTOR(feature, ...))", "in FROM: rows with what a model predicts"},
	{"ml_evaluate", "ml_evaluate(TABLE t, MODEL m, DESCRIPTOR(label), DESCRIPTOR(feature, ...))", "in FROM: metrics of a model"},
	{"ml_weights", "ml_weights(MODEL m)", "in FROM: the weights of a linear model at every publication"},
	{"ml_centroids", "ml_centroids(MODEL m)", "in FROM: the centroids of KMEANS at every publication"},
}

// plannedHelp is the row of SHOW FUNCTIONS for a function of the planner.
func plannedHelp(name string) (row []string, ok bool) {
	for _, f := range plannedFunctions {
		if strings.EqualFold(f.name, name) {
			return []string{f.name, f.usage, f.doc}, true
		}
	}
	return nil, false
}
