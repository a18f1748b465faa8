/* SPDX-License-Identifier: MIT */
/*
 * part_rate.c - how often are two labels of identical code told apart? Every series of blocks that
 * exists of identical code is relabelled block by block with fair coins, thousands of times, and
 * judged. The promise is alpha; three standard errors are the luck of the coins.
 */
#include "selfcheck.h"

#include "../tournament/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { TRIALS = 10000, STEP = 500 };

/* Blocks that are no tie: what is always a tie (idle cost below its floor) could name nobody, and
 * would only dilute the rate. */
static size_t different(const struct series *series)
{
    double *d = text_alloc((series->count + 1) * sizeof(double));
    size_t count = series_differences(series, d), kept = 0;
    for (size_t i = 0; i < count; i++)
        kept += d[i] != 0;
    free(d);
    return kept;
}

static struct series_list long_enough(const struct series_list *all)
{
    struct series_list kept = {0};
    size_t least = judge_blocks_needed(judge_log_threshold(2, SELFCHECK_ALPHA), 0);
    for (size_t i = 0; i < all->count; i++)
        if (different(&all->items[i]) >= least)
            series_add(&kept,
                       all->items[i].cell,
                       all->items[i].floor,
                       all->items[i].a,
                       all->items[i].b,
                       all->items[i].count);
    return kept;
}

int part_rate(struct selfcheck *check)
{
    struct series_list list = long_enough(&check->aa);
    struct tally sum = {0};
    size_t blocks = 0;
    for (size_t i = 0; i < list.count; i++)
        blocks += list.items[i].count;
    for (size_t done = 0; list.count > 0 && done < TRIALS && !selfcheck_stopped(check);
         done += STEP) {
        selfcheck_step(check, done, TRIALS, "labels given anew");
        struct tally some =
            chance_reflip(&list, STEP, 0.5, SELFCHECK_ALPHA, selfcheck_seed(check, "rate", done));
        sum.trials += some.trials;
        sum.a_wins += some.a_wins;
        sum.b_wins += some.b_wins;
    }
    if (list.count == 0) {
        finding_add(check,
                    FINDING_NOT_RUN,
                    "",
                    "no run of this machine holds seven blocks of a baseline and its twin; race "
                    "one (make tournament), or let the part live run too");
    } else if (sum.trials == TRIALS) {
        double rate = (double)(sum.a_wins + sum.b_wins) / TRIALS;
        double most =
            SELFCHECK_ALPHA + 3 * sqrt(SELFCHECK_ALPHA * (1 - SELFCHECK_ALPHA) / (double)TRIALS);
        char *limit = text_format("%.2f %%", most * 100);
        finding_add(check,
                    rate <= most ? FINDING_PASS : FINDING_FAIL,
                    limit,
                    "%zu of %d relabelled series of identical code named a winner: %.2f %% (%zu "
                    "series, %zu blocks)",
                    sum.a_wins + sum.b_wins,
                    TRIALS,
                    rate * 100,
                    list.count,
                    blocks);
        finding_detail(check, "rate", json_real(rate));
        free(limit);
    }
    series_free(&list);
    return selfcheck_stopped(check) ? -EINTR : 0;
}
