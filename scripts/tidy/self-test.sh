#!/bin/bash
# SPDX-License-Identifier: MIT
# Proves scripts/tidy.sh: a small tree in order passes; then, one at a time, one violation of each kind
# is planted and must be reported at its file and line, and nothing else may be.
set -u

tidy=$(cd "$(dirname "$0")/.." && pwd)/tidy.sh
spdx='/* SPDX-License-Identifier: MIT */'
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree" || exit 1
passed=0
failed=0

put() # put FILE LINE...: a file with these lines
{
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "${@:2}" >"$1"
}

plant_order() # a tree without a fault
{
    find "$tree" -mindepth 1 -delete
    git init -q .
    cp "$(dirname "$tidy")/../.clang-format" .
    put README.md '# Tree'
    put common/README.md 'include/ parts/ api/ conformance/'
    put common/CONTRACT.md '# Contract' '- **S1** It works.' '- **S2** (next stage) It flies.'
    put common/conformance/cases_s.c "$spdx" 'CONF_CASE(it_works, "S1", 0)' '{' '}'
    put common/include/velo.h "$spdx" '/*' ' * Do it.' ' * Thread:  any.' ' * Returns: 0.' ' */' \
        'VELO_API int velo_do(int how);'
    put common/conformance/api_complete.c "$spdx" 'void *api[] = {velo_do};'
    put common/core.h "$spdx" '#include "common/parts/part.h"' '#include "velo.h"'
    put common/core.c "$spdx" '#include "core.h"' '' 'void core_call(velo_fn fn, void *arg)' '{' '    fn(arg);' '}'
    put common/parts/part.h "$spdx" '/* (P1) relaxed: a counter */' \
        'int a = atomic_load_explicit(&x, memory_order_relaxed);'
    put impls/README.md '# Contestants'
    put impls/one/README.md '# one' '## Idea' '## Data structures' '## Wake protocol' \
        '## Why it is correct' '## Where it should win and lose' '## What it overrides' '## Sources'
    put impls/one/loop.c "$spdx" '#include "common/core.h"' '' '#include "inner.h"' '' \
        '/* fn(arg) in a comment, volatile too */' 'const char *text = "fn(arg) volatile";'
    put impls/one/inner.h "$spdx"
}

expect() # expect CHECK FILE:LINE: exactly this one problem, or none for CHECK "none"
{
    local want="$2: [$1]" got
    got=$("$tidy" --root "$tree" 2>/dev/null | sed -nE 's/^([^:]+:[0-9]+): .*(\[[a-z]+\])$/\1: \2/p')
    [ "$1" != none ] || want=
    if [ "$got" = "$want" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'tidy self-test: %s\n  expected: %s\n  reported: %s\n' "$3" "${want:-nothing}" "${got:-nothing}"
    fi
}

violation() # violation CHECK FILE:LINE WHAT: of the planted fault; then the tree is put in order again
{
    expect "$@"
    plant_order
}

plant_order
expect none '' 'a tree in order'

put common/core.c "$spdx" '#include "core.h"' 'int  x;'
violation format common/core.c:3 'two blanks'
put common/parts/part.h "$spdx" '#include "common/core.h"'
violation arrows common/parts/part.h:2 'a part includes the core'
put impls/two/README.md "$(cat impls/one/README.md)"
put impls/two/loop.c "$spdx" '#include "impls/one/inner.h"'
violation arrows impls/two/loop.c:2 'a contestant includes another one'
put common/conformance/cases.c "$spdx" '#include "common/core.h"'
violation arrows common/conformance/cases.c:2 'the suite looks behind the API'
put common/core.c "$spdx" '#include "nowhere.h"'
violation arrows common/core.c:2 'a quoted include of no file here'
put impls/one/loop.c "$spdx" 'void turn(struct velo_task *task)' '{' '    task->fn(task->arg);' '}'
violation calls impls/one/loop.c:4 'a callback entered in a contestant'
put impls/one/loop.c "$spdx" 'void turn(struct velo_task *task)' '{' '    (*task->fn)(task->arg);' '}'
violation calls impls/one/loop.c:4 'the same through a star'
put common/parts/part.h "$spdx" 'int b;' 'int c;' 'int d;' \
    'int a = atomic_load_explicit(&x, memory_order_relaxed);'
violation atomics common/parts/part.h:5 'an untagged atomic'
put common/parts/part.h "$spdx" '/* (P1) a tag does not reach further than three lines */' 'int b;' 'int c;' \
    'int d;' 'int a = atomic_load_explicit(&x, memory_order_relaxed);'
violation atomics common/parts/part.h:6 'a tag four lines above'
put impls/one/loop.c "$spdx" '/* (P1) tagged */' 'int a = atomic_load(&x);'
violation atomics impls/one/loop.c:3 'a hidden memory order'
put impls/one/loop.c "$spdx" 'int a = __atomic_load_n(&x, 0);'
violation atomics impls/one/loop.c:2 'a compiler builtin'
put impls/one/loop.c "$spdx" 'static volatile int flag;'
violation atomics impls/one/loop.c:2 'volatile'
sed -i 's|^ \* Thread:.*| * Whoever.|' common/include/velo.h
violation api common/include/velo.h:7 'documentation without Thread:'
put common/include/velo.h "$spdx" '' 'VELO_API int velo_do(int how);'
violation api common/include/velo.h:3 'no documentation'
put common/conformance/api_complete.c "$spdx" 'void *api[] = {velo_timer_cancel_many};'
put common/include/velo.h "$spdx" '' 'VELO_API int' \
    'velo_timer_cancel_many(struct velo_loop *loop, const velo_id *ids, size_t count, int *results);'
violation api common/include/velo.h:4 'no documentation, the type on a line of its own'
put common/conformance/api_complete.c "$spdx" 'void *api[] = {0};'
violation api common/include/velo.h:7 'missing in api_complete.c'
put common/CONTRACT.md '# Contract' '- **S1** It works.' '- **S3** It sings.'
violation clauses common/CONTRACT.md:3 'a clause without a test'
put common/conformance/cases_s.c "$spdx" 'CONF_CASE(it_works, "S1 S2", 0)' '{' '}'
violation clauses common/conformance/cases_s.c:2 'a test of a clause that is not delivered'
put common/conformance/cases_s.c "$spdx" 'CONF_CASE(it_works, "S1 Z9", 0)' '{' '}'
violation clauses common/conformance/cases_s.c:2 'a test of no clause'
put common/core.h '#include "velo.h"'
violation spdx common/core.h:1 'no SPDX line'
put common/core.h "$spdx" "#include <$(printf 'x%.0s' {1..100})>"
violation columns common/core.h:2 'a long line'
put README.md '# Tree' 'blank '
violation blank README.md:2 'blank at the end of a line'
put common/core.h "$spdx" "/* TO""DO later */"
violation todo common/core.h:2 'mark of unfinished work'
put common/parts2/x.txt 'x'
put common/README.md 'include/ parts/ api/ conformance/'
violation readme common/parts2/README.md:1 'a folder that nobody explains'
rm impls/one/README.md
violation readme impls/one/README.md:1 'a contestant without README'
sed -i '/Wake protocol/d' impls/one/README.md
violation headings impls/one/README.md:1 'a heading is missing'
put build/x.o x
git add -f build/x.o
violation output build/x.o:1 'tracked build output'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
