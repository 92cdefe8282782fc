# DuckDB as the other side of the differential test: reads a line of JSON with
# statements and queries, answers with a line that has the rows of each query as
# texts, or its error.
import datetime, decimal, json, math, sys

import duckdb


def cell(v):
    if v is None:
        return "null"
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, (int, decimal.Decimal)):
        return str(v)
    if isinstance(v, float):
        return "NaN" if math.isnan(v) else repr(v)
    if isinstance(v, datetime.datetime):
        return v.strftime("%Y-%m-%dT%H:%M:%S.%f")
    if isinstance(v, datetime.date):
        return v.isoformat()
    return "'" + str(v)


for line in sys.stdin:
    job = json.loads(line)
    db = duckdb.connect()
    db.execute("SET threads = 1; SET TimeZone = 'UTC'")
    for statement in job["statements"]:
        db.execute(statement)
    answers = []
    for query in job["queries"]:
        try:
            answers.append({"rows": [[cell(v) for v in row] for row in db.execute(query).fetchall()]})
        except duckdb.Error as e:
            answers.append({"error": str(e)})
    print(json.dumps(answers), flush=True)
