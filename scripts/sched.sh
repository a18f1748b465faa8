#!/bin/bash
# SPDX-License-Identifier: MIT
# The deterministic scheduler of common/sched: explores the interleavings of every contestant's shipped
# sources, then proves itself: each planted fault, applied to a copy, must be found, and found again
# by the seed that it printed. The last line is "N passed, N failed".
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2

seconds=8
exhaustive=0
seed=1
explore=yes
planted=yes
only=

usage()
{
    cat <<'END'
usage: scripts/sched.sh [OPTION...] [CONTESTANT...]
  --seconds N      random interleavings for N seconds per contestant (8)
  --exhaustive N   then all with at most 2 pre-emptions, for at most N seconds per contestant (0)
  --seed S         the first random run (1)
  --no-planted     no planted faults: common/sched/planted/CONTESTANT-*.patch
  --only-planted   nothing else
END
}

while [ $# -gt 0 ]; do
    case $1 in
    --seconds | --exhaustive | --seed)
        [[ ${2-} =~ ^[0-9]+$ ]] || { echo "sched: $1 needs a number" >&2; exit 2; }
        declare "${1#--}=$2"
        shift
        ;;
    --no-planted) planted=no ;;
    --only-planted) explore=no ;;
    --help | -h) usage; exit 0 ;;
    -*) echo "sched: unknown option '$1'" >&2; usage >&2; exit 2 ;;
    *) only+=" $1" ;;
    esac
    shift
done

names=()
for name in $(scripts/library.sh plain); do # it sees no step of a library
    [ -z "$only" ] || [[ " $only " == *" $name "* ]] || continue
    names+=("$name")
done
[ ${#names[@]} -gt 0 ] || { echo "sched: no contestant named$only" >&2; exit 2; }

passed=0
failed=0
verdict() # verdict STATUS TEXT: count one check; what is in the file "out" explains a failure
{
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok    $2"
    else
        failed=$((failed + 1))
        echo "FAIL  $2"
        tail -n 80 "$out" | sed 's/^/    /'
    fi
}

build() # build FOLDER NAME: explore of that contestant, in that tree
{
    MAKEFLAGS= make -C "$1" --no-print-directory -j"$(nproc)" SETUP=no V=sched \
        "build/sched/$2/explore" >"$out" 2>&1
}

# The tree of a planted fault: what is needed of this one, with its objects, so that only what the
# patch touches is compiled again.
plant() # plant PATCH FOLDER
{
    rm -rf "$2" && mkdir -p "$2" || return 1
    cp -a --parents Makefile scripts/library.sh common/*.[ch] common/{include,parts,api,sched} impls \
        build/sched/obj/{common,impls} "$2" && patch -s -p1 -d "$2" <"$1" >"$out" 2>&1
}

# Found by a lost wake-up or a broken check, and again by the seed that was printed. A patch may name
# the scenario, in a line "scenario: NAME", where one step of few is the only one that shows the fault.
found_and_replayed() # found_and_replayed FOLDER NAME PATCH
{
    local line scenario run
    scenario=$(sed -n 's/^scenario: //p' "$3")
    (cd "$1" && timeout 60 "build/sched/$2/explore" ${scenario:+--scenario "$scenario"} \
        --seconds 40 --seed "$seed") >"$out" 2>&1
    [ $? -eq 1 ] && line=$(grep -m 1 '^FAIL: ' "$out") || return 1
    read -r scenario run < <(sed -n 's/.*--scenario \([^ ]*\) --seed \([0-9]*\) .*/\1 \2/p' "$out")
    [ -n "$run" ] || return 1
    (cd "$1" && timeout 60 "build/sched/$2/explore" --scenario "$scenario" --seed "$run" --runs 1) \
        >"$out" 2>&1
    [ $? -eq 1 ] && grep -qxF -- "$line" "$out" && found="$scenario, seed $run: ${line#FAIL: }"
}

out=$(mktemp)
trap 'rm -f "$out"' EXIT
for name in "${names[@]}"; do
    build . "$name" || { verdict 1 "$name: build"; continue; }
    if [ "$explore" = yes ]; then
        timeout $((seconds + 60)) "build/sched/$name/explore" --seconds "$seconds" --seed "$seed" \
            >"$out" 2>&1
        verdict $? "$name: $(awk '/^ok/ { runs += $3 } END { print runs + 0 }' "$out") random runs"
    fi
    if [ "$explore" = yes ] && [ "$exhaustive" -gt 0 ]; then
        for memory in sc tso; do
            timeout $((exhaustive + 60)) "build/sched/$name/explore" --memory "$memory" \
                --exhaustive 2 --seconds $(((exhaustive + 1) / 2)) >"$out" 2>&1
            verdict $? "$name: $(awk '/^ok/ { runs += $3; done += /complete/ }
                END { print runs + 0 " runs with up to 2 pre-emptions, " done + 0 " of " NR }' "$out") scenarios complete ($memory)"
        done
    fi
    [ "$planted" = yes ] || continue
    for patch in common/sched/planted/"$name"-*.patch; do
        [ -f "$patch" ] || { echo "no fault is planted in $name" >"$out"; verdict 1 "$name: planted"; break; }
        fault=$(basename "$patch" .patch)
        began=$SECONDS
        found=
        plant "$patch" "build/sched/planted/$fault" && build "build/sched/planted/$fault" "$name" &&
            began=$SECONDS && found_and_replayed "build/sched/planted/$fault" "$name" "$patch"
        verdict $? "$fault: found in $((SECONDS - began)) s: $found"
        rm -rf "build/sched/planted/$fault"
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
