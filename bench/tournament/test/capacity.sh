#!/bin/bash
# SPDX-License-Identifier: MIT
# The capacity at a latency limit, with contestants whose p99 is a step: below their capacity it is
# 0.1 ms, above it 10 ms.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
echo 50000 >"$sandbox/build/release/mutex/step"
echo 90000 >"$sandbox/build/release/quick/step"

velo capacity
check limit-is-needed "status $status" test "$status" -eq 2
velo capacity --p99 fast
check limit-is-read "status $status: $(cat "$sandbox/err")" said "need a time from 1us to 10s"
velo capacity --p99 1ms --scenario beta
check scenario-without-a-rate "status $status: $(cat "$sandbox/err")" said "no point with a 'percent'"
velo capacity --p99 1ms --scenario gamma
check unknown-scenario "status $status" test "$status" -eq 2

echo '-- PERCENT' >"$sandbox/scenarios/alpha.lua"
velo capacity --p99 1ms --scenario alpha --budget 40s --seed 4
check found "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0
dir=$(find "$sandbox/reports/capacity" -mindepth 1 -maxdepth 1 -type d | sort | tail -n 1)
bounds() # bounds NAME TRUTH: the interval of NAME covers TRUTH and is at most 20 % wide
{
    python3 - "$dir/capacity.json" "$1" "$2" <<'END'
import json, sys
row = [r for r in json.load(open(sys.argv[1]))["contestants"] if r["contestant"] == sys.argv[2]][0]
ok = row["low"] <= float(sys.argv[3]) <= row["high"] and row["high"] / row["low"] <= 1.2
sys.exit(0 if ok else str(row))
END
}
check mutex-is-bracketed "$(cat "$dir/capacity.json")" bounds mutex 50000
check quick-is-bracketed "$(cat "$dir/capacity.json")" bounds quick 90000
check result-is-printed "$(cat "$sandbox/out")" said '^quick .* FOUND'

# What ended too early goes on from its journal; a torn line is cut, a changed one refused.
echo 0.5 >"$sandbox/build/release/quick/delay"
velo capacity --p99 1ms --scenario alpha --budget 5s --precision 2 --seed 5
check too-short "status $status" test "$status" -eq 3
dir=$(find "$sandbox/reports/capacity" -mindepth 1 -maxdepth 1 -type d | sort | tail -n 1)
rm "$sandbox/build/release/quick/delay"
before=$(grep -c '"type":"run"' "$dir/raw.ndjson")
printf '{"type":"run","torn' >>"$dir/raw.ndjson"
velo capacity --resume "$(basename "$dir")" --budget 5s
check goes-on "$(cat "$sandbox/err")" test "$(grep -c '"type":"run"' "$dir/raw.ndjson")" -gt "$before"
check torn-line-is-gone "still there" sh -c "! grep -q torn '$dir/raw.ndjson'"
sed -i '2s/"outcome":"pass"/"outcome":"fail"/; 2s/"block":1/"block":7/' "$dir/raw.ndjson"
velo capacity --resume "$(basename "$dir")" --budget 5s
check changed-line-is-refused "status $status" said 'raw.ndjson:3: this line was changed'

echo lose >"$sandbox/build/release/quick/fault"
velo capacity --p99 1ms --scenario alpha --budget 5s --seed 6
check faulty-is-out "status $status: $(cat "$sandbox/out")" test "$status" -eq 4
check fault-is-named "$(cat "$sandbox/out")" said '^quick .*OUT: lost 3 of 1000 tasks'
finish_tests
