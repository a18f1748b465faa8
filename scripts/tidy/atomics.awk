# SPDX-License-Identifier: MIT
# Every atomic operation names its memory order and carries a tag, `/* (W1) release: publishes the
# slot; pairs with (W2) */`, in a comment on its line or within the three lines above. Tests are
# exempt: they may use the plain, sequentially consistent operations.

FNR == 1 {
    tag_line = -9
}

{
    raw = $0
    code = code_of(raw)
    # the tag stands first in its comment, or after the star of a continued one
    if (raw ~ /(\/\*|^[ \t]*\*|\/\/)[ \t]*\([A-Z]+[0-9]+[a-z]?\)/ ||
        raw ~ /\/\*.*\([A-Z]+[0-9]+[a-z]?\)/)
        tag_line = FNR
}

code ~ /(^|[^A-Za-z0-9_])atomic_[a-z_]+[ \t]*\(/ {
    name = code
    while (match(name, /(^|[^A-Za-z0-9_])atomic_[a-z_]+[ \t]*\(/)) {
        call = substr(name, RSTART, RLENGTH)
        name = substr(name, RSTART + RLENGTH)
        sub(/^[^a]/, "", call)
        sub(/[ \t]*\($/, "", call)
        if (call ~ /^atomic_(init|is_lock_free)$/)
            continue
        if (call !~ /_explicit$/ && call !~ /^atomic_(thread|signal)_fence$/)
            problem("atomics", call "() hides its memory order; use " call "_explicit()")
        else if (FNR - tag_line > 3)
            problem("atomics", call "() has no tag such as /* (W1) ... */ here or in the 3 lines above")
    }
}

code ~ /(^|[^A-Za-z0-9_])(__atomic_|__sync_)[a-z_]+/ {
    problem("atomics", "compiler builtin; use <stdatomic.h>")
}

code ~ /(^|[^A-Za-z0-9_])volatile([^A-Za-z0-9_]|$)/ && code !~ /(asm|__asm__)[ \t]+volatile|__asm__[ \t]+__volatile__/ {
    problem("atomics", "volatile orders nothing between threads; use an _Atomic field")
}
