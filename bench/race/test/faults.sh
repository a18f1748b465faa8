#!/bin/bash
# SPDX-License-Identifier: MIT
# A fault or more for each load: a loop that does it gets no number, and is told why. The contestant is
# a real one, with liar.c and lossy.c between it and the race program. Needs a build. V= picks the
# variant. The last line is "N passed, N failed".
cd "$(dirname "$0")/../../.." || exit 2
. scripts/test/check.bash
B=build/${V:-release}
. bench/micro/test/plant.bash

# a contestant with a fast path: it has all that is lied about here
for loop in impls/*/loop.c; do
    name=$(basename "$(dirname "$loop")")
    "$B/$name/race" --scenario scenarios/burst.lua --point n=1 --window-ms 1 --variant disabled \
        >/dev/null 2>&1 && break
done

plant race cc "$name" "lua5.4 jansson" "$B"/obj/bench/race/*.o

fault() # fault WHAT AT PATTERN SCENARIO POINT [FAILURE]: no number for it, and the reason
{
    local status what="a loop that does $1 in $4 $5"
    FAULT=$1 FAULT_AT=$2 timeout "$limit_s" "$scratch/race" --scenario "scenarios/$4.lua" \
        --point "$5" --window-ms 10 >"$log" 2>&1
    status=$?
    check "$what is told '$3'" grep -qE -- "\"error\":\"[^\"]*($3)" "$log"
    check "$what gets no number" grep -qF '"metrics":{}' "$log"
    check "$what exits with status 1" test $status -eq 1
    [ -z "${6:-}" ] || check "$what is told to be $6" grep -qF "\"failure\":\"$6\"" "$log"
}
nothing="nothing was delivered in the window"

told "the same program without a fault" 0 '"ok":true' \
    "$scratch/race" --scenario scenarios/fd_churn.lua --point who=owner,live=100 --window-ms 10

# its submit blocked for 50 ms: the latency contains that, and so does the slip, which is flagged
told "a generator that was held up is late" 0 '"late":true' env FAULT=stall FAULT_AT=1500 "$scratch/race" \
    --scenario scenarios/poisson.lua --point percent=60 --window-ms 20 --common-rate 50000

# no failure, but a number: wake-up calls beyond those that the loop has asked for
told "a loop that rings for each task" 0 '"ok":true' env FAULT=ring-always "$scratch/race" \
    --scenario scenarios/burst.lua --point n=64,awake --window-ms 20
check "its wake-ups are astray: 64 in a burst, or more" \
    grep -qE '"wakeups_astray_per_burst":\{"value":(6[4-9]|[7-9][0-9]|[1-9][0-9]{2})' "$log"

# Several at once: most of their time they wait for what will not come. Each fault comes so early that
# the least that a run does, however slow the machine, has it. The word is "late", not "wrong", if only
# the waiting for it ended.
at_once=8
beside fault lose 500 "did not run within 5 s" burst n=1024 wrong
beside fault double 500 "out of order" burst n=1024 wrong
beside fault swap 500 "out of order" burst n=1024 wrong
beside fault lose 500 "lost 1 of" producers threads=1,batch=1 wrong
beside fault double 500 "out of order" producers threads=1,batch=1 wrong
beside fault swap 500 "2 tasks out of order" producers threads=1,batch=1 wrong
beside fault lose 500 "lost 1 tasks" poisson percent=60 wrong
beside fault lose 2000 "pending tasks ran within 5 s" memory tasks=1000000 late
[ "$(nproc)" -lt 2 ] ||
    beside fault move 500 "generator's thread was moved to other processors" burst n=1024 late
beside fault early-timer 50 "1 timers fired before their delay had passed" timer_late percent=0
beside fault forget-timer 50 "did not fire for 5 s" timer_late percent=0
beside fault double-timer 50 "timers fired before|of them twice" timer_late percent=0
beside fault ghost-event 104 "of them not theirs" fd_churn who=owner,live=100
beside fault lie-unwatch 3 "a call of the cycle failed: EEXIST" fd_churn who=owner,live=1
beside fault deaf-fd 3 "got no event for 5 s" fd_churn who=foreign,live=1
beside fault demote 10 "1 priority tasks ran behind normal ones" priority backlog=1000
beside fault lose 2500 "out of order" priority backlog=1000
beside fault lose 700 "1 of 1001 tasks that submit themselves were lost" priority refilled=1000
beside fault forget-immediate 150 "of 100 immediates were lost|$nothing" immediates n=100,timer
beside fault double-immediate 150 "out of order" immediates n=100
beside fault deaf-fd 1 "a ready descriptor had 0 events" immediates n=100,fd
beside fault early-timer 2 "1 timers fired before their delay had passed" immediates n=100,timer
beside fault forget-offload 100 "1 of 64 jobs were not done" offload workers=4,chains=64
beside fault double-offload 100 "the ledger has|ended otherwise than was told" offload workers=4,chains=64
beside fault lie-offload-cancel 15 "the ledger has|ended otherwise" offload workers=4,chains=64,cancel=25
beside fault leak 0 "the heap grew by" alloc_pressure size=64,free=own
beside fault swap 3000 "2 tasks out of order" alloc_pressure size=64,free=foreign
beside fault no-bound 1 "more than 64 tasks were pending" full_queue threads=2,max_pending=64
beside fault late-bound 1 "more than 64 tasks were pending" full_queue threads=2,max_pending=64
beside fault lose 100 "lost 1 of" full_queue threads=2,max_pending=64
beside fault no-slow-report 1 "0 were reported" slow_callback percent=30
beside fault lose 500 "lost 1 tasks" slow_callback percent=30
beside fault lie-unwatch 2 "EEXIST" mode_flip flips_per_s=10000
beside fault no-fast-path 1 "the fast path was not entered" mode_flip flips_per_s=10000
beside fault lose 5000 "lost 1 tasks" mode_flip flips_per_s=10000
beside fault lose 500 "lost 1 of" stalled_producer batch=1
beside fault double 500 "out of order, or twice" stalled_producer batch=1
beside fault lose 40 "did not come back within 5 s|$nothing" loop_pair closed
beside fault double 40 "hand-overs out of order" loop_pair closed
beside fault forget-tick 3 "did not run within 5 s" ping_pong tick
beside fault lose 100 "did not run within 5 s" burst n=64,parked
beside fault lie-timer-cancel 300 "timers were discarded at the end" timer_storm op=cancel,n=1000
beside fault lie-cancel-many 3 "timers were discarded at the end" foreign_cancel n=100000,group=64
beside fault deaf-fd 5 "tokens were lost|$nothing" fd_ring pipes=100,tokens=10
beside fault double 8 "tasks ran instead of" wake_idle idle_us=100
beside fault double 8 "tasks ran out of order" sparse rate=2000
beside fault early-timer 50 "arrivals out of order|before their delay had passed" mixed percent=60
beside fault forget-tick 500 "did not end within 5 s|$nothing" microtasks ticks,count=1000
beside fault lose 30 "tasks were accepted, but" shutdown_load threads=1
beside fault early-timer 5 "1 callbacks ran for no reason" idle timers=1000
beside fault double 5 "tasks ran in" start_stop bare
beside fault double-timer 5 "had a second callback" start_stop equipped
beside fault forget-fd 3 "watches 9999 descriptors instead of 10000" memory descriptors=10000
together

finish
