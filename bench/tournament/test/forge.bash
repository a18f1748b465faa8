# SPDX-License-Identifier: MIT
# How a run is changed behind the back of velo verify, by a clumsy forger and by a careful one.
# Sourced after sandbox.bash; keep_honest before the first change.
journal=raw.ndjson

keep_honest() # the newest run is the one that will be changed
{
    honest=$(run_dir)
    id=$(basename "$honest")
    kept=$sandbox/kept
    rm -rf "$kept"
    cp -r "$honest" "$kept"
}

first() # first PATTERN [FILE]: number of the first line
{
    grep -n -m1 -e "$1" "$kept/${2:-$journal}" | cut -d: -f1
}

fresh() # the honest run again, under its own name
{
    rm -rf "$honest"
    cp -r "$kept" "$honest"
}

expect_found() # expect_found NAME PATTERN [OPTION]
{
    velo verify "$id" ${3-}
    if [ "$status" -eq 5 ] && said "$2"; then
        ok "$1"
    else
        not_ok "$1" "status $status, expected 5 and '$2': $(grep -v '^  ' "$sandbox/out" | head -n 8; cat "$sandbox/err")"
    fi
}

edit() # edit FILE PERL: each line of the file
{
    perl -pi -e "$2" "$honest/$1"
}

clumsy() # clumsy NAME PATTERN FILE PERL: changed, nothing made right again
{
    fresh
    edit "$3" "$4"
    expect_found "$1" "$2" --no-pages
}

judge_anew() # verdict.json from what is there; the pages stay, for want of templates
{
    VELO_HOME=$sandbox/nowhere velo report "$id"
}

careful() # careful NAME PATTERN FILE PERL...: changed, then chain, seals and verdict made right
{
    local name=$1 pattern=$2
    shift 2
    fresh
    while [ $# -gt 0 ]; do
        edit "$1" "$2"
        shift 2
    done
    "$test_dir/rechain" "$honest"
    judge_anew
    expect_found "$name" "$pattern" --no-pages
}
