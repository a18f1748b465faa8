# SPDX-License-Identifier: MIT
# Who includes whom: arrows only go down (common/README.md draws them). Every quoted include is
# resolved to a file of the repository, then looked up in the table of its folder. [list] names a
# file with all paths of the repository, one a line.

BEGIN {
    while ((getline path < list) > 0)
        exists[path] = 1
    api = "^common/include/velo\\.h$"
    parts = "^common/parts/"
    core = "^common/[^/]*\\.h$"
    available = "^common/available\\.h$"
    # folder (a prefix, the longest wins) -> what it may include besides its own files
    may["common/include/"] = "^$"
    may["common/parts/"] = api
    may["common/api/"] = core "|" parts "|" api
    may["common/guest/"] = core "|" parts "|" api
    may["common/sim/"] = parts "|" api
    may["common/sched/"] = parts "|" api
    may["common/models/"] = "^$"
    may["common/conformance/"] = api "|^common/sim/|" available
    may["common/examples/"] = api
    may["common/stress/"] = api
    may["common/unit/"] = core "|" parts "|" api "|^common/guest/guest\\.h$"
    may["common/"] = parts "|" api
    may["impls/"] = core "|" parts "|" api "|^common/guest/guest\\.h$"
    may["bench/micro/"] = api "|^bench/shim/gbench\\.h$|^bench/race/[^/]*\\.h$"
    may["bench/race/"] = api "|" available
    may["bench/race/linked/"] = "^bench/race/variants\\.h$|" parts
    may["bench/process/"] = api "|" available
    may["bench/null/"] = api
    may["bench/shim/"] = "^$"
    may["bench/limits/"] = parts "|" api "|^bench/race/blocked\\.h$"
    may["bench/tournament/"] = "^reports/(judge|render|history|targets)/|^bench/race/variants\\.h$|^bench/limits/limits\\.h$"
    may["bench/tournament/faulty/"] = api
    may["bench/selfcheck/"] = "^bench/tournament/|^reports/(judge|render)/"
    may["bench/micro/test/"] = api
    may["bench/race/test/"] = api
    may["bench/"] = "^bench/tournament/|^reports/render/"
    may["reports/judge/"] = "^$"
    may["reports/render/"] = "^reports/judge/"
    may["reports/history/"] = "^reports/(judge|render)/"
    may["reports/targets/"] = "^reports/(judge|render)/"
}

# a/b/../c -> a/c
function normal(path)
{
    while (match(path, /[^\/]+\/\.\.\//))
        path = substr(path, 1, RSTART - 1) substr(path, RSTART + RLENGTH)
    return path
}

function folder_of(path)
{
    sub(/[^\/]*$/, "", path)
    return path
}

function resolve(from, name,    path)
{
    path = normal(folder_of(from) name)
    if (path in exists)
        return path
    if (("common/include/" name) in exists)
        return "common/include/" name
    return name in exists ? name : ""
}

# The longest prefix in the table.
function rule_of(path,    folder)
{
    for (folder = folder_of(path); folder != ""; folder = folder_of(substr(folder, 1, length(folder) - 1)))
        if (folder in may)
            return folder
    return ""
}

# Own files: those of the folder and its subfolders; common/ and bench/ are many folders, so there only
# the files that stand directly in it; impls/ is impls/NAME/, never another contestant.
function is_own(rule, from, to,    words)
{
    if (rule == "common/" || rule == "bench/")
        return folder_of(to) == rule
    if (rule == "impls/") {
        split(from, words, "/")
        rule = "impls/" words[2] "/"
    }
    return index(to, rule) == 1
}

{
    code = code_of($0)
}

code ~ /^[ \t]*#[ \t]*include[ \t]*""/ {
    split($0, words, "\"")
    name = words[2]
    to = resolve(FILENAME, name)
    rule = rule_of(FILENAME)
    if (to == "")
        problem("arrows", "\"" name "\" is no file of this repository; foreign headers stand in <>")
    else if (rule == "")
        problem("arrows", "this folder has no include rule in scripts/tidy/arrows.awk")
    else if (!is_own(rule, FILENAME, to) && to !~ may[rule])
        problem("arrows", folder_of(FILENAME) " must not include " to)
}
