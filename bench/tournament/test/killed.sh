#!/bin/bash
# SPDX-License-Identifier: MIT
# killed.sh [KILLS [SEED]]: SIGKILL of the whole process group at random moments, from the first second
# to the pages. What stood in the journal stays, at most the unfinished block is lost, going on works as
# often as it takes, and velo verify passes after each kill and at the end.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
add_fake slow 200
kills=${1:-5}
seed=${2:-$((SRANDOM % 100000))}
RANDOM=$seed
echo "$kills kills, seed $seed: $0 $kills $seed"
entries=4 # mutex, its twin, quick, slow
dir=
done_kills=0
early=0
finished=0

start() # start ARGS...: a process group of its own; pid in $pid
{
    (cd "$sandbox" && exec setsid build/release/velo "$@") >"$sandbox/out" 2>"$sandbox/err" </dev/null &
    pid=$!
}

wait_a_while() # wait_a_while MS, or until it is over
{
    local left=$1
    while [ "$left" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
        read -r -t 0.02 <> <(:) || true
        left=$((left - 20))
    done
}

journals() # how much was ever written
{
    find "$sandbox/reports/runs" -name raw.ndjson -size +0 -exec cat {} + 2>/dev/null | wc -c
}

wait_for_news() # until a journal grew, or it is over
{
    local before
    before=$(journals)
    while kill -0 "$pid" 2>/dev/null && [ "$(journals)" -eq "$before" ]; do
        read -r -t 0.02 <> <(:) || true
    done
}

whole_lines() # whole_lines FILE: without a torn last one
{
    perl -ne 'print if /\n\z/' "$1"
}

after_a_kill() # what must hold for the journal as it was left
{
    local loose
    cp "$dir/raw.ndjson" "$sandbox/left.ndjson"
    loose=$(whole_lines "$dir/raw.ndjson" | awk '/"type":"run"/ { n++ } /"type":"(block|resume)"/ { n = 0 } END { print n + 0 }')
    check "kill-$done_kills-loses-at-most-a-block" "$loose runs of no block" test "$loose" -le $entries
    velo verify "$dir" --no-pages
    check "kill-$done_kills-verifies" "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0
}

check_kept() # the journal still begins with what was left by the kill before
{
    [ -f "$sandbox/left.ndjson" ] || return 0
    whole_lines "$sandbox/left.ndjson" >"$sandbox/whole.ndjson"
    check "after-kill-$done_kills-all-is-kept" "the journal was rewritten" \
        cmp -s -n "$(stat -c %s "$sandbox/whole.ndjson")" "$sandbox/whole.ndjson" "$dir/raw.ndjson"
}

conclude() # it came to its end
{
    check "run-$finished-ends" "status $status: $(cat "$sandbox/err")" came_to_its_end "$dir"
    check_kept
    velo verify "$dir"
    check "run-$finished-verifies" "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 0
    finished=$((finished + 1))
    dir=
    rm -f "$sandbox/left.ndjson"
}

go_on() # a new tournament, or the one that was killed
{
    if [ -n "$dir" ]; then
        start tournament --resume "$(basename "$dir")" --budget 60s
    else
        start tournament --scenarios alpha,beta --budget 60s
    fi
}

velo_passes() # velo_passes DIR
{
    velo verify "$1" --no-pages
    [ "$status" -eq 0 ]
}

cut_after() # cut_after TYPE: which of these lines is the last one to stay
{
    case $1 in
    run) grep '"type":"run"' "$whole/raw.ndjson" | grep -n -m1 '"status":"crash"' | cut -d: -f1 ;;
    disqualify | drop) echo 1 ;;
    block) grep '"type":"\(block\|drop\)"' "$whole/raw.ndjson" | grep -n -m1 '"type":"drop"' | awk -F: '{ print $1 - 1 }' ;;
    esac
}

note_folder() # which folder it is, if there is one already
{
    [ -n "$dir" ] || dir=$(find "$sandbox/reports/runs" -mindepth 1 -maxdepth 1 -type d ! -name '*.seen' 2>/dev/null |
        sort | while read -r one; do grep -qxF "$one" "$sandbox/seen" 2>/dev/null || echo "$one"; done | tail -n 1)
}

while [ "$done_kills" -lt "$kills" ] || [ -n "$dir" ] || [ "$finished" -eq 0 ]; do
    go_on
    if [ "$done_kills" -lt "$kills" ]; then
        # one kill in four comes at any time from the start on, the others once there is news
        [ $((RANDOM % 4)) -eq 0 ] || wait_for_news
        wait_a_while $((RANDOM % 2000))
        kill -KILL -- "-$pid" 2>/dev/null
    fi
    wait "$pid" 2>/dev/null
    status=$?
    note_folder
    if [ "$status" -ne 137 ]; then
        grep -qxF "$dir" "$sandbox/seen" 2>/dev/null || echo "$dir" >>"$sandbox/seen"
        conclude
        continue
    fi
    done_kills=$((done_kills + 1))
    if [ -n "$dir" ] && [ -f "$dir/raw.ndjson" ]; then
        check_kept
        after_a_kill
    elif [ -n "$dir" ]; then
        # killed before the journal was there: nothing was measured, and going on says so
        early=$((early + 1))
        velo tournament --resume "$(basename "$dir")"
        check "kill-$done_kills-before-the-journal-is-said" "status $status: $(cat "$sandbox/err")" \
            said 'before its first block'
        echo "$dir" >>"$sandbox/seen"
        dir=
    fi
done
# ---- a kill at just that line ----
# What a killed program has not written can be cut from a journal that is whole: the lines that follow
# from others are written after the resume, and each only once.
add_fake mutex 100 late-abort
velo tournament --scenarios alpha --only mutex,quick,slow --budget 10m
whole=$(run_dir)
check faulty-run-verifies "$(velo verify "$whole"; cat "$sandbox/out")" velo_passes "$whole"
for what in run disqualify block drop; do
    rm -rf "$sandbox/cut" "$sandbox/anchors.ndjson" # in a place that does not know how long it was
    cp -r "$whole" "$sandbox/cut"
    line=$(grep -n "\"type\":\"$what\"" "$whole/raw.ndjson" | sed -n "$(cut_after $what)p" | cut -d: -f1)
    head -n "$line" "$whole/raw.ndjson" >"$sandbox/cut/raw.ndjson"
    rm -f "$sandbox/cut/verdict.json"
    check "cut-after-$what-verifies" "line $line: $(cat "$sandbox/out")" velo_passes "$sandbox/cut"
    velo tournament --resume "$sandbox/cut" --budget 60s
    check "cut-after-$what-goes-on" "line $line: $(cat "$sandbox/err")" test "$status" -eq 4
    check "cut-after-$what-verifies-at-the-end" "line $line: $(velo verify "$sandbox/cut" --no-pages; cat "$sandbox/out")" velo_passes "$sandbox/cut"
    check "cut-after-$what-both-are-out" "not two lines" \
        test "$(grep -c '"type":"disqualify"' "$sandbox/cut/raw.ndjson")" -eq 2
done
echo "$done_kills kills, $early of them before the first block; $finished tournaments came to their end"
finish_tests
