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

half_way() # half_way DIR: attempts of which runs stand in the journal, and no end
{
    python3 - "$1/raw.ndjson" <<'END'
import json, sys
open_ones, given_up = {}, 0
for line in open(sys.argv[1]):
    event = json.loads(line)
    key = (event.get("block"), event.get("attempt"))
    if event["type"] == "run" and open_ones.get(event["cell"], key) != key:
        given_up += 1
    if event["type"] == "run":
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
check half-way-is-said "not in the report" grep -q 'left half-way, after first costs were known' "$dir/report.md"
velo verify "$id"
check half-way-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0

# ---- what must be refused ----
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
