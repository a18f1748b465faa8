#!/bin/bash
# SPDX-License-Identifier: MIT
# The hand-over: each contestant as libvelo, installed below a fresh prefix, is what a user's program
# needs, found by pkg-config, shared and static, and shows nothing but the API. The selection in
# build/select is left alone.
cd "$(dirname "$0")/../.." || exit 2
. scripts/test/check.bash

says() # says TEXT COMMAND...: it fails, and says so
{
    local text=$1
    shift
    "$@" && return 1
    grep -qF -- "$text" "$log"
}

velo_make()
{
    make --no-print-directory "S=$scratch/select" "$@" >"$log" 2>&1
}

api() # the functions that velo.h declares
{
    tr '\n' ' ' <common/include/velo.h | grep -oE 'VELO_API [^;]*;' | grep -oE 'velo_[a-z_0-9]+ ?\(' |
        tr -d ' (' | grep -vE '_fn$' | sort -u
}

build_hello() # build_hello OUT [static]: against the installed library only
{
    local flags
    flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs ${2:+--static} velo) || return 1
    # shellcheck disable=SC2086 # flags are words
    gcc -Wall -Wextra -Werror ${2:+-static} -o "$1" common/examples/hello.c $flags >"$log" 2>&1
}

greets() # greets NAME PROGRAM: the loop in it is that contestant
{
    timeout 20 "$2" >"$scratch/greeting" && grep -qxF "hello from $1" "$scratch/greeting"
}

api >"$scratch/api"
check "velo.h declares functions" [ -s "$scratch/api" ]
check "install before a selection says what to do" says 'make select FOR=' velo_make install PREFIX=/nowhere
check "an unknown contestant is named" says "'nobody'" velo_make library IMPL=nobody

for name in $(scripts/library.sh present); do
    prefix=$scratch/$name
    check "$name: make library" velo_make library "IMPL=$name"
    check "$name: make install" velo_make install "PREFIX=$prefix"
    nm -D --defined-only "$prefix/lib/libvelo.so" | awk '{ print $3 }' | sort -u >"$scratch/shared"
    nm -g --defined-only "$prefix/lib/libvelo.a" | awk 'NF == 3 { print $3 }' | sort -u >"$scratch/static"
    check "$name: libvelo.so shows the API and nothing else" diff "$scratch/api" "$scratch/shared"
    check "$name: libvelo.a shows the API and nothing else" diff "$scratch/api" "$scratch/static"
    check "$name: compiles, shared" build_hello "$scratch/hello-shared"
    check "$name: compiles, static" build_hello "$scratch/hello-static" static
    LD_LIBRARY_PATH=$prefix/lib check "$name: runs, shared" greets "$name" "$scratch/hello-shared"
    check "$name: runs, static" greets "$name" "$scratch/hello-static"
    check "$name: the pkg-config file names it" grep -q "contestant $name " "$prefix/lib/pkgconfig/velo.pc"
    check "$name: the man page" [ -f "$prefix/share/man/man7/velo.7" ]
    export PKG_CONFIG_PATH=$scratch/select
    check "$name: usable without installing" pkg-config --exists velo
    unset PKG_CONFIG_PATH
done

finish
