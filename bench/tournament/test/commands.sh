#!/bin/bash
# SPDX-License-Identifier: MIT
# What each command does when all is well: a tournament that decides, a duel, report, select, list,
# limits, conformance; and that a seed repeats the order of every block.
. "$(dirname "$0")/sandbox.bash"
make_sandbox

velo tournament --scenarios race --budget 20s --seed 11
check tournament-decides "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check sentence-comes-first "$(head -n 3 "$sandbox/out")" sh -c "head -n 3 '$sandbox/out' | grep -q 'Take quick'"
first=$(run_dir)
for file in plan.json env.json limits.json conformance.json raw.ndjson verdict.json report.md report.html; do
    check "writes-$file" "missing in $first" test -s "$first/$file"
done
check latest-link "$(readlink "$sandbox/reports/latest")" test "$(readlink "$sandbox/reports/latest")" = "runs/$(basename "$first")"
check index-line "$(cat "$sandbox/reports/runs/index.ndjson")" grep -q "\"id\":\"$(basename "$first")\"" "$sandbox/reports/runs/index.ndjson"
check plan-hash-in-journal "differs" grep -q "\"plan\":\"$(sha256sum "$first/plan.json" | cut -c 1-16)\"" "$first/raw.ndjson"
pads=$(sed -n 's/.*"env_pad":\([0-9]*\),.*"padding_seen":\([0-9]*\),.*/\1 \2/p' "$first/raw.ndjson" | grep -v pilot)
check every-padding-arrives "$(head -n 3 <<<"$pads")" awk 'NF != 2 || $1 != $2 { exit 1 }' <<<"$pads"
check paddings-differ "$pads" test "$(sort -u <<<"$pads" | wc -l)" -gt 10
check conditions-of-a-run "not recorded" \
    grep -q '"type":"run".*"foreign_share":[0-9.e-]*,"steal_share":[0-9.e-]*,"cpu_pressure":[0-9.e-]*' "$first/raw.ndjson"
check twin-ran "no run of it" grep -q '"type":"run".*"entry":"mutex~twin"' "$first/raw.ndjson"

orders() # orders DIR: the entries of the first attempts of the first five blocks of each cell
{
    grep '"type":"block"' "$1/raw.ndjson" | grep '"attempt":0' | grep '"block":[1-5],' |
        sed 's/.*"cell":\([0-9]*\),"block":\([0-9]*\).*"entries":\(\[[^]]*\]\).*/\1 \2 \3/' | sort
}
velo tournament --scenarios race --budget 20s --seed 11
check seed-repeats-the-order "another order" test "$(orders "$first")" = "$(orders "$(run_dir)")"
rm -r "$(run_dir)"
check order-was-read "nothing" test "$(orders "$first" | wc -l)" -ge 10
velo tournament --scenarios race --budget 20s --seed 12
check other-seed-other-order "the same order" test "$(orders "$first")" != "$(orders "$(run_dir)")"

third=$(run_dir)
check starts-before-are-told "$(grep -A 4 earlier_starts "$third/verdict.json")" grep -q \
    'trust":.*; 2 earlier starts of the same tournament at this commit here (1 gone, 0 without a verdict)"' "$third/verdict.json"
check starts-before-in-the-report "missing" grep -q '2 earlier starts of the same' "$third/report.md"
check another-lock-is-told "$(cat "$third/env.json")" grep -q 'the lock is .*(VELO_LOCK), not that of the machine' "$third/env.json"
velo verify "$third"
check starts-before-verify "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
mv "$sandbox/build/release/quick/race" "$sandbox/build/release/quick/race.gone"
velo verify "$third"
mv "$sandbox/build/release/quick/race.gone" "$sandbox/build/release/quick/race"
check verify-tells-of-a-program-that-is-gone "status $status: $(cat "$sandbox/out")" said \
    '1 programs that raced are gone or cannot be read, such as .*quick/race'

for profile in throughput balanced; do
    velo select --for $profile
    check "select-$profile" "status $status: $(cat "$sandbox/err")" test "$status" -eq 0 -a "$(cat "$sandbox/out")" = quick
done
velo select --for speed
check select-unknown-profile "status $status: $(cat "$sandbox/err")" test "$status" -eq 2
check select-names-profiles "$(cat "$sandbox/err")" grep -q 'Known: .*balanced' "$sandbox/err"

velo race --impl quick --vs mutex --scenario alpha
check duel-decides "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check duel-leaves-latest "it moved" test "$(readlink "$sandbox/reports/latest")" != "runs/$(basename "$(run_dir)")"
velo report "$(basename "$(run_dir)")"
check report-of-a-duel "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
velo list
check list-names-all "$(cat "$sandbox/out")" sh -c "grep -q 'quick (native, version 1)' '$sandbox/out' && grep -q 'beta: fake beta' '$sandbox/out'"
velo list --json
check list-json "$(head -c 100 "$sandbox/out")" grep -q '"contestants"' "$sandbox/out"
velo limits
check limits "status $status" grep -q '^C4 .* 5 ns' "$sandbox/out"
velo conformance
check conformance-passes "status $status" test "$status" -eq 0 -a -s "$sandbox/build/conformance.json"
add_fake rash 10 conformance
velo conformance
check conformance-fails "status $status" test "$status" -eq 4
check conformance-gives-reasons "$(cat "$sandbox/out")" grep -q 'rash submit_order: fail: task 2 ran before task 1' "$sandbox/out"

# Who is beaten leaves the cell after the common rounds; the others go on.
rm -r "$sandbox/build/release/rash"
add_fake near 50
touch "$sandbox"/build/release/{near,quick}/exact
velo tournament --scenarios alpha --budget 15s --seed 5
journal=$(run_dir)/raw.ndjson
check loser-is-dropped "no drop" grep -q '"type":"drop".*"entry":"mutex"' "$journal"
dropped_at=$(grep -n '"type":"drop".*"entry":"mutex"' "$journal" | head -n 1 | cut -d : -f 1)
check dropped-runs-no-more "it ran again" \
    sh -c "! tail -n +$dropped_at '$journal' | grep '\"type\":\"run\"' | grep -q '\"entry\":\"mutex'"
check others-go-on "they stopped" \
    sh -c "tail -n +$dropped_at '$journal' | grep '\"type\":\"run\"' | grep -q '\"entry\":\"near\"'"
rm -r "$sandbox/build/release/near"

# Equal contestants: the evidence must not decide, and it is said what deciding would cost.
echo 100 >"$sandbox/build/release/quick/cost"
touch "$sandbox/build/release/mutex/exact"
velo tournament --scenarios alpha --budget 10s --seed 5
check equal-is-not-a-win "status $status: $(head -n 3 "$sandbox/out")" sh -c "! grep -q '1.00x \* ' '$sandbox/out'"
velo tournament --preset smoke
check smoke-names-no-winner "status $status: $(head -n 3 "$sandbox/out")" grep -q 'PIPELINE CHECK ONLY' "$sandbox/out"
velo select --for balanced
check select-undecided-is-3 "status $status" test "$status" -eq 3
finish_tests
