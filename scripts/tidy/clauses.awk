# SPDX-License-Identifier: MIT
# The clauses of common/CONTRACT.md (read first) against the conformance cases: a delivered clause has a
# case that cites it, and a case cites only delivered clauses. A clause is a line `- **ID**`; the
# mark "(next stage)" behind it says that it is not delivered. A case is CONF_CASE(name, "ID ID", ...).

FILENAME ~ /\.md$/ && /^- \*\*[A-Z]+[0-9]+\*\*/ {
    split($0, words, "*")
    id = words[3]
    contract = FILENAME
    if ($0 ~ /^- \*\*[A-Z]+[0-9]+\*\* \(next stage\)/)
        later[id] = 1
    else
        line_of[id] = FNR
}

FILENAME ~ /\.md$/ {
    next
}

/^CONF_CASE/ {
    opened = FNR
    text = ""
}

# the clauses may stand on the line after the name
opened {
    text = text " " $0
    if (match(text, /"[^"]*"/)) {
        count = split(substr(text, RSTART + 1, RLENGTH - 2), ids, " ")
        for (i = 1; i <= count; i++)
            cite(ids[i])
        opened = 0
    }
}

function cite(id)
{
    cited[id] = 1
    if (id in later)
        printf "%s:%d: cites %s, which is marked (next stage) [clauses]\n", FILENAME, opened, id
    else if (!(id in line_of))
        printf "%s:%d: cites %s, which is no clause of the contract [clauses]\n", FILENAME, opened, id
}

END {
    for (id in line_of)
        if (!(id in cited))
            printf "%s:%d: %s is delivered, and no case of common/conformance cites it [clauses]\n", contract, line_of[id], id
}
