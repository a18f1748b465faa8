#!/bin/bash
# SPDX-License-Identifier: MIT
# The same random programs run by Node.js and by a loop of ours: the order of callbacks must be the
# same, in the subset where the contract follows Node.js. Without node nothing is compared, and the
# last line says so. [PROGRAMS=300] [SEED=1]
set -u
export LC_ALL=C
cd "$(dirname "$0")/../../.." || exit 2

suite=build/${V:-release}/mutex/conformance
programs=${PROGRAMS:-300}
seed=${SEED:-1}
least=18 # the order of ticks and microtasks is this since version 11; tried with 20

if ! version=$(node --version 2>/dev/null); then
    echo "NOT RUN: node is not installed, so nothing was compared with Node.js"
    exit 0
fi
major=${version#v}
if [ "${major%%.*}" -lt "$least" ]; then
    echo "NOT RUN: node $version is older than $least, so nothing was compared with Node.js"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$suite" --print-js "$programs" --seed "$seed" >"$work/programs.js" || exit 1
"$suite" --js-traces "$programs" --seed "$seed" >"$work/ours" || exit 1
node "$work/programs.js" >"$work/theirs" || exit 1

failed=0
equal=$(comm -12 <(sort "$work/ours") <(sort "$work/theirs") | wc -l)
echo "compared with Node.js $version: $equal programs of $programs in the same order, seed $seed"
if [ "$equal" -ne "$programs" ] || ! cmp -s "$work/ours" "$work/theirs"; then
    diff "$work/ours" "$work/theirs" | head -n 20
    echo "FAILED: ours is '<', that of Node.js is '>'; a program: --print-js 1 --seed N"
    failed=1
fi

# a comparison that cannot fail proves nothing: microtasks turned into ticks must be seen
sed 's/) microtask(/) tick(/' "$work/programs.js" >"$work/other.js"
node "$work/other.js" >"$work/theirs" || exit 1
if cmp -s "$work/ours" "$work/theirs"; then
    echo "FAILED: microtasks turned into ticks were not seen"
    failed=$((failed + 1))
fi
echo "$((2 - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
