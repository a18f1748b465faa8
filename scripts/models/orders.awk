# SPDX-License-Identifier: MIT
# Lists the atomic operations of C sources, one a line: FILE FUNCTION OPERATION ORDERS TAGS.
# ORDERS are those named in the call, joined by commas; TAGS, as in ",T3,T5,", are those of the
# comments on its lines and the four lines above.

FNR == 1 {
    call = ""
    for (i = 1; i <= 4; i++)
        tags[i] = ""
}

# a function begins in the first column
/^[A-Za-z_].*[A-Za-z0-9_]\(/ && !/;[ \t]*$/ {
    match($0, /[A-Za-z0-9_]+\(/)
    name = substr($0, RSTART, RLENGTH - 1)
}

function tags_of(line,    found)
{
    found = ""
    while (match(line, /\([A-Z]+[0-9]+[a-z]?\)/)) {
        found = found substr(line, RSTART + 1, RLENGTH - 2) ","
        line = substr(line, RSTART + RLENGTH)
    }
    return found
}

function depth_of(text,    opened, closed)
{
    opened = gsub(/\(/, "", text)
    closed = gsub(/\)/, "", text)
    return opened - closed
}

function finish(    orders, text)
{
    text = call
    orders = ""
    while (match(text, /memory_order_[a-z_]+/)) {
        orders = orders (orders == "" ? "" : ",") substr(text, RSTART + 13, RLENGTH - 13)
        text = substr(text, RSTART + RLENGTH)
    }
    print FILENAME, name, operation, orders, "," near
    call = ""
}

{
    mine = tags_of($0)
    code = $0
    gsub(/\/\*[^*]*\*\//, "", code)
    sub(/\/\*.*/, "", code)
    if (call != "") {
        call = call " " code
        near = near mine
    }
    while (call == "" && match(code, /atomic_[a-z_]+_explicit\(/)) {
        operation = substr(code, RSTART + 7, RLENGTH - 17)
        code = substr(code, RSTART)
        call = code
        near = tags[1] tags[2] tags[3] tags[4] mine
        if (depth_of(code) > 0)
            break
        code = substr(code, 8)
        finish()
    }
    if (call != "" && depth_of(call) <= 0)
        finish()
    tags[1] = tags[2]
    tags[2] = tags[3]
    tags[3] = tags[4]
    tags[4] = mine
}
