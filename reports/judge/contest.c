/* SPDX-License-Identifier: MIT */
/*
 * contest.c - unbeaten, winner, tie, leader, cycle: questions to a set of duels.
 *
 * The field is small (a dozen entries), so every question is a plain walk over all pairs. Cycles
 * are found by taking away, again and again, whom nobody beats (Kahn 1962): what remains runs in a
 * circle.
 */
#include "contest.h"

#include <math.h>
#include <string.h>

const struct judge_duel *contest_find(const struct contest *c, size_t a, size_t b, int *sign)
{
    const size_t first = a < b ? a : b;
    const size_t second = a < b ? b : a;
    *sign = a < b ? 1 : -1;
    for (size_t i = 0; i < c->duel_count; i++)
        if (c->duels[i].a == first && c->duels[i].b == second)
            return &c->duels[i];
    return NULL;
}

enum judge_relation contest_relation(const struct contest *c, size_t a, size_t b)
{
    int sign;
    const struct judge_duel *duel = contest_find(c, a, b, &sign);
    if (duel == NULL)
        return JUDGE_OPEN;
    if (sign < 0 && duel->relation == JUDGE_FASTER)
        return JUDGE_SLOWER;
    if (sign < 0 && duel->relation == JUDGE_SLOWER)
        return JUDGE_FASTER;
    return duel->relation;
}

double contest_ratio(const struct contest *c, size_t a, size_t b)
{
    int sign;
    const struct judge_duel *duel = contest_find(c, a, b, &sign);
    return duel == NULL ? NAN : sign * duel->median;
}

bool contest_is_unbeaten(const struct contest *c, size_t entry)
{
    if (!c->competes[entry])
        return false;
    for (size_t other = 0; other < c->entries; other++)
        if (c->competes[other] && contest_relation(c, entry, other) == JUDGE_SLOWER)
            return false;
    return true;
}

/* Is [a] the better one to name as the one who beats [entry]? Never by the order of the list. */
static bool is_stronger(const struct contest *c, size_t entry, size_t a, size_t b)
{
    int sign;
    const bool a_unbeaten = contest_is_unbeaten(c, a);
    const bool b_unbeaten = contest_is_unbeaten(c, b);
    const double a_log_e = contest_find(c, entry, a, &sign)->pair.decided_log_e;
    const double b_log_e = contest_find(c, entry, b, &sign)->pair.decided_log_e;
    if (a_unbeaten != b_unbeaten)
        return a_unbeaten;
    if (a_log_e < b_log_e || a_log_e > b_log_e)
        return a_log_e > b_log_e;
    return contest_ratio(c, entry, a) > contest_ratio(c, entry, b);
}

int contest_beater(const struct contest *c, size_t entry)
{
    int best = -1;
    for (size_t other = 0; other < c->entries; other++)
        if (c->competes[other] && contest_relation(c, entry, other) == JUDGE_SLOWER &&
            (best < 0 || is_stronger(c, entry, other, (size_t)best)))
            best = (int)other;
    return best;
}

/* The only unbeaten one, or -1 if there are none or several; *count says how many. */
static int only_unbeaten(const struct contest *c, size_t *count)
{
    int last = -1;
    *count = 0;
    for (size_t entry = 0; entry < c->entries; entry++) {
        if (contest_is_unbeaten(c, entry)) {
            last = (int)entry;
            ++*count;
        }
    }
    return *count == 1 ? last : -1;
}

int contest_winner(const struct contest *c)
{
    size_t count;
    const int candidate = only_unbeaten(c, &count);
    if (candidate < 0)
        return -1;
    for (size_t other = 0; other < c->entries; other++)
        if (c->competes[other] && contest_relation(c, (size_t)candidate, other) == JUDGE_FASTER)
            return candidate;
    return -1; /* who beat nobody is no winner */
}

bool contest_is_tied(const struct contest *c, size_t entry)
{
    size_t others = 0;
    if (!contest_is_unbeaten(c, entry))
        return false;
    for (size_t other = 0; other < c->entries; other++) {
        if (other == entry || !contest_is_unbeaten(c, other))
            continue;
        if (contest_relation(c, entry, other) != JUDGE_EQUAL)
            return false;
        others++;
    }
    return others > 0;
}

bool contest_is_settled(const struct contest *c)
{
    size_t count;
    only_unbeaten(c, &count);
    if (count <= 1)
        return true;
    for (size_t entry = 0; entry < c->entries; entry++)
        if (contest_is_unbeaten(c, entry) && !contest_is_tied(c, entry))
            return false;
    return true;
}

/* The worst ratio of [entry] to any other competitor; INFINITY if it met nobody. */
static double worst_ratio(const struct contest *c, size_t entry)
{
    double worst = NAN;
    for (size_t other = 0; other < c->entries; other++) {
        if (other == entry || !c->competes[other])
            continue;
        const double ratio = contest_ratio(c, entry, other);
        if (!isnan(ratio) && !(ratio <= worst))
            worst = ratio;
    }
    return isnan(worst) ? INFINITY : worst;
}

bool contest_is_small(const struct contest *c, size_t entry)
{
    const bool unbeaten = contest_is_unbeaten(c, entry);
    size_t small = 0, large = 0;
    for (size_t other = 0; other < c->entries; other++) {
        const enum judge_relation relation = contest_relation(c, entry, other);
        int sign;
        if (c->competes[other] && relation == (unbeaten ? JUDGE_FASTER : JUDGE_SLOWER))
            ++*(contest_find(c, entry, other, &sign)->small ? &small : &large);
    }
    return small > 0 && (unbeaten || large == 0);
}

int contest_leader(const struct contest *c)
{
    int leader = -1;
    double best = INFINITY;
    size_t unbeaten;
    only_unbeaten(c, &unbeaten);
    for (size_t entry = 0; entry < c->entries; entry++) {
        if (!c->competes[entry] || (unbeaten > 0 && !contest_is_unbeaten(c, entry)))
            continue;
        const double worst = worst_ratio(c, entry);
        if (leader < 0 || worst < best) {
            leader = (int)entry;
            best = worst;
        }
    }
    return leader;
}

bool contest_has_cycle(const struct contest *c, bool *scratch)
{
    bool moved = true;
    memcpy(scratch, c->competes, c->entries * sizeof(*scratch));
    struct contest left = *c;
    left.competes = scratch;
    while (moved) {
        moved = false;
        for (size_t entry = 0; entry < c->entries; entry++) {
            if (contest_is_unbeaten(&left, entry)) {
                scratch[entry] = false;
                moved = true;
            }
        }
    }
    for (size_t entry = 0; entry < c->entries; entry++)
        if (scratch[entry])
            return true;
    return false;
}

/* The duel is open and both sides are unbeaten: it still matters. */
static bool is_live(const struct contest *c, const struct judge_duel *duel)
{
    return duel->relation == JUDGE_OPEN && contest_is_unbeaten(c, duel->a) &&
           contest_is_unbeaten(c, duel->b);
}

double contest_further_blocks(const struct contest *c)
{
    const int leader = contest_leader(c);
    double with_leader = 0, all = 0;
    if (contest_is_settled(c))
        return 0;
    for (size_t i = 0; i < c->duel_count; i++) {
        const struct judge_duel *duel = &c->duels[i];
        if (!is_live(c, duel))
            continue;
        if ((int)duel->a == leader || (int)duel->b == leader)
            with_leader = fmax(with_leader, duel->further_blocks);
        all = fmax(all, duel->further_blocks);
    }
    /* Once the leader has settled its own duels, those among the rest usually fall with them. */
    return with_leader > 0 ? with_leader : all;
}

double contest_verdicts_per_block(const struct contest *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->duel_count; i++)
        if (is_live(c, &c->duels[i]) && c->duels[i].further_blocks > 0)
            sum += 1 / c->duels[i].further_blocks; /* 1/INFINITY is 0 */
    return sum;
}
