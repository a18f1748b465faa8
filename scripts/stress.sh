#!/bin/bash
# SPDX-License-Identifier: MIT
# Storms over the loops of every contestant, with a ledger that must balance: common/stress, for
# MINUTES in all, one half of it as released, a quarter each under AddressSanitizer and under
# ThreadSanitizer. A failure tells its section and seed, and the command that repeats it.
set -u
cd "$(dirname "$0")/.." || exit 2
export ASAN_OPTIONS=exitcode=66:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=exitcode=66:halt_on_error=1:second_deadlock_stack=1

usage()
{
    echo "usage: scripts/stress.sh [MINUTES] [CONTESTANT...]   (1 minute; all contestants)"
    echo "       SECONDS_IN_ALL=60 instead of minutes, SEED=, ONLY=section, VARIANTS='release asan tsan'"
}

case ${1:-} in
--help | -h) usage; exit 0 ;;
esac
minutes=${1:-1}
if ! [[ $minutes =~ ^[1-9][0-9]*$ ]]; then
    usage >&2
    exit 2
fi
total=${SECONDS_IN_ALL:-$((minutes * 60))}
names=("${@:2}")
if [ ${#names[@]} -eq 0 ]; then
    mapfile -t names <<<"$(scripts/library.sh present)"
fi
read -ra variants <<<"${VARIANTS:-release asan tsan}"
options=()
[ -z "${SEED:-}" ] || options+=(--seed "$SEED")
[ -z "${ONLY:-}" ] || options+=(--only "$ONLY")

parts=0 # in quarters of a contestant's share
for variant in "${variants[@]}"; do
    [ "$variant" = release ] && parts=$((parts + 2)) || parts=$((parts + 1))
done
passed=0
failed=0
for variant in "${variants[@]}"; do
    share=1
    [ "$variant" = release ] && share=2
    seconds=$((total * share / parts / ${#names[@]}))
    [ "$seconds" -gt 0 ] || seconds=1
    for name in "${names[@]}"; do
        program=build/$variant/$name/stress
        echo "$program --seconds $seconds ${options[*]}"
        if "$program" --seconds "$seconds" "${options[@]}"; then
            passed=$((passed + 1))
        else
            echo "FAIL  $program: status $?; again with the seed above: SEED="
            failed=$((failed + 1))
        fi
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
