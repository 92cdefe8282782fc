-- Bids with their bidder and an auction that the bidder has opened.
INSERT INTO sink
SELECT b.auction, b.bidder, b.price, b.`dateTime`,
  p.name, p.emailAddress, p.creditCard, p.city, p.state, p.extra AS person_extra,
  a.itemName, a.description, a.initialBid, a.reserve, a.`dateTime` AS auction_dateTime, a.expires, a.seller, a.category, a.extra AS auction_extra, b.extra
FROM bid AS b JOIN person AS p ON b.bidder = p.id JOIN auction AS a ON a.seller = b.bidder;
