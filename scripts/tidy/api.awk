# SPDX-License-Identifier: MIT
# Every function of velo.h stands below its block of documentation, which says at least who may call
# it (Thread:) and, for int functions, what comes back (Returns:). Functions on consecutive lines
# share one block. [complete] is common/conformance/api_complete.c, which must name each function.

BEGIN {
    while ((getline line < complete) > 0)
        named = named "\n" line
}

/^[ \t]*\/\*/ {
    block = ""
    in_block = 1
}

in_block {
    block = block "\n" $0
    if ($0 ~ /\*\//) {
        in_block = 0
        fresh = 1 # the next line may use it
        next
    }
    next
}

# the name may stand on the line after the type
/^VELO_API / || pending != "" {
    line = pending $0
    pending = ""
    if (!match(line, /velo_[a-z_0-9]+[ \t]*\(/)) {
        pending = line " "
        next
    }
    name = substr(line, RSTART, RLENGTH)
    sub(/[ \t]*\($/, "", name)
    if (!fresh)
        problem("api", name "() has no documentation block right above it")
    else if (block !~ /Thread:/)
        problem("api", name "(): its block has no line 'Thread:'")
    else if (line ~ /^VELO_API int / && block !~ /Returns:/)
        problem("api", name "(): its block has no line 'Returns:'")
    if (named !~ ("[^a-z_0-9]" name "[^a-z_0-9]"))
        problem("api", name "() is missing in " complete)
}

/^[ \t]*$/ {
    fresh = 0
}
