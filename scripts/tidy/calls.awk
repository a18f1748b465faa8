# SPDX-License-Identifier: MIT
# User code is entered in exactly one place, core_call() in common/core.h with what it calls in core.c:
# so the microtask checkpoint follows every callback (M1). Anywhere else in common/ and impls/ a
# call through something named fn (or fd_fn, work_fn, done_fn, callback, cb) is a fault.

{
    code = code_of($0)
}

# fn(...), x->fn(...), x.fn(...), (*fn)(...), (*x->fn)(...); a declaration has a type before it.
code ~ /(^|[^A-Za-z0-9_])([a-z]+_)?(fn|callback|cb)[ \t]*\(/ ||
code ~ /(^|[=;{(,!]|return)[ \t]*\(\*[A-Za-z0-9_.>-]*(fn|callback|cb)\)[ \t]*\(/ {
    # a function that is named so, defined or declared, is none of ours: type before the name
    if (code !~ /^[ \t]*(static |extern |typedef |#)/)
        problem("calls", "a user callback is entered here; only core_call() in common/core.h may")
}
