#!/usr/bin/env bash
# broker.sh runs one Apache Kafka broker (KRaft, no ZooKeeper) for integration
# tests: Java and Maven are all it needs.
#
#   broker.sh fetch           download the broker's jars into the cache
#   broker.sh start [DIR]     start a broker with its data in DIR, print host:port
#   broker.sh stop  [DIR]     stop that broker and remove its data
#
# The broker keeps everything: tests write rows of past years, which a broker
# with a retention deletes at its first check.
#
# DIR defaults to $TMPDIR/arrowstream-kafka. The jars are kept in
# $ARROWSTREAM_CACHE, default ~/.cache/arrowstream. KAFKA_VERSION picks the
# release, KAFKA_PORT a fixed port; a free one is taken otherwise.
set -euo pipefail

version=${KAFKA_VERSION:-3.9.1}
cache=${ARROWSTREAM_CACHE:-$HOME/.cache/arrowstream}/kafka-$version
dir=${2:-${TMPDIR:-/tmp}/arrowstream-kafka}

die() { echo "broker.sh: $*" >&2; exit 1; }

fetch() {
	[ -e "$cache/.complete" ] && return
	command -v mvn >/dev/null || die "mvn is not installed (apt-get install maven)"
	mkdir -p "$cache"
	cat >"$cache/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>arrowstream</groupId>
  <artifactId>kafkatest</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
	mvn -q -B -f "$cache/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$cache/lib" >&2 ||
		die "Maven could not fetch org.apache.kafka:kafka_2.13:$version"
	touch "$cache/.complete"
}

free_port() {
	local p
	for _ in $(seq 100); do
		p=$((20000 + RANDOM % 12000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then
			echo "$p"
			return
		fi
	done
	die "no free port"
}

# alive reports whether the broker recorded in DIR still runs.
alive() { [ -e "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

start() {
	command -v java >/dev/null || die "java is not installed"
	if alive; then
		cat "$dir/address"
		return
	fi
	fetch
	rm -rf "$dir"
	mkdir -p "$dir"
	local port controller
	port=${KAFKA_PORT:-$(free_port)}
	controller=$(free_port)
	cat >"$dir/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=true
log.retention.ms=-1
PROPERTIES
	local java=(java -Xmx512m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$cache/lib/*")
	"${java[@]}" kafka.tools.StorageTool format -t "$("${java[@]}" kafka.tools.StorageTool random-uuid)" \
		-c "$dir/server.properties" >"$dir/format.log" 2>&1 || die "formatting the storage: $(tail -n 5 "$dir/format.log")"
	setsid "${java[@]}" kafka.Kafka "$dir/server.properties" >"$dir/broker.log" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	for _ in $(seq 240); do
		alive || die "the broker ended: $(tail -n 20 "$dir/broker.log")"
		if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "127.0.0.1:$port" | tee "$dir/address"
			return
		fi
		sleep 0.25
	done
	die "the broker did not open 127.0.0.1:$port within 60 s: $(tail -n 20 "$dir/broker.log")"
}

stop() {
	alive || { rm -rf "$dir"; return; }
	local pid
	pid=$(cat "$dir/pid")
	kill "$pid"
	for _ in $(seq 60); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.25
	done
	kill -KILL "$pid" 2>/dev/null || true
	rm -rf "$dir"
}

case ${1:-} in
fetch | start | stop) "$1" ;;
*) die "usage: broker.sh fetch|start|stop [DIR]" ;;
esac
