#!/bin/bash
# SPDX-License-Identifier: MIT
# The check with random programs can fail: each planted fault is found, made small, and printed as C
# that compiles and runs; and a seed repeats its program.
cd "$(dirname "$0")/../../.." || exit 2
. scripts/test/check.bash

build=build/${V:-release}
name=mutex
cp "$build/$name/conformance" "$scratch/" || exit 2 # it saves programs beside itself
suite=$scratch/conformance

statements() # how many were left
{
    sed -n 's/^made small: \([0-9]*\) statements of .*/\1/p' "$log"
}

is_found() # is_found STATUS: exit 1, a seed, both traces, a small program
{
    [ "$1" -eq 1 ] && grep -q '^seed [0-9]* fails: ' "$log" &&
        grep -q 'the contract  *the loop$' "$log" && grep -q '^>' "$log" &&
        [ "$(statements)" -ge 1 ] && [ "$(statements)" -le 5 ]
}

compiles_and_runs() # compiles_and_runs FILE: against the sound loop
{
    local flags=()
    case ${V:-release} in
    asan) flags=('-fsanitize=address,undefined') ;;
    tsan) flags=(-fsanitize=thread) ;;
    esac
    "${CC:-cc}" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror "${flags[@]}" -Icommon/include \
        -o "$scratch/program" "$1" "$build"/obj/common/sim/*.o "$build/obj/impls/$name"/*.o \
        "$build/libcommon.a" -pthread -lm >>"$log" 2>&1 &&
        timeout 10 "$scratch/program" >"$scratch/printed" 2>&1 &&
        grep -q 'velo_loop_destroy(loop) = 0' "$scratch/printed"
}

faults=$("$suite" --plant list)
check "there are faults to plant" [ "$(wc -w <<<"$faults")" -ge 10 ]
for fault in $faults; do
    "$suite" --random 3000 --seed 1 --plant "$fault" >"$log" 2>&1
    check "$fault is found and made small" is_found $?
    saved=$(sed -n 's/^as C: //p' "$log")
    check "$fault: the program compiles and runs" compiles_and_runs "$saved"
done

seed=$(sed -n 's/^seed \([0-9]*\) fails: .*/\1/p' "$log")
"$suite" --random 1 --seed "$seed" --plant "$fault" >"$log" 2>&1
check "the seed repeats it" is_found $?
"$suite" --random 50 --seed 1 >"$log" 2>&1
check "without a fault there is none" [ $? -eq 0 ]
"$suite" --random 50 --seed 1 --plant no-such-fault >"$log" 2>&1
check "an unknown fault is wrong use" [ $? -eq 2 ]

"$build/velo" conformance --random 20 --seed 1 >"$log" 2>&1
check "velo runs it for all contestants" [ $? -eq 0 ]
check "and says so" grep -q '^PASSED: random programs, 20 for each' "$log"

finish
