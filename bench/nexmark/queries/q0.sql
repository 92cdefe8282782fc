-- Every bid as it is.
INSERT INTO sink
SELECT auction, bidder, price, `dateTime`, extra FROM bid;
