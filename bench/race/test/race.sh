#!/bin/bash
# SPDX-License-Identifier: MIT
# The race program of every contestant: each point of each scenario runs and verifies itself, bad
# input is refused with words, and a run tells of itself what the tournament needs. Faults: faults.sh.
# Needs a build. V= picks the variant. The last line is "N passed, N failed".
cd "$(dirname "$0")/../../.." || exit 2
. scripts/test/check.bash
B=build/${V:-release}

mapfile -t contestants <<<"$(scripts/library.sh present)"
first=${contestants[0]:?no contestant in impls/}
one_cpu=$(taskset -cp $$ | sed 's/.*[: ]\([0-9]*\).*/\1/')

points_of() # points_of RACE SCRIPT: the ids of the points that this contestant can run, and "*" if core
{
    "$1" --describe "$2" | awk '/^  [^ ]/ && / (spread|free|same-core|cross-core) / && !/NOT RUN/ {
        print $1, $2 == "*" ? $2 : "" }'
}

# ---- every scenario by every contestant, every point by one of them ----
# Each runs the first point of each scenario, the core points, and its share of the others; two at a
# time, as half of the time is waiting, and no number is looked at.
turn=0
for name in "${contestants[@]}"; do
    race=$B/$name/race
    number=0
    for script in scenarios/*.lua; do
        beside told "$name describes $script" 0 '"scenario":"'"$(basename "$script" .lua)"'"' \
            "$race" --describe "$script" --json
        first_point=yes
        while read -r point core; do
            number=$((number + 1))
            if [ $first_point = yes ] || [ -n "$core" ] ||
                [ $((number % ${#contestants[@]})) -eq $turn ]; then
                beside told "$name $script $point" 0 '"ok":true' \
                    "$race" --scenario "$script" --point "$point" --window-ms 10
            fi
            first_point=no
        done < <(points_of "$race" "$script")
    done
    turn=$((turn + 1))
    beside told "$name on one processor" 0 '"placement":"same-core"' taskset -c "$one_cpu" \
        "$race" --scenario scenarios/producers.lua --point threads=2,batch=8 --window-ms 10
    beside told "$name without pinning" 0 '"placement":"free"' \
        "$race" --scenario scenarios/burst.lua --point n=64 --window-ms 10 --placement free
    beside told "$name at a given rate" 0 '"common_rate_source":"given"' "$race" \
        --scenario scenarios/poisson.lua --point percent=60 --window-ms 10 --common-rate 100000
done
together

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
# What is refused, and why: who is linked otherwise, who lacks the capability, by its source, and what
# burst has no setting for.
declares() # declares CONTESTANT CAPABILITY
{
    grep -qw "VELO_CAP_$2" impls/"$1"/*.c
}
for name in "${contestants[@]}"; do
    race=$B/$name/race
    while read -r line; do
        variant=${line%% *} needs=$(cut -c 12-21 <<<"$line" | tr -d ' ')
        status=0 text="\"variant\":\"$variant\""
        if [ "$variant" = heap ] || [ "$variant" = wheel ]; then
            status=2 text="variant '$variant' is linked with other parts"
        elif [ -n "$needs" ] && ! declares "$name" "$needs"; then
            status=2 text="has no variant '$variant': it does not offer $needs"
        elif [ "$variant" = edge ]; then
            status=2 text="variant 'edge' would change nothing here"
        fi
        beside told "$name, variant $variant" $status "$text" "$race" \
            --scenario scenarios/burst.lua --point n=64 --window-ms 5 --variant "$variant"
    done < <("$race" --variants)
done
together

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
told "one processor has no other core" 0 "NOT RUN: placement cross-core needs two processors" \
    taskset -c "$one_cpu" "$race" --describe scenarios/ping_pong.lua
told "which the tournament is told" 0 '"runnable":false,"reason":"placement cross-core' \
    taskset -c "$one_cpu" "$race" --describe scenarios/ping_pong.lua --json

finish
