#!/bin/bash
# SPDX-License-Identifier: MIT
# The fast parts of the self-check in a sandbox: the statistics on recorded runs of fake contestants and
# the real mutants; that a part which must fail does fail, that results are kept by part, and that a
# report quotes them.
. "$(dirname "$0")/../../tournament/test/sandbox.bash"
make -s -C "$real_root" V="$variant" faulty "build/$variant/mutex/race" "build/$variant/harness/null/race" >/dev/null || exit 1
make_sandbox
stored=$sandbox/reports/selfcheck.json

verdict_is() # verdict_is PART WORD: in what is stored
{
    sed -n "/^  \"$1\": {/,/^  }/p" "$stored" | grep -q "^   \"verdict\": \"$2\""
}

# ---- without a run, and wrong use ----
velo selfcheck --only rate,symmetry
check nothing-to-look-at-is-no-failure "exit $status" test "$status" -eq 0
check rate-needs-runs "$(cut -c 1-200 "$stored")" verdict_is rate 'NOT RUN'
velo selfcheck --only symmetri
check unknown-part-is-usage "exit $status" test "$status" -eq 2
check unknown-part-names-the-near-one "$(cat "$sandbox/err")" said symmetry

# ---- on recorded runs of contestants that measure nothing ----
velo tournament --scenarios alpha,beta --budget 10s --seed 3
run=$(run_dir)
check report-says-what-is-known "$(grep -i 'tested on itself' "$run/report.md")" \
    grep -q 'tested on itself: self-check of' "$run/report.md"
velo selfcheck --only clock,symmetry,rate --seed 1
check statistics-hold "exit $status: $(cat "$sandbox/out")" test "$status" -eq 0
check symmetry-passes "$(cut -c 1-200 "$stored")" verdict_is symmetry PASS
check two-series-are-too-few "$(cut -c 1-200 "$stored")" verdict_is rate 'NOT RUN'
check the-judge-passes-all-the-same "$(cat "$sandbox/out")" said '^PASS  *rate  *the judge on fair coins'
velo selfcheck --only rate --seed 1 --json
check json-is-json "$(head -c 300 "$sandbox/out")" grep -q '"figure": "the judge on fair coins: [0-9]* of 10000' "$sandbox/out"
check other-parts-are-kept "$(cut -c 1-200 "$stored")" verdict_is symmetry PASS

# ---- labels as they were raced: a name that is favoured, an order that is not drawn ----
forge_run() # forge_run PERL: the journal of the run changed line by line by a careful forger, checked again
{
    cp "$sandbox/raw.honest" "$run/raw.ndjson"
    perl -pi -e "$1" "$run/raw.ndjson"
    "$test_dir/rechain" "$run"
    velo selfcheck --only rate --seed 1
}
cp "$run/raw.ndjson" "$sandbox/raw.honest"
forge_run 's/("entry":"mutex~twin"[^{]*?"cost":)([0-9.]+)/$1 . $2 * 1.5/e'
check a-favoured-name-is-a-failure "exit $status: $(cat "$sandbox/out")" test "$status" -eq 1
check it-is-named "$(cat "$sandbox/out")" said '^FAIL .*the first label was the faster one in'
forge_run 's/"position":\d+,("entry":"mutex")/"position":0,$1/; s/"position":\d+,("entry":"mutex~twin")/"position":1,$1/'
check a-fixed-order-is-a-failure "exit $status: $(cat "$sandbox/out")" said '^FAIL .*the first label ran first in .*100.0 %'
forge_run 's/x/x/'
check the-honest-run-is-none "exit $status: $(cat "$sandbox/out")" test "$status" -eq 0

# ---- too few, too short, too often ----
velo selfcheck --only live --live 2 --seed 1
check too-few-are-not-run "$(cat "$sandbox/out")" said '^NOT RUN  live .*too few to fail'
sed -i '/^  "live": {/,/^  }/s/"verdict": "NOT RUN"/"verdict": "PASS"/' "$stored"
velo tournament --scenarios alpha --preset smoke
check short-runs-and-tries-are-said "$(grep -i 'tested on itself' "$(run_dir)/report.md")" \
    grep -q 'passed only in a short run: live (2 tournaments), tries that did not pass: rate ([0-9] of [0-9])' "$(run_dir)/report.md"

# ---- another build than the one that was checked ----
echo >>"$sandbox/build/release/quick/race"
velo tournament --scenarios alpha --preset smoke
check other-build-is-said "$(grep -i 'tested on itself' "$(run_dir)/report.md")" \
    grep -q 'of another build or machine' "$(run_dir)/report.md"

# ---- the mutants, real ----
rm -rf "$sandbox/scenarios" "$sandbox/build/release/"{quick,mutex}
cp -r "$real_root/scenarios" "$sandbox/scenarios"
mkdir -p "$sandbox/build/release/mutex"
cp "$real_root/build/$variant/mutex/race" "$sandbox/build/release/mutex/race"
cp -r "$real_root/build/$variant/faulty" "$sandbox/build/release/faulty"
velo selfcheck --only mutants --seed 1
check mutants-are-out "exit $status: $(cut -c 1-250 "$sandbox/out")" test "$status" -eq 0
for mutant in lose twice reorder late lost-wake leak idle-spin abort hang; do
    check "mutant-$mutant" "$(grep " $mutant: " "$sandbox/out")" \
        grep -q "^PASS     mutants   $mutant: the gate says 'fails conformance, clause S" "$sandbox/out"
done

# ---- the generator with no loop behind it: by the null contestant and by nobody else ----
velo selfcheck --only clock --seed 1
check generator-needs-the-null-contestant "$(cat "$sandbox/out")" said '^NOT RUN  clock .* no run of the null contestant'
cp -r "$real_root/build/$variant/harness" "$sandbox/build/release/harness"
velo selfcheck --only clock --seed 1
check generator-is-asked-alone "exit $status: $(cat "$sandbox/out")" said '^[A-Z]*  *clock .* with no loop behind it the generator of poisson .* median of 3 runs'

# ---- a mutant that is none passes the gate, so the part must fail ----
rm -rf "$sandbox/build/release/faulty/"[!l]* "$sandbox/build/release/faulty/lo"*
cp "$real_root/build/$variant/mutex/"{race,conformance} "$sandbox/build/release/faulty/leak/"
velo selfcheck --only mutants --seed 1
check a-harmless-mutant-is-a-failure "exit $status" test "$status" -eq 1
check the-failure-is-named "$(cat "$sandbox/out")" said '^FAIL     mutants   leak: .* (expected otherwise)'
check who-is-not-built-is-said "$(cat "$sandbox/out")" said 'not built in build/release/faulty; make faulty'
check the-failure-is-kept "$(cut -c 1-200 "$stored")" verdict_is mutants FAIL
finish_tests
