#!/bin/bash
# SPDX-License-Identifier: MIT
# velo verify: an honest run passes, also one that was killed; a run that somebody changed does not, and
# the message names the place. A clumsy forger changes a line and leaves the hash chain as it was; a
# careful one (rechain) makes chain and seals right again and has the verdict written anew.
. "$(dirname "$0")/sandbox.bash"
. "$(dirname "$0")/forge.bash"
make_sandbox
add_fake slow 200
add_fake doomed 60 late-abort
add_fake cheat 10 conformance

burn() # keeps a processor busy, so that blocks are disturbed and done again
{
    while :; do :; done
}
burn &
burner=$!
VELO_DOCTOR_ROOT= velo tournament --scenarios alpha,beta --budget 10m --seed 5
kill $burner
wait $burner 2>/dev/null
keep_honest

# ---- what there is to tamper with ----
check honest-run-is-decided "$(tail -n 5 "$sandbox/err")" grep -q '"type":"decide"' "$kept/$journal"
check honest-run-has-redone-blocks "none" grep -q '"valid":false' "$kept/$journal"
velo verify
check honest-run-passes "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0
check honest-run-says-pass "$(cat "$sandbox/out")" said '^PASS: [0-9]* values'
check pages-were-compared "$(cat "$sandbox/out")" said '^  pages  *[1-9]'
velo verify latest
check latest-is-a-name "status $status" test "$status" -eq 0
velo verify no-such-run
check unknown-run-is-usage "status $status" test "$status" -eq 2

run=$(first '"type":"run".*"block":2.*"entry":"mutex"')
in_run="if \$. == $run"
redone=$(first '"valid":false')
redo_of=$(sed -n "${redone}s/.*\"cell\":\([0-9]*\),\"block\":\([0-9]*\),\"attempt\":\([0-9]*\).*/\"cell\":\1,\"block\":\2,\"attempt\":\3,/p" "$kept/$journal")
valid=$(first '"type":"block".*"valid":true')
drop=$(first '"type":"drop"')
decide=$(first '"type":"decide"')
fall=$(first '"type":"disqualify","cell":[0-9]')
begin=$(first '"type":"begin".*"block":3')
pilot=$(first '"type":"pilot".*"entry":"mutex"')

# ---- by a clumsy forger ----
clumsy cost-changed "$journal:$((run + 1)): prev" $journal "s/\"cost\":[0-9.]*/\"cost\":1.5/ $in_run"
clumsy covariate-changed "$journal:$((run + 1)): prev" $journal "s/\"foreign_share\":[0-9.e-]*/\"foreign_share\":0.01/ $in_run"
clumsy line-removed "$journal:$run: prev" $journal "\$_ = '' $in_run"
clumsy line-doubled "$journal:$((run + 1)): prev" $journal "\$_ .= \$_ $in_run"
clumsy lines-swapped "$journal:$run: prev" $journal "if (\$. == $run) { \$held = \$_; \$_ = '' } elsif (\$. == $run + 1) { \$_ .= \$held }"
clumsy line-of-another-plan "$journal:$run: plan" $journal "s/\"plan\":\"[0-9a-f]{4}/\"plan\":\"0123/ $in_run"
clumsy seed-changed-in-plan "$journal:1: plan" plan.json 's/"seed": "5"/"seed": "6"/'
clumsy journal-cut-off 'verdict.json: run.journal_lines' $journal "\$_ = '' if \$. > $decide - 20"
clumsy word-changed 'verdict.json: cells\[[0-9]*\].verdict' verdict.json 's/"verdict": "LOSES"/"verdict": "WINNER"/'
clumsy number-changed 'verdict.json: cells\[[0-9]*\].ratio' verdict.json 's/("ratio": )[1-9][0-9.]*/${1}1.01/ if !$done && /ratio": [2-9]/ && ($done = 1)'
clumsy evidence-changed 'verdict.json: duels\[0\].e_value' verdict.json 's/("e_value": )[0-9.e+]*/${1}1e9/ if !$done && /e_value/ && ($done = 1)'
clumsy sentence-changed 'verdict.json: sentence' verdict.json 's/^( "sentence": ")/$1No: /'
clumsy environment-changed 'plan.json: sealed.env.json' env.json 's/"cpus": [0-9]*/"cpus": 64/'
clumsy limits-changed 'plan.json: sealed.limits.json' limits.json 's/"median": 5/"median": 50/'
clumsy gate-changed 'plan.json: sealed.conformance.json' conformance.json 's/"result": "fail"/"result": "pass"/'
clumsy journal-is-no-json "$journal:$run: line" $journal "s/\"cost\":/\"cost\"/ $in_run"
fresh
rm "$honest/verdict.json"
expect_found verdict-removed 'verdict.json: file' --no-pages
for page in report.md report.html plots/forest.dat; do
    fresh
    edit "$page" 's/^/ / if $. == 3'
    expect_found "page-edited ($page)" "$page:3: text"
done

# ---- by a careful one: the run lines ----
careful cost-not-the-printed-one "$journal:$run: cost" $journal "s/\"cost\":[0-9.]*/\"cost\":1.5/ $in_run"
careful cost-changed-throughout "$journal:$drop: \(type\|entry\)" $journal \
    "(s/\"cost\":[0-9.]*/\"cost\":1.5/, s/(\"ns_per_task\":\{\"value\":)[0-9.]*/\${1}1.5/) if /\"type\":\"run\",\"cell\":$(sed -n "${drop}s/.*\"cell\":\([0-9]*\).*/\1/p" "$kept/$journal"),\"block\":3.*\"entry\":\"mutex\"/"
careful failure-whitewashed "$journal:$((fall - 1)): status" $journal "s/\"status\":\"crash\"/\"status\":\"ok\"/ if \$. == $fall - 1"
careful entries-exchanged "$journal:$run: entry" $journal "s/\"entry\":\"mutex\"/\"entry\":\"slow\"/ $in_run"
careful run-removed "$journal:$run: \(position\|type\)" $journal "\$_ = '' $in_run"
careful run-doubled "$journal:$((run + 1)): position" $journal "\$_ .= \$_ $in_run"
careful padding-changed "$journal:$run: env_pad" $journal "s/\"env_pad\":[0-9]*/\"env_pad\":4096/ $in_run"
careful command-changed "$journal:$run: command" $journal "s/--window-ms [0-9]*/--window-ms 999/ $in_run"
careful time-goes-back "$journal:$((run + 1)): t" $journal "s/\"t\":\"20/\"t\":\"30/ $in_run"
careful pilot-made-a-run "$journal:$pilot: " $journal "s/\"type\":\"pilot\",\"cell\":(.),/\"type\":\"run\",\"cell\":\$1,\"block\":1,\"attempt\":0,\"position\":0,\"cost\":1,\"env_pad\":7,\"exit\":0,/ if \$. == $pilot"
careful pilot-after-the-blocks "$journal:$run: type" $journal "if (\$. == $pilot) { \$held = \$_; \$_ = '' } elsif (\$. == $run) { \$_ .= \$held }"
careful end-not-the-end "$journal:[0-9]*: reason" $journal 's/"type":"end","reason":"decided"/"type":"end","reason":"budget"/'
careful blocks-cut-out-before-the-end "$journal:[0-9]*: \(type\|reason\)" $journal "\$_ = '' if \$. > $decide - 20 && !/\"type\":\"end\"/"

# ---- blocks and redo ----
careful blocks-exchanged "$journal:[0-9]*: cell" $journal \
    's/"cell":([01]),"block":4,/"cell":@{[1 - $1]},"block":4,/'
careful valid-flag-set "$journal:$redone: valid" $journal "s/\"valid\":false/\"valid\":true/ if \$. == $redone"
careful valid-flag-cleared "$journal:$valid: valid" $journal "s/\"valid\":true/\"valid\":false/ if \$. == $valid"
careful disturbance-denied "$journal:$redone: valid" $journal \
    "s/(\"(foreign|worst_run)_share\":)[0-9.e-]*/\${1}0.0/g if /\"type\":\"(run|block)\",${redo_of}/"
careful disturbance-of-a-run-denied "$journal:[0-9]*: worst_run_share" $journal "s/\"worst_run_share\":[0-9.e-]*/\"worst_run_share\":0.5/ if \$. == $valid"
careful redone-attempt-removed "$journal:[0-9]*: attempt" $journal "\$_ = '' if /\"type\":\"(begin|run|block)\",${redo_of}/"
careful redone-attempt-called-half-way "$journal:[0-9]*: type" $journal "\$_ = '' if /\"type\":\"(run|block)\",${redo_of}/"
careful begin-removed "$journal:$begin: type" $journal "\$_ = '' if \$. == $begin"
careful begin-of-another-attempt "$journal:$begin: attempt" $journal "s/\"attempt\":0/\"attempt\":1/ if \$. == $begin"
careful begin-doubled "$journal:$((begin + 1)): type" $journal "\$_ .= \$_ if \$. == $begin"

# ---- what follows from the evidence ----
careful drop-removed "$journal:$drop: " $journal "\$_ = '' if \$. == $drop"
careful drop-by-another "$journal:$drop: beaten_by" $journal "s/\"beaten_by\":\"quick\"/\"beaten_by\":\"slow\"/ if \$. == $drop"
careful drop-with-more-evidence "$journal:$drop: log_e" $journal "s/\"log_e\":[0-9.]*/\"log_e\":9.5/ if \$. == $drop"
careful drop-at-another-block "$journal:$drop: block" $journal "s/\"block\":[0-9]*/\"block\":9/ if \$. == $drop"
careful decision-for-another "$journal:$decide: winner" $journal "s/\"winner\":\"quick\"/\"winner\":\"slow\"/ if \$. == $decide"
careful decision-removed "$journal:$decide: type" $journal "\$_ = '' if \$. == $decide"
careful disqualification-removed "$journal:$fall: type" $journal "\$_ = '' if \$. == $fall"
careful disqualification-reworded "$journal:$fall: reason" $journal "s/\"reason\":\"[^\"]*\"/\"reason\":\"none\"/ if \$. == $fall"
careful disqualification-invented "$journal:$((run + 1)): type" $journal \
    "\$_ .= '{\"type\":\"disqualify\",\"cell\":0,\"entry\":\"slow\",\"reason\":\"slow\",\"reproduce\":\"\",' . substr(\$_, index(\$_, '\"t\":\"20')) $in_run"
careful gate-opened "$journal:[0-9]*: entry" conformance.json 's/"result": "fail"/"result": "pass"/; s/("(reason|reproduce)": )".*"/$1""/' \
    $journal 's/.*"type":"disqualify","cell":-1,"entry":"cheat".*\n//'
careful gate-opened-but-for-the-cases 'conformance.json: cheat' conformance.json 's/("reason": )"fails.*"/$1""/' \
    $journal 's/.*"type":"disqualify","cell":-1,"entry":"cheat".*\n//'

# ---- the plan ----
careful seed-changed "$journal:[0-9]*: \(cell\|entry\|env_pad\)" plan.json 's/"seed": "5"/"seed": "6"/'
careful margin-changed 'plan.json: margin' plan.json 's/"margin": [0-9.]*/"margin": 0.5/'
careful alpha-changed 'plan.json: alpha' plan.json 's/"alpha": [0-9.]*/"alpha": 0.5/'
careful seals-cut-out 'plan.json: sealed' plan.json 's/"sealed"/"unsealed"/'
careful gate-cut-out 'conformance.json: gate' conformance.json 's/"gate"/"gated"/'
careful weights-of-another-build 'plan.json: weights.latency' plan.json 's/("p99": )[0-9.]*/${1}1/' env.json 's/("velo_sha256": ")..../${1}0000/'
careful profile-added 'plan.json: profile' plan.json 's/"seed": "5"/"profile": "efficiency", "seed": "5"/'
careful alpha-of-another-build 'plan.json: alpha' plan.json 's/"alpha": [0-9.]*/"alpha": 0.45/' env.json 's/("velo_sha256": ")..../${1}0000/'
careful redo-limit-of-another-build 'plan.json: redo.block_limit' plan.json 's/("block_limit": )[0-9.]*/${1}0.9/' env.json 's/("velo_sha256": ")..../${1}0000/'
careful weights-changed 'plan.json: weights.latency' plan.json 's/("p99": )[0-9.]*/${1}1/'
careful redo-limit-changed 'plan.json: redo.block_limit' plan.json 's/("block_limit": )[0-9.]*/${1}0.9/'
careful blocks-limit-changed 'plan.json: blocks_max' plan.json 's/("blocks_max": )[0-9]*/${1}10/'
careful twin-of-another-program 'plan.json: mutex~twin.binaries' plan.json 's/("sha256": ")..../${1}0000/ if $twin; $twin = 1 if /mutex~twin/'

# ---- a run from another tournament ----
fresh
velo tournament --scenarios alpha,beta --budget 10m --seed 6
other=$(run_dir)
line=$(grep -m1 '"type":"run".*"block":2.*"entry":"mutex"' "$other/$journal")
fresh
LINE=$line perl -pi -e "\$_ = \"\$ENV{LINE}\\n\" if \$. == $run" "$honest/$journal"
"$test_dir/rechain" "$honest"
judge_anew
expect_found run-of-another-tournament "$journal:$run: \(env_pad\|command\|run.seed\|position\|cell\)" --no-pages
velo verify "$(basename "$other")" --no-pages
check the-other-one-passes "$(cat "$sandbox/out")" test "$status" -eq 0

# ---- a run put together of both ----
fresh
velo merge "$id" "$(basename "$other")"
check runs-can-be-merged "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
merged=$(find "$sandbox/reports/runs" -maxdepth 1 -name '*-merged')
velo verify "$merged" --no-pages
check merged-run-passes "$(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0
cp "$merged/plan.json" "$sandbox/merged-plan"
sed -i '0,/{/s//{ "profile": "efficiency",/' "$merged/plan.json"
"$test_dir/rechain" "$merged"
velo verify "$merged" --no-pages
check key-added-to-a-merged-plan "status $status: $(cat "$sandbox/out")" said 'plan.json: profile'
cp "$sandbox/merged-plan" "$merged/plan.json"
perl -pi -e "s/\"cost\":[0-9.]*/\"cost\":1.5/ $in_run" "$merged/sources/$id/$journal"
velo verify "$merged" --no-pages
check changed-source-is-found "status $status: $(cat "$sandbox/out")" test "$status" -eq 5
check changed-source-is-named "$(cat "$sandbox/out")" said "sources/$id/$journal:$((run + 1)): prev"

# ---- other kinds of run ----
velo tournament --preset smoke
velo verify
check smoke-passes "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
velo race --impl quick --vs slow --scenario alpha
velo verify "$(basename "$(run_dir)")"
check duel-passes "status $status: $(cat "$sandbox/out")" test "$status" -eq 0

# ---- what is no forgery ----
fresh
echo '# changed' >>"$sandbox/build/release/quick/race"
velo verify "$id" --no-pages
check another-program-is-a-remark "status $status" test "$status" -eq 0
check another-program-is-named "$(cat "$sandbox/out")" said 'note: .*programs are others now.*quick/race'
fresh
mv "$honest" "$sandbox/moved"
velo verify "$sandbox/moved"
check a-moved-run-passes "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
finish_tests
