#!/bin/bash
# SPDX-License-Identifier: MIT
# Style as a test: prints FILE:LINE: what is wrong [check], exits 1 if anything is.
#
# A file is checked as soon as it exists, tracked or not, unless git ignores it. Checks that must
# understand C are small awk programs in scripts/tidy/; the others stand here. clang-tidy, which takes
# minutes, is a step of its own. --self-test plants one violation of each kind and expects the report.
set -u
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
awk_dir=$here/tidy

usage()
{
    cat <<'EOF'
usage: scripts/tidy.sh [--fix] [--clang-tidy] [--self-test] [--root DIR]
  (nothing)     every check but clang-tidy
  --fix         let clang-format rewrite what it can, then check
  --clang-tidy  only clang-tidy, with the settings of .clang-tidy; minutes
  --self-test   prove each check with a planted violation
  --root DIR    check that tree instead of this one
EOF
}

# ---- the files ----

files() # files REGEX: the paths that match; existing, not ignored, in stable order
{
    grep -E -- "$1" "$list" || true
}

with_files() # with_files REGEX COMMAND...: one run of the command on the paths, none without paths
{
    local regex=$1
    shift
    files "$regex" | tr '\n' '\0' | xargs -0 -r "$@"
}

awk_check() # awk_check NAME REGEX [-v x=y]: an awk program of scripts/tidy on the paths
{
    local name=$1 regex=$2
    shift 2
    with_files "$regex" awk "$@" -f "$awk_dir/code.awk" -f "$awk_dir/$name.awk"
}

c_files='\.(c|h|cc)$'
# loops and what they are made of; not the tests, which may use plain atomics and call what they like
library='^(common/[^/]*|common/(include|parts|api|guest)/.*|impls/.*)\.(c|h)$'

# ---- the checks; each prints one line per problem ----

check_format()
{
    with_files "$c_files" clang-format --dry-run -Werror 2>&1 |
        awk -F: '/error: code should be clang-formatted/ && !seen[$1]++ {
            printf "%s:%s: not in the layout of .clang-format; see --fix [format]\n", $1, $2
        }'
}

check_arrows()
{
    awk_check arrows "$c_files" -v list="$list"
}

check_calls()
{
    awk_check calls "$library" | grep -v '^common/core\.[ch]:'
}

check_atomics()
{
    awk_check atomics "$library"
}

check_api()
{
    awk_check api '^common/include/velo\.h$' -v complete=common/conformance/api_complete.c
}

check_clauses()
{
    local contract=common/CONTRACT.md
    [ -f "$contract" ] || return 0
    with_files '^common/conformance/cases_.*\.c$' awk -f "$awk_dir/clauses.awk" "$contract"
}

check_text() # SPDX line, blanks at the end of lines, carriage returns, marks of unfinished work
{
    files '(\.(c|h|cc|sh|awk|lua|gp|7)|(^|/)Makefile|^\.ci/run)$' | while IFS= read -r file; do
        head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' ||
            echo "$file:1: no line 'SPDX-License-Identifier: MIT' on top [spdx]"
    done
    # the context of a patch begins with a blank, also that of an empty line
    with_files '.' grep -nHIE '[[:blank:]]+$' | grep -v '^[^:]*\.patch:' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: blank at the end of the line [blank]/'
    with_files "$c_files" grep -nHE '^.{101,}$' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: longer than 100 columns [columns]/'
    with_files '.' grep -nHI $'\r$' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: carriage return [blank]/'
    with_files '\.(c|h|cc|sh|awk|lua)$' grep -nHIE '\b(TO''DO|FIX''ME|XX''X)\b' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: mark of unfinished work [todo]/'
}

check_folders() # each folder is explained: by its own README.md or by name in its parent's
{
    files '/' | grep -vE '^(\.|build/)' | sed 's|/[^/]*$||' | sort -u | while IFS= read -r folder; do
        while :; do
            echo "$folder"
            case $folder in */*) folder=${folder%/*} ;; *) break ;; esac
        done
    done | sort -u | while IFS= read -r folder; do
        [ -f "$folder/README.md" ] && continue
        case $folder in
        */unit | */test | */mutants | */faulty) continue ;;
        impls/*) ;; # a contestant always explains itself
        */*) grep -qF "$(basename "$folder")" "${folder%/*}/README.md" 2>/dev/null && continue ;;
        esac
        echo "$folder/README.md:1: missing, and no README above names this folder [readme]"
    done
}

headings='Idea|Data structures|Wake protocol|Why it is correct|Where it should win and lose|What it overrides|Sources'
check_headings()
{
    files '^impls/[^/]+/README\.md$' | while IFS= read -r file; do
        tr '|' '\n' <<<"$headings" | while IFS= read -r heading; do
            grep -qE "^##+ $heading\$" "$file" || echo "$file:1: no heading '## $heading' [headings]"
        done
    done
}

check_output() # nothing that was built or generated is tracked
{
    [ -d .git ] || return 0
    git ls-files | grep -E '^build/|^reports/(runs/|latest)|\.(o|a|d|so|gcda|gcno|profraw)$' |
        sed 's/$/:1: build output is tracked [output]/'
}

list_sizes()
{
    awk_check sizes "$c_files"
}

# ---- modes ----

run_checks()
{
    local found
    found=$(for check in format arrows calls atomics api clauses text folders headings output; do
        "check_$check"
    done)
    list_sizes
    if [ -n "$found" ]; then
        printf '%s\n' "$found"
        echo "tidy: $(wc -l <<<"$found") problems in $(wc -l <"$list") files" >&2
        return 1
    fi
    echo "tidy: $(wc -l <"$list") files are in order"
}

run_clang_tidy()
{
    local flags
    mapfile -t flags < <({ pkg-config --cflags-only-I lua5.4
        for name in $(scripts/library.sh present); do scripts/library.sh cflags "$name"; done
    } | xargs -n 1 | sort -u)
    files '\.c$' | tr '\n' '\0' | xargs -0 -r -P "$(nproc)" -I '{}' \
        clang-tidy --quiet '{}' -- -std=c11 -D_GNU_SOURCE -Icommon/include -I. "${flags[@]}"
}

fix=no
mode=checks
root=$here/..
while [ $# -gt 0 ]; do
    case $1 in
    --fix) fix=yes ;;
    --clang-tidy) mode=clang_tidy ;;
    --self-test) exec "$awk_dir/self-test.sh" ;;
    --root)
        [ $# -ge 2 ] || { echo "tidy: --root needs a folder" >&2; exit 2; }
        root=$2
        shift
        ;;
    --help | -h) usage; exit 0 ;;
    *)
        echo "tidy: unknown option '$1'" >&2
        usage >&2
        exit 2
        ;;
    esac
    shift
done

cd "$root" || exit 2
list=$(mktemp)
trap 'rm -f "$list"' EXIT
if [ -e .git ]; then
    git ls-files -co --exclude-standard
else
    find . -type f -not -path './build/*' -not -path './reports/runs/*' | sed 's|^\./||'
fi | sort -u | while IFS= read -r file; do [ -f "$file" ] && [ ! -L "$file" ] && echo "$file"; done >"$list"

if [ "$fix" = yes ]; then
    with_files "$c_files" clang-format -i
fi
"run_$mode"
