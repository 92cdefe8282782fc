-- Bids on some auctions.
INSERT INTO sink
SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0;
