#!/bin/bash
# SPDX-License-Identifier: MIT
# The gate: contestants of here against those of another commit. A small repository whose Makefile
# "builds" fake contestants from impls/NAME/cost.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
repo() { git -C "$sandbox" -c user.name=t -c user.email=t@t "$@"; }
cost() { mkdir -p "$sandbox/impls/$1" && echo "$2" >"$sandbox/impls/$1/cost"; }
trees() { repo worktree list | wc -l; }

mkdir -p "$sandbox/bench"
cp "$test_dir/fake-contestant" "$sandbox/bench/"
cat >"$sandbox/Makefile" <<'EOF_MAKE'
names := $(notdir $(wildcard impls/*))
programs := $(foreach n,$(names),$(addprefix build/release/$(n)/,race micro process conformance))
all: $(programs)
build/release/%: bench/fake-contestant FORCE
	@! grep -sq broken impls/$(notdir $(@D))/cost || { echo "loop.c:7: error: no such thing" >&2; exit 1; }
	@if [ -f impls/wait ]; then touch '$(STARTED)'; sleep 1000; fi
	@mkdir -p $(@D)
	@[ $(@F) != race ] || cp impls/$(notdir $(@D))/cost $(@D)/cost
	@{ cat $<; echo "# `cat impls/$(notdir $(@D))/cost`"; } >$@ && chmod +x $@
.PHONY: FORCE
EOF_MAKE
printf '/build/\n/reports/\n' >"$sandbox/.gitignore"
cost mutex 100
cost quick 50
repo init -q -b main
repo add .
repo commit -q -m one
first=$(repo rev-parse --short=10 HEAD)
gate() { velo gate "$@" --scenario alpha --budget 12s; }

# ---- mistakes ----
velo gate
check gate-needs-against "$(cat "$sandbox/err")" said 'against is missing'
gate --against man
check gate-unknown-ref "status $status: $(cat "$sandbox/err")" said "run, branch or commit 'man': did you mean 'main'"
gate --against main --seed soon
check gate-reads-the-seed "status $status: $(cat "$sandbox/err")" test "$status" -eq 2
gate --against main --only quik
check gate-unknown-contestant "$(cat "$sandbox/err")" said "did you mean 'quick'"

# ---- the same code, then one that is twice as slow ----
gate --against main
check gate-same-code-status "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check gate-same-code-said "$(cat "$sandbox/out")" said 'nothing can be slower'
cost quick 100
cost fresh 10
gate --against main --seed 11
check gate-slower-is-7 "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 7
check gate-slower-said "$(cat "$sandbox/out")" said 'SLOWER  *quick  *race alpha n=1  *[12]\.[09]'
check gate-unchanged-is-not-raced "$(cat "$sandbox/out")" said 'mutex is the same machine code'
check gate-seed-is-said "$(cat "$sandbox/out")" said '^gate: seed 11 (given), of every race$'
check gate-seed-is-recorded "$(grep seed "$(run_dir)/plan.json")" \
    sh -c "grep -q '\"seed\": \"*11\"*,' '$(run_dir)/plan.json' && grep -q '\"seed_given\": true' '$(run_dir)/plan.json'"
check gate-new-one-is-said "$(cat "$sandbox/out")" said 'fresh is new'
check gate-no-tree-is-left "$(repo worktree list)" test "$(trees)" -eq 1
check gate-leaves-latest "it moved" test ! -e "$sandbox/reports/latest"

# ---- faster, against the commit of a run ----
run=$(basename "$(run_dir)")
cost quick 20
sed -i "s/\"commit\": \"[0-9a-f]*\"/\"commit\": \"$first\"/" "$sandbox/reports/runs/$run/env.json"
gate --against "$run" --only quick
check gate-faster-is-0 "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0
check gate-faster-said "$(cat "$sandbox/out")" said 'faster  *quick  *race alpha n=1  *0\.[34]'
check gate-run-means-its-commit "$(cat "$sandbox/out")" said "against $first"

# ---- what was not raced is no pass: a cell lost, one gained; a budget that is small, not none ----
both() { velo gate --against "$first" --only quick --scenario alpha,beta --budget 16s; }
echo beta >"$sandbox/build/release/quick/lacks"
both
check gate-lost-cell-is-3 "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 3
check gate-lost-cell-is-named "$(cat "$sandbox/out")" said '^  LOST: quick race beta n=1: needs FDS, which it does not have'
check gate-lost-cell-is-no-pass "$(cat "$sandbox/out")" sh -c "! grep -q passed '$sandbox/out'"
check gate-the-rest-is-judged "$(cat "$sandbox/out")" said 'faster  *quick  *race alpha n=1'
rm "$sandbox/build/release/quick/lacks"
cost mutex 90
velo gate --against "$first" --scenario alpha --budget 5s
check gate-small-budget-is-not-none "$(grep budget_s "$(run_dir)/plan.json")" grep -q '"budget_s": 5,' "$(run_dir)/plan.json"
cost mutex 100

# ---- a race that tells identical code apart is no answer, also where it would be a clear one ----
cost quick 300
gate --against "$first" --only quick
check gate-without-alarm-is-7 "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 7
echo twin >"$sandbox/build/release/quick/fault"
gate --against "$first" --only quick
check gate-alarm-is-3 "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 3
check gate-alarm-is-said "$(cat "$sandbox/out")" said '^UNDECIDED: do not trust the race of quick'
rm "$sandbox/build/release/quick/fault"

# ---- one that does not build; Ctrl-C while building; a tree of a gate that was killed ----
cost quick broken
repo commit -q -a -m broken
cost quick 50
gate --against HEAD --only quick
check gate-broken-status "status $status" test "$status" -eq 1
check gate-broken-message "$(cat "$sandbox/err")" said 'loop.c:7: error: no such thing'
check gate-broken-hint "$(cat "$sandbox/err")" said 'does not build with the harness of here'
check gate-broken-no-tree "$(repo worktree list)" test "$(trees)" -eq 1
mkfifo "$sandbox/wait"
touch "$sandbox/impls/wait"
repo add -f impls/wait
repo commit -q -a -m wait
rm "$sandbox/impls/wait"
(cd "$sandbox" && STARTED=$sandbox/started exec build/release/velo gate --against HEAD --only quick \
    --scenario alpha) >"$sandbox/out" 2>"$sandbox/err" </dev/null &
gate_pid=$!
until [ -e "$sandbox/started" ] || ! kill -0 $gate_pid 2>/dev/null; do read -r -t 0.1 <>"$sandbox/wait"; done
kill -INT $gate_pid
wait $gate_pid
status=$?
check gate-stopped-is-130 "status $status: $(cat "$sandbox/err")" test "$status" -eq 130
check gate-stopped-no-tree "$(repo worktree list)" test "$(trees)" -eq 1
repo worktree add -q --detach "$sandbox/build/gate/tree.999999999" "$first"
gate --against "$first" --only mutex
check gate-stale-tree-is-removed "status $status: $(repo worktree list)" test "$(trees)" -eq 1
finish_tests
