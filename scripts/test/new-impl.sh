#!/bin/bash
# SPDX-License-Identifier: MIT
# A new contestant compiles, passes the suite and is in style as it comes; bad names are refused. In a
# copy of the tree, which borrows the objects that are built already.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 2

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
git ls-files -co --exclude-standard | while IFS= read -r file; do
    [ -f "$file" ] && echo "$file"
done | tr '\n' '\0' | xargs -0 cp -p --parents -t "$tree"
if [ -d build/release/obj ]; then
    mkdir -p "$tree/build/release"
    cp -a build/release/obj "$tree/build/release/"
fi
cd "$tree" || exit 2

passed=0
failed=0
check() # check WHAT STATUS TEXT COMMAND...
{
    local what=$1 want=$2 text=$3 got
    shift 3
    timeout 300 "$@" >out 2>&1
    got=$?
    if [ "$got" -eq "$want" ] && grep -qF -- "$text" out; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what: exit $got, not $want, or no '$text': $*"
        tail -n 20 out | sed 's/^/    /'
    fi
}

check 'no name' 2 'make new IMPL=name' scripts/new-impl.sh
check 'a bad name' 2 "'../evil'" scripts/new-impl.sh ../evil
check 'a name of the build' 2 "'unit'" scripts/new-impl.sh unit
check 'a name that is taken' 2 'exists already' scripts/new-impl.sh mutex
check 'a new one' 0 'impls/fresh' make new IMPL=fresh
check 'it compiles' 0 '' make --no-print-directory build/release/fresh/conformance build/release/fresh/race
check 'it passes' 0 ' 0 failed' build/release/fresh/conformance --quiet
check 'under its own name' 0 'fresh (native' build/release/fresh/conformance --clause S1
rm out
git init -q .
check 'it is in style' 0 'files are in order' scripts/tidy.sh

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
