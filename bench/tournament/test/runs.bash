# SPDX-License-Identifier: MIT
# Run folders with given costs, written without a race: the same plan, journal and chain of hashes
# that a tournament writes, in milliseconds and the same each time. Sourced after sandbox.bash.

make_run() # make_run ID SEED HOST BLOCKS QUICK_COST [KEY=VALUE...]: margin, program, version, window
{
    local id=$1 seed=$2 host=$3 blocks=$4 quick=$5 dir=$sandbox/reports/runs/$1
    local margin=0.05 program=aa version=1 window=300 commit=1111111111 end=decided
    shift 5
    [ $# -eq 0 ] || local "$@"
    mkdir -p "$dir"
    write_plan >"$dir/plan.json"
    cat >"$dir/env.json" <<EOF_ENV
{"schema":1,"warnings":[],"host":"$host","kernel":"Linux 6.1","architecture":"x86_64","cpu_model":"Fake",
 "cpus":2,"commit":"$commit","dirty":false,"compiler":"gcc 12.2.0","flags":"-O2"}
EOF_ENV
    write_journal "$(sha256sum <"$dir/plan.json" | cut -c 1-16)" >"$dir/raw.ndjson"
}

write_plan()
{
    local entry twin comma="" scenario
    printf '{"schema":1,"preset":"standard","seed":"%s","seed_given":true,"alpha":0.05,"margin":%s,"order":"uniform","entries":[' \
        "$seed" "$margin"
    for entry in mutex quick mutex~twin; do
        twin=null
        [ "$entry" != mutex~twin ] || twin='"mutex"'
        printf '%s{"name":"%s","contestant":"%s","variant":"","twin_of":%s,"kind":"native","version":"%s",' \
            "$comma" "$entry" "${entry%~twin}" "$twin" "$version"
        printf '"dir":"build","binaries":{"race":{"path":"build/race","sha256":"%s%s"}}}' "$program" "${entry%~twin}"
        comma=,
    done
    printf '],"cells":['
    comma=""
    for scenario in alpha beta; do
        printf '%s{"lane":"race","scenario":"%s","point":"n=1","params":{"n":1},"metric":"ns_per_task","unit":"ns",' \
            "$comma" "$scenario"
        printf '"family":"cap","core":true,"window_ms":%s,"timeout_s":5,"script":"scenarios/%s.lua","needs":[],' \
            "$([ $scenario = beta ] && echo "$window" || echo 300)" "$scenario"
        printf '"block_ms":1,"common_rate":null}'
        comma=,
    done
    printf '],"blocks_common":10,"blocks_max":60,"budget_s":325,"weights":{"balanced":{"cap":1}},'
    printf '"redo":{"block_limit":0.02,"run_limit":0.1,"max":2,"share":0.25},"created":"2026-01-01T00:00:00.000Z"}\n'
}

# In alpha quick costs QUICK_COST, in beta what mutex costs: 100, and a little that differs from
# block to block.
write_journal()
{
    local plan=$1 prev="" second=0 cell block entry position cost noise
    for ((block = 1; block <= blocks; block++)); do
        for cell in 0 1; do
            position=0
            for entry in mutex quick mutex~twin; do
                noise=$(((block * 7 + (position * 5 + seed) * block % 11) % 13))
                cost=100
                [ "$entry$cell" != quick0 ] || cost=$quick
                put_line '"type":"run","cell":%d,"block":%d,"attempt":0,"position":%d,"entry":"%s","status":"ok","reason":"","cost":%d.%02d,"wall_ms":10,"env_pad":0,"exit":0,"command":"race","run":{"metrics":{"ns_per_task":{"value":%d.%02d,"unit":"ns","better":"lower"},"tasks_per_s":{"value":%d,"unit":"1/s","better":"higher"}},"latency":{"unit":"ns","count":1000,"p50":%d,"p99":%d.5,"p999":null},"covariates":{"cpu_ns":%d},"counters":{"executed":1000}}' \
                    $cell $block $position $entry $cost $noise $cost $noise $((1000000 / cost)) $((cost * 2)) $((cost * 9)) $((cost * 1000 + noise))
                position=$((position + 1))
            done
            put_line '"type":"block","cell":%d,"block":%d,"attempt":0,"valid":true,"foreign_share":0,"entries":["mutex","quick","mutex~twin"],"reason":""' $cell $block
        done
    done
    [ "$end" = none ] || put_line '"type":"end","reason":"%s"' "$end"
}

put_line() # put_line FORMAT ARGS...
{
    local line
    # shellcheck disable=SC2059
    printf -v line "{$1,\"t\":\"2026-01-01T00:%02d:%02d.000Z\",\"plan\":\"%s\",\"prev\":\"%s\"}" \
        "${@:2}" $((second / 60)) $((second % 60)) "$plan" "$prev"
    printf '%s\n' "$line"
    second=$((second + 1))
    prev=$(printf '%s' "$line" | sha256sum)
    prev=${prev%% *}
}
