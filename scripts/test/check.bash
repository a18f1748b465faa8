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
