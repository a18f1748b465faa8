#!/bin/bash
# SPDX-License-Identifier: MIT
# Without hyperfine the process lane is NOT RUN, and it is said why; without gnuplot the report is an
# error, but results and verdict are kept.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
mkdir "$sandbox/bin"

path_with() # path_with TOOL...: a PATH with the tools that the fakes need, and these
{
    local tool
    rm -f "$sandbox"/bin/*
    for tool in bash sh cat basename dirname grep sleep git "$@"; do
        ln -sf "$(command -v "$tool")" "$sandbox/bin/$tool"
    done
}

run_with_path()
{
    (cd "$sandbox" && PATH=$sandbox/bin exec build/release/velo tournament --preset smoke --scenarios "$1") \
        >"$sandbox/out" 2>"$sandbox/err" </dev/null
    status=$?
}

path_with gnuplot
run_with_path race,process
check without-hyperfine-it-goes-on "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check without-hyperfine-it-says-so "$(cat "$sandbox/err")" grep -q 'hyperfine is not installed.*NOT RUN.*setup.sh' "$sandbox/err"
check without-hyperfine-on-screen "$(cat "$sandbox/out")" sh -c "tr '\n' ' ' <'$sandbox/out' | tr -s ' ' | grep -q 'not run: .*hyperfine is not installed'"

path_with hyperfine
run_with_path race
dir=$(run_dir)
check without-gnuplot-status-is-1 "it is $status" test "$status" -eq 1
check without-gnuplot-it-says-so "$(cat "$sandbox/err")" grep -q 'gnuplot' "$sandbox/err"
check without-gnuplot-verdict-is-kept "nothing" test -s "$dir/verdict.json" -a -s "$dir/raw.ndjson"
velo report "$(basename "$dir")"
check with-gnuplot-again "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
finish_tests
