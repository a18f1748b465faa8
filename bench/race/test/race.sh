#!/bin/bash
# SPDX-License-Identifier: MIT
# The race program of every contestant: each point of each scenario runs and verifies itself, bad
# input is refused with words, and a loop that loses, doubles or reorders a task gets no number.
# Needs a build. V= picks the variant. The last line is "N passed, N failed".
cd "$(dirname "$0")/../../.." || exit 2
. scripts/test/check.bash
B=build/${V:-release}

mapfile -t contestants <<<"$(scripts/library.sh present)"
first=${contestants[0]:?no contestant in impls/}
one_cpu=$(taskset -cp $$ | sed 's/.*[: ]\([0-9]*\).*/\1/')

points_of() # points_of RACE SCRIPT: the ids of the points that this contestant can run
{
    "$1" --describe "$2" | awk '/^  [^ ]/ && / (spread|free|same-core|cross-core) / && !/NOT RUN/ { print $1 }'
}

# ---- every scenario by every contestant, every point by one of them ----
# Each runs the first point of each scenario, the core points, and its share of the others.
turn=0
for name in "${contestants[@]}"; do
    race=$B/$name/race
    number=0
    for script in scenarios/*.lua; do
        told "$name describes $script" 0 '"scenario":"'"$(basename "$script" .lua)"'"' \
            "$race" --describe "$script" --json
        "$race" --describe "$script" >"$scratch/points"
        first_point=yes
        while read -r point; do
            number=$((number + 1))
            if [ $first_point = yes ] || [ $((number % ${#contestants[@]})) -eq $turn ] ||
                grep -qE "^  $point +\* " "$scratch/points"; then
                told "$name $script $point" 0 '"ok":true' \
                    "$race" --scenario "$script" --point "$point" --window-ms 10
            fi
            first_point=no
        done < <(points_of "$race" "$script")
    done
    turn=$((turn + 1))
    told "$name on one processor" 0 '"placement":"same-core"' taskset -c "$one_cpu" \
        "$race" --scenario scenarios/producers.lua --point threads=2,batch=8 --window-ms 10
    told "$name without pinning" 0 '"placement":"free"' \
        "$race" --scenario scenarios/burst.lua --point n=64 --window-ms 10 --placement free
    told "$name at a given rate" 0 '"common_rate_source":"given"' "$race" \
        --scenario scenarios/poisson.lua --point percent=60 --window-ms 10 --common-rate 100000
done

# ---- memory is that of the contestant ----
# what the kernel remembers of a process goes back to before its exec: a large parent must not show
large_parent()
{
    local memory
    memory=$(printf '%0100000000d' 0)
    bytes=$(exec "$1" --scenario scenarios/memory.lua --point timers=100000 --window-ms 10 |
        grep -o '"bytes_per_item":{"value":[0-9]*' | grep -o '[0-9]*$')
    memory=
}
large_parent "$B/$first/race"
told "a large parent leaves no mark (${bytes:-no} bytes per timer)" 0 "" test "${bytes:-999}" -lt 100

# ---- variants ----
for name in "${contestants[@]}"; do
    race=$B/$name/race
    for variant in $("$race" --variants | cut -d" " -f1); do
        status=2 text="variant '$variant'"
        # a contestant with a fast path runs it; the guard is the program's own word
        if "$race" --scenario scenarios/burst.lua --point n=64 --window-ms 5 --variant $variant \
            >/dev/null 2>&1; then
            status=0 text="\"variant\":\"$variant\""
        fi
        told "$name, variant $variant" $status "$text" "$race" \
            --scenario scenarios/burst.lua --point n=64 --window-ms 5 --variant $variant
    done
done

for race in "$B"/*/heap/race "$B"/*/wheel/race; do
    [ -x "$race" ] || continue # `make variants` has not been here
    variant=$(basename "$(dirname "$race")")
    storm=(--scenario scenarios/timer_storm.lua --point op=fire,n=1000 --window-ms 5)
    told "$race runs as what it is" 0 "\"variant\":\"$variant\"" "$race" "${storm[@]}" --variant "$variant"
    told "$race is taken for nothing else" 2 "was linked as variant '$variant'" "$race" "${storm[@]}"
done
for variant in heap edge; do
    told "variant $variant of the wrong program" 2 "variant '$variant' " \
        "$B/$first/race" --scenario scenarios/timer_storm.lua --point op=fire,n=1000 --variant "$variant"
done

# ---- bad input ----
race=$B/$first/race
burst=(--scenario scenarios/burst.lua --point n=64)
told "nothing to do" 2 "give --scenario" "$race"
told "no point" 2 "--point ID is missing" "$race" --scenario scenarios/burst.lua
told "unknown point" 2 "has no point 'n=65'" "$race" --scenario scenarios/burst.lua --point n=65
told "no such file" 2 "cannot open" "$race" --scenario scenarios/nothing.lua --point a
told "a folder" 2 "cannot read" "$race" --describe scenarios
told "no window" 2 "--window-ms 0" "$race" "${burst[@]}" --window-ms 0
told "negative window" 2 "--window-ms -5" "$race" "${burst[@]}" --window-ms -5
told "absurd window" 2 "from 1 to 600000" "$race" "${burst[@]}" --window-ms 99999999999
told "words for a window" 2 "--window-ms long" "$race" "${burst[@]}" --window-ms long
told "negative seed" 2 "--seed -1" "$race" "${burst[@]}" --seed -1
told "seed too large" 2 "--seed 18446744073709551616" "$race" "${burst[@]}" --seed 18446744073709551616
told "no rate" 2 "--common-rate 0" "$race" "${burst[@]}" --common-rate 0
told "negative rate" 2 "--common-rate -1" "$race" "${burst[@]}" --common-rate -1
told "rate of nan" 2 "--common-rate nan" "$race" "${burst[@]}" --common-rate nan
told "unknown variant" 2 "disabled, forced, nospin, metrics" "$race" "${burst[@]}" --variant fast
told "unknown placement" 2 "same-core" "$race" "${burst[@]}" --placement moon
told "unknown option" 2 "unknown option --fast" "$race" --fast
told "missing value" 2 "--seed wants a value" "$race" "${burst[@]}" --seed
told "stray argument" 2 "unexpected argument 'x'" "$race" "${burst[@]}" x
told "both commands" 2 "exclude each other" "$race" "${burst[@]}" --describe scenarios/burst.lua
told "two processors where there is one" 2 "cross-core needs two processors" \
    taskset -c "$one_cpu" "$race" "${burst[@]}" --placement cross-core
told "help" 0 "--common-rate R" "$race" --help
told "list of loads" 0 "loads.open_loop" "$race" --loads

bad() # bad NAME TEXT SOURCE: a scenario file that must be refused
{
    printf '%s\n' "$3" >"$scratch/$1.lua"
    told "bad script $1" 2 "$1.lua:$2" "$race" --describe "$scratch/$1.lua"
}
head='return scenario { summary = "s", family = "cap", primary = "ns_per_task",'
bad syntax "2: unexpected symbol" $'return scenario {\nname = = }'
bad key '3: loads.burst: taks = 5: unknown key; allowed: tasks, batch' \
    "$head"$'name = "key",\npoints = { point { id = "a" } },\nplan = loads.burst { taks = 5 } }'
bad negative '3: loads.burst: tasks = -5: not possible; allowed: a whole number from 1 to 1048576' \
    "$head"$'name = "negative",\npoints = { point { id = "a" } },\nplan = loads.burst { tasks = -5 } }'
bad capability '1: scenario: needs = "FLY": unknown capability' "$head"'name = "capability", needs = { "FLY" } }'
bad escape "1: attempt to index a nil value (global 'os')" 'os.execute("true")'
bad loop "1: more than 200 million steps" 'while true do end'

# ---- faults ----
case ${V:-release} in
asan) sanitize=-fsanitize=address,undefined ;;
tsan) sanitize=-fsanitize=thread ;;
cov) sanitize=--coverage ;;
esac
# shellcheck disable=SC2086
cc -std=c11 -D_GNU_SOURCE -Icommon/include ${sanitize:-} -c -o "$scratch/lossy.o" bench/micro/test/lossy.c
# shellcheck disable=SC2046,SC2086
cc -pthread ${sanitize:-} -Wl,--wrap=velo_submit -o "$scratch/race" "$B"/obj/bench/race/*.o "$scratch/lossy.o" \
    "$B"/obj/impls/"$first"/*.o "$B/libcommon.a" $(pkg-config --libs lua5.4 jansson) -lm

fault() # fault WHAT TEXT SCENARIO POINT [late]: late, if only the waiting for it ended
{
    told "a loop that may $1 in $3" 1 "$2" env FAULT="$1" FAULT_AT=2000 \
        "$scratch/race" --scenario "scenarios/$3.lua" --point "$4" --window-ms 20
    cp "$log" "$scratch/line"
    told "it gets no number" 0 '"metrics":{}' cat "$scratch/line"
    told "and is told to be ${5:-wrong}" 0 "\"failure\":\"${5:-wrong}\"" cat "$scratch/line"
}
fault lose "did not run within 5 s" burst n=1024
fault double "out of order" burst n=1024
fault swap "out of order" burst n=1024
fault lose "lost 1 of" producers threads=1,batch=1
fault double "out of order" producers threads=1,batch=1
fault swap "2 tasks out of order" producers threads=1,batch=1
fault lose "lost 1 tasks" poisson percent=60
fault lose "pending tasks ran within 5 s" memory tasks=1000000 late
[ "$(nproc)" -lt 2 ] || fault move "generator's thread was moved to other processors" burst n=1024 late

# ---- what a run tells about itself ----
line() # line WHAT TEXT ARGS...: the run line has the text
{
    told "$1" 0 "$2" "$race" --window-ms 20 "${@:3}"
}
line "where the threads stood" '"processors":{"loop":[' "${burst[@]}"
line "both halves of the window" '"halves_ns":[' "${burst[@]}"
line "the laps of the warm-up" '"lap_ms":3.3' "${burst[@]}"
for covariate in cpu_ns user_ns system_ns voluntary_switches involuntary_switches minor_faults \
    major_faults max_rss_bytes runqueue_wait_ns; do
    line "covariate $covariate" "\"$covariate\":" "${burst[@]}"
done
poisson=(--scenario scenarios/poisson.lua --point percent=60 --window-ms 20 --common-rate 50000)
told "how late the generator was" 0 '"slip_share_limit":0.5' "$race" "${poisson[@]}"
# its submit blocked for 50 ms: the latency contains that, and so does the slip, which is flagged
told "a generator that was held up is late" 0 '"late":true' \
    env FAULT=stall FAULT_AT=1500 "$scratch/race" "${poisson[@]}"
told "one processor has no other core" 0 "NOT RUN: placement cross-core needs two processors" \
    taskset -c "$one_cpu" "$race" --describe scenarios/ping_pong.lua
told "which the tournament is told" 0 '"runnable":false,"reason":"placement cross-core' \
    taskset -c "$one_cpu" "$race" --describe scenarios/ping_pong.lua --json

finish
