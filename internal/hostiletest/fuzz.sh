#!/usr/bin/env bash
# Runs the fuzz targets of the module, one worker each:
#   fuzz.sh TIME [OTHERS [JOBS [PATTERN]]]
# TIME for those that read what comes from outside (the list below), OTHERS for
# the rest, JOBS of them side by side, of those whose "folder target" matches
# PATTERN. A line per target: how many inputs it read, how many of them reached
# something new. Ends with the first that fails; the input is then a file below
# testdata/fuzz of its package, to be kept there under a name that says what it
# is when the error is mended.
set -euo pipefail
cd "$(dirname "$0")/../.."
export FUZZ_TIME="$1" FUZZ_OTHERS="${2:-$1}"
jobs="${3:-1}"
pattern="${4:-.}"
export FUZZ_OUTSIDE=' . FuzzOptions, internal/intake FuzzChunk, internal/jsontext FuzzCheck, internal/wire FuzzReader, io/csv FuzzRead, io/flight FuzzTicket, io/parquet FuzzRead, sql/syntax FuzzInterval, sql/syntax FuzzParse, state FuzzJournal, state FuzzManifest, state FuzzSegment,'
FUZZ_BINARIES="$(mktemp -d)"
FUZZ_CACHE="$(go env GOCACHE)/fuzz/arrowstream"
export FUZZ_BINARIES FUZZ_CACHE
trap 'rm -rf "$FUZZ_BINARIES"' EXIT

binary_of() { printf '%s/%s.test' "$FUZZ_BINARIES" "${1//\//_}"; }

target() {
  local folder="$1" name="$2" time="$FUZZ_OTHERS" log
  [[ "$FUZZ_OUTSIDE" != *" $folder $name,"* ]] || time="$FUZZ_TIME"
  log="$(binary_of "$folder").$name"
  # An allocation far beyond the ceiling ends the process instead of the machine.
  if ! (cd "$folder" && ulimit -v $((8 << 20)) && "$(binary_of "$folder")" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$time" \
    -test.fuzzminimizetime 300ms -test.parallel 1 -test.fuzzcachedir "$FUZZ_CACHE/$folder") >"$log" 2>&1; then
    echo "FAIL $folder $name"
    grep -v '^fuzz: elapsed' "$log"
    git ls-files --others --exclude-standard -- "$folder/testdata/fuzz/$name" | xargs -r tail -n +1
    return 255
  fi
  printf '%-32s %-4s %s\n' "$folder $name" "$time" "$(grep -o 'execs: .*' "$log" | tail -1)"
}
export -f binary_of target

git grep -l '^func Fuzz' -- '*_test.go' | xargs -n 1 dirname | sort -u | while read -r folder; do
  names="$(cat "$folder"/*_test.go | sed -n "s|^func \(Fuzz[A-Za-z0-9_]*\)(.*|$folder \1|p" | grep -E "$pattern" || true)"
  [ -n "$names" ] || continue
  go test -c -vet=off -fuzz . -o "$(binary_of "$folder")" "./$folder"
  echo "$names"
done | xargs -P "$jobs" -L 1 bash -c 'target "$1" "$2"' target
