-- Bids per bidder and ten seconds of processing time. The clock of events that are
-- read as fast as they come is their time, as of each tick.
INSERT INTO sink
SELECT bidder, COUNT(*) AS bid_count, window_start AS starttime, window_end AS endtime
FROM TABLE(TUMBLE((SELECT bidder, PROCTIME() AS p_time FROM bid), DESCRIPTOR(p_time), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;
