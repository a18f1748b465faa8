#!/bin/bash
# SPDX-License-Identifier: MIT
# velo doctor on this machine and on a made-up one; and at the door of a tournament: what warns is
# written down, what would make results false is refused, an override is printed in the report.
. "$(dirname "$0")/sandbox.bash"
make_sandbox

state_of() # state_of CHECK: as the last velo doctor --json said it
{
    sed -n "/\"name\": \"$1\"/{n;s/.*: \"\(.*\)\".*/\1/p}" "$sandbox/out"
}

expect() # expect NAME CHECK STATE: after a fresh look
{
    velo doctor --quick --json
    check "$1" "$2 is '$(state_of "$2")'; $(cat "$sandbox/err")" test "$(state_of "$2")" = "$3"
}

shows() # shows PATTERN: on stdout, wherever its lines are broken
{
    tr '\n' ' ' <"$sandbox/out" | tr -s ' ' | grep -q -e "$1"
}

# ---- on a machine where all is well, as far as it can be seen ----
velo doctor --quick
check quick-is-no-failure "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check made-up-machine-is-said "$(cat "$sandbox/out")" shows 'WARN root /proc and /sys are read below [^ ]* (VELO_DOCTOR_ROOT)'
check each-check-has-a-line "$(cat "$sandbox/out")" test "$(grep -cE '^(ok|\?|WARN|REFUSE) +[a-z]' "$sandbox/out")" -ge 20
check sum-is-printed "$(tail -n 1 "$sandbox/out")" grep -qE '^[0-9]+ ok, [0-9]+ cannot be seen, [0-9]+ to be warned of, 0 refused$' "$sandbox/out"
velo doctor
check noise-is-looked-at "$(cat "$sandbox/out" "$sandbox/err")" grep -qE '^now: adjacent runs of mutex in alpha n=1 differ by [0-9.]+ % \([0-9]+ pairs\)' "$sandbox/out"

# ---- this machine itself ----
(unset VELO_DOCTOR_ROOT && cd "$sandbox" && exec build/release/velo doctor --quick --json) >"$sandbox/out"
check real-machine "$(cat "$sandbox/out")" test "$(state_of root)" = ok -a "$(state_of cpus)" != ""
check real-looks-differ "$(cat "$sandbox/out")" test "$(state_of steal)" != unknown

# ---- programs ----
cat >"$sandbox/x.c" <<'EOC'
int main(int argc, char **argv) { return argv[argc - 1][0] == 'x'; }
EOC
build() # build NAME FLAGS...: its race program, a real one
{
    local name=$1
    shift
    gcc "$@" -o "$sandbox/build/release/$name/race" "$sandbox/x.c"
}
expect scripts-tell-nothing flags unknown
build mutex -g -O2
build quick -g -O2
expect same-flags flags ok
expect no-instruments instruments ok
build quick -g -O3
expect other-flags-are-refused flags refuse
check other-flags-are-named "$(grep -A 2 '"flags"' "$sandbox/out")" grep -q 'only mutex has -O2: only quick has -O3' "$sandbox/out"
build quick -g -O2 -fsanitize=undefined
expect sanitizer-is-refused instruments refuse
velo doctor --quick
check refusal-is-status-1 "status $status" test "$status" -eq 1
velo tournament --preset smoke --scenarios micro
check refused-tournament-is-status-1 "status $status: $(cat "$sandbox/err")" test "$status" -eq 1
check refused-tournament-says-how "$(cat "$sandbox/err")" grep -q 'instruments: quick is built with .*Do: .*--force instruments' "$sandbox/err"
check refused-tournament-leaves-nothing "a folder" test ! -e "$sandbox/reports/runs"
for name in mutex quick; do
    cp "$test_dir/fake-contestant" "$sandbox/build/release/$name/race"
done

# ---- LD_PRELOAD ----
echo 'int usleep(unsigned us) { (void)us; return 0; }' >"$sandbox/lib.c"
gcc -shared -fPIC -o "$sandbox/replaces.so" "$sandbox/lib.c"
echo 'int nobody_calls_this(void) { return 0; }' >"$sandbox/lib.c"
gcc -shared -fPIC -o "$sandbox/harmless.so" "$sandbox/lib.c"
LD_PRELOAD=$sandbox/harmless.so expect harmless-preload preload ok
LD_PRELOAD=$sandbox/replaces.so expect interposer-is-refused preload refuse
check interposed-name-is-told "$(cat "$sandbox/out")" grep -q 'replaces.so (LD_PRELOAD) replaces usleep' "$sandbox/out"
export LD_PRELOAD=$sandbox/replaces.so
velo tournament --scenarios alpha --budget 8s --seed 3
check interposer-ends-a-tournament "status $status: $(cat "$sandbox/err")" test "$status" -eq 1
velo tournament --scenarios alpha --force preloat
check unknown-override-is-usage "status $status: $(cat "$sandbox/err")" test "$status" -eq 2
velo tournament --scenarios alpha --budget 8s --seed 3 --force preload
check override-goes-on "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
dir=$(run_dir)
said='preload was refused and is overridden by --force: .*replaces usleep'
check override-in-env.json "missing" grep -q "$said" "$dir/env.json"
check override-in-verdict.json "missing" grep -q "$said" "$dir/verdict.json"
check override-in-report.md "missing" grep -q "Override: $said" "$dir/report.md"
check override-in-report.html "missing" grep -q "Override: $said" "$dir/report.html"
check override-on-screen "$(cat "$sandbox/out")" shows "override: $said"
velo tournament --resume "$(basename "$dir")" --budget 5s
check resume-is-refused-too "status $status" test "$status" -eq 1
velo tournament --resume "$(basename "$dir")" --budget 5s --anyway
check resume-anyway "status $status: $(cat "$sandbox/err")" test "$status" -eq 0
check resumed-override-in-report.md "missing" grep -q "Override: when it went on at .*$said" "$dir/report.md"
unset LD_PRELOAD

# ---- what warns is said, and written down once ----
quiet_machine "$sandbox/machine"
echo powersave >"$sandbox/machine/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
velo tournament --scenarios alpha --budget 8s --seed 4
check warning-is-said "$(cat "$sandbox/err")" grep -q "warning: governor: 'powersave', not 'performance'" "$sandbox/err"
check warning-in-env.json "missing" grep -q "^ *\"governor: 'powersave'" "$(run_dir)/env.json"
check warning-in-report.md "missing" grep -q "Warning: governor: 'powersave'" "$(run_dir)/report.md"

# ---- what it costs: runs with it against runs without it ----
quiet_machine "$sandbox/machine"
velo tournament --scenarios alpha --budget 8s --seed 5
echo powersave >"$sandbox/machine/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
velo doctor --quick
check cost-from-past-runs "$(cat "$sandbox/out")" shows 'past runs here with it saw gaps of [0-9]* % and more (1), without it [0-9]* % (2)'
check last-twin-is-known "$(cat "$sandbox/out")" shows "ok twin last baseline against its copy: $(basename "$(run_dir)"), 0 minutes ago, the same program"
echo '# another program' >>"$sandbox/build/release/mutex/race"
expect twin-older-than-the-build twin unknown

# ---- another tournament ----
exec 9>"$sandbox/lock"
flock 9
velo doctor --quick --json
check lock-is-refused "$(state_of lock)" test "$(state_of lock)" = refuse -a "$status" -eq 1
exec 9>&-
expect lock-is-free lock ok
finish_tests
