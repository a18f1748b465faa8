#!/bin/bash
# SPDX-License-Identifier: MIT
# The price list: a contestant against itself with one decision changed at a time.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
echo 65 >"$sandbox/build/release/quick/cost.nospin"
echo 30 >"$sandbox/build/release/quick/cost.metrics"

velo prices
check needs-a-contestant "status $status: $(cat "$sandbox/err")" test "$status" -eq 2
velo prices --contestant quick --decisions turbo
check unknown-decision "status $status" test "$status" -eq 2
check decisions-are-named "$(cat "$sandbox/err")" said "unknown variant 'turbo'.*nospin"
velo prices --contestant quick:nospin
check variant-of-a-variant "status $status" test "$status" -eq 2

velo prices --contestant quick --decisions nospin,metrics,slice --scenarios alpha --budget 25s --seed 5
run=$(run_dir)
check prices-run "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check costs "$(cat "$sandbox/out")" said '^quick:nospin  *alpha n=1  *1\.[23].* COSTS'
check saves "$(cat "$sandbox/out")" said '^quick:metrics  *alpha n=1  *0\.[56].* SAVES'
check open-or-free "$(cat "$sandbox/out")" said '^quick:slice  *alpha n=1 .* \(OPEN\|FREE\)'
check sentence "$(head -n 4 "$sandbox/out")" grep -q "proven to cost something, 1 to save something; the dearest for certain is quick:nospin in alpha n=1, at least 1" <<<"$(head -n 4 "$sandbox/out" | tr "\n" " ")"
blocks=$(grep -c '"type":"block"' "$run/raw.ndjson")
whole=$(grep '"type":"block"' "$run/raw.ndjson" | grep nospin | grep metrics | grep -c slice)
check nobody-leaves "$whole of $blocks blocks are whole" test "$blocks" -gt 6 -a "$whole" -eq "$blocks"
check report-has-section "missing" grep -q 'What single decisions cost' "$run/report.md"
check latest-is-left-alone "moved" test ! -e "$sandbox/reports/latest"
velo verify "$run"
check prices-verify "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0

# A linked variant has programs of its own, which the gate tests, too.
mkdir "$sandbox/build/release/quick/heap"
cp "$sandbox"/build/release/quick/{race,micro,conformance} "$sandbox/build/release/quick/heap/"
echo 200 >"$sandbox/build/release/quick/heap/cost"
echo quick >"$sandbox/build/release/quick/heap/name"
velo prices --contestant quick --decisions heap --scenarios alpha --budget 15s --seed 7
check linked-variant "$(cat "$sandbox/out" "$sandbox/err")" said '^quick:heap  *alpha n=1  *[34]\.[0-9].* COSTS'
check its-suite-was-run "$(cat "$(run_dir)/conformance.json")" \
    grep -q 'quick/heap/conformance --mode auto' "$(run_dir)/conformance.json"
velo verify "$(run_dir)"
check linked-variant-verifies "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0
velo prices --contestant quick --decisions wheel --scenarios alpha
check not-linked "status $status: $(cat "$sandbox/err")" said 'quick:wheel: no programs in .*make variants'
check not-linked-status "status $status" test "$status" -eq 2

# In a tournament, too, a variant beside its contestant has a price.
velo tournament --scenarios race --budget 12s --seed 6 --only mutex,quick,quick:nospin
check in-a-tournament "$(cat "$sandbox/out")" said '^quick:nospin  *alpha '
velo prices --dry-run
check first-of-latest "$(cat "$sandbox/out" "$sandbox/err")" said 'quick:watchdog'
finish_tests
