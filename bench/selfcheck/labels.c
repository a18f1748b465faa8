/* SPDX-License-Identifier: MIT */
/* labels.c - see labels.h. */
#include "labels.h"

#include "../tournament/text.h"

#include <stdlib.h>

static void count_block(struct labels *labels, double d, enum series_first first)
{
    if (d != 0) {
        labels->blocks++;
        labels->a_faster += d < 0;
    }
    if (first == SERIES_FIRST_UNKNOWN)
        return;
    labels->ordered++;
    labels->a_first += first == SERIES_FIRST_A;
    if (d != 0) {
        labels->compared++;
        labels->first_faster += (d < 0) == (first == SERIES_FIRST_A);
    }
}

struct labels labels_count(const struct series_list *list)
{
    struct labels labels = {0};
    for (size_t s = 0; s < list->count; s++) {
        const struct series *series = &list->items[s];
        double *d = text_alloc((series->count + 1) * sizeof(double));
        series_differences(series, d);
        for (size_t i = 0; i < series->count && !series->squares; i++)
            count_block(&labels, d[i], series->first[i]);
        free(d);
    }
    return labels;
}

bool labels_are_even(size_t tosses, size_t heads)
{
    return judge_log_e(tosses, heads) < chance_log_e_limit();
}

static size_t different(const struct series *series)
{
    double *d = text_alloc((series->count + 1) * sizeof(double));
    size_t count = series_differences(series, d), kept = 0;
    for (size_t i = 0; i < count; i++)
        kept += d[i] != 0;
    free(d);
    return kept;
}

struct series_list labels_long_enough(const struct series_list *all, double alpha, bool squares)
{
    struct series_list kept = {0};
    size_t least = judge_blocks_needed(judge_log_threshold(2, alpha), 0);
    for (size_t i = 0; i < all->count; i++) {
        const struct series *one = &all->items[i];
        if (different(one) < least || (one->squares && !squares))
            continue;
        struct series *copy =
            series_add(&kept, one->cell, one->floor, one->a, one->b, one->first, one->count);
        copy->squares = one->squares;
    }
    return kept;
}
