#!/bin/bash
# SPDX-License-Identifier: MIT
# What the runs tell beside their cost, in the report: steadiness, placement, disturbance; and the null
# contestant, which shows what the harness itself costs and is no contestant.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
add_fake harness/null 10
touch "$sandbox/build/release/quick/unsteady"

null_runs() # null_runs DIR CELL
{
    grep -c '"type":"null","cell":'"$2"',' "$1/raw.ndjson"
}

velo list
check null-is-not-listed "$(cat "$sandbox/out")" sh -c "! grep -qw null '$sandbox/out'"
velo tournament --scenarios race --budget 30s --seed 5
dir=$(run_dir)
check decides "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check null-runs-three-times "$(null_runs "$dir" 0) and $(null_runs "$dir" 1)" \
    test "$(null_runs "$dir" 0) $(null_runs "$dir" 1)" = "3 3"
check null-is-in-the-plan "no hash" grep -q '"path": *"[^"]*harness/null/race"' "$dir/plan.json"
check null-is-no-entry "entry null" sh -c "! grep -q '\"type\":\"run\".*\"entry\":\"null\"' '$dir/raw.ndjson'"
check null-gets-no-verdict "contestant null" sh -c "! grep -q '\"contestant\": \"null\"' '$dir/verdict.json'"
check null-follows-a-block "it does not" awk '
    /"type":"run"/ { open = 1 } /"type":"block"/ { open = 0 }
    /"type":"null"/ && open { exit 1 }' "$dir/raw.ndjson"
# quick claims 50, the null contestant 10: five times, give or take their noise
check ceiling-is-told "$(grep -o 'The harness itself.*' "$dir/report.md")" \
    grep -q 'harness itself could do at least [3-9]\.[0-9]*× what the best' "$dir/report.md"
check no-false-alarm "$(grep -o 'near the harness.*' "$dir/report.md")" \
    sh -c "! grep -q 'near the harness' '$dir/report.md'"
check not-steady-at-the-cell "$(grep 'not steady' "$dir/report.md" | head -n 3)" \
    grep -q '; ! not steady' "$dir/report.md"
check not-steady-is-counted "$(grep '2 of 2 cells' "$dir/report.md")" \
    grep -q '2 of 2 cells not steady' "$dir/report.md"
velo verify "$dir"
check verify-agrees "$(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0

# ---- where the harness is what is measured ----
echo 25 >"$sandbox/build/release/harness/null/cost"
rm "$sandbox/build/release/quick/unsteady"
velo tournament --scenarios alpha --budget 20s --seed 6
dir=$(run_dir)
check near-the-ceiling-warns "$(grep -o 'The harness itself.*' "$dir/report.md")" \
    grep -q 'its own cost is a good part of what is measured' "$dir/report.md"
check near-the-ceiling-at-the-cell "nothing" grep -q "! near the harness" "$dir/report.md"
check steady-is-not-flagged "flagged" sh -c "! grep -q '! not steady' '$dir/report.md'"

# ---- a null contestant that fails, is another program, or is not there ----
echo abort >"$sandbox/build/release/harness/null/fault"
velo tournament --scenarios alpha --budget 10s --seed 7
dir=$(run_dir)
check failing-null-disqualifies-nobody "status $status" \
    sh -c "! grep -q '\"type\":\"disqualify\"' '$dir/raw.ndjson'"
check failing-null-is-told "$(grep -i 'signal' "$dir/report.md")" grep -q 'crashed: signal 6' "$dir/report.md"
echo "# another" >>"$sandbox/build/release/harness/null/race"
velo tournament --resume "$(basename "$dir")"
check changed-null-is-refused "status $status: $(cat "$sandbox/err")" said "harness/null/race is another program"
rm -r "$sandbox/build/release/harness"
velo tournament --scenarios alpha --budget 10s --seed 8
check without-null-all-the-same "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check without-null-is-said "nothing" grep -q 'The null contestant did not run' "$(run_dir)/report.md"
finish_tests
