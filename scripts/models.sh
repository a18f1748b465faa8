#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the models of common/models: each as it is, which must hold, and each of its variants, which
# must fail as its header says. Before that, the memory orders that the models state are compared
# with the sources. One line each; the last is "N passed, N failed". All output is in build/models.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2

dir=common/models
out=build/models
limit_s=${VELO_MODEL_LIMIT_S:-300} # of one search

usage()
{
    cat <<'EOF'
usage: scripts/models.sh [--only NAME] [--full] [--orders] [--trace NAME [VARIANT]]
  --only NAME  the models of that name, NAME.cc and NAME.pml
  --full       larger searches: more threads, more tasks; minutes
  --orders     only compare the memory orders with the sources
  --trace      the failing execution of one model, step by step
EOF
}

line() # line ok|FAIL NAME WHAT SECONDS
{
    printf '%-5s %-36s %-38s %6s s\n' "$1" "$2" "$3" "$4"
    echo "$1" >>"$out/verdicts" # of several models at once
}

since() # since EPOCHREALTIME
{
    awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'
}

# ---- the orders that the models state, and those of the sources ----

stated() # stated FILE...: lines MODEL TAG FILE FUNCTION OPERATION ORDERS
{
    awk '
        FNR == 1 { text = "" }
        /^ORDER\(/ { text = " " }
        text != "" {
            text = text $0
            if ($0 ~ /\);/) {
                sub(/^ *ORDER\(/, "", text)
                sub(/\);.*/, "", text)
                gsub(/[" ]/, "", text)
                n = split(text, field, ",")
                print FILENAME, field[2], field[3], field[4], field[5], field[6] (n > 6 ? "," field[7] : "")
                text = ""
            }
        }
        /^ \* source: / { print FILENAME, $3, $4, $5, $6, $7 }' "$@"
}

check_orders() # check_orders MODEL...
{
    local began=$EPOCHREALTIME files wrong
    stated "$@" >"$out/stated"
    files=$(cut -d ' ' -f 3 "$out/stated" | sort -u)
    # shellcheck disable=SC2086 # a list of paths
    awk -f scripts/models/orders.awk $files >"$out/found"
    wrong=$(awk '
        NR == FNR { tags[$1 " " $2 " " $3 " " $4] = tags[$1 " " $2 " " $3 " " $4] $5; next }
        index(tags[$3 " " $4 " " $5 " " $6], "," $2 ",") == 0 {
            printf "%s:1: says that (%s), %s() of %s, is %s %s; the source does not [orders]\n",
                $1, $2, $4, $3, $5, $6
        }' "$out/found" "$out/stated")
    if [ -n "$wrong" ]; then
        printf '%s\n' "$wrong"
        line FAIL "orders as in the sources" "$(wc -l <<<"$wrong") differ" "$(since "$began")"
    else
        line ok "orders as in the sources" "$(wc -l <"$out/stated") operations" "$(since "$began")"
    fi
}

# ---- Relacy ----

relacy_build() # relacy_build NAME
{
    local source=$dir/$1.cc program=$out/$1
    [ "$program" -nt "$source" ] && [ "$program" -nt $dir/model.h ] && return
    rm -f "$program"
    # A destructor marks its object, which the compiler must not leave out: so Relacy sees accesses to
    # freed memory.
    ${CXX:-g++} -std=c++11 -Og -fno-lifetime-dse -Wall -Wextra -Werror -I. -o "$program" "$source" \
        >"$out/$1.log" 2>&1
}

relacy_run() # relacy_run NAME VARIANT: prints RESULT COUNT UNIT
{
    if [ ! -x "$out/$1" ]; then
        echo "uncompiled 0 $out/$1.log"
        return
    fi
    # a variant is seen to fail in the smaller search
    echo "$(timeout "$limit_s" "$out/$1" ${2:-$full}) executions"
}

# ---- Spin ----

spin_build() # spin_build NAME VARIANT: pan in a folder of its own
{
    local folder=$out/$1.${2:-plain}
    local define=${2:-${full:+FULL}}
    mkdir -p "$folder"
    (
        cp "$dir/$1.pml" "$folder" && cd "$folder" || exit 1
        rm -f pan* ./*.trail
        spin ${define:+"-D$define"} -a "$1.pml" && gcc -O1 -w -DSAFETY -DCOLLAPSE -o pan pan.c
    ) >"$folder/log" 2>&1
}

spin_run() # spin_run NAME VARIANT: as relacy_run
{
    local folder=$out/$1.${2:-plain}
    if [ ! -x "$folder/pan" ]; then
        echo "uncompiled 0 $folder/log"
        return
    fi
    (cd "$folder" && timeout "$limit_s" ./pan -m1000000) >"$folder/log" 2>&1
    awk '
        /max search depth too small|out of memory|aborted/ { broken = 1 }
        /^pan:1: invalid end state/ { result = "deadlock" }
        /^pan:1: assertion violated/ { result = "assertion" }
        /states, stored/ { states = $1 }
        /errors: 0$/ && result == "" { result = "ok" }
        END { print (broken || result == "" ? "unfinished" : result), states + 0, "states" }' \
        "$folder/log"
}

# ---- one model ----

variants() # variants FILE: lines VARIANT RESULT
{
    sed -nE 's/^ \* variant: ([A-Z0-9_]+(=[a-z_]+)?) must-fail ([a-z]+) ".*"$/\1 \3/p' "$1"
}

check() # check KIND NAME VARIANT WANTED
{
    local began=$EPOCHREALTIME result count unit what
    read -r result count unit < <("$1_run" "$2" "$3")
    what="${count:-0} ${unit:-}"
    [ "$result" = ok ] || what="${result:-nothing} after $what"
    if [ "$result" = "$4" ]; then
        line ok "$2 $3" "$what" "$(since "$began")"
    else
        line FAIL "$2 $3" "$what, not $4" "$(since "$began")"
    fi
}

at_most() # at_most COUNT: waits until fewer than that many of the shell's own commands run
{
    while [ "$(jobs -rp | wc -l)" -ge "$1" ]; do
        wait -n
    done
}

build_models() # build_models FILE...: all their programs, as many at once as there are processors
{
    local file name variant began=$EPOCHREALTIME
    for file in "$@"; do
        name=$(basename "$file")
        case $file in
        *.cc) echo "relacy_build ${name%.cc}" ;;
        *) { echo; variants "$file"; } | while read -r variant _; do
            echo "spin_build ${name%.pml} $variant"
        done ;;
        esac
    done >"$out/builds"
    while read -r -a command; do
        at_most "$(nproc)"
        "${command[0]}" "${command[1]}" "${command[2]:-}" &
    done <"$out/builds"
    wait
    printf -- '-- %s programs built, %s s\n' "$(wc -l <"$out/builds")" "$(since "$began")"
}

run_models() # run_models FILE...: the same, from the last, Spin's, which take longest; told in order
{
    local file index said
    for ((index = $#; index > 0; index--)); do
        file=${!index}
        at_most "$(nproc)"
        run_model "$file" >"$out/$(basename "$file").said" 2>&1 &
    done
    wait
    for file in "$@"; do
        said=$out/$(basename "$file").said
        cat "$said"
        tail -n 1 "$said" | grep -qE '^   [0-9.]+ s$' || line FAIL "$file" "broke off" 0
    done
}

run_model() # run_model FILE
{
    local name kind=spin variant wanted count=0 began=$EPOCHREALTIME
    name=$(basename "$1")
    [ "${name##*.}" = pml ] || kind=relacy
    name=${name%.*}
    printf '%s\n' "-- $1"
    check "$kind" "$name" "" ok
    while read -r variant wanted; do
        count=$((count + 1))
        check "$kind" "$name" "$variant" "$wanted"
    done < <(variants "$1")
    if [ "$count" -eq 0 ] || [ "$count" -ne "$(grep -c ' variant: ' "$1")" ]; then
        line FAIL "$name" "a line 'variant:' that cannot be read" 0
    fi
    printf '   %s s\n' "$(since "$began")"
}

trace() # trace NAME [VARIANT]
{
    if [ -f "$dir/$1.cc" ]; then
        relacy_build "$1" && "$out/$1" ${2:+"$2"} --trace
    else
        spin_build "$1" "${2:-}" && cd "$out/$1.${2:-plain}" || return 1
        ./pan -i -m1000000 >log 2>&1
        spin ${2:+"-D$2"} -p -k "$1.pml.trail" "$1.pml"
    fi
}

only='*'
full=
while [ $# -gt 0 ]; do
    case $1 in
    --only)
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        only=$2
        shift
        ;;
    --full) full=--full ;;
    --orders) only= ;;
    --trace)
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        mkdir -p $out
        shift
        trace "$@"
        exit
        ;;
    --help | -h) usage; exit 0 ;;
    *)
        echo "models: unknown option '$1'" >&2
        usage >&2
        exit 2
        ;;
    esac
    shift
done

for tool in spin "${CXX:-g++}" gcc; do
    command -v "$tool" >/dev/null && continue
    echo "models: no '$tool'; scripts/setup.sh installs what is missing" >&2
    exit 1
done
mkdir -p $out
: >$out/verdicts
check_orders $dir/*.cc $dir/*.pml
chosen=()
for model in $dir/*.cc $dir/*.pml; do
    name=$(basename "$model")
    # shellcheck disable=SC2053 # a pattern
    [[ ${name%.*} == $only ]] && chosen+=("$model")
done
if [ ${#chosen[@]} -gt 0 ]; then
    build_models "${chosen[@]}"
    run_models "${chosen[@]}"
elif [ -n "$only" ]; then
    line FAIL "$only" "no such model" 0
fi
passed=$(grep -cx ok $out/verdicts)
failed=$(grep -cvx ok $out/verdicts)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
