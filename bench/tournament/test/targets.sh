#!/bin/bash
# SPDX-License-Identifier: MIT
# velo targets: the cells that targets are asked in and no others, whoever is built; an answer for each
# target, with a reason where a run has none; the same answers again from the run folder.
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
velo targets --budget 30s --seed 3
run=$(run_dir)
id=$(basename "$run")
check a-missed-one-is-7 "status $status: $(cat "$sandbox/out" "$sandbox/err")" test "$status" -eq 7
check only-asked-cells "$(grep -o '"scenario": "[a-z_]*"' "$run/plan.json")" \
    sh -c "! grep -q '\"scenario\": \"alpha\"' '$run/plan.json'"
check everybody-takes-part "no" grep -q '"name": "fastpath:disabled"' "$run/plan.json"
check nobody-leaves "$(grep '"type":"drop"' "$run/raw.ndjson" | head -n 1)" \
    sh -c "! grep '\"type\":\"drop\"' '$run/raw.ndjson' | grep -qv '\"block\":14'"
check best-native-by-guest "$(cat "$run/targets.txt")" \
    grep -q 'submit one by one, 1 producer .*fastpath .* met .*uv' "$run/targets.txt"
check beside-the-limit "$(grep parked "$run/targets.txt")" \
    grep -q 'no descriptors .*fastpath .*<= 1.15x .* met .*limit L5' "$run/targets.txt"
check over-the-limit "$(grep 'in epoll or' "$run/targets.txt")" \
    grep -q 'in epoll or .*mutex .* missed .*limit L5e' "$run/targets.txt"
check absent-cell-has-reason "$(cat "$run/targets.txt")" \
    grep -q 'io_uring .* not measured .*the run has no such cell' "$run/targets.txt"
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
velo targets --budget 30s --seed 4
check without-guests "$(cat "$(run_dir)/targets.txt")" grep -q 'no guest ran in this cell' "$(run_dir)/targets.txt"
velo targets --run no-such-run
check unknown-run-is-usage "status $status" test "$status" -eq 2
finish_tests
