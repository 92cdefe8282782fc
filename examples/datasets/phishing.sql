-- Is a web page there to phish? 1,250 pages with nine hand-made features, each
-- scored before it is learned; one row of metrics at the end.
--   arrowstream run --param DATA=path/to/data/ml phishing.sql

CREATE TABLE pages USING csv OPTIONS (path = "${DATA:-../../../shared/data/ml}/river/phishing.csv");

CREATE MODEL phishing
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['is_phishing'], learn_rate = 0.1)
  AS SELECT * FROM pages;

SELECT rows_seen, rows_scored, accuracy, precision, recall, f1, log_loss, auc, no_change_accuracy, majority_accuracy, kappa_t
  FROM ML_EVALUATE(TABLE pages, MODEL phishing, DESCRIPTOR(is_phishing));
