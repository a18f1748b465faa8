#!/bin/bash
# SPDX-License-Identifier: MIT
# Every kind of wrong command line: a clear message that names what exists, exit status 2, no folder.
. "$(dirname "$0")/sandbox.bash"
make_sandbox

refused() # refused NAME PATTERN ARGS...
{
    local name=$1 pattern=$2
    shift 2
    velo "$@"
    if [ "$status" -ne 2 ]; then
        not_ok "$name" "exit status $status, not 2: $(cat "$sandbox/err")"
    elif ! grep -q -e "$pattern" "$sandbox/err"; then
        not_ok "$name" "no '$pattern' in: $(cat "$sandbox/err")"
    elif [ -e "$sandbox/reports/runs" ]; then
        not_ok "$name" "a run folder was made"
        rm -rf "$sandbox/reports/runs"
    else
        ok "$name"
    fi
}

refused no-command 'Usage: velo COMMAND'
refused unknown-command "did you mean 'tournament'" turnament
refused unknown-option 'did you mean --scenarios' tournament --sceanrios alpha
refused option-without-value 'needs a value' tournament --only
refused flag-with-value 'takes no value' tournament --dry-run=yes
refused stray-word "unexpected word 'smoke'" tournament smoke
refused unknown-preset "Known: smoke, standard, thorough" tournament --preset quick
refused unknown-contestant "did you mean 'mutex'? Known: mutex, quick" tournament --only mutx
refused unknown-variant "unknown variant 'turbo'" tournament --only quick:turbo
refused unknown-scenario "did you mean 'alpha'" tournament --scenarios alhpa
refused unknown-scenario-lists 'Known: alpha, beta' tournament --scenarios nothing-like-it
refused negative-seed '\--seed .-1.: need a whole number' tournament --seed -1
refused absurd-seed 'need a whole number' tournament --seed 99999999999999999999999
refused word-as-seed 'need a whole number' tournament --seed seven
refused negative-budget 'need a time from' tournament --budget -5
refused absurd-budget 'need a time from' tournament --budget 900h
refused zero-budget 'need a time from' tournament --budget 0
refused unknown-run "no run 'nowhere'" tournament --resume nowhere
refused resume-with-other-plan 'only --budget.* can be given' tournament --resume latest --only mutex
refused extra-without-programs 'no program called race' tournament --extra scenarios
refused race-without-opponent '\--vs is missing' race --impl mutex --scenario alpha
refused race-unknown-scenario "unknown scenario 'alhpa'" race --impl mutex --vs quick --scenario alhpa
refused race-unknown-point "unknown point 'n=9': did you mean 'n=1'? Known: n=1, n=2" race --impl mutex --vs quick --scenario alpha --point n=9
refused race-against-itself 'cannot race against itself' race --impl mutex --vs mutex --scenario alpha
refused conformance-unknown "unknown contestant 'mutx'" conformance --impl mutx
refused select-without-profile 'give either \--for' select
refused select-without-run "no run 'latest'" select --for latency
refused report-without-run "no run 'latest'" report
mkdir -p "$sandbox/build/release/mutex"
echo BROKEN >"$sandbox/scenarios/gamma.lua"
refused broken-script 'scenarios/gamma.lua:1: unexpected symbol' tournament
rm "$sandbox/scenarios/gamma.lua"

for command in tournament race conformance report select limits list; do
    velo $command --help
    check "help-$command" "exit status $status" grep -q "^velo $command - " "$sandbox/out"
done
velo tournament --dry-run
check dry-run-makes-nothing "status $status" test "$status" -eq 0 -a ! -e "$sandbox/reports/runs"
# The lock has a known name in a folder where anybody may put a link.
echo precious >"$sandbox/precious"
ln -s precious "$sandbox/link"
VELO_LOCK=$sandbox/link velo tournament --scenarios alpha
check lock-through-a-link-status "status $status" test "$status" -eq 1
check lock-through-a-link-message "$(cat "$sandbox/err")" said 'cannot open the lock file .*link: it is a link'
check lock-through-a-link-harms-nothing "$(cat "$sandbox/precious")" grep -qx precious "$sandbox/precious"
finish_tests
