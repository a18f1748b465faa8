#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the parts of the test. A failing part does not stop the others. One line per part with its time,
# below it what failed; the last line is the sum, "N passed, N failed", and the exit status says the
# same. What each program printed is kept in build/test/PART.log.
#
# What is counted: cmocka tests, conformance cases, checks that print such a line themselves; any
# other program counts as one test, but none if it says "NOT RUN: " and why, which is then told. A
# program that exits non-zero counts at least one failure.
#
# What waits or only computes runs beside others, so that no processor stands idle; what measures, or
# wants the processors for itself, runs alone: builds, unit tests of bench/race, micro, process, limits
# and shim, the self-check, which times the clock, and the storms of stress. The suite may run beside
# others: `make repeat` holds it to that.
#
# A contestant with a fast path runs the suite in each of its modes, auto, forced and disabled, but
# under ThreadSanitizer, where a suite takes longest, not in mode forced: there it would run less of the
# same code, as without a descriptor auto takes the fast path as well. What only forced has, the
# refusals, is in cases that choose the mode themselves and in the random programs, which run in every
# mode everywhere. The price: cases_close, cases_insight and cases_allocator do without descriptors in
# mode forced only, so under ThreadSanitizer they do not see the fast path.
#
# Under a sanitizer one guest runs the suite for all: what they share is the same code in each, and
# their libraries are not instrumented. Released, all of them run the suite, and the storms, in which
# each library has its own limits; `make V=tsan suite && V=tsan scripts/test.sh conformance` has
# all of them under ThreadSanitizer.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2

# build comes before what it builds; each sanitizer builds for itself
default_parts=(tidy build units conformance examples commands models sched asan tsan stress)
variant=${V:-release}
suites_at_once=$(($(nproc) + $(nproc) / 2)) # a released suite waits half of its time

# A sanitizer's report ends the program with a status of its own, which no test uses for itself.
export ASAN_OPTIONS=exitcode=66:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=exitcode=66:halt_on_error=1:second_deadlock_stack=1:history_size=4

usage()
{
    cat <<EOF
usage: [V=VARIANT] scripts/test.sh [PART...]
parts: ${default_parts[*]}
  tidy         style, and the proof of its checks
  build        every program and unit test of the variant
  units        the unit tests
  conformance  the suite with every contestant, in every fast path mode it has; the suite's own test
  examples     common/examples with every contestant
  commands     the test scripts: AREA/test/*.sh
  models       common/models: each holds, each of its variants fails
  sched        random interleavings of contestants without a library under the scheduler, planted faults
  asan, tsan   units, and the suite of natives and one guest, under ASan with UBSan, and under TSan
  stress       storms with a ledger, one minute in all: released, and under both sanitizers
Without a part: all of them, in this order.
EOF
}

# ---- one program ----

counts_in() # counts_in FILE STATUS: prints "PASSED FAILED" as the program reported them
{
    awk -v status="$2" '
        /^NOT RUN: / { skipped = 1 }
        /^[0-9]+ passed, [0-9]+ failed$/ { own = 1; passed = $1; failed = $3 }
        !own && /\[  PASSED  \] [0-9]+ test/ { seen = 1; sub(/.*\] /, ""); cmocka_passed += $1 }
        !own && /\[  FAILED  \] [0-9]+ test/ { seen = 1; sub(/.*\] /, ""); cmocka_failed += $1 }
        END {
            if (!own && seen) { passed = cmocka_passed; failed = cmocka_failed }
            if (!own && !seen && !skipped) { passed = status == 0; failed = status != 0 }
            if (status != 0 && failed == 0) failed = 1
            print passed + 0, failed + 0
        }' "$1"
}

limit_of_part() # seconds for one program
{
    case $part in
    units | examples) echo 60 ;;
    *) echo 600 ;; # a build, a suite, a script
    esac
}

step() # step LABEL COMMAND...: run it, count it, keep its output for the end if it failed
{
    local label=$1 out=build/test/step.out limit_s began=$SECONDS
    limit_s=$(limit_of_part)
    shift
    timeout --foreground -k 10 "$limit_s" "$@" >"$out" 2>&1 </dev/null
    take_step "$label" $? $((SECONDS - began)) "$out" "$@"
}

take_step() # take_step LABEL STATUS SECONDS OUTPUT COMMAND...: count what was run, and keep it
{
    local label=$1 status=$2 seconds=$3 out=$4 passed failed why
    shift 4
    { echo "==== $label: $* (exit $status, $seconds s)"; cat "$out"; } >>"$part_log"
    read -r passed failed < <(counts_in "$out" "$status")
    part_passed=$((part_passed + passed))
    part_failed=$((part_failed + failed))
    grep '^NOT RUN: ' "$out" | sed 's/^/  /' >>build/test/not-run
    [ "$failed" -gt 0 ] || return 0
    why="exit $status"
    [ "$status" -ne 124 ] || why="still running after $limit_s s"
    { echo "  FAILED $label ($why): $*"; tail -n 20 "$out" | sed 's/^/      /'; } >>build/test/failures
    return 1
}

# ---- several programs at once ----

notes=() # label and command of each, quoted

beside() # beside LABEL COMMAND...: as step, but only noted; together() runs what was noted
{
    notes+=("$(printf '%q ' "$@")")
}

run_note() # run_note NUMBER LIMIT LABEL COMMAND...: one of them; leaves output, status and seconds
{
    local out=build/test/beside/$1 began=$SECONDS
    timeout --foreground -k 10 "$2" "${@:4}" >"$out" 2>&1 </dev/null
    echo "$? $((SECONDS - began))" >"$out.status"
}

together() # together [AT_ONCE]: runs what was noted, one per processor, and takes it in that order
{
    local at_once=${1:-$(nproc)} limit_s number command out status seconds
    limit_s=$(limit_of_part)
    rm -rf build/test/beside
    mkdir -p build/test/beside
    export -f run_note
    for number in "${!notes[@]}"; do
        printf '%s\0' "run_note $number $limit_s ${notes[number]}"
    done | xargs -0 -P "$at_once" -n 1 bash -c
    for number in "${!notes[@]}"; do
        eval "command=(${notes[number]})"
        out=build/test/beside/$number
        if [ -f "$out.status" ]; then
            read -r status seconds <"$out.status"
        else # somebody killed it
            status=1 seconds=0
            echo "broke off, or was not begun" >>"$out"
        fi
        take_step "${command[0]}" "$status" "$seconds" "$out" "${command[@]:1}"
    done
    notes=()
}

# ---- the parts ----

contestants()
{
    scripts/library.sh present
}

natives()
{
    scripts/library.sh natives
}

natives_and_a_guest()
{
    natives
    scripts/library.sh guests | tail -n 1 # libuv, where it is there
}

part_tidy()
{
    beside "style" scripts/tidy.sh
    beside "proof of the style checks" scripts/tidy.sh --self-test
    together
}

build_with() # build_with VARIANT GOAL...
{
    step "build of $1" make -k --no-print-directory -j"$(nproc)" "V=$1" "${@:2}"
}

part_build()
{
    build_with "$variant" build unit-programs faulty variants
}

note_units() # what measures runs now and alone, the others are noted
{
    local source how
    for source in bench/*/unit/test_*.c common/unit/test_*.c reports/*/unit/test_*.c; do
        [ -f "$source" ] || continue
        [[ $variant != tsan || $source != reports/* ]] || continue # no threads there
        how=beside
        case $source in bench/race/* | bench/micro/* | bench/process/* | bench/limits/* | bench/shim/*) how=step ;; esac
        "$how" "${source%.c}" "build/$variant/unit/${source%.c}"
    done
}

has_fast_path() # has_fast_path SUITE
{
    ! "$1" --random 1 --seed 1 --mode forced 2>&1 | grep -q 'it has no fast path$'
}

note_conformance() # note_conformance CONTESTANT...
{
    local name mode store suite json programs=20000 modes="forced disabled"
    case $variant in asan | tsan) programs=2000 ;; esac
    [ "$variant" != tsan ] || modes=disabled
    for name in "$@"; do
        suite=build/$variant/$name/conformance
        json=build/test/conformance-$variant-$name.json
        beside "$name" "$suite" --quiet --mode auto --json "$json"
        beside "$name, random programs" "$suite" --random "$programs" --seed 1 --mode auto
        has_fast_path "$suite" || continue
        for mode in $modes; do
            beside "$name, fast path $mode" "$suite" --quiet --mode "$mode"
        done
        for mode in forced disabled; do
            beside "$name, fast path $mode, random programs" \
                "$suite" --random "$programs" --seed 1 --mode "$mode"
        done
    done
    # a variant linked with the other timer store: what has to do with timers, once for each store;
    # before such a variant is raced its own suite runs as a whole
    for store in heap wheel; do
        for name in $(natives); do
            suite=build/$variant/$name/$store/conformance
            [ ! -x "$suite" ] || break
        done
        beside "linked with the $store" "$suite" --quiet --mode auto --clause T # fails if there is none
    done
    # once: the harness is the same in every program
    beside "the suite itself" "build/$variant/$1/conformance" --self-test
}

part_units()
{
    note_units
    together
}

tell_absent() # guests without their library
{
    local name
    for name in $(scripts/library.sh absent); do
        echo "  NOT RUN: $name: $(scripts/library.sh why "$name")" >>build/test/not-run
    done
}

part_conformance()
{
    tell_absent
    local names
    mapfile -t names < <(contestants)
    note_conformance "${names[@]}"
    together "$suites_at_once"
}

part_examples()
{
    local name source example
    for name in $(contestants); do
        for source in common/examples/*.c; do
            example=$(basename "$source" .c)
            step "$example with $name" "build/$variant/$name/example-$example"
        done
    done
}

part_commands()
{
    local script
    build_with "$variant" build faulty # so that no two scripts build the same
    for script in */test/*.sh */*/test/*.sh; do
        case $script in
        bench/selfcheck/*) step "$script" "$script" ;;
        bench/tournament/*) ;;
        *) beside "$script" "$script" ;;
        esac
    done
    together
    # their budgets are seconds: only beside one another, most of them wait
    for script in bench/tournament/test/*.sh; do
        beside "$script" "$script"
    done
    together "$suites_at_once"
}

part_models()
{
    step "models" scripts/models.sh
}

part_sched()
{
    local name goals=()
    for name in $(scripts/library.sh plain); do # it sees no step of a library
        goals+=("build/sched/$name/explore")
        beside "$name" scripts/sched.sh --seconds 4 "$name"
    done
    build_with sched "${goals[@]}"
    together
}

sanitized() # sanitized VARIANT: the suite and the units
{
    local variant=$1 names
    build_with "$variant" suite
    mapfile -t names < <(natives_and_a_guest)
    note_conformance "${names[@]}"
    note_units
    together "$suites_at_once"
}

part_asan()
{
    sanitized asan
}

part_tsan()
{
    sanitized tsan
}

part_stress()
{
    local variant name count
    for variant in release asan tsan; do
        build_with "$variant" stress-programs
    done
    count=$(contestants | wc -w)
    for name in $(contestants); do
        step "$name, released" "build/release/$name/stress" --seconds $((27 / count))
    done
    count=$(natives_and_a_guest | wc -l)
    for name in $(natives_and_a_guest); do
        step "$name, asan" "build/asan/$name/stress" --seconds $((18 / count))
        step "$name, tsan" "build/tsan/$name/stress" --seconds $((18 / count))
    done
}

# ---- all of it ----

run_part() # run_part NAME: its line, then what failed in it
{
    local started=$EPOCHREALTIME word=ok seconds
    part_log=build/test/$1.log
    part_passed=0
    part_failed=0
    : >"$part_log"
    : >build/test/failures
    : >build/test/not-run
    "part_$1"
    seconds=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    [ "$part_failed" -eq 0 ] || word=FAIL
    printf '%-5s %-12s %6s s  %s passed, %s failed\n' \
        "$word" "$1" "$seconds" "$part_passed" "$part_failed"
    cat build/test/not-run build/test/failures
    all_passed=$((all_passed + part_passed))
    all_failed=$((all_failed + part_failed))
}

for part in "$@"; do
    case $part in
    --help | -h) usage; exit 0 ;;
    esac
    if ! declare -F "part_$part" >/dev/null; then
        echo "test: unknown part '$part'" >&2
        usage >&2
        exit 2
    fi
done

mkdir -p build/test
all_passed=0
all_failed=0
[ $# -gt 0 ] || set -- "${default_parts[@]}"
for part in "$@"; do
    run_part "$part"
done
echo "$all_passed passed, $all_failed failed"
[ "$all_failed" -eq 0 ]
