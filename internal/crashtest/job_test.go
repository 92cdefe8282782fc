package crashtest

import (
	"fmt"
	"strings"
)

// job is a script in which every kind of state takes part: models, metrics, each
// kind of window, groups, keys, counters. TABLE(name) stands for the declaration
// of a sink, which the target gives.
const job = `
SET job.name = crash;
CREATE TABLE clicks (WATERMARK FOR ts AS ts - INTERVAL 2 SECOND) USING parquet OPTIONS (path = '${IN}/*.parquet');

CREATE MODEL ctr
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], learn_rate_strategy = 'constant', learn_rate = 0.0005, model_path = '${OUT}/ctr.model')
  AS SELECT f1, f2, f3, f4, label FROM clicks;
CREATE MODEL segments
  OPTIONS (model_type = 'KMEANS', num_clusters = 4, half_life = 10000, time_unit = 'points', seed = 1, model_path = '${OUT}/segments.model')
  AS SELECT f1, f2, f3, f4 FROM clicks;
CREATE VIEW scored AS
  SELECT ts, user_id, category, label, predicted_label_probs[1].prob AS p, centroid_id
  FROM ML_PREDICT(TABLE (SELECT * FROM ML_PREDICT(TABLE clicks, MODEL ctr, DESCRIPTOR(f1, f2, f3, f4))), MODEL segments, DESCRIPTOR(f1, f2, f3, f4));

TABLE(scored)
INSERT INTO scored_out SELECT ts, user_id, p, centroid_id AS c FROM scored WHERE user_id % 7 = 0;
TABLE(tumbling)
INSERT INTO tumbling_out SELECT window_start, category, count(*) AS n, avg(p) AS p, stddev_samp(p) AS s
  FROM TUMBLE(TABLE scored, DESCRIPTOR(ts), INTERVAL 1 SECOND) GROUP BY window_start, window_end, category;
TABLE(hopping)
INSERT INTO hopping_out SELECT window_start, label, count(*) AS n, sum(p) AS p
  FROM HOP(TABLE scored, DESCRIPTOR(ts), INTERVAL 1 SECOND, INTERVAL 3 SECOND) GROUP BY window_start, window_end, label;
TABLE(cumulating)
INSERT INTO cumulating_out SELECT window_start, window_end, label, count(DISTINCT user_id) AS n
  FROM CUMULATE(TABLE scored, DESCRIPTOR(ts), INTERVAL 1 SECOND, INTERVAL 4 SECOND) GROUP BY window_start, window_end, label;
TABLE(session)
INSERT INTO session_out SELECT user_id, window_start, window_end, count(*) AS n
  FROM SESSION(TABLE clicks PARTITION BY user_id, DESCRIPTOR(ts), INTERVAL 2 SECOND) GROUP BY window_start, window_end, user_id HAVING count(*) > 2;
TABLE(counted)
INSERT INTO counted_out SELECT category, window_ordinal, sum(f1) AS s, min(ts) AS first
  FROM TUMBLE(TABLE clicks PARTITION BY category, DESCRIPTOR(ts), ROWS 300) GROUP BY category, window_ordinal, window_rows;
TABLE(groups)
INSERT INTO groups_out SELECT category, label, count(*) AS n, avg(f1) AS a, max(ts) AS last FROM clicks GROUP BY category, label;
TABLE(keys)
INSERT INTO keys_out SELECT DISTINCT user_id FROM clicks;
TABLE(metrics)
INSERT INTO metrics_out SELECT window_start, rows_scored, accuracy, log_loss, kappa_t
  FROM ML_EVALUATE(TABLE clicks, MODEL ctr, DESCRIPTOR(label), DESCRIPTOR(f1, f2, f3, f4), MAP['window', '2 s']);

CREATE TABLE lines (n BIGINT, name STRING) USING json OPTIONS (path = '${IN}/lines.json');
TABLE(lines)
INSERT INTO lines_out SELECT n, name FROM lines ON ERROR DEAD LETTER TO letters RATE 0.5;
TABLE(dead)
INSERT INTO dead_out SELECT position, error_code, message FROM letters;
`

// outputs are the sinks of job.
var outputs = []string{"scored", "tumbling", "hopping", "cumulating", "session", "counted", "groups", "keys", "metrics", "lines", "dead"}

// script is job with its sinks declared as the target says.
func script(declare func(table string) string) string {
	text := job
	for _, name := range outputs {
		text = strings.ReplaceAll(text, "TABLE("+name+")", fmt.Sprintf("CREATE TABLE %s_out %s;", name, declare(name)))
	}
	return text
}
