#!/bin/bash
# SPDX-License-Identifier: MIT
# A new contestant: copies the skeleton, which is impls/mutex, the shortest complete loop, to
# impls/NAME under its own name. It compiles and passes at once; from there it is changed step by step.
set -eu
cd "$(dirname "$0")/.."

skeleton=mutex
name=${1:-}

refuse()
{
    echo "new: $*" >&2
    exit 2
}

[ $# -eq 1 ] && [ -n "$name" ] || refuse "say its name: make new IMPL=name"
[[ $name =~ ^[a-z][a-z0-9_]{0,30}$ ]] ||
    refuse "'$name' is no name for a contestant: lower case letters, digits and _, a letter first"
case $name in
obj | unit | faulty | limits | velo | sources | test | select) # names below build/
    refuse "'$name' is taken by the build; choose another name" ;;
esac
[ ! -e "impls/$name" ] || refuse "impls/$name exists already"

cp -r "impls/$skeleton" "impls/$name"
for file in "impls/$name"/*; do
    # only where the contestant is named: pthread_mutex_lock() stays what it is
    sed -i -e "s/^# $skeleton\$/# $name/" \
        -e "s/^ \* $skeleton:/ * $name:/" \
        -e "s/\.name = \"$skeleton\"/.name = \"$name\"/" \
        -e "s/\.summary = \".*\"/.summary = \"new, so far a copy of $skeleton\"/" "$file"
done
cat <<EOF
impls/$name is a copy of impls/$skeleton under its own name. On from here:
    make conformance IMPL=$name                          it passes; keep it so
    edit impls/$name/loop.c and impls/$name/README.md    what is its idea?
    make race IMPL=$name VS=$skeleton SCENARIO=burst     is it worth it?
EOF
