-- The electricity market of New South Wales (Elec2): does the price rise? The
-- file has no time of day, so accuracy is printed after every 5,000 rows; it is
-- that of all rows so far, each scored before it is learned.
--   arrowstream run --param DATA=path/to/data/ml electricity.sql
-- Repeating the last label is right more often (no_change_accuracy): labels
-- follow each other here, and kappa_t is below 0 for a model that ignores that.

CREATE TABLE electricity USING csv OPTIONS (path = "${DATA:-../../../shared/data/ml}/capymoa/electricity.csv");

CREATE MODEL rises
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['class'], learn_rate = 0.1)
  AS SELECT period, nswprice, nswdemand, vicprice, vicdemand, transfer, class FROM electricity;

SELECT rows_seen, rows_scored, accuracy, log_loss, auc, no_change_accuracy, majority_accuracy, kappa, kappa_t
  FROM ML_EVALUATE(TABLE electricity, MODEL rises, DESCRIPTOR(class), MAP['every_rows', '5000']);
