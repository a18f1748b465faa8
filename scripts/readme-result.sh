#!/bin/bash
# SPDX-License-Identifier: MIT
# Puts the first screen of a run's report into README.md, between its two markers: sentence, trust line,
# facts, matrix. So the result shown there is generated, dated and repeatable, never written by hand.
set -eu
cd "$(dirname "$0")/.."

run=${1:-reports/latest}
report=$run/report.md
if [ ! -f "$report" ]; then
    echo "readme-result.sh: no report at $report; run 'make tournament' or name a run folder" >&2
    exit 2
fi
if grep -q 'PIPELINE CHECK ONLY' "$report"; then
    echo "readme-result.sh: $run is a smoke run, which is no evidence; name another" >&2
    exit 2
fi

first_screen() # the title becomes a quotation; what follows the matrix's key is left out
{
    awk '
        /^# / { sub(/^# /, ""); print "> **" $0 "**"; print ""; on = 1; next }
        /^## Which one to take/ { exit }
        /^## / { next }
        on { print }' "$report"
    echo "Written by \`scripts/readme-result.sh\` from the run \`$(basename "$(readlink -f "$run")")\`."
}

next=$(mktemp)
trap 'rm -f "$next"' EXIT
first_screen >"$next.screen"
awk -v screen="$next.screen" '
    /^<!-- result:/ { print; while ((getline line < screen) > 0) print line; skip = 1; next }
    /^<!-- end of result -->/ { skip = 0 }
    !skip { print }' README.md >"$next"
rm -f "$next.screen"
cat "$next" >README.md
