-- Two handwritten digits told apart by 692 pixels: a file of Spark's samples in
-- LIBSVM's format, whose features are one vector.
--   arrowstream run --param DATA=path/to/data/ml libsvm.sql

CREATE TABLE digits USING libsvm OPTIONS (path = "${DATA:-../../../shared/data/ml}/spark/sample_libsvm_data.txt");

-- Pixels go up to 255, hence the small steps.
CREATE MODEL digit
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], learn_rate = 0.0001)
  AS SELECT features, label FROM digits;

SELECT rows_seen, rows_scored, accuracy, log_loss, auc, no_change_accuracy, majority_accuracy, kappa_t
  FROM ML_EVALUATE(TABLE digits, MODEL digit, DESCRIPTOR(label), MAP['every_rows', '25']);
