#!/bin/bash
# SPDX-License-Identifier: MIT
# Failures that are only a matter of time: whom a machine met that stood still is tried again and stays
# in; who hangs always, often or on purpose is DISQUALIFIED, says verify, too; and being late in time wins
# nothing.
. "$(dirname "$0")/sandbox.bash"
. "$(dirname "$0")/forge.bash"
. "$(dirname "$0")/runs.bash"
make_sandbox
add_fake once 60 tardy-once
add_fake met 70 stall
add_fake early 75 tardy-pilot
add_fake stuck 80 tardy
add_fake hung 90 tardy-hang
add_fake paused 95 stall-conformance

# ---- accidents and faults in one race ----
velo tournament --scenarios alpha --budget 10m --seed 5
keep_honest
cp "$sandbox/out" "$sandbox/screen"
lines() # lines PATTERN: of the journal
{
    grep -c -e "$1" "$kept/$journal"
}

is_out() # is_out NAME REASON
{
    grep -A 6 "^$1 is DISQUALIFIED" "$sandbox/screen" | tr '\n' ' ' | tr -s ' ' >"$sandbox/line"
    check "$1-is-out" "no '$2' in '$(cat "$sandbox/line")'" grep -q -e "$2" "$sandbox/line"
    check "$1-can-be-repeated" "$(cat "$sandbox/line")" grep -q "again: build/release/$1/race" "$sandbox/line"
}

in_verdict() # in_verdict PYTHON: of the verdict v
{
    python3 -c "import json, sys; v = json.load(open(sys.argv[1])); sys.exit(not ($1))" "$(run_dir)/verdict.json"
}

check exit-status-is-4 "it is $status: $(tail -n 3 "$sandbox/err")" test "$status" -eq 4
# three times, where this machine itself stood still meanwhile
is_out stuck 'task 3 did not run within 5 s, \(twice\|3 times\) in a row'
is_out hung 'hung: killed after 10 s, \(twice\|3 times\) in a row'
for name in once met early paused; do
    check "$name-stays-in" "$(cat "$sandbox/screen")" test "$(lines "\"type\":\"disqualify\".*\"entry\":\"$name\"")" -eq 0
    check "$name-is-ranked" "$(head -n 20 "$sandbox/screen")" in_verdict "any(c['contestant'] == '$name' and c['verdict'] in ('LOSES', 'TIE', 'WINNER', 'NOT ENOUGH EVIDENCE') and c['runs'] > 5 for c in v['cells'] if c['primary'])"
done
check quick-wins "$(head -n 12 "$sandbox/screen")" in_verdict "any(c['contestant'] == 'quick' and c['verdict'] == 'WINNER' for c in v['cells'] if c['primary'])"
check block-says-why "$(grep '"type":"block"' "$kept/$journal" | head -n 3)" test "$(lines '"valid":false.*"reason":"[a-z]* was late (.*): done again"')" -ge 2
check run-says-how-long-it-stood "$(grep '"status":"late"' "$kept/$journal" | grep '"entry":"met"' | cut -c 1-300)" \
    test "$(lines '"entry":"met","status":"late".*"stall_ms":[0-9]\{3\}')" -eq 2
check pilot-repeats "$(grep '"type":"pilot".*"early"' "$kept/$journal" | cut -c 1-100)" test "$(lines '"type":"pilot".*"entry":"early"')" -eq 2
check gate-repeats "$(grep -A 6 '"contestant": "paused"' "$kept/conformance.json" | tail -n 7)" \
    python3 -c "import json, sys; g = json.load(open(sys.argv[1]))['gate']; sys.exit([s['tries'] for s in g if s['contestant'] == 'paused'] != [2])" "$kept/conformance.json"
check verdict-counts "$(grep -A 6 '"late"' "$kept/verdict.json")" in_verdict "[v['run']['late'][n] // 2 for n in ('once', 'met', 'stuck', 'hung')] == [0, 1, 1, 1]"
check report-tells "$(grep -i late "$kept/report.md")" grep -q 'Runs that were late, by contestant: .*met 2' "$kept/report.md"
check report-lists-the-attempt "missing" grep -q 'was late (.*): done again' "$kept/report.md"
velo verify
check verify-passes "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0

# ---- what verify finds ----
once=$(first '"entry":"once","status":"late"')
void=$(first '"valid":false')
stuck=$(first '"type":"disqualify".*"entry":"stuck"')
tail=$(first '"entry":"stuck","status":"late"')
pilot=$(first '"type":"pilot".*"entry":"early","status":"late"')
clumsy late-run-changed "$journal:$((once + 1)): prev" $journal "s/\"status\":\"late\"/\"status\":\"failed\"/ if \$. == $once"
careful late-run-made-a-fault "$journal:$once: status" $journal "s/\"status\":\"late\"/\"status\":\"failed\"/ if \$. == $once"
careful late-run-made-a-fault-throughout "$journal:$((once + 1)): type" $journal \
    "(s/\"status\":\"late\"/\"status\":\"failed\"/, s/\"failure\":\"late\"/\"failure\":\"wrong\"/) if \$. == $once"
careful late-without-a-word "$journal:[0-9]*: status" $journal "s/\"failure\":\"late\",// if \$. == $tail"
careful late-run-whitewashed "$journal:$once: status" $journal "s/\"status\":\"late\"/\"status\":\"ok\"/ if \$. == $once"
careful late-attempt-made-valid "$journal:$void: valid" $journal "s/\"valid\":false/\"valid\":true/ if \$. == $void"
careful late-attempt-blamed-on-others "$journal:$void: reason" $journal "s/\"reason\":\"[^\"]*\"/\"reason\":\"foreign CPU time: done again\"/ if \$. == $void"
careful late-attempt-removed "$journal:[0-9]*: attempt" $journal "\$_ = '' if /\"type\":\"(begin|run|block)\",\"cell\":0,\"block\":1,\"attempt\":0,/"
careful hang-excused "$journal:$stuck: type" $journal "\$_ = '' if \$. == $stuck"
# What the machine did decides, so changing it changes who is out when: excused where it was quiet, and where
# it was not, not excused any more.
if sed -n "${stuck}p" "$kept/$journal" | grep -q 'twice in a row'; then
    stall=900.0 where=$stuck
else
    stall=0.0 where='[0-9]*'
fi
careful hang-judged-by-another-machine "$journal:$where: type" $journal \
    "(s/\"stall_ms\":[0-9.e+-]*/\"stall_ms\":$stall/, s/\"foreign_share\":[0-9.e+-]*/\"foreign_share\":0.0/) if /\"entry\":\"stuck\",\"status\":\"late\"/"
careful accident-punished "$journal:$((once + 1)): type" $journal \
    "\$_ .= '{\"type\":\"disqualify\",\"cell\":0,\"entry\":\"once\",\"reason\":\"slow\",\"reproduce\":\"\",' . substr(\$_, index(\$_, '\"t\":\"20')) if \$. == $once"
careful pilot-not-repeated "$journal:$((pilot + 1)): command" $journal "\$_ = '' if \$. == $pilot + 1"
clumsy lateness-uncounted 'verdict.json: run.late' verdict.json 's/"met": 2/"met": 1/'
careful rule-made-stricter 'plan.json: late' plan.json 's/("in_a_row": )2/${1}1/'
careful rule-cut-out 'plan.json: late' plan.json 's/"late":/"later":/'
fresh

# ---- late in time to lose nothing ----
rm -rf "$sandbox/build/release/"{once,met,early,stuck,hung,paused}
add_fake mutex 100
touch "$sandbox/build/release/mutex/exact"
add_fake sly 100 tardy-to-lose
velo race --impl sly --vs mutex --scenario alpha --seed 3
cp "$sandbox/out" "$sandbox/screen"
# Counted anew from the raw lines: what others on this machine do while the test runs is not ours to choose.
quiet=$(python3 -c "
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
plan = json.load(open(sys.argv[2]))
late = [l for l in lines if l['type'] == 'run' and l['entry'] == 'sly' and l['status'] == 'late']
print(sum(l['foreign_share'] <= plan['redo']['run_limit'] and l['stall_ms'] < plan['late']['stall_ms'] for l in late))
" "$(run_dir)/$journal" "$(run_dir)/plan.json")
check sly-was-late "$quiet times on a quiet machine" grep -q '"entry":"sly","status":"late"' "$(run_dir)/$journal"
if [ "$quiet" -ge 3 ]; then
    is_out sly 'task 3 did not run within 5 s, 3 times on a quiet machine, this being the last'
else
    check sly-stays-in-on-a-busy-machine "$quiet times" test "$(grep -c '"type":"disqualify"' "$(run_dir)/$journal")" -eq 0
    check sly-wins-nothing "$(cat "$sandbox/screen")" in_verdict "not any(c['contestant'] == 'sly' and c['verdict'] == 'WINNER' for c in v['cells'] if c['primary'])"
fi
velo verify "$(basename "$(run_dir)")"
check verify-passes-the-third-time "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0

# The same with a machine that it has stood still each time: nobody can tell, so it stays in. It won each
# block that counts; who forgets the attempts in between would call it the winner.
write_journal() # $blocks blocks, in $tardy of which quick is late first
{
    local plan=$1 prev="" second=0 block entry cost position attempt
    for ((block = 1; block <= blocks; block++)); do
        for attempt in 0 1; do
            [ "$attempt" = 1 ] || [ "$block" -le "$tardy" ] || continue
            position=0
            for entry in mutex quick mutex~twin; do
                cost=$((100 + (block * 7 + position * 5) % 13))
                [ $entry != quick ] || cost=50
                if [ $entry$attempt = quick0 ]; then
                    put_line '"type":"run","cell":0,"block":%d,"attempt":0,"position":%d,"entry":"quick","status":"late","reason":"no answer","cost":null,"wall_ms":5000,"stall_ms":4000,"foreign_share":0,"env_pad":0,"exit":1,"command":"race","run":null' $block $position
                else
                    put_line '"type":"run","cell":0,"block":%d,"attempt":%d,"position":%d,"entry":"%s","status":"ok","reason":"","cost":%d.%02d,"wall_ms":10,"env_pad":0,"exit":0,"command":"race","run":{"metrics":{}}' \
                        $block $attempt $position $entry $cost $block
                fi
                position=$((position + 1))
            done
            put_line '"type":"block","cell":0,"block":%d,"attempt":%d,"valid":%s,"foreign_share":0,"entries":["mutex","quick","mutex~twin"],"reason":""' \
                $block "$attempt" "$([ "$attempt" = 1 ] && echo true || echo false)"
        done
    done
    put_line '"type":"end","reason":"budget"'
}
tardy=0
make_run 30000101T000000Z-honest 1 here 12 50
velo report 30000101T000000Z-honest
check who-is-never-late-wins "$(cat "$sandbox/err")" in_verdict "any(c['contestant'] == 'quick' and c['verdict'] == 'WINNER' for c in v['cells'])"
tardy=6
make_run 30000102T000000Z-sly 1 here 12 50
velo report 30000102T000000Z-sly
check who-is-late-half-the-time-does-not "$(cat "$sandbox/err")" in_verdict "any(c['contestant'] == 'quick' and c['verdict'] == 'NOT ENOUGH EVIDENCE' for c in v['cells']) and v['run']['late'] == {'quick': 6}"
finish_tests
