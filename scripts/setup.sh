#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the Debian 12 packages that building, testing and racing need, and nothing else.
#
# The table below is the one place that names them. `make tournament` and `make test` come here
# first, so with nothing missing this costs one dpkg query and prints one line. Nothing is ever
# asked: as root the missing packages are installed, otherwise the one command to run is printed.
# scripts/test/setup.sh compares the table with what the sources include, link and run.
set -u
export LC_ALL=C

# package | base: build, races, tests; check: only `make check` | reason
table='
gcc|base|compiles the C sources
g++|base|compiles bench/shim, the only C++
libc6-dev|base|headers of the C library (gcc only recommends them)
binutils|base|ar, ld, objcopy: libcommon.a and libvelo
make|base|runs the Makefile
pkg-config|base|compiler and linker flags of the libraries below
git|base|the commit in a run'"'"'s name; the list of files to check
perl|base|the careful forger in the test of velo verify
libcmocka-dev|base|the conformance suite and the unit tests
libbenchmark-dev|base|Google Benchmark: the micro lane
liblua5.4-dev|base|Lua 5.4: scenarios
libjansson-dev|base|JSON: run lines, journal, verdict
libsqlite3-dev|base|SQLite: the index of all runs
libgsl-dev|base|GSL: exact binomial bounds of the self-check, another opinion in unit tests
liburing-dev|base|io_uring: the contestant uring, and its prices in build/release/limits
libseccomp-dev|base|its test: io_uring forbidden, as in containers
libmd-dev|base|SHA-256: plan hash, journal chain, program hashes
libuv1-dev|base|guest libuv; without it that contestant is NOT RUN
libev-dev|base|guest libev, likewise
libevent-dev|base|guest libevent, likewise
libglib2.0-dev|base|guest glib, likewise
hyperfine|base|the process lane: whole programs
gnuplot-nox|base|the plots of the report
clang-format|base|the layout of the sources is a test
relacy-dev|base|memory-model checks: common/models/*.cc
spin|base|every interleaving: common/models/*.pml
gcovr|check|coverage of the library by the tests
clang-tidy|check|static analysis, a slow step of its own
'

usage()
{
    cat <<'EOF'
usage: scripts/setup.sh [--check] [--list]
  --check  also what only `make check` needs
  --list   print the packages and the reason of each; install nothing
EOF
}

rows() # the table's rows that were asked for
{
    printf '%s\n' "$table" | while IFS='|' read -r package group reason; do
        [ -n "$package" ] || continue
        [ "$group" = base ] || [ "$check" = yes ] || continue
        printf '%s|%s\n' "$package" "$reason"
    done
}

check=no
list=no
for arg in "$@"; do
    case $arg in
    --check) check=yes ;;
    --list) list=yes check=yes ;;
    --help | -h) usage; exit 0 ;;
    *)
        echo "setup: unknown option '$arg'" >&2
        usage >&2
        exit 2
        ;;
    esac
done

if [ "$list" = yes ]; then
    rows | while IFS='|' read -r package reason; do
        printf '%-18s %s\n' "$package" "$reason"
    done
    exit 0
fi

mapfile -t wanted <<<"$(rows | cut -d '|' -f 1)" # unlike <() this needs no /dev/fd
if ! command -v dpkg-query >/dev/null; then
    echo "setup: this system has no dpkg; install what these Debian packages hold:" >&2
    echo "    ${wanted[*]}" >&2
    echo "setup: then say so: make SETUP=no ..." >&2
    exit 1
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
    sed -n 's/^installed //p')
missing=()
for package in "${wanted[@]}"; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
done

if [ ${#missing[@]} -eq 0 ]; then
    echo "setup: nothing is missing (${#wanted[@]} packages)"
    exit 0
fi

install=(apt-get install -y --no-install-recommends "${missing[@]}")
if [ "$(id -u)" -ne 0 ]; then
    echo "setup: ${#missing[@]} packages are missing. Run this, then the same command again:" >&2
    echo "    sudo sh -c 'apt-get update && ${install[*]}'" >&2
    exit 1
fi

echo "setup: installing ${missing[*]}"
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
apt_get()
{
    apt-get -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1 </dev/null
}
install_packages()
{
    apt_get "${install[@]:1}" && return
    # The package lists are absent (a fresh image) or stale. An update may fail for the sake of a
    # source that is not needed here, so the second try decides.
    : >"$log"
    apt_get update
    apt_get "${install[@]:1}"
}
if ! install_packages; then
    echo "setup: apt could not install the packages. It says:" >&2
    words=$(grep -E '^(E|W|dpkg):' "$log" || tail -n 15 "$log")
    printf '%s\n' "$words" | head -n 6 | sed 's/^/    /' >&2
    echo "setup: is the network reachable, and does /etc/apt list a Debian 12 mirror? By hand:" >&2
    echo "    apt-get update && ${install[*]}" >&2
    exit 1
fi
echo "setup: done"
