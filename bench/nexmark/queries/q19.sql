-- The ten highest bids on every auction.
INSERT INTO sink
SELECT * FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS rn FROM bid
) AS q
WHERE rn <= 10;
