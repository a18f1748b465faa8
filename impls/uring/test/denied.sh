#!/bin/bash
# SPDX-License-Identifier: MIT
# Where io_uring is forbidden, as in most containers, uring makes no loop and says why; the programs
# and the tournament then show NOT RUN with that reason, nobody fails, and the others run.
cd "$(dirname "$0")/../../.." || exit 2
. scripts/test/check.bash
build=build/${V:-release}

why=$(scripts/library.sh why uring)
if [ -z "$why" ]; then
    "$build/uring/process" --tasks 1 --check >"$log" 2>&1
    [ $? -ne 3 ] || why=$(cat "$log")
fi
if [ -n "$why" ]; then
    echo "NOT RUN: a filter of its own: $why"
    finish
    exit
fi

deny=$scratch/deny
# shellcheck disable=SC2046 # several words
if ! gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -o "$deny" impls/uring/test/deny.c \
    $(pkg-config --cflags --libs libseccomp) >"$log" 2>&1; then
    not_ok "deny.c compiles"
    finish
    exit
fi
eperm=1 enosys=38
forbidden="io_uring=\"forbidden here: by a seccomp filter"
absent="io_uring=\"this kernel has none, or a seccomp filter hides it\""

# the filter itself: what it denies is what uring needs, and nothing else
told "without a filter uring passes" 0 "1 passed, 0 failed" \
    "$build/uring/conformance" --quiet --filter level_triggered_descriptor_is_reported_until_it_is_read
told "with it mutex passes" 0 "1 passed, 0 failed" "$deny" $eperm \
    "$build/mutex/conformance" --quiet --filter level_triggered_descriptor_is_reported_until_it_is_read

# a program of a user: an error with a name, and not a loop that does not work
told "an example ends with the error" 1 "ENOSYS: this system lacks, or forbids" \
    "$deny" $eperm "$build/uring/example-hello"

told "conformance, forbidden" 0 "NOT RUN: uring cannot run here: $forbidden" \
    "$deny" $eperm "$build/uring/conformance" --quiet --json "$scratch/sheet.json"
check "the sheet says it, too" grep -q '"not_run": "cannot run here: io_uring=' "$scratch/sheet.json"
check "and names no case" grep -q '"cases": \[\]' "$scratch/sheet.json"
told "conformance, absent" 0 "NOT RUN: uring cannot run here: $absent" \
    "$deny" $enosys "$build/uring/conformance" --quiet
told "random programs" 0 "NOT RUN: uring cannot run here: " \
    "$deny" $eperm "$build/uring/conformance" --random 10 --seed 1
told "the race program describes" 0 "NOT RUN: uring cannot run here: $forbidden" \
    "$deny" $eperm "$build/uring/race" --describe scenarios/ping_pong.lua
told "the micro program lists" 0 "NOT RUN: uring cannot run here: $forbidden" \
    "$deny" $eperm "$build/uring/micro" --list
told "the process program checks" 3 "uring cannot run here: $forbidden" \
    "$deny" $eperm "$build/uring/process" --tasks 1 --check
told "and without a filter has nothing to say" 0 "" "$build/uring/process" --tasks 1 --check

told "velo conformance: no failure" 0 "NOT RUN" "$deny" $eperm build/velo conformance --impl uring
check "with the reason" grep -qF "uring: NOT RUN: cannot run here: $forbidden" "$log"

finish
