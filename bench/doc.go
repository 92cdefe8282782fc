// Package bench measures arrowstream end to end: every figure of the README is
// one benchmark here.
//
//	go test -run '^$' -bench MainJob ./bench/       rows/s and memory of the main job
//	go test -run '^$' -bench 'SGD|KMeans' -cpu 1 ./bench/
//	go test -run '^$' -bench Startup ./bench/       milliseconds to the first result
//	go test -run '^$' -bench KafkaLatency ./bench/  p50 and p99 from Kafka to Kafka
//
// ARROWSTREAM_BENCH_LARGE=1 adds the main job on 50,000,000 rows, 5 GB of
// Parquet in ARROWSTREAM_BENCH_DIR or a temporary folder. README.md tells how
// kernels are measured against the machine and queries against other engines.
// Floor 6.
package bench
