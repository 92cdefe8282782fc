# arrowstream: make demo runs the main job, make test passes the tests.

GO     ?= go
BIN    := bin/arrowstream
TOOLS  := internal/tools
export ARROWSTREAM_DATA ?= $(abspath ../shared/data)

.PHONY: all build demo test race purego lint fmt check bench clean

all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/arrowstream

# demo writes the click stream once and runs the main job on it.
demo: build
	@ls examples/clicks/data/*.parquet >/dev/null 2>&1 || $(BIN) generate clicks --rows 2000000 --seed 1 --out examples/clicks/data
	cd examples/clicks && ../../$(BIN) run clicks.sql

test:
	$(GO) test ./...

race:
	$(GO) test -race ./...

purego:
	$(GO) test -tags purego ./...

# lint checks formatting, vets, and runs staticcheck; the floors and the
# pinned dependency versions are checked by the tests of internal/lint.
lint:
	@out=$$($(GO) -C $(TOOLS) tool gofumpt -l $(CURDIR)); test -z "$$out" || { echo "not formatted (run make fmt):"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) -C $(TOOLS) build -o $(CURDIR)/bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...

fmt:
	$(GO) -C $(TOOLS) tool gofumpt -w $(CURDIR)

# check is what a change must pass.
check: tidy lint test purego race

.PHONY: tidy
tidy:
	$(GO) mod tidy -diff
	$(GO) -C $(TOOLS) mod tidy -diff

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./bench/...

clean:
	rm -rf bin examples/clicks/data examples/clicks/out
