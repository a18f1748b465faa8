#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/mutants.sh tells killed from not killed: a gallery of planted patches, one for each verdict,
# made from the sources as they are. Then it is stopped in the middle, and leaves nothing running.
cd "$(dirname "$0")/../.." || exit 2
. scripts/test/check.bash

gallery=$scratch/gallery
out=build/test/mutants
trap 'rm -rf "$scratch" "$out"' EXIT
mkdir "$gallery"

plant() # plant NAME CLAUSE FILE SED: a patch of what SED does to the file
{
    {
        printf '%s\n' "Name: $1" 'Fault: planted' 'Trap: H1' 'Contestant: mutex' "Clause: $2" ''
        sed "$4" "$3" | diff -U1 --label "a/$3" --label "b/$3" "$3" -
    } >"$gallery/$1.patch"
}

says() # says NAME VERDICT
{
    grep -qE "^(ok|FAIL) .* $1 +$2 in " "$log"
}

loop=impls/mutex/loop.c
plant fault S1 $loop 's/-EINVAL/-EIO/'
plant other-clause R5 $loop 's/-EINVAL/-EIO/'
plant nothing R5 $loop '2s/$/ /'
plant broken R5 $loop '2s/$/ *\/ no C/'
plant stale R5 $loop '2s/$/ /'
sed -i 's|^ /\* SPDX| /* other|' "$gallery/stale.patch"
plant not-the-library R5 common/conformance/main.c '2s/$/ /'
plant no-clause R99 $loop '2s/$/ /'
plant nameless R5 $loop '2s/$/ /'
sed -i 's/^Name: .*/Name: other/' "$gallery/nameless.patch"

scripts/mutants.sh --gallery "$gallery" --out "$out" >"$log" 2>&1
check 'exit status with survivors' [ $? -eq 1 ]
check 'a fault is killed' says fault killed
check 'a fault is not killed by another clause' says other-clause survived
check 'a change of nothing survives' says nothing survived
check 'a patch that does not compile' says broken 'does not build'
check 'a patch of another source' says stale 'does not apply'
check 'a patch of the suite itself' says not-the-library 'bad head'
check 'a clause that there is not' says no-clause 'bad head'
check 'a name that is not its own' says nameless 'bad head'
check 'the sum' grep -qx '1 passed, 7 failed' "$log"
check 'the matrix' grep -q '^| fault | killed | mutex | S1 | S1:' "$out/matrix.md"

scripts/mutants.sh --gallery "$gallery" --out "$out" --only fault >"$log" 2>&1
check 'exit status without survivors' [ $? -eq 0 ]

scripts/mutants.sh --gallery "$gallery" --out "$out" >"$log" 2>&1 &
pid=$!
for _ in {1..300}; do # until the first worker has begun, or the limit of patience
    [ -d "$out/tree-1" ] && break
    sleep 0.1
done
kill -TERM $pid
wait $pid
check 'exit status when stopped' [ $? -eq 130 ]
running() { pgrep -f -- "-C $out/tree-" >/dev/null; }
check 'nothing goes on after it was stopped' eval '! running'

finish
