#!/bin/bash
# SPDX-License-Identifier: MIT
# The table of setup.sh against the sources: every foreign header that is included, every library that
# the Makefile links and every command that the scripts and programs start comes from a package of
# the table or from one that every Debian has; and every package of the table is used.
# Then its manners, with a fake dpkg-query, id and apt-get: root installs, others get the command.
cd "$(dirname "$0")/../.." || exit 2
. scripts/test/check.bash

fake=$scratch/fake # fake commands, and lists
mkdir "$fake"
table=$fake/table
scripts/setup.sh --list | awk '{ print $1 }' | sort -u >"$table"

# ---- the table and the sources ----

owner_of() # owner_of FILE: the package that brought it, also where /bin is a link to /usr/bin
{
    { dpkg-query -S "$1" || dpkg-query -S "${1#/usr}"; } 2>/dev/null | head -n 1 | sed 's/[:,].*//'
}

headers() # the foreign headers that the sources include, as files
{
    git grep -hoE '^#include <[^>]+>' -- '*.c' '*.h' '*.cc' | sed 's/.*<\(.*\)>/\1/' | sort -u |
        while IFS= read -r header; do
            for folder in /usr/include /usr/include/glib-2.0 /usr/include/lua5.4 /usr/include/x86_64-linux-gnu \
                "/usr/include/$(gcc -dumpmachine)" "$(gcc -print-file-name=include)"; do
                [ -f "$folder/$header" ] && echo "$folder/$header" && break
            done
        done
}

used=$fake/used
{
    headers | while IFS= read -r file; do owner_of "$file"; done
    sed -n 's/.*--libs,\([a-z0-9. ]*\).*/\1/p' Makefile | tr ' ' '\n' | sort -u |
        while IFS= read -r module; do
            owner_of "$(find /usr/lib /usr/share -name "$module.pc" | head -n 1)"
        done
    for tool in gcc g++ make ar ld objcopy pkg-config git hyperfine gnuplot spin perl clang-format clang-tidy gcovr; do
        git grep -qwF "$tool" -- Makefile scripts/*.sh 'bench/*.c' 'bench/*.sh' 'reports/*.c' &&
            case $tool in # a name of alternatives; what only `make check` installs
            gnuplot) echo gnuplot-nox ;;
            clang-tidy | gcovr | perl) echo "$tool" ;;
            *) owner_of "$(command -v "$tool")" ;;
            esac
    done
} | sed 's/^pkgconf$/pkg-config/; s/^linux-libc-dev$/libc6-dev/; s/^libgcc-[0-9]*-dev$/gcc/' |
    sort -u | sed '/^$/d' >"$used"

comm -13 "$table" "$used" >"$fake/not-listed"
comm -23 "$table" "$used" >"$fake/not-used"
check "used, but not in the table: $(tr '\n' ' ' <"$fake/not-listed")" [ ! -s "$fake/not-listed" ]
check "in the table, but not used: $(tr '\n' ' ' <"$fake/not-used")" [ ! -s "$fake/not-used" ]

# ---- its manners ----

tool() # tool NAME LINES...: a fake command, first on the path
{
    printf '#!/bin/bash\n%s\n' "${*:2}" >"$fake/$1"
    chmod +x "$fake/$1"
}

setup() # setup [ARGUMENT...]: runs it with the fakes
{
    PATH="$fake:$PATH" scripts/setup.sh "$@" >"$log" 2>&1
}

says()
{
    grep -qF -- "$1" "$log"
}

# shellcheck disable=SC2016
tool dpkg-query 'for package; do echo "installed $package"; done'
setup
check "nothing missing: exit 0" [ $? -eq 0 ]
check "nothing missing: one line" [ "$(wc -l <"$log")" -eq 1 ]

# shellcheck disable=SC2016
tool dpkg-query 'for package; do [ "$package" = hyperfine ] || echo "installed $package"; done'
tool id 'echo 1000'
tool apt-get "echo \"\$*\" >>$fake/calls; exit 0"
setup
check "not root: exit 1" [ $? -eq 1 ]
check "not root: the command" says 'apt-get install -y --no-install-recommends hyperfine'
check "not root: nothing was run" [ ! -e "$fake/calls" ]

tool id 'echo 0'
setup
check "root: exit 0" [ $? -eq 0 ]
check "root: says what" says 'installing hyperfine'
check "root: exactly that" grep -q 'install -y --no-install-recommends hyperfine$' "$fake/calls"
check "root: no update when it is not needed" [ "$(wc -l <"$fake/calls")" -eq 1 ]

rm "$fake/calls"
tool apt-get "echo \"\$*\" >>$fake/calls; grep -q update $fake/calls"
setup
check "stale lists: exit 0" [ $? -eq 0 ]
check "stale lists: update, then again" [ "$(wc -l <"$fake/calls")" -eq 3 ]

rm "$fake/calls"
tool apt-get "echo \"\$*\" >>$fake/calls; [[ \$* != *update ]] && grep -q update $fake/calls"
setup
check "a source is down, the packages come: exit 0" [ $? -eq 0 ]

tool apt-get '[[ $* != *update ]] || echo "W: Temporary failure resolving"
for ((i = 0; i < 20; i++)); do echo "E: Unable to locate package"; done
exit 100'
setup
check "no network: exit 1" [ $? -eq 1 ]
check "no network: the cause" says 'Temporary failure resolving'
check "no network: in short" [ "$(wc -l <"$log")" -lt 12 ]

tool apt-get 'echo "E: Unable to fetch some archives"; exit 100'
setup
check "apt fails: exit 1" [ $? -eq 1 ]
check "apt fails: its words" says 'E: Unable to fetch some archives'
check "apt fails: what to do" says 'is the network reachable'

setup --nonsense
check "unknown option: exit 2" [ $? -eq 2 ]
check "unknown option: named" says '--nonsense'

finish
