-- Bids with what a file says of their auction.
CREATE TABLE side_input (key BIGINT, `value` VARCHAR, PRIMARY KEY (key) NOT ENFORCED)
  WITH ('connector' = 'csv', 'path' = '${SIDE_INPUT}', 'header' = 'false');
INSERT INTO sink
SELECT b.auction, b.bidder, b.price, b.`dateTime`, s.`value`
FROM (SELECT *, PROCTIME() AS p_time FROM bid) AS b
JOIN side_input FOR SYSTEM_TIME AS OF b.p_time AS s ON MOD(b.auction, 10000) = s.key;
