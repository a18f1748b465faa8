#!/bin/bash
# SPDX-License-Identifier: MIT
# `make coverage`: which lines and branches of the library and of the native contestants the tests
# run. Builds with gcov, runs the suite with every contestant in every fast path mode, the random
# programs and the unit tests of common/, and writes build/coverage/{index.html,summary.json,...}.
#
# What stays uncovered must be named, with its reason, in common/unit/uncovered.txt: a line
#   PATH | TEXT OF THE SOURCE LINE, OR * | REASON
# An uncovered line that no entry names fails, and so does an entry that names no uncovered line,
# unless its reason begins with "race:".
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2

lines_min=92
branches_min=80
out=build/coverage
allowed=common/unit/uncovered.txt

if [ $# -gt 0 ]; then
    echo "usage: scripts/coverage.sh   (as make coverage calls it)" >&2
    exit 2
fi

run() # run COMMAND...: one line if it fails; the coverage counts all the same
{
    timeout 900 "$@" >"$out/run.log" 2>&1 </dev/null && return
    failed=$((failed + 1))
    echo "FAIL  $*"
    tail -n 15 "$out/run.log" | sed 's/^/      /'
}

mkdir -p "$out"
failed=0
natives=$(scripts/library.sh natives | paste -sd '|')
find build/cov -name '*.gcda' -delete 2>/dev/null
for name in $(scripts/library.sh natives); do
    loop=impls/$name/loop.c
    suite=build/cov/$name/conformance
    echo "== $name"
    for mode in auto forced disabled; do
        [ "$mode" = auto ] || grep -qs VELO_CAP_FAST_PATH "$loop" || continue
        run "$suite" --quiet --mode "$mode"
        run "$suite" --random 2000 --seed 1 --mode "$mode"
    done
done
echo "== unit tests of common/"
for source in common/unit/test_*.c; do
    run "build/cov/unit/${source%.c}"
done

gcovr --root . --object-directory build/cov/obj build/cov/obj/common build/cov/obj/impls \
    --filter 'common/[^/]*\.[ch]$' --filter 'common/(api|parts)/' --filter "impls/($natives)/" \
    --sonarqube "$out/lines.xml" --txt "$out/summary.txt" --html-details "$out/index.html" \
    --print-summary >"$out/totals.txt" 2>"$out/gcovr.log" || {
    cat "$out/gcovr.log" >&2
    exit 1
}
sed -n '/^File/,$p' "$out/summary.txt"

# Each uncovered line, as PATH:LINE:TEXT.
uncovered()
{
    awk 'BEGIN { RS = "<" }
        /^file path=/ { split($0, part, "\""); path = part[2] }
        /covered="false"/ { split($0, part, "\""); print path, part[2] }' "$out/lines.xml" |
        while read -r path line; do
            echo "$path:$line:$(sed -n "${line}p" "$path")"
        done
}
uncovered >"$out/uncovered.txt"

# Both ways: every uncovered line has an entry, every entry an uncovered line.
awk -v list="$out/uncovered.txt" '
    /^ *(#|$)/ { next }
    { split($0, part, " [|] ")
      entries++; path[entries] = part[1]; text[entries] = part[2]; why[entries] = part[3]; at[entries] = FNR
      if (why[entries] == "") { print FILENAME ":" FNR ": PATH | TEXT | REASON expected"; bad = 1 } }
    END {
        while ((getline line < list) > 0) {
            split(line, part, ":")
            named = 0
            for (i = 1; i <= entries; i++)
                if (path[i] == part[1] && (text[i] == "*" || index(line, text[i]))) {
                    named = 1
                    used[i] = 1
                }
            if (!named) { print line "\n      not covered, and not named in " FILENAME; bad = 1 }
        }
        for (i = 1; i <= entries; i++)
            if (!used[i] && why[i] !~ /^race:/) { print FILENAME ":" at[i] ": names no uncovered line: remove it"; bad = 1 }
        exit bad
    }' "$allowed" || failed=$((failed + 1))

# "lines: 96.2% (3850 out of 4002)"
awk -v lines="$lines_min" -v branches="$branches_min" '
    /^lines:/ { if ($2 + 0 < lines) bad = 1; print $0 ", at least " lines "% wanted" }
    /^branches:/ { if ($2 + 0 < branches) bad = 1; print $0 ", at least " branches "% wanted" }
    END { exit bad }' "$out/totals.txt" || failed=$((failed + 1))

echo "named as uncovered, with reasons: $allowed; every line: $out/index.html"
[ "$failed" -eq 0 ]
