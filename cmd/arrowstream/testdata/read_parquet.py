"""Asks DuckDB for counts and sums of scored Parquet files, as JSON.

    read_parquet.py PATTERN
"""

import json
import sys

import duckdb

answer = duckdb.sql(
    """
    SELECT count(*), count(predicted_label), sum(label), sum(predicted_label), sum(user_id),
           avg(CASE WHEN predicted_label = label THEN 1.0::DOUBLE ELSE 0.0::DOUBLE END),
           count(DISTINCT category), epoch_us(min(ts)), epoch_us(max(ts)),
           sum(len(predicted_label_probs)), sum(centroid_id)
    FROM read_parquet(?)
    """,
    params=[sys.argv[1]],
).fetchall()[0]
print(json.dumps([float(x) for x in answer]))
