#!/bin/bash
# SPDX-License-Identifier: MIT
# What the exit status says, and which of several reasons goes first: 1 (the tool or the machine
# failed), 2 (usage), 130 (stopped), 4 (disqualified), 3 (undecided), 0; 5 is of verify alone. Also what a plan costs and
# can see: --dry-run, the line before the first block, and the report afterwards.
. "$(dirname "$0")/sandbox.bash"
make_sandbox

expect() # expect NAME STATUS ARGS...
{
    local name=$1 wanted=$2
    shift 2
    velo "$@"
    check "$name" "status $status, not $wanted: $(tail -n 3 "$sandbox/err")" test "$status" -eq "$wanted"
}

shows() # shows PATTERN FILE: wherever its lines are broken
{
    tr '\n' ' ' <"$2" | tr -s ' ' | grep -q -e "$1"
}

# ---- what it can see, before there is any run ----
expect dry-run-is-0 0 tournament --scenarios race --dry-run
check dry-run-tells-the-cost "$(cat "$sandbox/out")" grep -qE '^cost: at most [0-9.]+ minutes; .* [0-9]+ runs$' "$sandbox/out"
check dry-run-leaves-sight-to-the-pilot "$(cat "$sandbox/out")" shows 'the smallest gap that they show is unknown' "$sandbox/out"
check dry-run-says-unknown-per-cell "$(cat "$sandbox/out")" grep -q 'race/alpha/n=1 .* unknown ' "$sandbox/out"

# ---- 0, and the promise ----
expect decided-is-0 0 tournament --scenarios race,micro --budget 10s --seed 3
dir=$(run_dir)
check sight-before-the-first-block "$(cat "$sandbox/err")" grep -q '^sight: [0-9]* blocks in each cell' "$sandbox/err"
expect second-run-is-0 0 tournament --scenarios race,micro --budget 10s --seed 4
check sight-from-the-last-twins "$(cat "$sandbox/err")" grep -q "^sight: [0-9]* blocks in each cell show gaps of .*by the twins of $(basename "$dir")" "$sandbox/err"
check promise-in-the-plan "$(grep -A 4 promise "$(run_dir)/plan.json")" grep -q '"from": "by the twins of' "$(run_dir)/plan.json"
check promise-beside-what-was-achieved "$(cat "$sandbox/out")" shows 'show gaps of [0-9.]* % and more (promised before the first block: [0-9.]* % with [0-9]*)' "$sandbox/out"
check promise-in-the-report "missing" grep -q 'promised before the first block' "$(run_dir)/report.html"
expect dry-run-knows-the-machine 0 tournament --scenarios race --dry-run
check dry-run-sees-each-cell "$(cat "$sandbox/out")" grep -qE 'race/alpha/n=1 .* [0-9.]+ %  ns_per_task' "$sandbox/out"
check dry-run-names-its-source "$(cat "$sandbox/out")" shows "by the twins of $(basename "$(run_dir)")" "$sandbox/out"
expect smoke-is-0 0 tournament --preset smoke --scenarios alpha
check smoke-sees-nothing "$(cat "$sandbox/err")" grep -q '^sight: .* show no gap at all, it takes [0-9]*$' "$sandbox/err"

# ---- identical code told apart: no name, whatever the rest says ----
echo twin >"$sandbox/build/release/mutex/fault"
expect told-apart-is-3 3 tournament --scenarios race --budget 12s --seed 7
check told-apart-comes-first "$(head -n 3 "$sandbox/out")" said '^Do not trust this run'
velo select --for latency
check told-apart-selects-nobody "status $status: $(cat "$sandbox/out")" test "$status" -eq 3 -a ! -s "$sandbox/out"
check told-apart-is-why "$(cat "$sandbox/err")" said '^Do not trust this run'
rm "$sandbox/build/release/mutex/fault"

# ---- one reason at a time ----
expect unknown-option-is-2 2 tournament --preset none
cp "$sandbox/build/release/mutex/cost" "$sandbox/build/release/quick/cost"
touch "$sandbox"/build/release/{mutex,quick}/exact
expect undecided-is-3 3 tournament --scenarios alpha --budget 8s --seed 5
add_fake rash 10 abort
expect disqualified-is-4-also-when-undecided 4 tournament --scenarios alpha --budget 8s --seed 5

# ---- 5: what a run says is not what its raw lines say ----
expect verified-is-0 0 verify "$(basename "$(run_dir)")"
sed -i 's/"blocks": *[0-9]*/"blocks": 1/' "$(run_dir)/verdict.json"
expect difference-is-5-also-when-disqualified 5 verify "$(basename "$(run_dir)")"

# ---- several: stopped goes before disqualified, a failing tool before both ----
stopped() # stopped [VAR=VALUE]: one that has a disqualified contestant, is undecided, and is stopped
{
    local known tries=0 dir
    known=$(run_dir)
    (cd "$sandbox" && exec env "$@" setsid build/release/velo tournament --scenarios alpha --budget 60s --seed 6) \
        >"$sandbox/out" 2>"$sandbox/err" </dev/null &
    pid=$!
    while kill -0 $pid 2>/dev/null && [ $tries -lt 1200 ]; do
        dir=$(run_dir)
        if [ "$dir" != "$known" ] && [ "$(grep -c '"valid":true' "$dir/raw.ndjson" 2>/dev/null)" -ge 10 ] 2>/dev/null; then
            kill -INT $pid
            break
        fi
        read -r -t 0.05 <> <(:) || true
        tries=$((tries + 1))
    done
    wait $pid
    status=$?
}
echo 0.02 >"$sandbox/build/release/mutex/delay"
stopped A=B
check stopped-goes-before-disqualified "status $status: $(tail -n 3 "$sandbox/err")" test "$status" -eq 130
check it-was-disqualified-too "$(cat "$sandbox/out")" grep -q 'rash is DISQUALIFIED' "$sandbox/out"
mkdir "$sandbox/bin"
for tool in bash sh cat basename dirname grep sleep git setsid env; do
    ln -s "$(command -v "$tool")" "$sandbox/bin/$tool"
done
stopped PATH="$sandbox/bin"
check a-failing-tool-goes-before-all "status $status: $(tail -n 3 "$sandbox/err")" test "$status" -eq 1
finish_tests
