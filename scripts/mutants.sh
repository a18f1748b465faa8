#!/bin/bash
# SPDX-License-Identifier: MIT
# Does the conformance suite find faults? Each patch of common/conformance/mutants/ brings one back and
# names the clause that must notice. Every mutant is built in a copy of the tree and must be killed: a
# case that cites the clause fails, within the time limit, and passes in the copy without the patch.
#
# A copy of the tree with its objects (OUT/base) is made once; a mutant starts from a copy of that, so
# it compiles what its patch touches and nothing else. One worker per processor. The variant is
# release, for the suite must kill and not an assertion, unless the patch has a line "Variant: debug":
# then its race is forced by schedule points, which release has not. Cases run one by one, each a
# program of its own, until one fails.
set -u
export LC_ALL=C
export MALLOC_PERTURB_=201 # what was freed does not look sound
cd "$(dirname "$0")/.." || exit 2

usage()
{
    cat <<'EOF'
usage: scripts/mutants.sh [options]
  --only GLOB     only the mutants whose name matches
  --list          name, contestant, clauses and fault of each; nothing is run
  --all           run every case of the named clauses, to see all that kill; slow
  --jobs N        how many at once; default: one per processor
  --gallery DIR   other patches than those of common/conformance/mutants
  --out DIR       where to build and report, below build/; default: build/mutants
  --refresh       no test: rewrite the patches that apply with less context than they have
Exit: 0 every mutant was killed, 1 not so, 2 wrong use. Reports: OUT/matrix.md, OUT/matrix.json.
EOF
}

wrong_use()
{
    echo "mutants: $1; see --help" >&2
    exit 2
}

absent='' # " NAME NAME ", none where nothing is run
only='*' mode=run all=no jobs=$(nproc) gallery=common/conformance/mutants out=build/mutants
while [ $# -gt 0 ]; do
    case $1 in
    --only | --jobs | --gallery | --out)
        [ $# -ge 2 ] || wrong_use "$1 needs a value"
        declare "${1#--}=$2"
        shift
        ;;
    --list) mode=list ;;
    --refresh) mode=refresh ;;
    --all) all=yes ;;
    --help | -h) usage; exit 0 ;;
    *) wrong_use "unknown option '$1'" ;;
    esac
    shift
done
[[ $jobs =~ ^[1-9][0-9]?$ ]] || wrong_use "--jobs '$jobs' is not a number from 1 to 99"
[ -d "$gallery" ] || wrong_use "there is no gallery '$gallery'"
[[ $out == build/?* && $out != *..* ]] || wrong_use "--out '$out' is not below build/"

# ---- the gallery ----

names() # the mutants that were asked for, but those of [absent] contestants
{
    local patch name
    for patch in "$gallery"/*.patch; do
        name=$(basename "$patch" .patch)
        # shellcheck disable=SC2053 # a pattern
        [[ -f $patch && $name == $only ]] || continue
        [[ $absent != *" $(field "$name" Contestant) "* ]] && echo "$name"
    done
}

tell_absent() # whose library is missing, and what that leaves out
{
    local guest
    for guest in $absent; do
        grep -lx "Contestant: $guest" "$gallery"/*.patch | sed 's|.*/||; s|\.patch$||' |
            while IFS= read -r name; do
                # shellcheck disable=SC2053 # a pattern
                [[ $name == $only ]] && echo "NOT RUN: $name: $(scripts/library.sh why "$guest")"
            done
    done
}

field() # field NAME KEY: a line of the patch's head; nothing if it has none
{
    sed -n "/^--- /q; s/^$2: *//p" "$gallery/$1.patch"
}

bad_head() # bad_head NAME: prints what is wrong; false if nothing is
{
    local word patch=$gallery/$1.patch
    for word in Name Fault Trap Contestant Clause; do
        [ -n "$(field "$1" $word)" ] || { echo "no line '$word:'"; return; }
    done
    [ "$(field "$1" Name)" = "$1" ] || { echo "Name is not that of the file"; return; }
    for word in $(field "$1" Contestant); do
        [ -f "impls/$word/loop.c" ] || { echo "no contestant '$word'"; return; }
    done
    for word in $(field "$1" Clause); do
        grep -qE "^- \*\*$word\*\*" common/CONTRACT.md || { echo "no clause '$word'"; return; }
    done
    [[ $(field "$1" Variant) =~ ^(release|debug)?$ ]] || { echo "no such variant"; return; }
    [[ $(field "$1" Mode) =~ ^(auto|forced|disabled)?$ ]] || { echo "no such mode"; return; }
    [[ $(field "$1" Limit-s) =~ ^([1-9][0-9]*)?$ ]] || { echo "Limit-s is no number"; return; }
    if ! grep -qE '^\+\+\+ b/(common|impls)/' "$patch" ||
        grep -E '^(---|\+\+\+) ' "$patch" | grep -qvE ' [ab]/(common|impls)/' ||
        grep -qE '^(---|\+\+\+) [ab]/common/(conformance|sim|unit)/' "$patch"; then
        echo "it must change the library, and nothing else"
        return
    fi
    return 1
}

apply() # apply TREE NAME [OPTION...]: other line numbers are fine, other context is not
{
    # without the ceiling git would take the outer tree for the one to patch
    GIT_CEILING_DIRECTORIES=$PWD/$out git -C "$out/$1" apply "${@:3}" "$(realpath "$gallery/$2.patch")"
}

# ---- copies of the tree ----

copy_sources() # copy_sources TO
{
    git ls-files -co --exclude-standard -- Makefile scripts/library.sh common impls | while IFS= read -r file; do
        [ -f "$file" ] && echo "$file"
    done | tr '\n' '\0' | xargs -0 cp -p --parents -t "$1"
}

make_in() # make_in TREE JOBS VARIANT CONTESTANT...: builds their conformance programs
{
    local programs=("${@:4}")
    programs=("${programs[@]/#/build/$3/}")
    timeout --foreground 600 make --no-print-directory -C "$out/$1" "-j$2" V="$3" \
        "${programs[@]/%//conformance}" </dev/null
}

variant_of() # variant_of NAME
{
    local variant
    variant=$(field "$1" Variant)
    echo "${variant:-release}"
}

contestants_of() # contestants_of VARIANT: who has a mutant that is built so
{
    names | while IFS= read -r name; do
        [ "$(variant_of "$name")" = "$1" ] && field "$name" Contestant | tr ' ' '\n'
    done | sort -u | while IFS= read -r name; do
        scripts/library.sh present | grep -xF "$name"
    done
}

prepare_base()
{
    local variant contestants
    mkdir -p "$out/base"
    copy_sources "$out/base"
    for variant in release debug; do
        mapfile -t contestants < <(contestants_of $variant)
        [ ${#contestants[@]} -gt 0 ] || continue
        mkdir -p "$out/base/build/$variant/obj"
        if [ -d build/$variant/obj/impls ]; then # what is up to date need not be compiled again
            cp -a build/$variant/obj/common build/$variant/obj/impls "$out/base/build/$variant/obj/"
        fi
        make_in base "$jobs" $variant "${contestants[@]}" >>"$out/logs/base" 2>&1 || no_base
    done
}

no_base()
{
    echo "mutants: the tree without a mutant does not build:" >&2
    tail -n 20 "$out/logs/base" >&2
    exit 1
}

# ---- one mutant ----

cases_of() # cases_of PROGRAM CLAUSE FILTER
{
    "$1" --list --clause "$2" ${3:+--filter "$3"} 2>/dev/null | awk '{ print $NF }'
}

fails() # fails TREE CONTESTANT MODE CASE SECONDS [TIMES]: does it fail there? Not: was it too slow
{
    local status
    # most cases have 20 s by themselves
    timeout --foreground -k 5 "$5" "$out/$1/build/$variant/$2/conformance" --quiet --filter "$4" \
        --mode "$3" --repeat "${6:-1}" </dev/null >"$log.case" 2>&1
    status=$?
    { echo "==== $1, $2 in mode $3: $4 (exit $status)"; cat "$log.case"; } >>"$log"
    [ $status -ne 0 ] && [ $status -ne 124 ]
}

kill_by() # kill_by NAME TREE CONTESTANT: sets killers, or remark; false: it lives
{
    local program=$out/$2/build/$variant/$3/conformance began=$SECONDS seen=' '
    local clause case left path limit filter
    path=$(field "$1" Mode) limit=$(field "$1" Limit-s) filter=$(field "$1" Case)
    path=${path:-auto} limit=${limit:-60} killers='' remark=''
    for clause in $(field "$1" Clause); do
        for case in $(cases_of "$program" "$clause" "$filter"); do
            [[ $seen != *" $case "* ]] || continue
            seen+="$case "
            left=$((limit - (SECONDS - began)))
            [ $left -gt 0 ] || { remark="not within $limit s"; return 1; }
            fails "$2" "$3" "$path" "$case" "$left" || continue
            if fails base "$3" "$path" "$case" 90 3; then # so a case that is moody kills nothing
                remark="$case fails without the mutant, too"
                return 1
            fi
            killers+="${killers:+ }$clause:$case"
            [ "$all" = yes ] || return 0
        done
    done
    [ "$seen" != ' ' ] || remark="no case fits"
    [ -n "$killers" ]
}

try() # try NAME TREE: prints "VERDICT|KILLERS|SECONDS|REMARK"
{
    local contestants contestant variant began=$EPOCHREALTIME verdict=killed all_killers='' killers='' remark=''
    read -ra contestants < <(field "$1" Contestant)
    variant=$(variant_of "$1")
    if remark=$(bad_head "$1"); then
        verdict='bad head'
    elif ! rm -rf "${out:?}/$2" || ! cp -a "$out/base" "$out/$2" || ! apply "$2" "$1" >>"$log" 2>&1; then
        verdict='does not apply'
    elif ! make_in "$2" 1 "$variant" "${contestants[@]}" >>"$log" 2>&1; then
        verdict='does not build'
    else
        for contestant in "${contestants[@]}"; do
            kill_by "$1" "$2" "$contestant" || verdict=survived
            all_killers+="${all_killers:+ }$killers"
        done
    fi
    printf '%s|%s|%s|%s\n' "$verdict" "$all_killers" \
        "$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')" "$remark"
}

tell() # tell NAME: its line, and how long the rest will take
{
    local ended verdict killers seconds remark word=ok
    IFS='|' read -r verdict killers seconds remark <"$out/results/$1"
    ended=$(find "$out/results" -type f | wc -l)
    [ "$verdict" = killed ] || word=FAIL
    printf '%-4s %3d/%d  %-26s %s in %s s  %s%s  [%d s to go]\n' $word "$ended" "$total" "$1" \
        "$verdict" "$seconds" "$killers" "${remark:+ ($remark)}" \
        $(((SECONDS - started) * (total - ended) / ended))
    [ $word = ok ] || tail -n 12 "$out/logs/$1" 2>/dev/null | sed 's/^/       | /'
}

worker() # worker NUMBER: takes mutants until none is left
{
    local name log
    names | while IFS= read -r name; do
        mkdir "$out/claims/$name" 2>/dev/null || continue # another has it
        log=$out/logs/$name
        try "$name" "tree-$1" >"$out/claims/$name/result"
        mv "$out/claims/$name/result" "$out/results/$name"
        rm -f "$log.case"
        tell "$name"
    done
    rm -rf "${out:?}/tree-$1"
}

# ---- reports ----

rows() # rows FORMAT: printf of name, verdict, contestant, clauses, killers, seconds, remark, fault
{
    local name verdict killers seconds remark
    names | while IFS= read -r name; do
        IFS='|' read -r verdict killers seconds remark <"$out/results/$name"
        # shellcheck disable=SC2059 # the format is the caller's
        printf "$1" "$name" "$verdict" "$(field "$name" Contestant)" "$(field "$name" Clause)" \
            "$killers" "$seconds" "$remark" "$(field "$name" Fault)"
    done
}

write_json()
{
    echo '{ "schema": 1, "mutants": ['
    rows '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' | sed 's/\\/\\\\/g; s/"/\\"/g' | awk -F '\t' '
        function list(text, n, i, words, out) {
            n = split(text, words, " ")
            for (i = 1; i <= n; i++) out = out (i > 1 ? ", " : "") "\"" words[i] "\""
            return "[" out "]"
        }
        NR > 1 { print "," }
        {
            printf "  { \"name\": \"%s\", \"result\": \"%s\", \"seconds\": %s,\n", $1, $2, $6
            printf "    \"contestants\": %s, \"clauses\": %s,\n", list($3), list($4)
            printf "    \"killed_by\": %s,\n    \"fault\": \"%s\", \"remark\": \"%s\" }", list($5), $8, $7
        }
        END { print "" }'
    echo '] }'
}

write_matrix() # the kill matrix, as Markdown and as JSON
{
    {
        echo '| mutant | result | contestant | must notice | clause:case that killed it | s |'
        echo '|---|---|---|---|---|---|'
        rows '| %s | %s | %s | %s | %s | %s |%.0s%.0s\n'
    } >"$out/matrix.md"
    write_json >"$out/matrix.json"
}

report()
{
    local failed
    write_matrix
    failed=$(grep -L '^killed|' "$out"/results/* | wc -l)
    echo
    sed '2d; s/^| //; s/ |$//' "$out/matrix.md" | awk -F ' [|] ' '
        {
            for (i = 1; i <= 6; i++) {
                cell[NR, i] = $i
                if (length($i) > wide[i]) wide[i] = length($i)
            }
        }
        END {
            for (row = 1; row <= NR; row++) {
                for (i = 1; i <= 5; i++) printf "%-*s  ", wide[i], cell[row, i]
                printf "%5s\n", cell[row, 6]
            }
        }'
    echo
    echo "$out/matrix.md, $out/matrix.json; what was printed: $out/logs/"
    echo "$((total - failed)) passed, $failed failed"
    [ "$failed" -eq 0 ]
}

# ---- what was asked for ----

list()
{
    local name
    names | while IFS= read -r name; do
        printf '%-26s %-10s %-8s %s\n' "$name" "$(field "$name" Contestant)" "$(field "$name" Clause)" \
            "$(field "$name" Fault)"
    done
}

refresh() # a patch that applies with one line of context is written anew behind its head
{
    local name patch failed=0
    rm -rf "${out:?}/a" "${out:?}/b"
    mkdir -p "$out/a"
    copy_sources "$out/a"
    while IFS= read -r name; do
        patch=$gallery/$name.patch
        rm -rf "${out:?}/b" && cp -a "$out/a" "$out/b"
        apply b "$name" 2>/dev/null && continue
        if ! apply b "$name" -C1 2>/dev/null; then
            echo "does not apply any more: $name"
            failed=1
            continue
        fi
        {
            sed '/^--- /,$d' "$patch"
            # no times, and no blanks in empty lines of context
            (cd "$out" && diff -U2 -r a b) | sed -E '/^diff /d; s/^((---|\+\+\+) [^\t]*)\t.*/\1/; s/^ +$//'
        } >"$out/new.patch"
        mv "$out/new.patch" "$patch"
        echo "refreshed: $name"
    done < <(names)
    rm -rf "${out:?}/a" "${out:?}/b"
    return $failed
}

stop()
{
    local pid
    trap '' INT TERM
    echo "mutants: stopped" >&2
    for pid in "${workers[@]}"; do
        kill -TERM -- "-$pid" 2>/dev/null
    done
    wait
    exit 130
}

if [ $mode = run ]; then
    absent=" $(scripts/library.sh absent | tr '\n' ' ')"
    tell_absent
fi
total=$(names | wc -l)
[ "$total" -gt 0 ] || wrong_use "no mutant matches '$only'"
case $mode in
list) list; exit ;;
refresh) refresh; exit ;;
esac
rm -rf "${out:?}"
mkdir -p "$out/logs" "$out/results" "$out/claims"
echo "mutants: $total, $jobs at once; first the tree without a mutant"
prepare_base
workers=()
trap stop INT TERM
started=$SECONDS
set -m # a process group for each worker, so that it can be stopped with all that it started
for ((i = 1; i <= jobs; i++)); do
    worker "$i" &
    workers+=($!)
done
set +m
wait
rm -rf "${out:?}/base" "${out:?}/claims"
report
