#!/bin/bash
# SPDX-License-Identifier: MIT
# velo targets: the cells that targets are asked in and no others, each with those whom a target asks
# for; an answer for each target, with a reason where a run has none; the same answers again from the
# run folder; what Ctrl-C leaves, and going on.
. "$(dirname "$0")/sandbox.bash"
make_sandbox
rm -r "$sandbox/build/release/quick"
add_fake fastpath 40
add_fake chunked 60
add_fake uv 2000
echo guest >"$sandbox/build/release/uv/kind"

velo targets --budget 5s
check no-cell-is-said "status $status: $(cat "$sandbox/err")" test "$status" -eq 2

echo '-- POINT threads=1,batch=1' >"$sandbox/scenarios/producers.lua"
echo '-- POINT parked' >"$sandbox/scenarios/ping_pong.lua"
velo targets --budget 60s --seed 3
run=$(run_dir)
id=$(basename "$run")
check cost-is-said "$(head -n 3 "$sandbox/err")" \
    grep -q 'targets: [0-9]* questions .* by 5 contestants; at most 1 min ' "$sandbox/err"
check a-missed-one-is-7 "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 7
check only-asked-cells "$(grep -o '"scenario": "[a-z_]*"' "$run/plan.json")" \
    sh -c "! grep -q '\"scenario\": \"alpha\"' '$run/plan.json'"
check everybody-takes-part "no" grep -q '"name": "fastpath:disabled"' "$run/plan.json"
check nobody-leaves "$(grep '"type":"drop"' "$run/raw.ndjson" | head -n 1)" \
    sh -c "! grep '\"type\":\"drop\"' '$run/raw.ndjson' | grep -qv '\"block\":12'"
parked=$(python3 -c "import json; print([c['scenario'] for c in json.load(open('$run/plan.json'))['cells']].index('ping_pong'))")
check nobody-races-unasked "$(grep -c "\"type\":\"run\",\"cell\":$parked" "$run/raw.ndjson")" \
    sh -c "! grep '\"type\":\"run\",\"cell\":$parked,' '$run/raw.ndjson' | grep -q '\"entry\":\"uv\"'"
check not-asked-is-the-reason "$(grep '"type":"not_run"' "$run/raw.ndjson")" \
    grep -q "\"type\":\"not_run\",\"cell\":$parked,\"entry\":\"uv\",\"reason\":\"no target asks" "$run/raw.ndjson"
check the-twin-goes-with-its-original "$(grep -c 'mutex~twin' "$run/raw.ndjson")" \
    grep -q "\"type\":\"run\",\"cell\":$parked,.*mutex~twin" "$run/raw.ndjson"
check best-native-by-guest "$(cat "$run/targets.txt")" \
    grep -q 'submit one by one, 1 producer .*fastpath .* met .*uv' "$run/targets.txt"
check beside-the-limit "$(grep parked "$run/targets.txt")" \
    grep -q 'no descriptors .*fastpath .*<= 1.15x .* met .*limit L5a' "$run/targets.txt"
check over-the-limit "$(grep 'in epoll or' "$run/targets.txt")" \
    grep -q 'in epoll or .*mutex .* missed .*limit L5ae' "$run/targets.txt"
check absent-cell-has-reason "$(cat "$run/targets.txt")" \
    grep -q 'io_uring .* not measured .*the run has no cell micro/fd_edge/n=256' "$run/targets.txt"
check it-is-printed "$(cat "$sandbox/out")" said 'submit one by one, 1 producer'

velo verify "$id"
check verify-passes "$(cat "$sandbox/out")" test "$status" -eq 0
sed -i '0,/"word": "missed"/s//"word": "met"/' "$run/targets.json"
velo verify "$id"
check verify-finds-a-changed-answer "status $status: $(cat "$sandbox/out")" \
    sh -c "[ $status -eq 5 ] && grep -q 'targets.json: targets.*word' '$sandbox/out'"
velo targets --run "$id" --json
check asked-again "status $status" test "$status" -eq 7
check as-json "$(head -c 200 "$sandbox/out")" grep -q '"word": "missed"' "$sandbox/out"
velo verify "$id"
check verify-passes-again "$(cat "$sandbox/out")" test "$status" -eq 0

rm -r "$sandbox/build/release/uv"
velo targets --budget 60s --seed 4
check without-guests "$(cat "$(run_dir)/targets.txt")" grep -q 'no guest ran in this cell' "$(run_dir)/targets.txt"

# ---- Ctrl-C, and going on ----
for name in mutex fastpath chunked; do
    echo 0.05 >"$sandbox/build/release/$name/delay"
done
known=$(run_dir)
(cd "$sandbox" && exec setsid build/release/velo targets --budget 60s --seed 5) >"$sandbox/out" 2>"$sandbox/err" </dev/null &
pid=$!
for ((tries = 0; tries < 600; tries++)); do
    run=$(run_dir)
    [ "$run" != "$known" ] && [ "$(grep -sc '"type":"block"' "$run/raw.ndjson")" -ge 3 ] 2>/dev/null && break
    read -r -t 0.1 <> <(:) || true
done
id=$(basename "$run")
kill -INT $pid
wait $pid
status=$?
check stopped-is-130 "status $status: $(cat "$sandbox/err")" test "$status" -eq 130
check stopped-answers-all-the-same "$(cat "$sandbox/out")" said 'submit one by one, 1 producer'
check stopped-says-how-to-go-on "$(cat "$sandbox/out")" said "velo targets --resume $id"
velo targets --resume "$id" --seed 6
check the-plan-is-as-it-was "status $status" test "$status" -eq 2
velo targets --resume "$id"
check gone-on-with "status $status: $(cat "$sandbox/err")" test "$status" -eq 7
check gone-on-to-the-end "$(tail -n 1 "$run/raw.ndjson")" test "$(grep -c '"type":"block".*"valid":true' "$run/raw.ndjson")" -eq 24
velo targets --run no-such-run
check unknown-run-is-usage "status $status" test "$status" -eq 2
finish_tests
