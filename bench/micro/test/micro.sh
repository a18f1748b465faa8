#!/bin/bash
# SPDX-License-Identifier: MIT
# The micro and the process program of every contestant: each case runs and verifies itself, bad input is
# refused with words, and a loop that loses, doubles or reorders a task gets no number.
# Needs a build. V= picks the variant. The last line is "N passed, N failed".
cd "$(dirname "$0")/../../.." || exit 2
. scripts/test/check.bash
B=build/${V:-release}
. bench/micro/test/plant.bash

contestants=()
for name in $(scripts/library.sh present); do
    if [ -x "$B/$name/micro" ] && [ -x "$B/$name/process" ]; then
        contestants+=("$name")
    else
        not_ok "$name: $B/$name/micro and process are not built"
    fi
done
[ ${#contestants[@]} -gt 0 ] || { finish; exit; }
first=${contestants[0]}

# ---- every case of every contestant ----
for name in "${contestants[@]}"; do
    micro=$B/$name/micro
    told "$name lists its cases" 0 '"scenario":"submit"' "$micro" --list --json
    while read -r case point reason; do
        status=0 text='"ok":true'
        [ -z "$reason" ] || { status=2 text=$reason; } # it lacks what the case needs
        told "$name $case $point" $status "$text" "$micro" --case "$case" --point "$point" --window-ms 4
    done < <("$micro" --list --json | grep -o '"scenario":"[^"]*"\|"id":"[^"]*"\|"reason":"[^"]*"' |
        awk -F'"' '$2 == "scenario" { name = $4 } $2 == "id" { point = $4 }
            $2 == "reason" && point != "" { print name, point, $4; point = "" }')
    told "$name whole program" 0 "" "$B/$name/process" --tasks 5000
    told "$name whole program, one task" 0 "" "$B/$name/process" --tasks 1
    told "$name whole program, no task" 0 "" "$B/$name/process" --tasks 0
    told "$name whole program, four loops" 0 "" "$B/$name/process" --tasks 1 --loops 4
    told "$name whole program, equipped" 0 "" "$B/$name/process" --tasks 1 --with timer,fd,offload
    told "$name on one processor" 0 '"ok":true' \
        taskset -c "$(taskset -cp $$ | sed 's/.*[: ]\([0-9]*\).*/\1/')" "$micro" --case submit --window-ms 4
done

# ---- no loop at all ----
null=$B/harness/null/micro
told "null says who it is" 0 '"contestant":"null"' "$null" --case microtask --window-ms 4
told "null loses no microtask" 0 '"ok":true' "$null" --case microtask --window-ms 4

# ---- bad input ----
micro=$B/$first/micro
told "no case" 2 "--case is missing" "$micro"
told "unknown case" 2 "no case 'sumbit'" "$micro" --case sumbit
told "unknown point" 2 "has no point 'n=9'" "$micro" --case submit_many/n=9
told "no window" 2 "--window-ms 0" "$micro" --case submit --window-ms 0
told "negative window" 2 "--window-ms -5" "$micro" --case submit --window-ms -5
told "bad seed" 2 "--seed x" "$micro" --case submit --seed x
told "bad variant" 2 "--variant fast" "$micro" --case submit --variant fast
told "unknown option" 2 "--fast is unknown" "$micro" --fast
told "missing value" 2 "--case needs a value" "$micro" --case
told "stray argument" 2 "unexpected argument 'submit'" "$micro" --list submit
told "flag of a newer library" 2 "plain number" "$micro" --case submit --benchmark_min_time=0.05s
told "flag of no library" 2 "no such flag" "$micro" --case submit --benchmark_fitler=x
told "measuring by environment" 2 "BENCHMARK_REPETITIONS" \
    env BENCHMARK_REPETITIONS=5 "$micro" --case submit
told "the library's own file" 0 '"ok":true' \
    "$micro" --case empty_turn --window-ms 4 "--benchmark_out=$scratch/gb.json"
told "its context" 0 "\"contestant\": \"$first\"" cat "$scratch/gb.json"
told "too many tasks" 2 "not '10000001'" "$B/$first/process" --tasks 10000001
told "tasks of another kind" 2 "not 'many'" "$B/$first/process" --tasks many
told "no loops" 2 "from 1 to 64, not '0'" "$B/$first/process" --tasks 1 --loops 0
told "equipment of no kind" 2 "a list of timer, fd, offload, not 'timer,tyre'" \
    "$B/$first/process" --tasks 1 --with timer,tyre
told "no argument" 2 "--tasks N is missing" "$B/$first/process"
told "can it do that" 0 "" "$B/$first/process" --tasks 1 --with fd --check

# ---- faults ----
plant micro c++ "$first" "benchmark jansson" "$B"/obj/bench/micro/*.o "$B"/obj/bench/shim/*.o "$B/libbench.a"
plant process cc "$first" "benchmark jansson" "$B"/obj/bench/process/*.o

fault() # fault WHAT AT TEXT PROGRAM ARGS...
{
    local what=$1 at=$2 text=$3 program=$4
    shift 4
    told "a loop that may $what: $program $*" 1 "$text" env FAULT="$what" FAULT_AT="$at" "$scratch/$program" "$@"
}

planted=' '
case_fault() # case_fault CASE WHAT AT TEXT: at call number AT, or at each one for 0
{
    planted+="${1%%/*} "
    fault "$2" "$3" "$4" micro --case "$1" --window-ms 4
}
case_fault submit swap 2000 "came out of order"
case_fault submit lose 2000 "received nothing for 5 s"
case_fault submit_metrics swap 2000 "came out of order"
case_fault submit_many/n=8 swap-in-batch 200 "came out of order"
case_fault submit_caller lose 2000 "lost 1 of"
case_fault submit_full no-bound 1 "a call while the loop was held failed"
case_fault owner_submit lose 2000 "lost 1 of"
case_fault owner_submit double 2000 " callbacks ran for "
case_fault owner_submit swap 2000 "2 of "
case_fault owner_submit_metrics lose 2000 "lost 1 of"
case_fault submit_priority demote 2000 "came out of order"
case_fault set_immediate forget-immediate 2000 "a call inside the window failed"
case_fault clear_immediate lie-clear 2000 "1 immediates ran that were cleared"
case_fault microtask forget-microtask 2000 "lost 1 of"
case_fault next_tick forget-tick 2000 "lost 1 of"
case_fault defer_close forget-close 2000 "lost 1 of"
case_fault timer_arm_cancel/n=1000 early-timer 500 "EALREADY"
case_fault timer_library/n=1000 lie-timer-cancel 2000 "1 callbacks were still pending"
case_fault timer_replace/n=1000 lie-timer-cancel 2000 "1 callbacks were still pending"
case_fault timer_restart/n=1000 lie-restart 2000 "ENOENT"
case_fault timer_fire/n=1000 forget-timer 2000 "timers were due"
case_fault timer_cancel_foreign early-timer 500 "ENOENT"
case_fault fd_dispatch/n=64 deaf-fd 10 "got 0 of"
case_fault fd_edge/n=64 deaf-fd 10 "64 edges, 63 events"
case_fault fd_watch lie-unwatch 2000 "EEXIST"
case_fault fd_modify lie-modify 0 "went by what it was watched for before"
case_fault fd_modify ghost-event 1 "events of a descriptor that was never ready"
case_fault offload forget-offload 2000 "was not done within 5 s"
case_fault wake busy-wake 0 "system calls to wake a loop that was awake"
case_fault metrics_read no-turns 0 "the counters say that there was no turn"
case_fault empty_turn no-turns 0 "but only 0 turns were counted"
case_fault lifecycle lose 20 "a loop was destroyed before its task had run"
while read -r name; do
    check "a fault is planted in $name" grep -qF " $name " <<<"$planted"
done < <("$micro" --list --json | grep -o '"scenario":"[^"]*"' | cut -d'"' -f4)

fault lose 100 "999 tasks ran" process --tasks 1000
fault double 100 "1001 tasks ran" process --tasks 1000
fault swap 100 "2 of them out of order" process --tasks 1000
fault double-timer 1 "wrong count" process --tasks 100000 --with timer

finish
