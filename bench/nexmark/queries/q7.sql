-- The highest bids of every ten seconds.
INSERT INTO sink
SELECT b.auction, b.bidder, b.price, b.`dateTime`, b.extra
FROM bid AS b JOIN (
  SELECT MAX(price) AS most, window_end AS until
  FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end
) AS m ON b.price = m.most
WHERE b.`dateTime` BETWEEN m.until - INTERVAL '10' SECOND AND m.until;
