-- Every bid in a CSV file of the day and the minute of its time.
CREATE TABLE folders (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra VARCHAR, dt VARCHAR, hm VARCHAR)
PARTITIONED BY (dt, hm) WITH ('connector' = 'csv', 'path' = '${FOLDER}/');
INSERT INTO folders
SELECT auction, bidder, price, `dateTime`, extra, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd') AS dt, DATE_FORMAT(`dateTime`, 'HH:mm') AS hm FROM bid;
