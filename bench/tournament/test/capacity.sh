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

# A passed deadline and nothing else is a run that failed; who is late again hangs.
add_fake stuck 100 tardy
add_fake once 100 tardy-once
echo 50000 | tee "$sandbox/build/release/stuck/step" >"$sandbox/build/release/once/step"
velo capacity --p99 1ms --scenario alpha --budget 20s --seed 6 --impl stuck,once
dir=$(find "$sandbox/reports/capacity" -mindepth 1 -maxdepth 1 -type d | sort | tail -n 1)
check late-always-is-out "$(cat "$dir/capacity.json")" said '^stuck .* OUT'
check late-always-says-why "$(cat "$dir/capacity.json")" \
    grep -q '"reason": "task 3 did not run within 5 s, \(twice\|3 times\) in a row"' "$dir/capacity.json"
check late-once-stays-in "$(cat "$dir/capacity.json")" bounds once 50000
rm -r "$sandbox/build/release/"{stuck,once}

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

# What a block told counts when the block does, by the rule that stands in the plan.
check redo-rule-is-in-the-plan "$(cat "$dir/plan.json")" grep -q '"run_limit": 0.1' "$dir/plan.json"
sum() # sum KEY: of the result
{
    sed -n "s/^ \"$1\": \([0-9]*\),*$/\1/p" "$dir/capacity.json"
}
lines() # lines TYPE: in the journal
{
    grep -c "\"type\":\"$1\"" "$dir/raw.ndjson"
}
check each-attempt-ends "$(sum blocks) + $(sum redone), $(lines block) lines" \
    test $(($(sum blocks) + $(sum redone))) -eq "$(lines block)"
redone=$(sum redone)
sed -i '0,/"type":"block".*"valid":true/s/\("type":"block".*"valid":\)true/\1false/' "$dir/raw.ndjson"
: >"$dir/conformance.json" # rechain asks for it
"$test_dir/rechain" "$dir"
velo capacity --resume "$(basename "$dir")" --budget 5s
check redone-block-is-counted "$(sum redone), $redone before: $(cat "$sandbox/err")" test "$(sum redone)" -gt "$redone"
check redone-block-is-not-evidence "$(sum runs) runs, $(lines run) lines" test "$(sum runs)" -lt "$(lines run)"
check redone-is-printed "$(cat "$sandbox/out")" said 'blocks were disturbed by others and'

# A kill leaves runs without the end of their block: they are done again, and stay known.
known() # known: runs in the journal but for those of redone attempts
{
    python3 - "$dir/raw.ndjson" <<'END'
import json, sys
count, under_way, attempt = 0, 0, None
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event["type"] == "run":
        under_way = under_way + 1 if event["attempt"] == attempt else 1
        attempt = event["attempt"]
        count += 1
    elif event["type"] == "block" and not event["valid"]:
        count -= under_way
    if event["type"] == "block":
        under_way = 0
print(count)
END
}
broken_off() # broken_off NAME LINE: a kill before that line, which is a block's
{
    sed -i "$2,\$d" "$dir/raw.ndjson"
    velo capacity --resume "$(basename "$dir")" --budget 5s
    check "$1-goes-on" "status $status: $(cat "$sandbox/err")" test "$status" -eq 0 -o "$status" -eq 3
    check "$1-stays-known" "$(sum runs), $(known) in the journal" test "$(sum runs)" -eq "$(known)"
}
block_lines() { grep -n '"type":"block"' "$dir/raw.ndjson" | cut -d: -f1; }
broken_off broken-off-on-the-way "$(block_lines | sed -n 5p)"
broken_off broken-off-at-the-end "$(block_lines | tail -n 1)"

sed -i '2s/"outcome":"pass"/"outcome":"fail"/; 2s/"block":1/"block":7/' "$dir/raw.ndjson"
velo capacity --resume "$(basename "$dir")" --budget 5s
check changed-line-is-refused "status $status" said 'raw.ndjson:3: this line was changed'

echo lose >"$sandbox/build/release/quick/fault"
velo capacity --p99 1ms --scenario alpha --budget 5s --seed 6
check faulty-is-out "status $status: $(cat "$sandbox/out")" test "$status" -eq 4
check fault-is-named "$(cat "$sandbox/out")" said '^quick .*OUT: lost 3 of 1000 tasks'
rm "$sandbox/build/release/quick/fault"

# The doctor stands at this door, too.
echo 'int usleep(unsigned us) { return (int)us; }' >"$sandbox/lib.c"
${CC:-gcc} -shared -fPIC -o "$sandbox/lib.so" "$sandbox/lib.c"
(cd "$sandbox" && LD_PRELOAD=$sandbox/lib.so exec build/release/velo capacity --p99 1ms --scenario alpha --budget 5s --seed 7) >"$sandbox/out" 2>"$sandbox/err"
check doctor-refuses "$(cat "$sandbox/err")" said 'preload: .* --force preload goes on all the same'
(cd "$sandbox" && LD_PRELOAD=$sandbox/lib.so exec build/release/velo capacity --p99 1ms --scenario alpha --budget 5s --seed 7 --force preload) >"$sandbox/out" 2>"$sandbox/err"
check override-is-printed "$(cat "$sandbox/out" "$sandbox/err")" said '^Override: preload was refused and is overridden by --force'
finish_tests
