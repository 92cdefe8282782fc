"""Runs the Nexmark queries in DuckDB, each written anew for a batch engine, on
the events in FOLDER/{person,auction,bid}/*.parquet, and writes FOLDER/qN.parquet.

    python oracle.py FOLDER [qN ...]
"""
import sys

import duckdb

RANKS = ["true", "price < 10000", "price >= 10000 AND price < 1000000", "price >= 1000000"]


def ranks(expression):
    return ", ".join(f"count({expression}) FILTER (WHERE {r})" for r in RANKS)


EVERY = f"{ranks('*')}, {ranks('DISTINCT bidder')}, {ranks('DISTINCT auction')}"
BID = "auction, bidder, price, channel, url, dateTime, extra"
CHANNEL = r"nullif(regexp_extract(url, '(&|^)channel_id=([^&]*)', 2), '')"

# valid are the bids on an auction while it is open, counts those of ten seconds.
SETUP = """
CREATE VIEW valid AS
  SELECT a.*, b.auction, b.bidder, b.price, b.dateTime AS bid_dateTime, b.extra AS bid_extra, b.n
  FROM auction a JOIN bid b ON a.id = b.auction WHERE b.dateTime BETWEEN a.dateTime AND a.expires;
CREATE VIEW counts AS
  SELECT auction, count(*) AS num, epoch_ms(dateTime) // 2000 - k AS w FROM bid, range(5) AS r (k) GROUP BY ALL;
"""

QUERIES = {
    "q0": "SELECT auction, bidder, price, dateTime, extra FROM bid",
    "q1": "SELECT auction, bidder, (price * 908 / 1000.0)::DECIMAL(23, 3), dateTime, extra FROM bid",
    "q2": "SELECT auction, price FROM bid WHERE auction % 123 = 0",
    "q3": """SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id
             WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')""",
    "q4": """SELECT category, trunc(avg(final))::BIGINT FROM
             (SELECT id, category, max(price) AS final FROM valid GROUP BY id, category) GROUP BY category""",
    "q5": "SELECT auction, num FROM (SELECT *, max(num) OVER (PARTITION BY w) AS most FROM counts) WHERE num = most",
    "q6": """SELECT seller, trunc(avg(price) OVER (PARTITION BY seller ORDER BY bid_dateTime, id ROWS BETWEEN 10 PRECEDING AND CURRENT ROW))::BIGINT FROM
             (SELECT *, row_number() OVER (PARTITION BY id ORDER BY price DESC, bid_dateTime, n) AS rank FROM valid) WHERE rank = 1""",
    "q7": """SELECT b.auction, b.bidder, b.price, b.dateTime, b.extra
             FROM bid b JOIN (SELECT max(price) AS most, epoch_ms(dateTime) // 10000 * 10000 + 10000 AS until FROM bid GROUP BY until) m
             ON b.price = m.most AND epoch_ms(b.dateTime) BETWEEN m.until - 10000 AND m.until""",
    "q8": """SELECT p.id, p.name, epoch_ms(p.w * 10000) FROM
             (SELECT DISTINCT id, name, epoch_ms(dateTime) // 10000 AS w FROM person) p JOIN
             (SELECT DISTINCT seller, epoch_ms(dateTime) // 10000 AS w FROM auction) a ON p.id = a.seller AND p.w = a.w""",
    "q9": """SELECT * EXCLUDE (n, rank) FROM
             (SELECT *, row_number() OVER (PARTITION BY id ORDER BY price DESC, bid_dateTime, n) AS rank FROM valid) WHERE rank = 1""",
    "q10": "SELECT auction, bidder, price, dateTime, extra, strftime(dateTime, '%Y-%m-%d'), strftime(dateTime, '%H:%M') FROM bid",
    "q11": """SELECT bidder, count(*), min(dateTime), max(dateTime) + INTERVAL 10 SECOND FROM
              (SELECT *, sum(fresh) OVER (PARTITION BY bidder ORDER BY dateTime, n) AS session FROM
               (SELECT *, CASE WHEN dateTime - lag(dateTime) OVER (PARTITION BY bidder ORDER BY dateTime, n) <= INTERVAL 10 SECOND THEN 0 ELSE 1 END AS fresh FROM bid))
              GROUP BY bidder, session""",
    "q12": """SELECT bidder, count(*), epoch_ms(w * 10000), epoch_ms(w * 10000 + 10000) FROM
              (SELECT bidder, epoch_ms(dateTime) // 10000 AS w FROM bid) GROUP BY bidder, w""",
    "q13": "SELECT auction, bidder, price, dateTime, (auction % 10000)::VARCHAR FROM bid",
    "q14": """SELECT auction, bidder, (price * 908 / 1000.0)::DECIMAL(23, 3),
              CASE WHEN hour(dateTime) BETWEEN 8 AND 18 THEN 'dayTime' WHEN hour(dateTime) <= 6 OR hour(dateTime) >= 20 THEN 'nightTime' ELSE 'otherTime' END,
              dateTime, extra, length(extra) - length(replace(extra, 'c', ''))
              FROM bid WHERE price * 908 > 1000000000 AND price * 908 < 50000000000""",
    "q15": f"SELECT strftime(dateTime, '%Y-%m-%d') AS day, {EVERY} FROM bid GROUP BY day",
    "q16": f"SELECT channel, strftime(dateTime, '%Y-%m-%d') AS day, max(strftime(dateTime, '%H:%M')), {EVERY} FROM bid GROUP BY channel, day",
    "q17": f"""SELECT auction, strftime(dateTime, '%Y-%m-%d') AS day, {ranks('*')},
               min(price), max(price), trunc(avg(price))::BIGINT, sum(price)::BIGINT FROM bid GROUP BY auction, day""",
    "q18": f"""SELECT {BID} FROM
               (SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC, n DESC) AS rank FROM bid) WHERE rank = 1""",
    "q19": f"""SELECT {BID}, rank FROM
               (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, n) AS rank FROM bid) WHERE rank <= 10""",
    "q20": """SELECT b.* EXCLUDE (n), a.itemName, a.description, a.initialBid, a.reserve, a.dateTime, a.expires, a.seller, a.category, a.extra
              FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10""",
    "q21": f"""SELECT auction, bidder, price, channel,
               CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE {CHANNEL} END
               FROM bid WHERE {CHANNEL} IS NOT NULL OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu')""",
    "q22": "SELECT auction, bidder, price, channel, split(url, '/')[4], split(url, '/')[5], split(url, '/')[6] FROM bid",
    "q23": """SELECT b.auction, b.bidder, b.price, b.dateTime, p.name, p.emailAddress, p.creditCard, p.city, p.state, p.extra,
              a.itemName, a.description, a.initialBid, a.reserve, a.dateTime, a.expires, a.seller, a.category, a.extra, b.extra
              FROM bid b JOIN person p ON b.bidder = p.id JOIN auction a ON a.seller = b.bidder""",
}


def main(folder, names):
    db = duckdb.connect()
    for table in ("person", "auction", "bid"):
        db.execute(f"CREATE TABLE {table} AS SELECT * EXCLUDE (file_row_number), file_row_number AS n FROM read_parquet('{folder}/{table}.parquet', file_row_number = true)")
    db.execute("ALTER TABLE auction DROP n; ALTER TABLE person DROP n;" + SETUP)
    for name in names or QUERIES:
        db.execute(f"COPY ({QUERIES[name]}) TO '{folder}/{name}.parquet' (FORMAT parquet)")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
