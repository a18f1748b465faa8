#!/bin/bash
# SPDX-License-Identifier: MIT
# A user's own weights: in the plan of a tournament, later in a report, and for a choice.
. "$(dirname "$0")/sandbox.bash"
make_sandbox

cat >"$sandbox/own.json" <<'END'
{ "profile": "mine", "families": { "cap": 60, "p99": 40 }, "shares": { "alpha": 3 } }
END
echo '{ "profile": "mine", "families": { "cap": 60 }, "shares": { "gamma": 3 } }' >"$sandbox/typo.json"

velo tournament --scenarios race --budget 10s --weights typo.json
check typo-is-refused "status $status" test "$status" -eq 2
check typo-is-named "$(cat "$sandbox/err")" said 'typo.json:1: shares: "gamma" names no cell of this run.*alpha, beta'
check nothing-was-measured "a folder" test ! -e "$sandbox/reports/runs"

velo tournament --scenarios race --budget 12s --seed 3 --weights own.json
run=$(run_dir)
check decided-by-own-weights "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check plan-holds-them "$(grep -c mine "$run/plan.json")" grep -q '"profile": "mine"' "$run/plan.json"
check plan-holds-shares "missing" grep -q '"alpha": 3' "$run/plan.json"
check report-shows-them "$(grep Weights "$run/report.md")" grep -q 'Weights: tail latency 40, capacity 60. Shares, where all others have 1: alpha 3.$' "$run/report.md"
check planned-is-not-late "a note" sh -c "! grep -q 'came after' '$run/report.md'"
velo select --for mine
check select-for-mine "status $status" test "$(cat "$sandbox/out")" = quick

sed 's/mine/later/' "$sandbox/own.json" >"$sandbox/later.json"
velo select --weights later.json
check select-by-file "status $status: $(cat "$sandbox/err")" test "$status" -eq 0 -a "$(cat "$sandbox/out")" = quick
check select-writes-nothing "weights.json" test ! -e "$run/weights.json"
velo report --weights own.json
check same-name-is-refused "status $status" test "$status" -eq 2
velo report --weights later.json
check report-takes-them "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check report-says-late "no note" grep -q 'profile "later" came after the measurement' "$run/report.md"
velo report
check they-stay "gone" grep -q '### later' "$run/report.md"
velo tournament --resume "$run" --weights own.json
check resume-keeps-its-plan "status $status" test "$status" -eq 2
finish_tests
