# SPDX-License-Identifier: MIT
# code_of(line): a C line without its comments and with empty literals, line by line, so that the
# checks beside this file see code and only code. Comment state is kept in [in_comment].

FNR == 1 {
    in_comment = 0
}

function code_of(line,    out, token)
{
    out = ""
    while (line != "") {
        if (in_comment) {
            if (!match(line, /\*\//))
                return out
            line = substr(line, RSTART + 2)
            in_comment = 0
            out = out " "
            continue
        }
        if (!match(line, /\/\*|\/\/|["']/))
            return out line
        token = substr(line, RSTART, RLENGTH)
        out = out substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH)
        if (token == "//")
            return out
        if (token == "/*") {
            in_comment = 1
        } else {
            line = after_literal(line, token)
            out = out token token
        }
    }
    return out
}

# What follows the literal that [quote] opened.
function after_literal(line, quote,    token)
{
    while (match(line, /\\.|["']/)) {
        token = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        if (token == quote)
            return line
    }
    return ""
}

function problem(check, text)
{
    printf "%s:%d: %s [%s]\n", FILENAME, FNR, text, check
}
