#!/bin/bash
# SPDX-License-Identifier: MIT
# --order williams: rows of balanced squares, a square counts once, nobody is dropped inside one, an
# unfinished one is no evidence, and what was interrupted goes on with the row that is due.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
add_fake slow 300

rows_of() # rows_of DIR CELL: "row/rows" of each block of the cell, in order
{
    sed -n 's/.*"type":"block","cell":'"$2"',.*"valid":true,.*"row":\([0-9]*\),"rows":\([0-9]*\).*/\1\/\2/p' \
        "$1/raw.ndjson" | tr '\n' ' '
}

follows() # follows DIR: how often each pair of neighbours stands in the first whole square of cell 0
{
    sed -n 's/.*"type":"block","cell":0,.*"valid":true,.*"entries":\[\([^]]*\)\].*/\1/p' "$1/raw.ndjson" |
        head -n 4 | tr -d '"' | awk -F, '{ for (i = 2; i <= NF; i++) n[$(i - 1) ">" $i]++ }
            END { for (p in n) print n[p] }' | sort | uniq -c | tr -s ' '
}

velo tournament --order latin
check unknown-order-is-refused "$(cat "$sandbox/err")" test "$status" -eq 2
check unknown-order-names-the-known "$(cat "$sandbox/err")" said "williams"

velo tournament --order williams --scenarios alpha --budget 60s --seed 3
dir=$(run_dir)
check plan-names-the-order "no order" grep -q '"order": *"williams"' "$dir/plan.json"
check a-square-has-four-rows "$(rows_of "$dir" 0)" \
    grep -q '^0/4 1/4 2/4 3/4 0/' <<<"$(rows_of "$dir" 0)"
check each-follows-each-once "$(follows "$dir")" test "$(follows "$dir")" = " 12 1"
check decided-by-squares "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0
check verdict-counts-squares "$(grep -m1 '"reason": "' "$dir/verdict.json")" \
    grep -q 'won [0-9]* of [0-9]* squares' "$dir/verdict.json"
# whoever is beaten leaves when a square ends
drops=$(sed -n 's/.*"type":"drop","cell":0,"block":\([0-9]*\),.*/\1/p' "$dir/raw.ndjson")
for block in $drops; do
    check "nobody-leaves-inside-a-square ($block)" "drop after block $block" test $((block % 4)) -eq 0
done
check somebody-was-dropped "no drop" test -n "$drops"

# ---- a row at a time ----
velo verify "$dir"
check verify-agrees "$(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0
cp -r "$dir" "$sandbox/tampered"
sed 's/"row":1,"rows":4/"row":2,"rows":4/' "$dir/raw.ndjson" >"$sandbox/tampered/raw.ndjson"
velo report "$sandbox/tampered"
check a-changed-row-is-seen "status $status" test "$status" -ne 0

velo tournament --order williams --scenarios alpha --budget 5s --seed 4
dir=$(run_dir)
before=$(rows_of "$dir" 0)
velo tournament --resume "$(basename "$dir")" --budget 5s
after=$(rows_of "$dir" 0)
check resume-goes-on-in-the-square "before: $before; after: $after" \
    test "${after#"$before"}" != "$after"
check rows-follow-each-other "$after" awk '{
    for (i = 2; i <= NF; i++) { split($(i - 1), a, "/"); split($i, b, "/")
        if (b[1] != (a[1] + 1 == a[2] ? 0 : a[1] + 1)) exit 1 } }' <<<"$after"
finish_tests
