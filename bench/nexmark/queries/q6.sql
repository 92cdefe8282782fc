-- The average price of the last auctions of every seller, in the order in which they
-- were won: of the winner and the ten before it. The frame of the reference is kept, but
-- not its order of rows that are updated: the job is one in batch mode, so that the
-- winners are final.
INSERT INTO sink
SELECT seller, CAST(AVG(price) OVER (PARTITION BY seller ORDER BY bid_dateTime, id ROWS BETWEEN 10 PRECEDING AND CURRENT ROW) AS BIGINT) AS avg_price
FROM (
  SELECT a.id, a.seller, b.price, b.`dateTime` AS bid_dateTime,
    ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.`dateTime` ASC) AS rn
  FROM auction AS a, bid AS b
  WHERE a.id = b.auction AND b.`dateTime` BETWEEN a.`dateTime` AND a.expires
) AS q
WHERE rn <= 1;
