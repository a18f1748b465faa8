#!/bin/bash
# SPDX-License-Identifier: MIT
# One planted fault for each load: a loop that does it gets no number, and is told why. The contestant
# is a real one, with liar.c and lossy.c between it and the race program. What race.sh plants in burst,
# producers and poisson is not repeated here. Needs a build. V= picks the variant. The last line is
# "N passed, N failed".
cd "$(dirname "$0")/../../.." || exit 2
. scripts/test/check.bash
B=build/${V:-release}

# a contestant with a fast path: it has all that is lied about here
for loop in impls/*/loop.c; do
    name=$(basename "$(dirname "$loop")")
    "$B/$name/race" --scenario scenarios/burst.lua --point n=1 --window-ms 1 --variant disabled \
        >/dev/null 2>&1 && break
done

case ${V:-release} in
asan) sanitize=-fsanitize=address,undefined ;;
tsan) sanitize=-fsanitize=thread ;;
cov) sanitize=--coverage ;;
esac
wraps=()
for file in liar lossy; do
    # shellcheck disable=SC2086
    cc -std=c11 -D_GNU_SOURCE -Icommon/include ${sanitize:-} -c -o "$scratch/$file.o" "bench/micro/test/$file.c"
done
while read -r wrapped; do
    wraps+=("-Wl,--wrap=$wrapped")
done < <(nm "$scratch/liar.o" "$scratch/lossy.o" | sed -n 's/.* T __wrap_//p')
# shellcheck disable=SC2046,SC2086
cc -pthread ${sanitize:-} "${wraps[@]}" -o "$scratch/race" "$B"/obj/bench/race/*.o "$scratch"/l*.o \
    "$B/obj/common/conformance/api_complete.o" "$B"/obj/impls/"$name"/*.o "$B/libcommon.a" \
    $(pkg-config --libs lua5.4 jansson) -lm

# Several at once: most of their time they wait for what will not come. Each fault comes so early that
# the least that a run does, however slow the machine, has it.
fault() # fault WHAT AT PATTERN SCENARIO POINT
{
    local out="$scratch/fault-$4-$5-$1"
    while [ "$(jobs -rp | wc -l)" -ge 8 ]; do
        wait -n
    done
    printf '%s\n' "a loop that does $1 in $4 $5" "$3" >"$out.want"
    (
        FAULT=$1 FAULT_AT=$2 timeout "$limit_s" "$scratch/race" --scenario "scenarios/$4.lua" \
            --point "$5" --window-ms 10 >"$out.line" 2>&1
        echo $? >"$out.status"
    ) &
}
judge() # judge: no number for any of them, and the reason
{
    local want out pattern
    wait
    for want in "$scratch"/fault-*.want; do
        out=${want%.want}
        cp "$out.line" "$log"
        pattern=$(sed -n 2p "$want")
        check "$(head -n 1 "$want") is told '$pattern'" grep -qE -- "\"error\":\"[^\"]*($pattern)" "$out.line"
        check "$(head -n 1 "$want") gets no number" grep -qF '"metrics":{}' "$out.line"
        check "$(head -n 1 "$want") exits with status 1" grep -qx 1 "$out.status"
    done
}
nothing="nothing was delivered in the window"

told "the same program without a fault" 0 '"ok":true' \
    "$scratch/race" --scenario scenarios/fd_churn.lua --point who=owner,live=100 --window-ms 10

fault early-timer 50 "1 timers fired before their delay had passed" timer_late percent=0
fault forget-timer 50 "did not fire for 5 s" timer_late percent=0
fault double-timer 50 "timers fired before|of them twice" timer_late percent=0
fault ghost-event 104 "of them not theirs" fd_churn who=owner,live=100
fault lie-unwatch 3 "a call of the cycle failed: EEXIST" fd_churn who=owner,live=1
fault deaf-fd 3 "got no event for 5 s" fd_churn who=foreign,live=1
fault demote 10 "1 priority tasks ran behind normal ones" priority backlog=1000
fault lose 2500 "out of order" priority backlog=1000
fault lose 700 "1 of 1001 tasks that submit themselves were lost" priority refilled=1000
fault forget-immediate 150 "of 100 immediates were lost|$nothing" immediates n=100,timer
fault double-immediate 150 "out of order" immediates n=100
fault deaf-fd 1 "a ready descriptor had 0 events" immediates n=100,fd
fault early-timer 2 "1 timers fired before their delay had passed" immediates n=100,timer
fault forget-offload 100 "1 of 64 jobs were not done" offload workers=4,chains=64
fault double-offload 100 "the ledger has|ended otherwise than was told" offload workers=4,chains=64
fault lie-offload-cancel 15 "the ledger has|ended otherwise" offload workers=4,chains=64,cancel=25
fault leak 0 "the heap grew by" alloc_pressure size=64,free=own
fault swap 3000 "2 tasks out of order" alloc_pressure size=64,free=foreign
fault no-bound 1 "more than 64 tasks were pending" full_queue threads=2,max_pending=64
fault late-bound 1 "more than 64 tasks were pending" full_queue threads=2,max_pending=64
fault lose 100 "lost 1 of" full_queue threads=2,max_pending=64
fault no-slow-report 1 "0 were reported" slow_callback percent=30
fault lose 500 "lost 1 tasks" slow_callback percent=30
fault lie-unwatch 2 "EEXIST" mode_flip flips_per_s=10000
fault no-fast-path 1 "the fast path was not entered" mode_flip flips_per_s=10000
fault lose 5000 "lost 1 tasks" mode_flip flips_per_s=10000
fault lose 500 "lost 1 of" stalled_producer batch=1
fault double 500 "out of order, or twice" stalled_producer batch=1
fault lose 40 "did not come back within 5 s|$nothing" loop_pair closed
fault double 40 "hand-overs out of order" loop_pair closed
fault forget-tick 3 "did not run within 5 s" ping_pong tick
fault lose 100 "did not run within 5 s" burst n=64,parked
fault lie-timer-cancel 300 "timers were discarded at the end" timer_storm op=cancel,n=1000
fault lie-cancel-many 3 "timers were discarded at the end" foreign_cancel n=100000,group=64
fault deaf-fd 5 "tokens were lost|$nothing" fd_ring pipes=100,tokens=10
fault double 8 "tasks ran instead of" wake_idle idle_us=100
fault double 8 "tasks ran out of order" sparse rate=2000
fault early-timer 50 "arrivals out of order|before their delay had passed" mixed percent=60
fault forget-tick 500 "did not end within 5 s|$nothing" microtasks ticks,count=1000
fault lose 30 "tasks were accepted, but" shutdown_load threads=1
fault early-timer 5 "1 callbacks ran for no reason" idle timers=1000
fault double 5 "tasks ran in" start_stop bare
fault double-timer 5 "had a second callback" start_stop equipped
fault forget-fd 3 "watches 9999 descriptors instead of 10000" memory descriptors=10000
judge

finish
