# arrowstream: make demo runs the main job, make test passes the tests.

GO     ?= go
BIN    := bin/arrowstream
TOOLS  := internal/tools
PEERS  := bench/peers
export ARROWSTREAM_DATA ?= $(abspath ../shared/data)

.PHONY: all build demo test levels race purego arm64 avx512 lint fmt asm check bench bench-peers clean

all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/arrowstream

# demo writes the click stream once and runs the main job on it.
demo: build
	@ls examples/clicks/data/*.parquet >/dev/null 2>&1 || $(BIN) generate clicks --rows 2000000 --seed 1 --out examples/clicks/data
	cd examples/clicks && ../../$(BIN) run clicks.sql

# crash-demo kills the main job ten times and compares with a run in peace.
KILLS ?= 10
.PHONY: crash-demo
crash-demo: build
	@ls examples/clicks/data/*.parquet >/dev/null 2>&1 || $(BIN) generate clicks --rows 2000000 --seed 1 --out examples/clicks/data
	examples/clicks/crash.sh $(BIN) $(KILLS)

test:
	$(GO) test -timeout 15m ./...

# torture is the long form of the crash tests: every failpoint with 20 seeds,
# and 500 kills at random, for every kind of sink; and 500 sets of options that
# must not change a result.
.PHONY: torture
torture:
	$(GO) test -timeout 24h -v ./internal/crashtest -crash.seeds 20 -crash.kills 500 -meta.ops 500
	$(GO) test -timeout 24h -v ./state -state.seeds 20
	$(GO) test -v ./cmd/arrowstream -run TestMemoryLimit -memory.keys 10000000

# differential compares the results of QUERIES generated queries with those of
# DuckDB in the Python of ARROWSTREAM_PYTHON; SEED 0 is another one each time.
QUERIES ?= 10000
SEED    ?= 0
.PHONY: differential
differential:
	$(GO) test -timeout 24h -v ./sql -run TestDifferential -sql.queries $(QUERIES) -sql.seed $(SEED)

# nexmark runs the queries of the Nexmark benchmark at both densities of event
# time, and writes bench/results/nexmark.md.
.PHONY: nexmark
nexmark:
	$(GO) run ./bench/nexmark -out bench/results $(FLAGS)

# fuzz runs every fuzz target that reads what comes from outside for FUZZTIME,
# the others for FUZZOTHERS, FUZZJOBS of them side by side; FUZZ chooses, as in
# FUZZ='io/csv Fuzz'.
FUZZTIME   ?= 60s
FUZZOTHERS ?= $(FUZZTIME)
FUZZJOBS   ?= 1
FUZZ       ?= .
.PHONY: fuzz
fuzz:
	internal/hostiletest/fuzz.sh '$(FUZZTIME)' '$(FUZZOTHERS)' '$(FUZZJOBS)' '$(FUZZ)'

# soak watches the main job from Kafka to Kafka and Parquet for an hour; it needs
# a broker in ARROWSTREAM_KAFKA. FLAGS are those of bench/soak, such as -length 10m.
.PHONY: soak
soak: build
	$(GO) run ./bench/soak -binary $(BIN) $(FLAGS)

# levels runs the tests, in their short form, at every level of the vector kernels
# below that of the machine, at which test runs them; the lowest is what purego
# builds, which has only the packages to show that have assembly or call it.
# Connectors to servers, stores and programs that start others compute nothing.
COMPUTING = $$($(GO) list ./... | grep -vE '/crashtest$$|/io/(bucket|flight|http|jdbc|kafka|mysql|postgres|socket)$$|/state$$|/internal/(access|database|files|intake|lint|nettest|remote)$$|/cmd/')
LEVELS := go $(if $(shell grep -m1 -ow avx512dq /proc/cpuinfo),avx2)
levels:
	for level in $(LEVELS); do echo "ARROWSTREAM_SIMD=$$level"; ARROWSTREAM_SIMD=$$level $(GO) test -short -timeout 30m $(COMPUTING) || exit 1; done

# arm64 builds for a machine without assembly and runs the tests of the kernels
# there, where an emulator is installed.
arm64:
	GOARCH=arm64 $(GO) vet ./...
	@if command -v qemu-aarch64 >/dev/null; then CGO_ENABLED=0 GOARCH=arm64 $(GO) test -short -exec qemu-aarch64 ./internal/simd ./kernels/agg ./mlkernels; else echo "no qemu-aarch64: built only"; fi

# avx512 compares the kernels for AVX-512 with their twins, in an emulator
# (Debian's bochs) on machines that have none.
avx512:
	internal/emulator/avx512.sh 1500 'Twins|Level|Room' ./internal/simd

# asm writes the assembly of internal/simd and bench/limits with its guards.
asm:
	cd internal/simd/_asm && $(GO) run .

race:
	$(GO) test -race ./...

purego:
	$(GO) vet -tags purego ./...
	$(GO) test -tags purego ./columnar/... ./internal/simd ./kernels/... ./mlkernels/...

# lint checks formatting, vets, and runs staticcheck; the floors and the
# pinned dependency versions are checked by the tests of internal/lint.
lint: assembly
	@out=$$($(GO) -C $(TOOLS) tool gofumpt -l $(CURDIR)); test -z "$$out" || { echo "not formatted (run make fmt):"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) -C $(TOOLS) build -o $(CURDIR)/bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...

fmt:
	$(GO) -C $(TOOLS) tool gofumpt -w $(CURDIR)

# check is what a change must pass.
check: tidy lint test levels purego arm64 race check-peers

# assembly fails when what is committed is not what the generators write.
.PHONY: assembly
assembly: asm
	@git diff --exit-code --stat -- '*_amd64.s' '*_amd64.go' '*_noasm.go' || { echo "generated files differ: commit what make asm writes"; exit 1; }

# check-peers is lint and test for the module of bench-peers; it needs a C compiler.
.PHONY: check-peers
check-peers:
	$(GO) -C $(TOOLS) build -o $(CURDIR)/bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	$(GO) -C $(PEERS) vet ./...
	cd $(PEERS) && $(CURDIR)/bin/staticcheck ./...
	$(GO) -C $(PEERS) test ./...

.PHONY: tidy
tidy:
	$(GO) mod tidy -diff
	$(GO) -C $(TOOLS) mod tidy -diff
	$(GO) -C internal/simd/_asm mod tidy -diff
	$(GO) -C $(PEERS) mod tidy -diff

# bench runs all benchmarks, or those of BENCH in PACKAGES for BENCHTIME each
# (20x: twenty samples of a kernel and its limit), and writes them as
# a table and a plot into bench/results; see bench/README.md.
BENCH    ?= .
BENCHTIME ?= 1s
PACKAGES ?= ./internal/... ./kernels/... ./mlkernels/... ./bench/...

bench:
	@mkdir -p bin
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem $(PACKAGES) >bin/bench.txt || { cat bin/bench.txt; exit 1; }
	@cat bin/bench.txt
	$(GO) -C $(PEERS) run ./benchtable -results $(CURDIR)/bench/results <bin/bench.txt

# bench-peers compares with DuckDB, arrow compute, gonum, scikit-learn, polars
# and numpy; FLAGS are those of bench/peers, such as -rows 200000 -pairs 1.
bench-peers:
	$(GO) -C $(PEERS) run . -results $(CURDIR)/bench/results $(FLAGS)

clean:
	rm -rf bin examples/clicks/data examples/clicks/out
