#!/bin/bash
# SPDX-License-Identifier: MIT
# A tournament that is stopped (Ctrl-C) or killed goes on where it was; only the unfinished block is
# done again, and the plan and the binaries must be the same.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
for name in mutex quick; do
    echo 0.02 >"$sandbox/build/release/$name/delay"
done

start() # start ARGS...: in the background; pid in $pid, the newest folder before it in $known
{
    known=$(run_dir 2>/dev/null)
    (cd "$sandbox" && exec setsid build/release/velo "$@") >"$sandbox/out" 2>"$sandbox/err" </dev/null &
    pid=$!
}

blocks_in() # blocks_in DIR: finished ones
{
    grep -c '"type":"block"' "$1/raw.ndjson" 2>/dev/null || true
}

wait_for_blocks() # wait_for_blocks N: until its folder has them; a minute at most
{
    local tries=0 dir
    while [ $tries -lt 600 ]; do
        dir=$(run_dir 2>/dev/null)
        if [ "$dir" != "$known" ] && [ "$(blocks_in "$dir")" -ge "$1" ] 2>/dev/null; then
            return 0
        fi
        kill -0 "$pid" 2>/dev/null || return 1
        read -r -t 0.1 <> <(:) || true
        tries=$((tries + 1))
    done
    return 1
}

nothing_runs() # no process works in the sandbox
{
    local cwd
    for cwd in /proc/[0-9]*/cwd; do
        if [ "$(readlink "$cwd" 2>/dev/null)" = "$sandbox" ]; then
            return 1
        fi
    done
}

half_way() # half_way DIR: attempts that were begun and not ended, and another one after them
{
    python3 - "$1/raw.ndjson" <<'END'
import json, sys
open_ones, given_up = {}, 0
for line in open(sys.argv[1]):
    event = json.loads(line)
    key = (event.get("block"), event.get("attempt"))
    if event["type"] == "begin":
        given_up += event["cell"] in open_ones
        open_ones[event["cell"]] = key
    elif event["type"] == "block":
        open_ones.pop(event["cell"], None)
print(given_up)
END
}

# ---- Ctrl-C ----
start tournament --scenarios race --budget 30s --seed 7
wait_for_blocks 3
kill -INT $pid
wait $pid
status=$?
dir=$(run_dir)
id=$(basename "$dir")
before=$(blocks_in "$dir")
check interrupt-status-is-130 "it is $status: $(cat "$sandbox/err")" test "$status" -eq 130
check interrupt-writes-verdict "no verdict.json" test -s "$dir/verdict.json"
check interrupt-writes-report "no report.html" test -s "$dir/report.html"
check interrupt-says-how-to-resume "$(cat "$sandbox/out")" grep -q -e "--resume $id" "$sandbox/out"
check interrupt-waits-for-the-block "$(cat "$sandbox/err")" grep -q 'stopping at the end of this block' "$sandbox/err"
check interrupt-leaves-nothing-half-way "$(half_way "$dir")" test "$(half_way "$dir")" -eq 0
check interrupt-leaves-no-child "still running" nothing_runs
velo verify "$id"
check interrupted-run-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
cp "$dir/raw.ndjson" "$sandbox/before.ndjson"
velo tournament --resume "$id"
check resume-finishes "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check resume-adds-blocks "$before before, $(blocks_in "$dir") after" test "$(blocks_in "$dir")" -gt "$before"
check resume-keeps-what-was-there "the journal was rewritten" \
    cmp -s -n "$(stat -c %s "$sandbox/before.ndjson")" "$sandbox/before.ndjson" "$dir/raw.ndjson"
velo report "$id"
check resumed-journal-is-whole "$(cat "$sandbox/err")" test "$status" -eq 0
velo verify "$id"
check resumed-run-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0

# ---- SIGKILL, then a torn line ----
start tournament --scenarios race --budget 30s --seed 8
wait_for_blocks 3
kill -KILL $pid
wait $pid 2>/dev/null
dir=$(run_dir)
printf '{"type":"run","cell":0,"bl' >>"$dir/raw.ndjson"
velo tournament --resume "$(basename "$dir")"
check resume-after-kill "status $status: $(cat "$sandbox/err")" came_to_its_end "$dir"
check torn-line-is-noted "no note" grep -q '"type":"note".*torn' "$dir/raw.ndjson"
velo report "$(basename "$dir")"
check journal-after-kill-is-whole "$(cat "$sandbox/err")" test "$status" -eq 0

# ---- leaving blocks half-way, as often as one likes ----
run_lines() # run_lines DIR
{
    grep -c '"type":"run"' "$1/raw.ndjson" 2>/dev/null || true
}

start tournament --scenarios race --budget 30s --seed 9
wait_for_blocks 2
dir=$(run_dir)
id=$(basename "$dir")
for _ in 1 2 3 4 5 6; do # some of these kills meet a block half-way
    seen=$(run_lines "$dir")
    until [ "$(run_lines "$dir")" -gt "$seen" ] || ! kill -0 $pid 2>/dev/null; do
        read -r -t 0.01 <> <(:) || true
    done
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    start tournament --resume "$id"
done
wait $pid
velo report "$id"
left=$(half_way "$dir")
check half-way-happened "no kill met a block half-way" test "$left" -gt 0
check half-way-is-counted "$left: $(grep -o '"given_up": *[0-9]*' "$dir/verdict.json")" \
    grep -q "\"given_up\": *$left\b" "$dir/verdict.json"
check half-way-is-said "not in the report" grep -q 'left half-way, from the first run on' "$dir/report.md"
velo verify "$id"
check half-way-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
resumed=$(grep -c '"type":"resume"' "$dir/raw.ndjson")
check resumes-are-in-the-verdict "$resumed: $(grep -o '"resumes": *[0-9]*' "$dir/verdict.json")" \
    grep -q "\"resumes\": *$resumed\b" "$dir/verdict.json"
check resumes-are-on-the-trust-line "$(grep 'How far to trust' "$dir/report.md")" \
    grep -q "How far to trust.*; $resumed starts that went on with it" "$dir/report.md"
check resumes-are-in-verify "$(cat "$sandbox/out")" said "note: starts that went on with it: $resumed, pauses: 0; its journal was held against"

# ---- a journal that is set back: blocks cut off, as if they had never been ----
cp -r "$dir" "$sandbox/whole"
anchors=$sandbox/reports/runs/anchors.ndjson
check anchors-are-there "no file" test -s "$anchors"
last=$(grep -n '"type":"begin"' "$dir/raw.ndjson" | tail -n 1 | cut -d: -f1)
head -n $((last - 1)) "$sandbox/whole/raw.ndjson" >"$dir/raw.ndjson"
rm "$dir/verdict.json"
velo verify "$id" --no-pages
check set-back-is-a-difference "status $status: $(cat "$sandbox/out")" test "$status" -eq 5
check set-back-is-named "$(cat "$sandbox/out")" said 'raw.ndjson:[0-9]*: line'
cp "$dir/raw.ndjson" "$sandbox/back.ndjson"
velo tournament --resume "$id"
check set-back-is-not-resumed "status $status: $(cat "$sandbox/err")" test "$status" -eq 1
check set-back-says-why "$(cat "$sandbox/err")" said 'raw.ndjson was set back: it has '
check set-back-stays-as-it-is "it was written to" cmp -s "$sandbox/back.ndjson" "$dir/raw.ndjson"
cp -r "$dir" "$sandbox/elsewhere"
velo tournament --resume "$sandbox/elsewhere" --budget 60s
check elsewhere-nobody-knows "status $status: $(cat "$sandbox/err")" came_to_its_end "$sandbox/elsewhere"
cp "$sandbox/elsewhere"/{raw.ndjson,verdict.json} "$dir/"
velo verify "$id" --no-pages
check brought-back-is-a-difference "status $status: $(cat "$sandbox/out")" said 'it was set back'
mv "$anchors" "$sandbox/anchors.kept" # what is left where the anchors are gone: a remark
velo verify "$id" --no-pages
check without-anchors-passes "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
check without-anchors-remarks "$(cat "$sandbox/out")" said 'note: .*no anchors.ndjson beside its folder knows it'
mv "$sandbox/anchors.kept" "$anchors"
rm -r "$dir"
mv "$sandbox/whole" "$dir"

# ---- a kill in the first run of a block: no run has a line, but how long it took could be watched ----
echo 0.3 >"$sandbox/build/release/mutex/delay"
echo 0.3 >"$sandbox/build/release/quick/delay"
last_type() # last_type DIR: of the whole lines
{
    perl -ne 'print if /\n\z/' "$1/raw.ndjson" 2>/dev/null | tail -n 1 | sed 's/^{"type":"\([a-z_]*\)".*/\1/'
}
start race --impl quick --vs mutex --scenario alpha --budget 3m --seed 10
wait_for_blocks 1
dir=$(run_dir)
id=$(basename "$dir")
for _ in 1 2 3 4 5; do # a run may have ended between the look and the kill; then once more
    until [ "$(last_type "$dir")" = begin ] || ! kill -0 $pid 2>/dev/null; do
        read -r -t 0.01 <> <(:) || true
    done
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ "$(last_type "$dir")" != begin ] || break
    start tournament --resume "$id"
done
check first-run-was-killed "it ended with $(last_type "$dir")" test "$(last_type "$dir")" = begin
left=$(half_way "$dir")
line=$(grep -c . "$dir/raw.ndjson")
rm "$sandbox/build/release/mutex/delay" "$sandbox/build/release/quick/delay"
cp "$dir/raw.ndjson" "$sandbox/left.ndjson"
sed -i '$d' "$dir/raw.ndjson" # as if it had never begun
velo tournament --resume "$id"
check first-run-cannot-be-cut-off "status $status: $(cat "$sandbox/err")" said 'was set back'
cp "$sandbox/left.ndjson" "$dir/raw.ndjson"
velo tournament --resume "$id"
check first-run-was-left "$left before, $(half_way "$dir") after" test "$(half_way "$dir")" -eq $((left + 1))
check first-run-is-counted "$(grep -o '"given_up": *[0-9]*' "$dir/verdict.json")" \
    grep -q "\"given_up\": *$((left + 1))\b" "$dir/verdict.json"
velo verify "$id"
check first-run-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
cp -r "$dir" "$sandbox/denied"
sed -i "${line}d" "$sandbox/denied/raw.ndjson"
"$test_dir/rechain" "$sandbox/denied"
velo verify "$sandbox/denied" --no-pages
check first-run-cannot-be-denied "status $status: $(cat "$sandbox/out")" said 'raw.ndjson:[0-9]*: attempt'

# ---- what must be refused ----
echo 0.02 >"$sandbox/build/release/mutex/delay"
echo 0.02 >"$sandbox/build/release/quick/delay"
cp "$dir/plan.json" "$sandbox/plan.kept"
sed -i 's/"margin": *0.0[0-9]*/"margin": 0.5/' "$dir/plan.json"
velo tournament --resume "$(basename "$dir")"
check changed-plan-is-refused "status $status: $(cat "$sandbox/err")" test "$status" -eq 1
check changed-plan-is-named "$(cat "$sandbox/err")" said 'plan'
cp "$sandbox/plan.kept" "$dir/plan.json"
echo '# changed' >>"$sandbox/build/release/quick/race"
velo tournament --resume "$(basename "$dir")"
check changed-binary-is-refused "status $status" test "$status" -eq 1
check changed-binary-is-named "$(cat "$sandbox/err")" said 'build/release/quick/race is another program'

# ---- two at once ----
start tournament --scenarios race --budget 30s
wait_for_blocks 1
velo tournament --scenarios race
check second-start-is-refused "status $status" test "$status" -eq 1
check second-start-names-holder "$(cat "$sandbox/err")" grep -q "another tournament runs.*process $pid" "$sandbox/err"
kill -TERM $pid
wait $pid
status=$?
check sigterm-status-is-130 "it is $status" test "$status" -eq 130
finish_tests
