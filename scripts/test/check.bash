# SPDX-License-Identifier: MIT
# What the test scripts share: checks that are counted, and the last line, which test.sh reads.
# Sourced from the top folder: a script moves there first, sources this, checks, and ends by `finish`.
set -u
export LC_ALL=C
passed=0
failed=0
limit_s=60 # of one program, for told()
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
log=$scratch/log # what the last program said; its end is shown when a check fails
: >"$log"

check() # check WHAT COMMAND...: it must succeed
{
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        not_ok "$what"
    fi
}

told() # told WHAT STATUS TEXT COMMAND...: how a program exits, and a fixed text in what it says
{
    local what=$1 want=$2 text=$3 got
    shift 3
    timeout "$limit_s" "$@" >"$log" 2>&1
    got=$?
    if [ "$got" -eq "$want" ] && { [ -z "$text" ] || grep -qF -- "$text" "$log"; }; then
        passed=$((passed + 1))
    else
        not_ok "$what: exit $got, not $want, or no '$text' in what it said: $*"
    fi
}

at_once=$(nproc) # checks, for beside()
begun=0 running=0

beside() # beside CHECK...: a check that runs beside others, with a log of its own; together() counts it
{
    local out=$scratch/beside-$begun
    begun=$((begun + 1))
    if [ "$running" -ge "$at_once" ]; then
        wait -n
        running=$((running - 1))
    fi
    running=$((running + 1))
    (
        passed=0 failed=0 log=$out.log
        : >"$log"
        "$@" >"$out.said"
        echo "$passed $failed" >"$out.counts"
    ) &
}

together() # together: wait for what was begun, and count it
{
    local number ok bad
    wait
    for ((number = 0; number < begun; number++)); do
        cat "$scratch/beside-$number.said"
        read -r ok bad <"$scratch/beside-$number.counts" || ok=0 bad=1
        passed=$((passed + ok))
        failed=$((failed + bad))
    done
    begun=0 running=0
}

not_ok() # not_ok WHAT
{
    failed=$((failed + 1))
    echo "FAILED: $1"
    tail -n 10 "$log" | cut -c -600 | sed 's/^/    /'
}

finish() # the last line, and the exit status
{
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
