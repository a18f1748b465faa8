#!/bin/bash
# SPDX-License-Identifier: MIT
# The micro and the process program of every contestant: each case runs and verifies itself, bad input is
# refused with words, and a loop that loses, doubles or reorders a task gets no number.
# Needs a build. V= picks the variant. The last line is "N passed, N failed".
cd "$(dirname "$0")/../../.." || exit 2
. scripts/test/check.bash
B=build/${V:-release}

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
link() # link PROGRAM LINKER OBJECT...: the program of the first contestant, with lossy.c in between
{
    local out=$scratch/$1 linker=$2
    shift 2
    # shellcheck disable=SC2046,SC2086
    $linker -pthread ${sanitize:-} "${wraps[@]}" -o "$out" "$@" "$scratch"/l*.o \
        "$B/obj/common/conformance/api_complete.o" "$B"/obj/impls/"$first"/*.o "$B/libcommon.a" $(pkg-config --libs benchmark jansson) -lm
}
case ${V:-release} in
asan) sanitize=-fsanitize=address,undefined ;;
tsan) sanitize=-fsanitize=thread ;;
cov) sanitize=--coverage ;;
esac
# shellcheck disable=SC2086
for file in lossy liar; do
    # shellcheck disable=SC2086
    cc -std=c11 -D_GNU_SOURCE -Icommon/include ${sanitize:-} -c -o "$scratch/$file.o" "bench/micro/test/$file.c"
done
wraps=()
while read -r wrapped; do
    wraps+=("-Wl,--wrap=$wrapped")
done < <(nm "$scratch/lossy.o" "$scratch/liar.o" | sed -n 's/.* T __wrap_//p')
link micro c++ "$B"/obj/bench/micro/*.o "$B"/obj/bench/shim/*.o "$B/libbench.a"
link process cc "$B"/obj/bench/process/*.o

fault() # fault WHAT AT TEXT COMMAND...
{
    local what=$1 at=$2 text=$3
    shift 3
    told "a loop that may $what: ${*##*/}" 1 "$text" env FAULT="$what" FAULT_AT="$at" "$@"
}
fault lose 2000 "lost 1 of" "$scratch/micro" --case owner_submit --window-ms 4
fault double 2000 " callbacks ran for " "$scratch/micro" --case owner_submit --window-ms 4
fault swap 2000 "2 of " "$scratch/micro" --case owner_submit --window-ms 4
fault swap 2000 "came out of order" "$scratch/micro" --case submit --window-ms 4
fault lose 2000 "received nothing for 5 s" "$scratch/micro" --case submit --window-ms 4
# one for each of the other operations that a case measures
fault demote 2000 "came out of order" "$scratch/micro" --case submit_priority --window-ms 4
fault forget-immediate 2000 "a call inside the window failed" "$scratch/micro" --case set_immediate --window-ms 4
fault lie-clear 2000 "1 immediates ran that were cleared" "$scratch/micro" --case clear_immediate --window-ms 4
fault forget-tick 2000 "lost 1 of" "$scratch/micro" --case next_tick --window-ms 4
fault forget-close 2000 "lost 1 of" "$scratch/micro" --case defer_close --window-ms 4
fault lie-timer-cancel 2000 "1 callbacks were still pending" "$scratch/micro" --case timer_replace/n=1000 --window-ms 4
fault lie-restart 2000 "ENOENT" "$scratch/micro" --case timer_restart/n=1000 --window-ms 4
fault forget-timer 2000 "timers were due" "$scratch/micro" --case timer_fire/n=1000 --window-ms 4
fault early-timer 500 "ENOENT" "$scratch/micro" --case timer_arm_cancel/n=1000 --window-ms 4
fault deaf-fd 10 "got 0 of" "$scratch/micro" --case fd_dispatch/n=64 --window-ms 4
fault deaf-fd 10 "64 edges, 63 events" "$scratch/micro" --case fd_edge/n=64 --window-ms 4
fault lie-unwatch 2000 "EEXIST" "$scratch/micro" --case fd_watch --window-ms 4
fault forget-offload 2000 "was not done within 5 s" "$scratch/micro" --case offload --window-ms 4
fault no-bound 1 "a call while the loop was held failed" "$scratch/micro" --case submit_full --window-ms 4
fault lose 100 "999 tasks ran" "$scratch/process" --tasks 1000
fault double 100 "1001 tasks ran" "$scratch/process" --tasks 1000
fault swap 100 "2 of them out of order" "$scratch/process" --tasks 1000
fault double-timer 1 "wrong count" "$scratch/process" --tasks 100000 --with timer

finish
