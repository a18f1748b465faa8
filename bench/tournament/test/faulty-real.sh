#!/bin/bash
# SPDX-License-Identifier: MIT
# The same as faulty.sh with the real programs: mutex with one fault in velo_submit each. The race
# program finds every fault by itself; conformance finds one too. The others are ranked.
. "$(dirname "$0")/sandbox.bash"
make -s -C "$real_root" V="$variant" faulty "build/$variant/mutex/race" >/dev/null || exit 1
make_sandbox
rm -rf "$sandbox/scenarios" "$sandbox/build/release/quick"
cp -r "$real_root/scenarios" "$sandbox/scenarios"
cp "$real_root/build/$variant/mutex/race" "$sandbox/build/release/mutex/race"
rm "$sandbox"/build/release/mutex/{micro,process}

extras=
for fault in abort hang lose twice; do
    mkdir -p "$sandbox/extra/bad-$fault"
    cp "$real_root/build/$variant/faulty/$fault/race" "$sandbox/extra/bad-$fault/race"
    cp "$test_dir/fake-contestant" "$sandbox/extra/bad-$fault/conformance"
    extras=$extras,extra/bad-$fault
done
mkdir "$sandbox/extra/unfit"
cp "$real_root/build/$variant/faulty/abort/"{race,conformance} "$sandbox/extra/unfit/"
velo tournament --extra "$extras,extra/unfit" --scenarios producers --preset smoke --budget 90s
cp "$sandbox/out" "$sandbox/screen"

out_line() # out_line CONTESTANT PATTERN
{
    grep -A 6 "^$1 is DISQUALIFIED" "$sandbox/screen" | tr '\n' ' ' | tr -s ' ' >"$sandbox/line"
    if ! grep -q -e "$2" "$sandbox/line"; then
        not_ok "$1-reason" "no '$2' in '$(cat "$sandbox/line")' $(tail -n 2 "$sandbox/err")"
    elif ! grep -q -e "again: extra/$1/" "$sandbox/line"; then
        not_ok "$1-reason" "no command that repeats it in '$(cat "$sandbox/line")'"
    else
        ok "$1-reason"
    fi
}

check exit-status-is-4 "it is $status: $(tail -n 3 "$sandbox/err")" test "$status" -eq 4
out_line bad-abort 'crashed: signal 6 (Aborted)'
out_line bad-hang 'hung: killed after\|did not .* within'
out_line bad-lose 'did not run\|lost'
out_line bad-twice 'twice\|out of order'
out_line unfit 'fails conformance, clause'
check mutex-is-ranked "$(head -n 12 "$sandbox/screen")" grep -q '^producers .* 1.00x' "$sandbox/screen"

# What is printed as the way to repeat a fault does repeat it.
again=$(grep -A 6 '^bad-abort is DISQUALIFIED' "$sandbox/screen" | sed -n 's/^  again: //p' | head -n 1)
(cd "$sandbox" && bash -c "$again") >/dev/null 2>&1
status=$?
check reproduce-reproduces "'$again' ended with $status" test "$status" -eq 134
finish_tests
