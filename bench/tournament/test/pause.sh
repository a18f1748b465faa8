#!/bin/bash
# SPDX-License-Identifier: MIT
# A tournament stands still for a while and goes on: SIGUSR1, Ctrl-Z, SIGCONT; in the gate and
# between runs. What was under way is done again, the clock of the budget stands, the journal tells.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
for name in mutex quick; do
    echo 0.03 >"$sandbox/build/release/$name/delay"
done

start() # start ARGS...: in the background, in a session of its own; pid in $pid
{
    known=$(run_dir 2>/dev/null)
    rm -f "$sandbox/err"
    (cd "$sandbox" && exec setsid build/release/velo "$@") >"$sandbox/out" 2>"$sandbox/err" </dev/null &
    pid=$!
}

until_true() # until_true COMMAND...: a minute at most, and no longer than the program runs
{
    local tries=0
    until "$@" 2>/dev/null; do
        kill -0 "$pid" 2>/dev/null && [ $tries -lt 1200 ] || return 1
        read -r -t 0.05 <> <(:) || true
        tries=$((tries + 1))
    done
}

says() # says PATTERN [TIMES]: it stands in its output so often
{
    [ "$(grep -c -e "$1" "$sandbox/err")" -ge "${2:-1}" ]
}

journal_has() # journal_has PATTERN [TIMES]
{
    [ "$(run_dir)" != "$known" ] && [ "$(grep -c -e "$1" "$(run_dir)/raw.ndjson")" -ge "${2:-1}" ]
}

state() # as ps tells: S sleeps, T is stopped
{
    sed 's/.*) \(.\).*/\1/' "/proc/$pid/stat"
}

is_stopped()
{
    [ "$(state)" = T ]
}

stands_still() # nothing is written and no child runs
{
    local before after i
    before=$(stat -c %s "$(run_dir)/raw.ndjson")
    for i in 1 2 3 4 5 6; do
        [ -z "$(cat "/proc/$pid/task/$pid/children")" ] || return 1
        read -r -t 0.05 <> <(:) || true
    done
    after=$(stat -c %s "$(run_dir)/raw.ndjson")
    [ "$before" = "$after" ]
}

# ---- kill -USR1 between runs ----
start tournament --scenarios race --budget 20s --seed 7
until_true journal_has '"type":"block"' 3
kill -USR1 $pid
check pause-is-granted "$(cat "$sandbox/err")" until_true says '^paused: .* left. Go on with kill -CONT'
check pause-stands-still "it goes on" stands_still
check pause-is-no-stop "state $(state)" test "$(state)" != T
check pause-is-in-the-journal "no line" journal_has '"type":"pause","reason":"SIGUSR1"'
began=$(date +%s%N)
read -r -t 1.2 <> <(:) || true
kill -CONT $pid
check pause-ends "$(cat "$sandbox/err")" until_true says 'going on after 0:0[1-9]'
stood=$((($(date +%s%N) - began) / 1000000))
wait $pid
status=$?
dir=$(run_dir)
check paused-run-decides "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check resume-is-in-the-journal "no line" grep -q '"type":"resume","reason":"pause","paused_s":[1-9]' "$dir/raw.ndjson"
check every-block-is-whole "a gap" sh -c "grep '\"type\":\"block\"' '$dir/raw.ndjson' | grep -q '\"cell\":0,\"block\":1,'"
velo report "$(basename "$dir")"
check paused-journal-is-whole "$(cat "$sandbox/err")" test "$status" -eq 0
check pauses-are-counted "$(grep '"\(resumes\|pauses\)"' "$dir/verdict.json")" \
    sh -c "grep -q '\"resumes\": *0' '$dir/verdict.json' && grep -q '\"pauses\": *1\b' '$dir/verdict.json'"
check pauses-are-on-the-trust-line "$(grep 'How far to trust' "$dir/report.md")" grep -q 'How far to trust.*; 1 pause;' "$dir/report.md"
seconds() # from the first line of the journal to the last, by the wall
{
    local first last
    first=$(head -n 1 "$dir/raw.ndjson" | sed 's/.*"t":"\([^"]*\)".*/\1/')
    last=$(tail -n 1 "$dir/raw.ndjson" | sed 's/.*"t":"\([^"]*\)".*/\1/')
    echo $((($(date -d "$last" +%s%N) - $(date -d "$first" +%s%N)) / 1000000))
}
counted=$(sed -n 's/.*"minutes": *\([0-9.]*\).*/\1/p' "$dir/verdict.json")
check minutes-leave-the-pause-out "$counted minutes, $(seconds) ms by the wall, $stood ms stood" \
    awk -v m="$counted" -v w="$(seconds)" -v s="$stood" 'BEGIN { exit !(m * 60000 < w - s + 400) }'

# ---- a block that was begun is done again ----
grep -o '"type":"run","cell":[0-9]*,"block":[0-9]*,"attempt":[0-9]*' "$dir/raw.ndjson" | sort | uniq -c >"$sandbox/attempts"
left=$(awk '$1 < 3' "$sandbox/attempts" | wc -l)
ended=$(grep -c '"type":"block"' "$dir/raw.ndjson")
begun=$(wc -l <"$sandbox/attempts")
check left-block-is-done-again "$begun begun, $ended ended, $left left" test $((begun - ended)) -eq "$left" -a "$left" -le 1

# ---- Ctrl-Z: the process stops, so that the shell goes on; and Ctrl-C while it stands ----
start tournament --scenarios race --budget 20s --seed 8
until_true journal_has '"type":"block"' 3
kill -TSTP $pid
check ctrl-z-stops "state $(state): $(cat "$sandbox/err")" until_true is_stopped
check ctrl-z-says-how-to-go-on "$(cat "$sandbox/err")" says '^paused: .*fg or kill -CONT'
kill -CONT $pid
check ctrl-z-goes-on "$(cat "$sandbox/err")" until_true says 'going on after'
kill -USR1 $pid
until_true says '^paused' 2
kill -INT $pid
wait $pid
status=$?
dir=$(run_dir)
check ctrl-c-in-a-pause-is-130 "it is $status: $(cat "$sandbox/err")" test "$status" -eq 130
velo tournament --resume "$(basename "$dir")"
check ctrl-c-in-a-pause-leaves-nothing-half-way "$(grep '"given_up"' "$(run_dir)/verdict.json")" \
    grep -q '"given_up": *0' "$(run_dir)/verdict.json"
check resume-after-a-pause "status $status: $(cat "$sandbox/err")" test "$status" -eq 0

# ---- killed while it stands: the time until --resume is not counted either ----
start tournament --scenarios race --budget 20s --seed 9
until_true journal_has '"type":"block"' 2
kill -USR1 $pid
until_true says '^paused'
kill -KILL $pid
wait $pid 2>/dev/null
dir=$(run_dir)
velo tournament --resume "$(basename "$dir")"
check killed-in-a-pause-then-resume "status $status: $(cat "$sandbox/err")" test "$status" -eq 0

# ---- in the gate: no further suite begins ----
echo 0.5 >"$sandbox/build/release/mutex/delay"
start tournament --preset smoke --scenarios alpha
until_true says '^gate:'
kill -USR1 $pid
check gate-announces-the-pause "$(cat "$sandbox/err")" until_true says '^pause: as soon as'
check gate-pauses "$(cat "$sandbox/err")" until_true says '^paused'
kill -CONT $pid
wait $pid
status=$?
check gate-goes-on "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check gate-admitted-all "somebody is missing" grep -q '"contestant": "quick"' "$(run_dir)/conformance.json"
finish_tests
