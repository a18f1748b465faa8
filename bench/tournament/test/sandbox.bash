# SPDX-License-Identifier: MIT
# A small project of its own for a test: the real velo, fake contestants, fake scenarios. Sourced.
set -u
export LC_ALL=C NO_COLOR=1
test_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
real_root=$(cd "$test_dir/../../.." && pwd)
variant=${V:-release}
passed=0
failed=0
sandbox=$(mktemp -d /tmp/velo-test-XXXXXX)
export VELO_LOCK=$sandbox/lock
export VELO_DOCTOR_ROOT=$sandbox/machine # a quiet one, whatever this one is doing
trap 'chmod -R u+w "$sandbox" 2>/dev/null; rm -rf "$sandbox"' EXIT

ok() # ok NAME
{
    echo "ok $1"
    passed=$((passed + 1))
}

not_ok() # not_ok NAME WHY
{
    echo "not ok $1: $2"
    failed=$((failed + 1))
}

check() # check NAME WHY COMMAND...: the command must succeed
{
    local name=$1 why=$2
    shift 2
    if "$@"; then
        ok "$name"
    else
        not_ok "$name" "$why"
    fi
}

finish_tests()
{
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

add_fake() # add_fake NAME COST [FAULT]
{
    local dir=$sandbox/build/release/$1 program
    mkdir -p "$dir"
    for program in race micro process conformance; do
        cp "$test_dir/fake-contestant" "$dir/$program"
    done
    echo "$2" >"$dir/cost"
    if [ -n "${3:-}" ]; then
        echo "$3" >"$dir/fault"
    fi
}

quiet_machine() # quiet_machine DIR: /proc and /sys of a machine on which nothing is wrong
{
    local cpu
    rm -rf "$1"
    mkdir -p "$1/proc/self" "$1/proc/pressure" "$1/later/proc" "$1/sys/devices/system/cpu"
    echo 'cpu  100 0 100 1000 0 0 0 0' >"$1/proc/stat"
    echo 'cpu  100 0 100 1200 0 0 0 0' >"$1/later/proc/stat"
    echo 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0' >"$1/proc/pressure/cpu"
    echo '0.10 0.20 0.30 1/80 99' >"$1/proc/loadavg"
    echo 'Cpus_allowed_list: 0-1' >"$1/proc/self/status"
    echo 0-1 >"$1/sys/devices/system/cpu/online"
    for cpu in 0 1; do
        mkdir -p "$1/sys/devices/system/cpu/cpu$cpu/cpufreq"
        echo performance >"$1/sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor"
    done
}

make_sandbox() # contestants mutex and quick, scenarios alpha and beta
{
    mkdir -p "$sandbox/build/release" "$sandbox/scenarios" "$sandbox/reports"
    quiet_machine "$sandbox/machine"
    ln -s "$real_root/reports/templates" "$real_root/reports/plots" "$sandbox/reports/"
    cp "$real_root/build/$variant/velo" "$sandbox/build/release/velo" || exit 1
    echo '-- alpha' >"$sandbox/scenarios/alpha.lua"
    echo '-- beta' >"$sandbox/scenarios/beta.lua"
    add_fake mutex 100
    add_fake quick 50
    cp "$test_dir/fake-limits" "$sandbox/build/release/limits"
}

# What races without a seed gets the next one: of identical code one race in fifty tells two apart, as
# the promise allows, and no test shall hang on that. (The noise of a fake contestant follows the seed of
# the attempt; on the quiet machine no block is done again, so that is the seed of the race alone.)
seeds=0
velo() # velo ARGS...: output in $sandbox/out and $sandbox/err, status in $status
{
    local seed=()
    case ${1-} in
    tournament | race | prices | gate)
        case " $* " in
        *" --seed "* | *" --resume "* | *" --help "*) ;;
        *) seed=(--seed $((seeds += 1))) ;;
        esac
        ;;
    esac
    (cd "$sandbox" && exec build/release/velo ${1+"$1"} "${seed[@]}" "${@:2}") >"$sandbox/out" 2>"$sandbox/err" </dev/null
    status=$?
}

run_dir() # the newest run folder
{
    find "$sandbox/reports/runs" -mindepth 1 -maxdepth 1 -type d | sort | tail -n 1
}

# A tournament that was killed needs more evidence (what was left half-way counts against the leader),
# so it may come to its end by its last block without an answer.
came_to_its_end() # came_to_its_end DIR: by its status and its journal
{
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] &&
        tail -n 1 "$1/raw.ndjson" | grep -q '"type":"end","reason":"\(decided\|budget\)"'
}

said() # said PATTERN: on stderr or stdout
{
    grep -q -e "$1" "$sandbox/out" "$sandbox/err"
}
