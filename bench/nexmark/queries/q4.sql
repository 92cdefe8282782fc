-- The average of the highest valid bids per category.
INSERT INTO sink
SELECT category, CAST(AVG(final) AS BIGINT) AS final
FROM (
  SELECT a.id, a.category, MAX(b.price) AS final
  FROM auction AS a, bid AS b
  WHERE a.id = b.auction AND b.`dateTime` BETWEEN a.`dateTime` AND a.expires
  GROUP BY a.id, a.category
) AS q
GROUP BY category;
