-- The main job: a click stream is scored and learned from online, windowed,
-- stored and exported. Run it with `make demo`, or here with
--   arrowstream generate clicks --rows 2e6 --seed 1 --out data
--   arrowstream run clicks.sql
-- Half way through the stream the true weights change (drift).

CREATE TABLE clicks (
  WATERMARK FOR ts AS ts - INTERVAL 2 SECOND
) USING parquet OPTIONS (path = "data/*.parquet");

-- Two models that learn for as long as the stream runs.
CREATE MODEL ctr
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], learn_rate_strategy = 'constant', learn_rate = 0.0005,
           model_path = 'out/ctr.model')
  AS SELECT f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, label FROM clicks;

CREATE MODEL segments
  OPTIONS (model_type = 'KMEANS', num_clusters = 8, half_life = 100000, time_unit = 'points', seed = 1)
  AS SELECT f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12 FROM clicks;

-- Every row is scored before the models learn from it.
CREATE VIEW scored AS
  SELECT ts, user_id, category, label, predicted_label, predicted_label_probs, centroid_id
  FROM ML_PREDICT(TABLE (
         SELECT * FROM ML_PREDICT(TABLE clicks, MODEL ctr, DESCRIPTOR(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12))),
       MODEL segments, DESCRIPTOR(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12));

CREATE TABLE scored_rows USING parquet OPTIONS (path = "out/scored");
CREATE TABLE accuracy USING flight OPTIONS (listen = "127.0.0.1:8815", hold = "${HOLD:-0s}");
CREATE TABLE centroids USING flight OPTIONS (listen = "127.0.0.1:8815", hold = "${HOLD:-0s}");

CREATE VIEW accuracy_by_label AS
  SELECT window_start, label, count(*) AS n, avg(IF(predicted_label = label, 1, 0)) AS accuracy
  FROM TUMBLE(TABLE scored, DESCRIPTOR(ts), INTERVAL 10 SECOND)
  GROUP BY window_start, label;

INSERT INTO scored_rows SELECT * FROM scored;
INSERT INTO accuracy SELECT * FROM accuracy_by_label;
INSERT INTO centroids SELECT * FROM ML_CENTROIDS(MODEL segments);

-- To the terminal: accuracy per label, and the metrics over all rows.
CREATE TABLE per_label USING console;
CREATE TABLE all_rows USING console;
CREATE TABLE before_and_after USING console;

INSERT INTO per_label SELECT window_start, label, n, ROUND(accuracy, 4) AS accuracy FROM accuracy_by_label;

INSERT INTO all_rows
  SELECT window_start, rows_scored, ROUND(accuracy, 4) AS accuracy, ROUND(log_loss, 4) AS log_loss,
         ROUND(no_change_accuracy, 4) AS no_change_accuracy, ROUND(kappa_t, 4) AS kappa_t
  FROM ML_EVALUATE(TABLE clicks, MODEL ctr, DESCRIPTOR(label), DESCRIPTOR(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12), MAP['window', '10 s']);

-- At the end: before the drift, the ten seconds after it, and the rest.
INSERT INTO before_and_after
  SELECT phase, count(*) AS n, ROUND(avg(IF(predicted_label = label, 1, 0)), 4) AS accuracy
  FROM (SELECT *, CASE WHEN ts < TIMESTAMP '2024-01-01 00:05:00' THEN '1 before the drift'
                       WHEN ts < TIMESTAMP '2024-01-01 00:05:10' THEN '2 ten seconds after it'
                       ELSE '3 later' END AS phase FROM scored)
  GROUP BY phase ORDER BY phase;
