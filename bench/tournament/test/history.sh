#!/bin/bash
# SPDX-License-Identifier: MIT
# More than one run: the index of all of them, two compared, several merged, rows exported. The run
# folders have given costs (runs.bash), so every answer is known.
. "$(dirname "$0")/sandbox.bash"
. "$(dirname "$0")/runs.bash"
make_sandbox
runs=$sandbox/reports/runs
make_run one 1 vm 12 50
make_run two 2 vm 12 200 commit=2222222222 program=bb
make_run three 3 elsewhere 10 50

# ---- the index ----
velo history
check history-lists-the-runs "status $status" test "$status" -eq 0
check history-has-a-row-each "$(cat "$sandbox/out")" test "$(grep -cE '^(one|two|three) ' "$sandbox/out")" -eq 3
check history-file-is-there "no file" test -s "$runs/history.sqlite"
velo history --contestant quick --scenario alpha
check history-words "$(cat "$sandbox/out")" grep -q '^  two .*LOSES .*2.00 (2.00 to 2.00)' "$sandbox/out"
check history-other-machine-no-times "$(cat "$sandbox/out")" said 'only ratios travel'
check history-other-baseline "$(cat "$sandbox/out")" said 'baseline is another program'
velo history --contestant quick --scenario alpha --json
check history-json "$(cat "$sandbox/out")" grep -q '"to_baseline": 0.5' "$sandbox/out"
velo history --csv
check history-csv "$(cat "$sandbox/out")" grep -q '^run,state,' "$sandbox/out"
velo history --csv --json
check history-one-style "status $status" test "$status" -eq 2
velo history --contestant quik
check history-unknown-name "$(cat "$sandbox/err")" said "did you mean 'quick'"

# ---- what the index is derived from: changed, damaged, gone, abandoned, another file ----
rows() { (cd "$sandbox" && build/release/velo history --csv 2>"$sandbox/err" | cut -d , -f 1,2); }
sed -i '5s/"position":[0-9]/"position":7/' "$runs/two/raw.ndjson"
check damaged-is-listed "$(rows)" test "$(rows | grep ^two)" = two,damaged
velo history --rebuild
check damaged-is-told "$(cat "$sandbox/err")" said 'two/raw.ndjson:6: does not follow'
rm -r "$runs/two"
check gone-without-a-start-is-forgotten "$(rows)" test -z "$(rows | grep ^two)"
echo '{"id":"two","preset":"standard","started":"2026-01-01T00:00:00.000Z"}' >"$runs/index.ndjson"
check gone-with-a-start-is-told "$(rows)" test "$(rows | grep ^two)" = two,gone
echo 'not a start' >>"$runs/index.ndjson"
rows >/dev/null
check bad-start-is-told "$(cat "$sandbox/err")" said 'index.ndjson:2: not a start'
rm "$runs/index.ndjson"
mkdir "$runs/early"
check without-a-plan "$(rows)" test "$(rows | grep ^early)" = 'early,no plan'
make_run killed 9 vm 8 50 end=none
check killed-is-unfinished "$(rows)" test "$(rows | grep ^killed)" = killed,unfinished
before=$(rows)
echo garbage >"$runs/history.sqlite"
check no-database-is-made-again "$(rows)" test "$(rows)" = "$before"
rm "$runs"/history.sqlite*
for i in 1 2 3 4; do rows >"$sandbox/rows$i" & done
wait
check several-at-once "$(cat "$sandbox"/rows?)" test "$(cat "$sandbox"/rows? | sort -u)" = "$(sort -u <<<"$before")"
rm -r "$runs/early" "$runs/killed"

# ---- compare ----
make_run two 2 vm 12 200 commit=2222222222
make_run odd 4 vm 12 50 window=100
velo compare one three
check compare-agrees "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
check compare-machine "$(cat "$sandbox/out")" said 'machine: vm.* -> elsewhere'
velo compare one two
check compare-contradiction-status-6 "status $status" test "$status" -eq 6
check compare-contradiction-said "$(cat "$sandbox/out")" said '^alpha n=1  quick .*4.00 (3.99 to 4.0.) .*CONTRADICTION'
check compare-pair-said "$(cat "$sandbox/out")" said 'mutex to quick  SLOWER .*FASTER'
check compare-commit-said "$(cat "$sandbox/out")" said 'commit: 1111111111 -> 2222222222'
velo compare one
check compare-needs-two "status $status" test "$status" -eq 2
velo compare one tow
check compare-unknown-run "$(cat "$sandbox/err")" said "did you mean 'two'"

# ---- merge ----
merged() { find "$runs" -name '*-merged*' | sort | tail -n 1; }
velo merge one three
dir=$(merged)
check merge-status "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check merge-adds-blocks "$(cat "$sandbox/out")" said '44 blocks (0 redone), 132 runs'
check merge-keeps-sources "they differ" cmp "$runs/three/raw.ndjson" "$dir/sources/three/raw.ndjson"
check merge-tells-what-was-left-out "$(cat "$dir/report.md")" grep -q 'left out: 1, the first is two' "$dir/report.md"
check merge-continues "$(head -5 "$dir/raw.ndjson")" test "$(grep '"cell":0.*"type":"block"\|"type":"block","cell":0' "$dir/raw.ndjson" |
    grep -o '"source":[01]' | uniq | tr -d '\n')" = '"source":0"source":1'
velo tournament --resume "$(basename "$dir")"
check merge-is-not-resumed "$(cat "$sandbox/err")" said 'a merged run cannot be gone on with'
velo merge one "$(basename "$dir")"
check merge-of-merged "$(cat "$sandbox/err")" said 'is itself a merged run; name its sources'
velo merge one two
check merge-opposites-decide-nothing "$(cat "$sandbox/out")" grep -q '^alpha n=1  *1.00x ?' "$sandbox/out"
check merge-opposites-are-told "no note" grep -q 'one and two contradict each other in 1 cells' "$(merged)/report.md"
refused() # refused NAME PATTERN RUN...
{
    local name=$1 pattern=$2 before
    before=$(find "$runs" -maxdepth 1 | wc -l)
    shift 2
    velo merge "$@"
    check "$name-status" "status $status" test "$status" -eq 2
    check "$name-reason" "$(cat "$sandbox/err" "$sandbox/out")" said "$pattern"
    check "$name-no-folder" "a folder is left" test "$(find "$runs" -maxdepth 1 | wc -l)" -eq "$before"
}
refused merge-alone 'need two runs' one
refused merge-twice 'are the same tournament' one one
make_run seed 1 vm 7 50 commit=3333333333 version=1
sed -i 's/2026-01-01/2026-01-02/' "$runs/seed/plan.json" # another plan, the same seed
write_again() { blocks=7 quick=50 seed=1 end=decided; write_journal "$(sha256sum <"$1/plan.json" | cut -c 1-16)" >"$1/raw.ndjson"; }
write_again "$runs/seed"
refused merge-same-seed 'from the same seed (1)' one seed
make_run margin 5 vm 7 50 margin=0.03
refused merge-margin 'margin is 0.05 and 0.03' one margin
make_run version 6 vm 7 50 version=2
refused merge-version 'entry mutex: version is "1" and "2"' one version
make_run program 7 vm 7 50 program=bb
refused merge-program 'another program: aamutex in one, bbmutex in program' one program
refused merge-cells 'race beta n=1: window_ms is 300 and 100' one odd
check merge-cells-that-can "$(cat "$sandbox/out")" grep -q '^  race alpha n=1$' "$sandbox/out"
velo merge --common one odd
check merge-common "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
check merge-common-one-cell "$(cat "$sandbox/out")" test "$(grep -c ' n=1 ' "$sandbox/out")" -eq 1

# ---- a merged run is verified: its sources, and that it follows from them ----
for i in 1 2; do
    velo tournament --scenarios alpha --budget 60s --out raced
    mv "$sandbox"/raced/2* "$runs/raced$i"
    sed -i "s/\"id\": \".*\"/\"id\": \"raced$i\"/" "$runs/raced$i/verdict.json"
done
velo merge raced1 raced2
check raced-merge "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
dir=$(merged)
velo verify "$(basename "$dir")"
check merged-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
cp "$dir/raw.ndjson" "$sandbox/kept"
sed -i '9s/"position":[0-9]/"position":7/' "$dir/raw.ndjson"
velo verify "$(basename "$dir")"
check merged-changed-line-is-5 "status $status" test "$status" -eq 5
check merged-changed-line-is-named "$(cat "$sandbox/out")" said 'raw.ndjson:9: line'
cp "$sandbox/kept" "$dir/raw.ndjson"
sed -i '20,30s/"cost":[0-9]/"cost":7/' "$dir/sources/raced1/raw.ndjson"
velo verify "$(basename "$dir")"
check merged-changed-source-is-5 "status $status: $(cat "$sandbox/out")" test "$status" -eq 5

# An attempt that a source left at its end comes along: it was left half-way for the other source.
cp "$runs/raced1/raw.ndjson" "$sandbox/kept"
begin=$(grep -n '"type":"begin"' "$sandbox/kept" | sed -n 3p | cut -d: -f1)
head -n "$begin" "$sandbox/kept" >"$runs/raced1/raw.ndjson"
velo report raced1
velo merge raced1 raced2
dir=$(merged)
check merge-takes-what-was-left "$(grep '"given_up"' "$dir/verdict.json")" grep -q '"given_up": *1\b' "$dir/verdict.json"
check merge-says-what-was-left "$(grep 'How far' "$dir/report.md")" grep -q '1 attempt at a block left half-way' "$dir/report.md"
velo verify "$(basename "$dir")"
check merged-with-a-rest-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
cat "$sandbox/raced/anchors.ndjson" >>"$runs/anchors.ndjson"
refused merge-set-back 'the journal of raced1 was set back' raced1 raced2
velo verify "$(basename "$dir")" --no-pages
check merged-set-back-is-5 "status $status: $(cat "$sandbox/out")" test "$status" -eq 5
check merged-set-back-is-named "$(cat "$sandbox/out")" said 'sources/raced1/raw.ndjson:[0-9]*: line'
rm "$runs/anchors.ndjson"
cp "$sandbox/kept" "$runs/raced1/raw.ndjson"

# ---- export ----
make_run small 11 vm 2 50
golden=$test_dir/golden-export
velo export small
check export-csv "$(diff "$golden.csv" "$sandbox/out")" cmp "$golden.csv" "$sandbox/out"
velo export small --format benchstat
check export-benchstat "$(diff "$golden.txt" "$sandbox/out")" cmp "$golden.txt" "$sandbox/out"
velo export small --format benchstat --split --out split
check export-split "$(ls "$sandbox/split")" test -s "$sandbox/split/quick.txt" -a -s "$sandbox/split/mutex.txt"
velo export small --format cvs
check export-unknown-format "$(cat "$sandbox/err")" said "did you mean 'csv'"
velo export small --split
check export-split-needs-a-folder "status $status" test "$status" -eq 2
velo export small --out /nowhere/rows.csv
check export-cannot-write "status $status: $(cat "$sandbox/err")" said 'cannot write /nowhere/rows.csv: No such'
finish_tests
