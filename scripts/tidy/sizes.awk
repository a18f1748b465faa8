# SPDX-License-Identifier: MIT
# Lists, for the reviewer's eye, files longer than 500 lines and functions longer than 70. Relies on
# the layout that clang-format keeps: a function's braces stand alone in the first column.

function end_of_file()
{
    if (lines > 500)
        printf "%s:1: %d lines [size, only listed]\n", file, lines
}

FNR == 1 {
    end_of_file()
    file = FILENAME
    opened = 0
}

{
    lines = FNR
}

/^\{/ {
    opened = FNR
}

/^\}/ && opened {
    if (FNR - opened - 1 > 70)
        printf "%s:%d: a function of %d lines [size, only listed]\n", FILENAME, opened, FNR - opened - 1
    opened = 0
}

END {
    end_of_file()
}
