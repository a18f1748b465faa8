#!/bin/bash
# SPDX-License-Identifier: MIT
# Guests run on libraries that may be absent: impls/NAME/library says which, and this script whether
# it is there and how to compile with it. The Makefile leaves out a guest without its library; so
# the others are built, and the tournament says why that one does not run.
#
# The lines of such a file: "name NAME VERSION" what it is; "package P" in Debian; and either
# "pkg-config CONDITION", or for a library without that "header FILE" and "libs FLAGS". "static MODULE"
# is another module of pkg-config, for static links. "native": it is no guest, but uses the library.
set -u
cd "$(dirname "$0")/.." || exit 2

usage()
{
    cat <<'EOT'
usage: scripts/library.sh absent       the contestants whose library is missing, one a line
       scripts/library.sh present      all but these
       scripts/library.sh guests       of these, the guests
       scripts/library.sh natives      and the others
       scripts/library.sh plain        those that need no library
       scripts/library.sh why NAME     why it is absent; nothing if it is not
       scripts/library.sh cflags NAME
       scripts/library.sh libs NAME
       scripts/library.sh static NAME  the same for a static link; nothing for a native
EOT
}

value() # value KEY: what the file of the guest says about it
{
    sed -n "s/^$1 //p" "impls/$guest/library" 2>/dev/null
}

condition() # the words that pkg-config takes
{
    value pkg-config
}

is_there()
{
    local header
    if [ -n "$(condition)" ]; then
        pkg-config --exists "$(condition)" 2>/dev/null
        return
    fi
    header=$(value header)
    printf '#include <%s>\nint main(void) { return 0; }\n' "$header" |
        "${CC:-cc}" -x c - -fsyntax-only 2>/dev/null
}

list() # list KIND
{
    local loop kinds
    for loop in impls/*/loop.c; do
        [ -e "$loop" ] || continue
        guest=$(basename "$(dirname "$loop")")
        kinds='present natives plain'
        if [ -e "impls/$guest/library" ]; then
            kinds=absent
            is_there && kinds='present guests'
            [ "$kinds" = absent ] || ! grep -qxF native "impls/$guest/library" || kinds='present natives'
        fi
        [[ " $kinds " != *" $1 "* ]] || echo "$guest"
    done
}

case ${1-} in
absent | present | guests | natives | plain)
    list "$1"
    ;;
why)
    guest=${2:?}
    [ -e "impls/$guest/library" ] || exit 0
    is_there || echo "$(value name) or later not found; install $(value package)"
    ;;
static)
    guest=${2:?}
    [ -e "impls/$guest/library" ] || exit 0
    if [ -n "$(condition)" ]; then
        module=$(value static)
        pkg-config --libs --static "${module:-$(condition)}"
    else
        value libs
    fi
    ;;
cflags | libs)
    guest=${2:?}
    if [ -n "$(condition)" ]; then
        pkg-config "--$1" "$(condition)"
    elif [ "$1" = libs ]; then
        value libs
    fi
    ;;
*)
    usage >&2
    exit 2
    ;;
esac
