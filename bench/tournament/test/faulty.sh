#!/bin/bash
# SPDX-License-Identifier: MIT
# Contestants that abort, hang, lose a task, run one twice or fail conformance are DISQUALIFIED with a
# reason and a command that repeats it; the others are ranked all the same.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
for fault in abort hang lose twice conformance; do
    add_fake "bad-$fault" 10 $fault
done
velo tournament --scenarios alpha --budget 60s # of which who hangs takes two time limits of the pilot

verdict=$(run_dir)/verdict.json


out_line() # out_line CONTESTANT PATTERN
{
    grep -A 6 "^bad-$1 is DISQUALIFIED" "$sandbox/out" | tr '\n' ' ' | tr -s ' ' >"$sandbox/line"
    if ! grep -q -e "$2" "$sandbox/line"; then
        not_ok "$1-reason" "no '$2' in '$(cat "$sandbox/line")'"
    elif ! grep -q -e "again: build/release/bad-$1/" "$sandbox/line"; then
        not_ok "$1-reason" "no command that repeats it in '$(cat "$sandbox/line")'"
    else
        ok "$1-reason"
    fi
}

cp "$sandbox/out" "$sandbox/screen"
check exit-status-is-4 "it is $status: $(tail -n 3 "$sandbox/err")" test "$status" -eq 4
out_line abort 'crashed: signal 6 (Aborted)'
out_line hang 'hung: killed after'
out_line lose 'lost 3 of 1000 tasks'
out_line twice '1 task ran twice'
out_line conformance 'fails conformance, clause S3 (submit_order): task 2 ran before task 1'
check verdict-exists "no $verdict" test -s "$verdict"
check others-are-ranked "$(head -n 12 "$sandbox/screen")" grep -q '^alpha n=1 .* 1.00x \*' "$sandbox/screen"
check journal-has-reproduce "not in raw.ndjson" grep -q '"type":"disqualify".*"reproduce":"build/release/bad-lose/race' "$(run_dir)/raw.ndjson"
velo select --for balanced
check winner-is-no-cheat "$(cat "$sandbox/out" "$sandbox/err")" test "$(cat "$sandbox/out")" = quick
finish_tests
