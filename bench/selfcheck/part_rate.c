/* SPDX-License-Identifier: MIT */
/*
 * part_rate.c - how often are two labels of identical code told apart?
 *
 * First as they were raced: original against twin, and the names of the live parts, by the order
 * that was really drawn. Here a tournament that is not fair shows (labels.h). That whoever runs
 * first is at an advantage, or not, belongs to the machine and is no fault: it is said, and it is
 * the reason for drawing.
 *
 * Then the judge on fair coins: each series relabelled block by block, thousands of times. That
 * shows the judge, its threshold and its way with ties, on costs as they occur, and nothing of the
 * way in which they were raced. The promise is alpha; three standard errors are the luck of the
 * coins.
 */
#include "selfcheck.h"

#include "../tournament/text.h"
#include "labels.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { TRIALS = 10000, STEP = 500 };

/* ---- as they were raced ---- */

static void say_named(struct selfcheck *check, const struct series_list *list)
{
    struct tally tally =
        chance_as_raced(list, SELFCHECK_ALPHA, selfcheck_seed(check, "as raced", 0));
    size_t named = tally.a_wins + tally.b_wins;
    char limit[FINDING_LIMIT];
    enum finding_word word = finding_of_count(named, tally.trials, limit);
    finding_add(check,
                word,
                limit,
                "as they were raced, %zu of %zu series of identical code under two labels named "
                "somebody",
                named,
                tally.trials);
    finding_detail(check, "series", json_integer((json_int_t)tally.trials));
    finding_detail(check, "named", json_integer((json_int_t)named));
}

/* One count that must be that of a fair coin. */
static void
say_coin(struct selfcheck *check, size_t tosses, size_t heads, const char *what, bool must)
{
    double log_e = judge_log_e(tosses, heads);
    bool even = labels_are_even(tosses, heads);
    char *limit = text_format("E below %.0f", exp(chance_log_e_limit()));
    finding_add(check,
                !must  ? FINDING_NOTE
                : even ? FINDING_PASS
                       : FINDING_FAIL,
                must ? limit : "",
                "%s in %zu of %zu blocks: %.1f %% (E = %.2g)%s",
                what,
                heads,
                tosses,
                100 * (double)heads / (double)tosses,
                exp(log_e),
                must || even ? "" : "; its place matters here, so the order must be drawn");
    finding_detail(check, "blocks", json_integer((json_int_t)tosses));
    finding_detail(check, "log_e", json_real(log_e));
    free(limit);
}

static void look_at_labels(struct selfcheck *check)
{
    struct series_list raced = labels_long_enough(&check->aa, SELFCHECK_ALPHA, false);
    struct labels labels = labels_count(&check->aa);
    say_named(check, &raced);
    if (labels.blocks > 0)
        say_coin(check, labels.blocks, labels.a_faster, "the first label was the faster one", true);
    if (labels.ordered > 0)
        say_coin(check, labels.ordered, labels.a_first, "the first label ran first", true);
    if (labels.compared > 0)
        say_coin(
            check, labels.compared, labels.first_faster, "who ran first was the faster one", false);
    series_free(&raced);
}

/* ---- the judge on fair coins ---- */

static struct tally toss(struct selfcheck *check, const struct series_list *list)
{
    struct tally sum = {0};
    for (size_t done = 0; done < TRIALS && !selfcheck_stopped(check); done += STEP) {
        selfcheck_step(check, done, TRIALS, "labels given anew");
        struct tally some =
            chance_reflip(list, STEP, 0.5, SELFCHECK_ALPHA, selfcheck_seed(check, "rate", done));
        sum.trials += some.trials;
        sum.a_wins += some.a_wins;
        sum.b_wins += some.b_wins;
    }
    return sum;
}

static void
say_tossed(struct selfcheck *check, const struct series_list *list, const struct tally *sum)
{
    size_t blocks = 0;
    for (size_t i = 0; i < list->count; i++)
        blocks += list->items[i].count;
    double rate = (double)(sum->a_wins + sum->b_wins) / TRIALS;
    double most =
        SELFCHECK_ALPHA + 3 * sqrt(SELFCHECK_ALPHA * (1 - SELFCHECK_ALPHA) / (double)TRIALS);
    char *limit = text_format("%.2f %%", most * 100);
    finding_add(check,
                rate <= most ? FINDING_PASS : FINDING_FAIL,
                limit,
                "the judge on fair coins: %zu of %d series relabelled by them named a winner: "
                "%.2f %% (from %zu series, %zu blocks)",
                sum->a_wins + sum->b_wins,
                TRIALS,
                rate * 100,
                list->count,
                blocks);
    finding_detail(check, "rate", json_real(rate));
    free(limit);
}

int part_rate(struct selfcheck *check)
{
    struct series_list list = labels_long_enough(&check->aa, SELFCHECK_ALPHA, true);
    if (list.count == 0) {
        finding_add(check,
                    FINDING_NOT_RUN,
                    "",
                    "no run of this machine holds seven blocks of a baseline and its twin; race "
                    "one (make tournament), or let the part live run too");
    } else {
        look_at_labels(check);
        struct tally sum = toss(check, &list);
        if (sum.trials == TRIALS)
            say_tossed(check, &list, &sum);
    }
    series_free(&list);
    return selfcheck_stopped(check) ? -EINTR : 0;
}
