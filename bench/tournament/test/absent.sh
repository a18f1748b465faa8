#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that was not built, for its library is missing: a row with the reason wherever contestants
# are told, and no obstacle to the others.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
reason='libghost 2.0 or later not found; install libghost-dev'
mkdir "$sandbox/build/release/ghost"
echo "$reason" >"$sandbox/build/release/ghost/not-run"

velo list
check list-tells "$(cat "$sandbox/out")" grep -qF "  ghost (NOT RUN: $reason)" "$sandbox/out"
velo list --json
check list-as-json "$(cat "$sandbox/out")" grep -qF "\"reason\": \"$reason\"" "$sandbox/out"
velo conformance
check conformance-tells "$(cat "$sandbox/out")" grep -qE "^ghost +NOT RUN +$reason" "$sandbox/out"
check conformance-is-no-failure "status $status" test "$status" -eq 0
check conformance-file "missing" grep -qF "\"reason\": \"$reason\"" "$sandbox/build/conformance.json"
velo conformance --impl mutex
check conformance-of-one "it names the ghost" sh -c "! grep -q ghost '$sandbox/out'"

velo tournament --scenarios race --budget 12s --seed 3
run=$(run_dir)
check tournament-goes-on "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check start-tells "$(cat "$sandbox/out" "$sandbox/err")" grep -qF "NOT RUN: ghost: $reason" "$sandbox/out" "$sandbox/err"
check screen-tells "$(cat "$sandbox/out")" grep -q 'not run: ghost anywhere: libghost 2.0' "$sandbox/out"
check env-file "missing" grep -qF "$reason" "$run/env.json"
check verdict-file "missing" grep -qF "\"reason\": \"$reason\"" "$run/verdict.json"
check report-has-a-row "$(grep ghost "$run/report.md")" grep -qE "^\| ghost \| all cells \| not run: $reason" "$run/report.md"
check page-has-it "missing" grep -qF "$reason" "$run/report.html"
check verify-agrees "missing" test "$(velo verify "$run"; echo "$status")" -eq 0

velo tournament --scenarios race --only mutex,quick --budget 12s --seed 4
check who-was-not-asked-for-is-not-missed "$(grep ghost "$(run_dir)/report.md")" \
    sh -c "! grep -q ghost '$(run_dir)/report.md'"
velo tournament --only ghost --budget 5s
check by-name-it-is-refused "status $status: $(cat "$sandbox/err")" test "$status" -eq 2
check by-name-it-says-why "$(cat "$sandbox/err")" grep -qF "ghost is NOT RUN: $reason" "$sandbox/err"
add_fake ghost 60
velo list
check once-built-it-is-there "$(cat "$sandbox/out")" sh -c "! grep -q 'NOT RUN' '$sandbox/out'"
finish_tests
