#!/usr/bin/env bash
# Runs the main job once in peace and once under ten kills -9 at random moments,
# and compares what they leave behind: every scored row in its order, the model,
# bit for bit. Arguments: the arrowstream binary and the number of kills.
set -euo pipefail
arrowstream="$(realpath "${1:-bin/arrowstream}")"
kills="${2:-10}"
cd "$(dirname "$0")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

start() { # start FOLDER: the job, with its state in FOLDER
  cd "$work/$1"
  exec "$arrowstream" run clicks.sql --state state --epoch 100ms --progress off >>shown.txt 2>errors.txt
}

digest() { # digest FOLDER: the rows it has written and the model it has learned
  "$arrowstream" run -q --progress off --format csv -e "SELECT count(*) AS n FROM '$work/$1/out/scored/*.parquet'" | tail -1
  "$arrowstream" run -q --progress off --format csv -e "SELECT * FROM '$work/$1/out/scored/*.parquet'" | sha256sum
  sha256sum <"$work/$1/out/ctr.model"
}

for folder in peace kills; do
  mkdir "$work/$folder"
  cp clicks.sql "$work/$folder"
  ln -s "$PWD/data" "$work/$folder/data"
done

echo "once in peace"
began=$(date +%s%3N)
(start peace)
took=$(($(date +%s%3N) - began))
killed=0
while :; do
  (start kills) &
  job=$!
  if [ "$killed" -lt "$kills" ]; then
    delay=$((60 + RANDOM % (took / 4 + 1))) # ms, so that the job lives through all kills
    sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
    if kill -9 "$job" 2>/dev/null; then
      killed=$((killed + 1))
      echo "kill -9 number $killed"
    fi
  fi
  code=0
  wait "$job" 2>/dev/null || code=$?
  [ "$code" -ne 0 ] || break
  [ "$code" -eq 137 ] || { cat "$work/kills/errors.txt"; exit "$code"; }
done

digest peace >"$work/want"
digest kills >"$work/got"
cat "$work/got"
cmp "$work/want" "$work/got"
echo "the same rows and the same model after $killed kills"
