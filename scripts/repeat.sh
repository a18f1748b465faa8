#!/bin/bash
# SPDX-License-Identifier: MIT
# The suite N times in a row per contestant, three times over: alone, on one processor, and beside a
# program that burns a processor. Stops a contestant at its first failure, which it prints.
set -u
cd "$(dirname "$0")/.." || exit 2

count=${1:-50}
variant=${V:-release}
if ! [[ $count =~ ^[1-9][0-9]*$ ]] || [ $# -gt 2 ]; then
    echo "usage: [V=VARIANT] scripts/repeat.sh [N] [CONTESTANT]   (not '$*')" >&2
    exit 2
fi
names=("${@:2}")
if [ ${#names[@]} -eq 0 ]; then
    mapfile -t names <<<"$(scripts/library.sh present)"
fi

burner=
stop_burner()
{
    [ -z "$burner" ] || kill "$burner" 2>/dev/null
    burner=
}
trap stop_burner EXIT
out=$(mktemp)
passed=0
failed=0

repeat() # repeat LABEL NAME COMMAND...
{
    local label=$1 name=$2 started=$SECONDS run
    shift 2
    for ((run = 1; run <= count; run++)); do
        if "$@" "build/$variant/$name/conformance" --quiet >"$out" 2>&1; then
            passed=$((passed + 1))
            continue
        fi
        failed=$((failed + 1))
        echo "FAIL  $name $label: run $run of $count"
        sed 's/^/      /' "$out"
        return
    done
    echo "ok    $name $label: $count runs, $((SECONDS - started)) s"
}

for name in "${names[@]}"; do
    repeat "alone" "$name" env
    repeat "on one processor" "$name" taskset -c 0
    (while :; do :; done) &
    burner=$!
    repeat "beside a load" "$name" env
    stop_burner
done
rm -f "$out"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
