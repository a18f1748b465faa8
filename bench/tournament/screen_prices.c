/* SPDX-License-Identifier: MIT */
/* screen_prices.c - the prices of single decisions as a table on the terminal. */
#include "json.h"
#include "screen.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void screen_prices(FILE *file, const json_t *verdict)
{
    const json_t *rows = json_object_get(verdict, "prices");
    size_t index;
    const json_t *row;
    if (json_array_size(rows) == 0)
        return;
    fprintf(file,
            "\n%-20s %-32s %7s  %-16s %8s  %s\n",
            "decision",
            "cell",
            "ratio",
            "interval",
            "dearer",
            "word");
    json_array_foreach(rows, index, row)
    {
        char *who =
            text_format("%s:%s", json_text(row, "contestant", ""), json_text(row, "decision", ""));
        char *cell =
            text_format("%s %s", json_text(row, "scenario", ""), json_text(row, "point", ""));
        double low = json_double(row, "low", NAN);
        char *interval = isfinite(low)
                             ? text_format("%.3f to %.3f", low, json_double(row, "high", NAN))
                             : text_copy("too few blocks");
        fprintf(file,
                "%-20.20s %-32.32s %6.3fx  %-16s %3d/%-4d  %s%s\n",
                who,
                cell,
                json_double(row, "ratio", NAN),
                interval,
                (int)json_int(row, "dearer_in", 0),
                (int)json_int(row, "blocks", 0),
                json_text(row, "word", ""),
                json_bool(row, "star", false) ? " *" : "");
        free(interval);
        free(cell);
        free(who);
    }
}
