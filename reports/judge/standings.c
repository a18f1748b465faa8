/* SPDX-License-Identifier: MIT */
/*
 * standings.c - one answer over many cells, from three views that are shown side by side.
 *
 * Dominance asks nobody's taste: A dominates B when it is faster somewhere and slower nowhere.
 * Weighted log cost asks for weights and returns the same evidence as a single cell: per complete
 * round the sum of w ln(cost) is one number per entry, and its sign between two entries of
 * identical code is again a fair coin. Equal weights make it the geometric mean of ratios, the only
 * mean that does not depend on the reference. Minimax regret asks for the smallest worst case.
 *
 * The second is exact for the common rounds, whose order no result can change. Later rounds are put
 * together from blocks that were dealt out by what was seen; for them it also assumes that the
 * noise in one cell does not follow the luck in another. The first counts duels as they are: with
 * many cells one of them errs more often than alpha; it needs no weights and gives no verdict.
 */
#include "contest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* ---- view 1: dominance ---- */

static bool dominates(const struct judge_standing *standing,
                      const struct judge_input *in,
                      const struct judge_cell_result *cells,
                      size_t a,
                      size_t b)
{
    bool faster = false;
    for (size_t c = 0; c < in->cell_count && !in->smoke; c++) {
        int sign;
        if (!(standing->weights[c] > 0))
            continue;
        const struct judge_duel *duel = judge_find_duel(&cells[c], a, b, &sign);
        const int decided = duel == NULL ? 0 : sign * duel->pair.decided;
        if (decided < 0)
            return false;
        faster = faster || decided > 0;
    }
    return faster;
}

static void find_dominance(const struct judge_input *in,
                           const struct judge_cell_result *cells,
                           struct judge_standing *out)
{
    for (size_t i = 0; i < out->place_count; i++) {
        struct judge_place *place = &out->places[i];
        if (!place->eligible)
            continue; /* who is out somewhere dominates nobody, and is not shown as dominated */
        for (size_t j = 0; j < out->place_count; j++) {
            struct judge_place *other = &out->places[j];
            if (j == i || !other->eligible ||
                !dominates(out, in, cells, place->entry, other->entry))
                continue;
            place->dominates[other->entry] = true;
            other->dominated = true;
        }
    }
}

/* ---- view 2: weighted log cost per complete round ---- */

/* d of one round: round r is the r-th valid block of every cell with weight, or [first]: the first
 * whole attempt at each; infinite if one of the two was late in any. NAN if incomplete. */
static double round_difference(const struct judge_input *in,
                               const double *weights,
                               size_t round,
                               size_t a,
                               size_t b,
                               bool first)
{
    double sum = 0;
    for (size_t c = 0; c < in->cell_count; c++) {
        const struct judge_cell_input *cell = &in->cells[c];
        if (!(weights[c] > 0))
            continue;
        if (round >= cell->block_count)
            return NAN;
        const struct judge_block *block = &cell->blocks[round];
        sum += weights[c] * (first ? judge_difference_or_late(cell, judge_first(block), a, b)
                                   : judge_difference(cell, block->cost, a, b));
    }
    return sum;
}

size_t judge_round_given_up(const struct judge_cell_input *cells, size_t count, size_t round)
{
    size_t sum = 0;
    for (size_t c = 0; c < count; c++)
        if (round < cells[c].block_count)
            sum += cells[c].blocks[round].given_up;
    return sum;
}

static void fight_rounds(const struct judge_input *in,
                         const struct judge_standing *standing,
                         struct judge_duel *duel,
                         size_t rounds,
                         double *room)
{
    const struct judge_cell_input coin_cell = {
        .lane = "standing", .scenario = standing->profile, .point = ""};
    const char *a = in->entries[duel->a].name;
    const char *b = in->entries[duel->b].name;
    double *first = room + rounds;
    size_t n = 0, all = 0;
    judge_pair_init(&duel->pair, judge_log_threshold(judge_contestants(in), in->alpha));
    for (size_t r = 0; r < rounds; r++) {
        judge_pair_give_up(&duel->pair, judge_round_given_up(in->cells, in->cell_count, r));
        room[n] = round_difference(in, standing->weights, r, duel->a, duel->b, false);
        first[all] = round_difference(in, standing->weights, r, duel->a, duel->b, true);
        const bool coin = room[n] == 0 && judge_coin(in->seed, &coin_cell, r, a, b);
        judge_pair_update_sum(&duel->pair, room[n], first[all], r, coin);
        n += isnan(room[n]) ? 0 : 1;
        all += isnan(first[all]) ? 0 : 1;
    }
    if (in->merged)
        judge_pair_take_back(&duel->pair);
    judge_duel_finish(duel, room, first, room + 2 * rounds, in->margin);
}

static void place_by_score(const struct contest *contest, struct judge_standing *out)
{
    for (size_t i = 0; i < out->place_count; i++) {
        struct judge_place *place = &out->places[i];
        place->score = place->low = place->high = NAN;
        if (!place->eligible || out->leader < 0)
            continue;
        if ((int)place->entry == out->leader) {
            place->score = place->low = place->high = 0;
            continue;
        }
        int sign;
        const struct judge_duel *duel =
            contest_find(contest, place->entry, (size_t)out->leader, &sign);
        place->score = sign * duel->median;
        place->low = sign > 0 ? duel->low : -duel->high;
        place->high = sign > 0 ? duel->high : -duel->low;
    }
}

static void weigh(const struct judge_input *in,
                  struct judge_standing *out,
                  bool *eligible,
                  size_t rounds,
                  double *room)
{
    out->rounds = rounds;
    for (size_t i = 0; i < out->place_count; i++)
        eligible[out->places[i].entry] = out->places[i].eligible;
    for (size_t b = 0; b < in->entry_count; b++) {
        for (size_t a = 0; a < b; a++) {
            if (!eligible[a] || !eligible[b])
                continue;
            struct judge_duel *duel = &out->duels[out->duel_count++];
            *duel = (struct judge_duel){.a = a, .b = b};
            fight_rounds(in, out, duel, rounds, room);
            if (duel->pair.n < out->rounds)
                out->rounds = duel->pair.n;
        }
    }
    const struct contest contest = {.entries = in->entry_count,
                                    .competes = eligible,
                                    .duels = out->duels,
                                    .duel_count = out->duel_count};
    out->leader = rounds > 0 ? contest_leader(&contest) : -1;
    out->winner = in->smoke ? -1 : contest_winner(&contest);
    out->tie = !in->smoke && out->winner < 0 && out->leader >= 0 &&
               contest_is_tied(&contest, (size_t)out->leader) && contest_is_settled(&contest);
    out->further_rounds = contest_further_blocks(&contest);
    place_by_score(&contest, out);
}

/* ---- view 3: regret; and the count of words ---- */

static double regret_in(const struct judge_cell_result *cell, double floor, size_t entry)
{
    const double ratio = cell->entries[entry].ratio;
    if (!isnan(ratio))
        return fmax(ratio, 0);
    if (cell->leader < 0)
        return 0;
    /* It never met the leader in a block: the medians are all there is. */
    return fmax(judge_log_cost(cell->entries[entry].median, floor) -
                    judge_log_cost(cell->entries[cell->leader].median, floor),
                0);
}

static void count_word(struct judge_place *place, enum judge_word word)
{
    if (word == JUDGE_WORD_WINNER)
        place->wins++;
    else if (word == JUDGE_WORD_LOSES)
        place->losses++;
    else if (word == JUDGE_WORD_TIE)
        place->ties++;
    else
        place->open++;
}

static void survey(const struct judge_input *in,
                   const struct judge_cell_result *cells,
                   const double *weights,
                   struct judge_place *place)
{
    place->eligible = true;
    place->regret = -1;
    for (size_t c = 0; c < in->cell_count; c++) {
        if (!(weights[c] > 0))
            continue;
        count_word(place, cells[c].entries[place->entry].word);
        if (!place->eligible)
            continue;
        const bool absent = contest_is_absent(in, c, place->entry);
        const double regret =
            absent ? INFINITY : regret_in(&cells[c], in->cells[c].floor, place->entry);
        if (absent) {
            place->eligible = false;
            place->bad_cell = c;
        }
        if (regret > place->regret) {
            place->regret = regret;
            place->regret_cell = c;
        }
    }
    place->regret = fmax(place->regret, 0);
}

/* ---- together ---- */

static int by_place(const void *left, const void *right)
{
    const struct judge_place *a = left;
    const struct judge_place *b = right;
    if (a->eligible != b->eligible)
        return a->eligible ? -1 : 1;
    if (a->eligible && isnan(a->score) != isnan(b->score))
        return isnan(b->score) ? -1 : 1;
    if (a->eligible && a->score != b->score && !isnan(a->score))
        return a->score < b->score ? -1 : 1;
    return (a->entry > b->entry) - (a->entry < b->entry);
}

/* The fewest blocks of any cell with weight; *which is that cell. */
static size_t complete_rounds(const struct judge_input *in, const double *weights, size_t *which)
{
    size_t rounds = SIZE_MAX;
    for (size_t c = 0; c < in->cell_count; c++) {
        if (weights[c] > 0 && in->cells[c].block_count < rounds) {
            rounds = in->cells[c].block_count;
            *which = c;
        }
    }
    return rounds == SIZE_MAX ? 0 : rounds;
}

static bool prepare(const struct judge_input *in, struct judge_standing *out)
{
    const size_t k = in->entry_count;
    out->weights = calloc(in->cell_count + 1, sizeof(*out->weights));
    out->places = calloc(k + 1, sizeof(*out->places));
    out->duels = calloc(k * k / 2 + 1, sizeof(*out->duels));
    if (out->weights == NULL || out->places == NULL || out->duels == NULL)
        return false;
    for (size_t e = 0; e < k; e++) {
        if (in->entries[e].twin_of >= 0)
            continue;
        struct judge_place *place = &out->places[out->place_count++];
        place->entry = e;
        place->dominates = calloc(k, sizeof(*place->dominates));
        if (place->dominates == NULL)
            return false;
    }
    return true;
}

int judge_standing(const struct judge_input *in,
                   const struct judge_cell_result *cells,
                   const struct judge_profile *profile,
                   struct judge_standing *out)
{
    *out = (struct judge_standing){.profile = profile->name, .leader = -1, .winner = -1};
    if (!prepare(in, out)) {
        judge_standing_fini(out);
        return -ENOMEM;
    }
    struct judge_folds evidence; /* a round is one square of each cell where there are squares */
    const bool folded = judge_fold_all(in, &evidence) == 0;
    out->weighted_cells = judge_weights(in, profile, out->weights);
    const size_t rounds =
        folded ? complete_rounds(&evidence.in, out->weights, &out->scarce_cell) : 0;
    bool *eligible = calloc(in->entry_count + 1, sizeof(*eligible));
    double *room = calloc(3 * rounds + 1, sizeof(*room));
    const bool have = folded && eligible != NULL && room != NULL;
    if (have) {
        for (size_t i = 0; i < out->place_count; i++)
            survey(in, cells, out->weights, &out->places[i]);
        weigh(&evidence.in, out, eligible, rounds, room);
        out->further_rounds *= (double)evidence.rows;
        find_dominance(in, cells, out);
        qsort(out->places, out->place_count, sizeof(*out->places), by_place);
    } else {
        judge_standing_fini(out);
    }
    free(eligible);
    free(room);
    judge_fold_all_fini(&evidence);
    return have ? 0 : -ENOMEM;
}

void judge_standing_fini(struct judge_standing *out)
{
    for (size_t i = 0; i < out->place_count; i++)
        free(out->places[i].dominates);
    free(out->places);
    free(out->weights);
    free(out->duels);
    *out = (struct judge_standing){.leader = -1, .winner = -1};
}
