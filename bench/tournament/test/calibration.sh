#!/bin/bash
# SPDX-License-Identifier: MIT
# The prices of the machine beside each block: measured where the cell has a limit and nowhere else;
# a planted drift drops the comparison and no verdict; velo verify computes all of it again.
. "$(dirname "$0")/sandbox.bash"
. "$(dirname "$0")/forge.bash"
make_sandbox
echo '-- ping_pong' >"$sandbox/scenarios/ping_pong.lua" # a limit: L4, the price of a line
limits=$sandbox/build/release

race() # race SEED: a tournament of both scenarios
{
    velo tournament --scenarios alpha,ping_pong --budget 60s --seed "$1"
}

# row KEY: what the verdict says of quick in ping_pong n=1
row()
{
    perl -0777 -ne 'while (/\{[^{}]*"params": \{[^{}]*\}[^{}]*\}/g) { my $o = $&;
        next unless $o =~ /"scenario": "ping_pong"/ && $o =~ /"contestant": "quick"/ && $o =~ /"primary": true/;
        print "$1\n" if $o =~ /"'"$1"'": ("[^"]*"|[^,\s}]+)/ }' "$(run_dir)/verdict.json" | head -n 1
}

# ---- an honest run ----
race 5
keep_honest
blocks=$(grep -c '"type":"block"' "$honest/$journal")
with=$(grep -c '"type":"block".*"calibration":{"before":' "$honest/$journal")
check some-blocks-are-calibrated "$with of $blocks" test "$with" -gt 0 -a "$with" -lt "$blocks"
check cells-without-a-limit-are-not "$(grep -c '"scenario":"alpha"' "$honest/$journal")" \
    sh -c "! grep '\"type\":\"block\",\"cell\":0' '$honest/$journal' | grep -q calibration"
check limit-holds "no" grep -q '"drift":0.0,"limit_holds":true' "$honest/$journal"
check multiple-of-its-own-block "$(row x_limit)" sh -c "echo '$(row x_limit)' | grep -Eq '^1\.[0-5]'"
check limit-from-beside "$(row limit_from)" test "$(row limit_from)" = '"beside"'
check report-shows-the-multiple "no" grep -q 'limit L4' "$honest/report.md"
velo verify "$id"
check honest-run-passes "$(cat "$sandbox/out")" test "$status" -eq 0
check verify-counts-limits "$(cat "$sandbox/out")" said '^  limits  *[1-9]'

# ---- forgers: the chain is made right again, the numbers are not ----
forge() # forge NAME PATTERN PERL: by a careful forger, in the first calibrated line
{
    careful "$1" "$2" "$journal" "if (!\$done && /\"calibration\":\{/) { $3; \$done = 1 }"
}
forge price-lowered 'calibration.before\[0\].median' 's/"median":50/"median":25/'
forge price-and-repetitions-lowered 'calibration.before\[1\].median' \
    's/"median":50/"median":45/; s/"reps":\[50,50,50,50,50\]/"reps":[45,45,45,45,45]/; s/"min":50/"min":45/; s/"max":50/"max":45/'
forge limit-not-of-its-parts 'calibration.before\[1\].median' 's/("id":"L4","unit":"ns","median":)50/${1}40/'
forge drift-hidden 'drift' 's/"drift":0.0/"drift":0.1/'
forge drift-invented 'limit_holds' 's/"limit_holds":true/"limit_holds":false/'
forge calibration-removed 'calibration' 's/,"calibration":.*"limit_holds":true//'
forge other-prices 'calibration' 's/"id":"L4"/"id":"L7"/g'

# ---- a planted drift ----
echo 70 >"$limits/later"
race 6
check drift-is-recorded "$(grep -o '"drift":[0-9.]*' "$(run_dir)/$journal" | head -n 1)" \
    grep -Eq '"drift":0\.(4|39)[0-9]*,"limit_holds":false' "$(run_dir)/$journal"
check no-multiple "$(row x_limit)" test "$(row x_limit)" = null
check all-left-out "$(row limit_drifted)" test "$(row limit_drifted)" = "$(row limit_blocks)"
check verdict-stands "$(row verdict)" test "$(row verdict)" = '"WINNER"'
check report-says-dropped "no" grep -q 'dropped' "$(run_dir)/report.md"
velo verify
check verify-agrees "$(cat "$sandbox/out")" test "$status" -eq 0
echo 58 >"$limits/later"
rm -f "$limits/second"
race 7
check a-small-drift-holds "$(row limit_drifted)" test "$(row limit_drifted)" = 0

# ---- no program ----
rm "$limits/limits"
race 8
check goes-on-without-limits "status $status" test "$status" -eq 0 -o "$status" -eq 3
check says-that-there-are-none "no" grep -q '"calibration":null' "$(run_dir)/$journal"
velo verify
check verify-without-limits "$(cat "$sandbox/out")" test "$status" -eq 0
finish_tests
