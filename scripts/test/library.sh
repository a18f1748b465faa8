#!/bin/bash
# SPDX-License-Identifier: MIT
# Who needs a library that is missing is left out with its reason, and nobody else is. No package is
# removed for that: pkg-config looks into an empty folder, and the compiler finds no header.
set -u
cd "$(dirname "$0")/../.." || exit 2
. scripts/test/check.bash

hidden() # hidden COMMAND...: where no library is found
{
    PKG_CONFIG_LIBDIR=/nonexistent PKG_CONFIG_PATH='' CC=false "$@"
}

mapfile -t users < <(for file in impls/*/library; do basename "$(dirname "$file")"; done)
check "somebody needs a library" [ "${#users[@]}" -gt 0 ]
check "hidden libraries are absent" \
    [ "$(hidden scripts/library.sh absent)" = "$(printf '%s\n' "${users[@]}")" ]
check "without libraries those are left that need none" \
    [ "$(hidden scripts/library.sh present)" = "$(scripts/library.sh plain)" ]
check "and these are all natives that are left" \
    [ "$(hidden scripts/library.sh natives)" = "$(scripts/library.sh plain)" ]
check "who needs none names none" [ -z "$(scripts/library.sh plain | grep -xF "$(printf '%s\n' "${users[@]}")")" ]
check "all that are there are natives or guests" \
    [ "$(sort <(scripts/library.sh natives) <(scripts/library.sh guests))" = "$(scripts/library.sh present)" ]

for guest in "${users[@]}"; do
    why=$(hidden scripts/library.sh why "$guest")
    package=$(sed -n 's/^package //p' "impls/$guest/library")
    check "$guest: '$why' does not say what to install" grep -q "not found; install $package\$" <<<"$why"
    check "$guest: scripts/setup.sh does not install $package" \
        grep -q "^$package|base|" scripts/setup.sh
    expected=0
    [ -z "$(scripts/library.sh why "$guest")" ] || expected=1
    check "$guest is absent and has no reason, or the other way round" \
        [ "$(scripts/library.sh absent | grep -cxF "$guest")" -eq "$expected" ]
done

# what make would do: a line that says why, and no object of a guest
plan=$(hidden make -n SETUP=no Q= V=lto build 2>/dev/null)
for guest in "${users[@]}"; do
    check "$guest: the build says nothing" grep -q "library.sh why $guest >build/lto/$guest/not-run" <<<"$plan"
done
compiled=$(sed -n 's|.* -c -o [^ ]* impls/\([^/]*\)/.*|\1|p' <<<"$plan" | sort -u)
check "the build compiles others than those that need none: $compiled" \
    [ "$compiled" = "$(scripts/library.sh plain)" ]

finish
