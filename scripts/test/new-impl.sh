#!/bin/bash
# SPDX-License-Identifier: MIT
# A new contestant compiles, passes the suite and is in style as it comes; bad names are refused. In a
# copy of the tree, which borrows the objects that are built already.
cd "$(dirname "$0")/../.." || exit 2
. scripts/test/check.bash

limit_s=300
tree=$scratch/tree
mkdir "$tree"
git ls-files -co --exclude-standard | while IFS= read -r file; do
    [ -f "$file" ] && echo "$file"
done | tr '\n' '\0' | xargs -0 cp -p --parents -t "$tree"
if [ -d build/release/obj ]; then
    mkdir -p "$tree/build/release"
    cp -a build/release/obj "$tree/build/release/"
fi
cd "$tree" || exit 2

told 'no name' 2 'make new IMPL=name' scripts/new-impl.sh
told 'a bad name' 2 "'../evil'" scripts/new-impl.sh ../evil
told 'a name of the build' 2 "'unit'" scripts/new-impl.sh unit
told 'a name that is taken' 2 'exists already' scripts/new-impl.sh mutex
told 'a new one' 0 'impls/fresh' make new IMPL=fresh
told 'it compiles' 0 '' make --no-print-directory build/release/fresh/conformance build/release/fresh/race
told 'it passes' 0 ' 0 failed' build/release/fresh/conformance --quiet
told 'under its own name' 0 'fresh (native' build/release/fresh/conformance --clause S1
git init -q .
told 'it is in style' 0 'files are in order' scripts/tidy.sh

finish
