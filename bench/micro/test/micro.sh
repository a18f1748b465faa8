#!/bin/bash
# SPDX-License-Identifier: MIT
# The micro and the process program of every contestant: each case runs and verifies itself, bad input is
# refused with words, and a loop that loses, doubles or reorders a task gets no number.
# Needs a build. V= picks the variant. The last line is "N passed, N failed".
set -u
export LC_ALL=C
cd "$(dirname "$0")/../../.." || exit 2
B=build/${V:-release}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0

check() # check WHAT STATUS TEXT COMMAND...: exit status and a fixed text in its output
{
    local what=$1 want=$2 text=$3 got
    shift 3
    timeout 60 "$@" >"$tmp/out" 2>"$tmp/err"
    got=$?
    if [ "$got" -eq "$want" ] && { [ -z "$text" ] || grep -qF -- "$text" "$tmp/out" "$tmp/err"; }; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAILED $what: exit $got, not $want, or no '$text' in what it said: $*"
    head -c 600 "$tmp/out" "$tmp/err"
}

contestants=()
for loop in impls/*/loop.c; do
    name=$(basename "$(dirname "$loop")")
    if [ -x "$B/$name/micro" ] && [ -x "$B/$name/process" ]; then
        contestants+=("$name")
    else
        echo "FAILED $name: $B/$name/micro and process are not built"
        failed=$((failed + 1))
    fi
done
if [ ${#contestants[@]} -eq 0 ]; then
    echo "$passed passed, $failed failed"
    exit 1
fi
first=${contestants[0]}

# ---- every case of every contestant ----
for name in "${contestants[@]}"; do
    micro=$B/$name/micro
    check "$name lists its cases" 0 '"scenario":"submit"' "$micro" --list --json
    while read -r case point; do
        check "$name $case $point" 0 '"ok":true' "$micro" --case "$case" --point "$point" --window-ms 4
    done < <("$micro" --list --json | grep -o '"scenario":"[^"]*"\|"id":"[^"]*"' |
        awk -F'"' '$2 == "scenario" { name = $4 } $2 == "id" { print name, $4 }')
    check "$name whole program" 0 "" "$B/$name/process" --tasks 5000
    check "$name whole program, one task" 0 "" "$B/$name/process" --tasks 1
    check "$name on one processor" 0 '"ok":true' \
        taskset -c "$(taskset -cp $$ | sed 's/.*[: ]\([0-9]*\).*/\1/')" "$micro" --case submit --window-ms 4
done

# ---- bad input ----
micro=$B/$first/micro
check "no case" 2 "--case is missing" "$micro"
check "unknown case" 2 "no case 'sumbit'" "$micro" --case sumbit
check "unknown point" 2 "has no point 'n=9'" "$micro" --case submit_many/n=9
check "no window" 2 "--window-ms 0" "$micro" --case submit --window-ms 0
check "negative window" 2 "--window-ms -5" "$micro" --case submit --window-ms -5
check "bad seed" 2 "--seed x" "$micro" --case submit --seed x
check "bad variant" 2 "--variant fast" "$micro" --case submit --variant fast
check "unknown option" 2 "--fast is unknown" "$micro" --fast
check "missing value" 2 "--case needs a value" "$micro" --case
check "stray argument" 2 "unexpected argument 'submit'" "$micro" --list submit
check "flag of a newer library" 2 "plain number" "$micro" --case submit --benchmark_min_time=0.05s
check "flag of no library" 2 "no such flag" "$micro" --case submit --benchmark_fitler=x
check "measuring by environment" 2 "BENCHMARK_REPETITIONS" \
    env BENCHMARK_REPETITIONS=5 "$micro" --case submit
check "the library's own file" 0 '"ok":true' \
    "$micro" --case empty_turn --window-ms 4 "--benchmark_out=$tmp/gb.json"
check "its context" 0 "\"contestant\": \"$first\"" cat "$tmp/gb.json"
check "no tasks" 2 "--tasks 0" "$B/$first/process" --tasks 0
check "tasks of another kind" 2 "--tasks many" "$B/$first/process" --tasks many
check "no argument" 2 "give --tasks N" "$B/$first/process"

# ---- faults ----
link() # link PROGRAM LINKER OBJECT...: the program of the first contestant, with lossy.c in between
{
    local out=$tmp/$1 linker=$2
    shift 2
    # shellcheck disable=SC2046,SC2086
    $linker -pthread ${sanitize:-} -Wl,--wrap=velo_submit -o "$out" "$@" "$tmp/lossy.o" \
        "$B"/obj/impls/"$first"/*.o "$B/libcommon.a" $(pkg-config --libs benchmark jansson) -lm
}
case ${V:-release} in
asan) sanitize=-fsanitize=address,undefined ;;
tsan) sanitize=-fsanitize=thread ;;
cov) sanitize=--coverage ;;
esac
# shellcheck disable=SC2086
cc -std=c11 -D_GNU_SOURCE -Icommon/include ${sanitize:-} -c -o "$tmp/lossy.o" bench/micro/test/lossy.c
link micro c++ "$B"/obj/bench/micro/*.o "$B"/obj/bench/shim/*.o "$B/libbench.a"
link process cc "$B"/obj/bench/process/*.o

fault() # fault WHAT AT TEXT COMMAND...
{
    local what=$1 at=$2 text=$3
    shift 3
    check "a loop that may $what: ${*##*/}" 1 "$text" env FAULT="$what" FAULT_AT="$at" "$@"
}
fault lose 2000 "lost 1 of" "$tmp/micro" --case owner_submit --window-ms 4
fault double 2000 " callbacks ran for " "$tmp/micro" --case owner_submit --window-ms 4
fault swap 2000 "2 of " "$tmp/micro" --case owner_submit --window-ms 4
fault swap 2000 "came out of order" "$tmp/micro" --case submit --window-ms 4
fault lose 2000 "received nothing for 5 s" "$tmp/micro" --case submit --window-ms 4
fault lose 100 "999 tasks ran" "$tmp/process" --tasks 1000
fault double 100 "1001 tasks ran" "$tmp/process" --tasks 1000
fault swap 100 "2 of them out of order" "$tmp/process" --tasks 1000

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
