/* SPDX-License-Identifier: MIT */
/*
 * cell.c - the words of one cell, and what racing needs to know: who is beaten, is it decided.
 *
 * Everything is recomputed from the blocks each time, so that a verdict depends on the journal and
 * on nothing else. The rules, from top to bottom:
 *
 *   DISQUALIFIED         failed the gate or the cell; its numbers never rank, k is not lowered
 *   NOT RUN              could not run, or no block of it was run
 *   WINNER               the last one standing, having beaten somebody itself
 *   LOSES                slower than at least one other
 *   TIE                  unbeaten and EQUAL to every other unbeaten entry
 *   NOT ENOUGH EVIDENCE  all else; "no difference found" is never called a tie
 *
 * The twin of the baseline is judged against the baseline alone, at a threshold of its own; it puts
 * nobody out, does not count in k, and runs as long as its original does.
 */
#include "contest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

size_t judge_contestants(const struct judge_input *in)
{
    size_t count = 0;
    for (size_t e = 0; e < in->entry_count; e++)
        count += in->entries[e].twin_of < 0;
    return count;
}

static double meet_beside(const struct judge_input *in,
                          const struct judge_cell_input *cell,
                          const struct judge_block *block,
                          struct judge_duel *duel,
                          double first)
{
    const char *a = in->entries[duel->a].name;
    const char *b = in->entries[duel->b].name;
    const double d = judge_difference(cell, block->cost, duel->a, duel->b);
    if (!isnan(d) && block->cost[duel->a] <= cell->floor && block->cost[duel->b] <= cell->floor)
        duel->floored++;
    const bool coin = d == 0 && judge_coin(in->seed, cell, block->number, a, b);
    judge_pair_update_sum(&duel->pair, d, first, block->number, coin);
    return d;
}

double judge_meet(const struct judge_input *in,
                  const struct judge_cell_input *cell,
                  const struct judge_block *block,
                  struct judge_duel *duel)
{
    judge_pair_give_up(&duel->pair, block->given_up);
    for (size_t i = 0; i < block->redone_count && !block->folded; i++)
        judge_pair_redo(
            &duel->pair,
            judge_difference_or_late(cell, block->redone + i * in->entry_count, duel->a, duel->b));
    const double *last = block->folded ? judge_first(block) : block->cost;
    return meet_beside(
        in, cell, block, duel, judge_difference_or_late(cell, last, duel->a, duel->b));
}

/* What the test over all whole attempts saw in [block]; returns how many. */
static size_t list_all(const struct judge_input *in,
                       const struct judge_cell_input *cell,
                       const struct judge_block *block,
                       const struct judge_duel *duel,
                       double *all)
{
    size_t n = 0;
    for (size_t i = 0; i < block->redone_count; i++) {
        all[n] =
            judge_difference_or_late(cell, block->redone + i * in->entry_count, duel->a, duel->b);
        n += isnan(all[n]) ? 0 : 1;
    }
    if (!block->folded || block->redone_count == 0) {
        all[n] = judge_difference(cell, block->cost, duel->a, duel->b);
        n += isnan(all[n]) ? 0 : 1;
    }
    return n;
}

/* Room for the differences of one duel: those that count, all of them, and one to sort in. */
struct ring {
    double *d, *all, *scratch;
};

static size_t ring_size(const struct judge_cell_input *cell)
{
    size_t size = cell->block_count + 1;
    for (size_t b = 0; b < cell->block_count; b++)
        size += cell->blocks[b].redone_count;
    return size;
}

/* False without memory; ring_fini() in any case. */
static bool ring_init(struct ring *ring, const struct judge_cell_input *cell)
{
    const size_t size = ring_size(cell);
    ring->d = calloc(3 * size, sizeof(*ring->d));
    ring->all = ring->d != NULL ? ring->d + size : NULL;
    ring->scratch = ring->d != NULL ? ring->d + 2 * size : NULL;
    return ring->d != NULL;
}

static void ring_fini(struct ring *ring)
{
    free(ring->d);
}

/* Feeds a duel with all evidence and finishes it. */
static void fight(const struct judge_input *in,
                  const struct judge_fold *evidence,
                  struct judge_duel *duel,
                  double log_t,
                  const struct ring *ring)
{
    size_t n = 0, all = 0;
    judge_pair_init(&duel->pair, log_t);
    for (size_t i = 0; i < evidence->cell.block_count; i++) {
        const struct judge_block *block = &evidence->cell.blocks[i];
        all += list_all(in, &evidence->cell, block, duel, ring->all + all);
        ring->d[n] = judge_meet(in, &evidence->cell, block, duel);
        n += isnan(ring->d[n]) ? 0 : 1;
    }
    if (in->merged)
        judge_pair_take_back(&duel->pair);
    judge_duel_finish(duel, ring->d, ring->all, ring->scratch, in->margin);
    duel->rows = evidence->rows;
    duel->further_blocks *= (double)evidence->rows;
}

/*
 * The alarm: baseline against twin. Here the safe side is the other one. What was given up or done
 * again takes nothing away from a difference that shows, and more runs do not take it back.
 */
static void fight_twin(const struct judge_input *in,
                       const struct judge_fold *evidence,
                       struct judge_duel *duel,
                       double log_t,
                       const struct ring *ring)
{
    size_t n = 0;
    judge_pair_init(&duel->pair, log_t);
    for (size_t i = 0; i < evidence->cell.block_count; i++) {
        const struct judge_block *block = &evidence->cell.blocks[i];
        const double d = judge_difference(&evidence->cell, block->cost, duel->a, duel->b);
        ring->d[n] = meet_beside(in, &evidence->cell, block, duel, d);
        n += isnan(d) ? 0 : 1;
    }
    judge_duel_finish(duel, ring->d, ring->all, ring->scratch, in->margin);
    duel->rows = evidence->rows;
    duel->further_blocks *= (double)evidence->rows;
}

int judge_duel_in(const struct judge_input *in,
                  size_t cell,
                  size_t a,
                  size_t b,
                  double log_t,
                  struct judge_duel *out)
{
    struct judge_fold evidence;
    *out = (struct judge_duel){.a = a, .b = b};
    if (judge_fold(&in->cells[cell], in->entry_count, &evidence) != 0)
        return -ENOMEM;
    struct ring ring;
    const bool done = ring_init(&ring, &evidence.cell);
    if (done)
        fight(in, &evidence, out, log_t, &ring);
    judge_fold_fini(&evidence);
    ring_fini(&ring);
    return done ? 0 : -ENOMEM;
}

/* Does [entry] take part in the contest? Before the first block everybody may. */
static bool competes(const struct judge_input *in,
                     const struct judge_cell_input *cell,
                     const struct judge_cell_result *out,
                     size_t entry)
{
    return in->entries[entry].twin_of < 0 && cell->status[entry].state == JUDGE_RUNS &&
           (cell->block_count == 0 || out->entries[entry].runs > 0);
}

static void fight_all(const struct judge_input *in,
                      const struct judge_fold *evidence,
                      struct judge_cell_result *out,
                      const bool *in_contest,
                      const struct ring *ring)
{
    const double log_twin = judge_log_threshold_twin(in->cell_count, in->alpha);
    for (size_t b = 0; b < in->entry_count; b++) {
        for (size_t a = 0; a < b; a++) {
            if (!in_contest[a] || !in_contest[b])
                continue;
            struct judge_duel *duel = &out->duels[out->duel_count++];
            *duel = (struct judge_duel){.a = a, .b = b};
            fight(in, evidence, duel, out->log_t, ring);
        }
        const int original = in->entries[b].twin_of;
        if (original < 0)
            continue;
        struct judge_duel *duel = &out->twin_duels[out->twin_duel_count++];
        *duel = (struct judge_duel){.a = (size_t)original, .b = b};
        fight_twin(in, evidence, duel, log_twin, ring);
    }
}

/* Absolute numbers of one entry, in the unit of the cost. */
static void describe(const struct judge_cell_input *cell,
                     size_t entry,
                     struct judge_entry_result *result,
                     double *room)
{
    size_t n = 0;
    for (size_t b = 0; b < cell->block_count; b++) {
        const double cost = cell->blocks[b].cost[entry];
        if (!isnan(judge_log_cost(cost, cell->floor)))
            room[n++] = cost;
    }
    judge_sort(room, n);
    result->runs = n;
    result->median = judge_median(room, n);
    result->p5 = judge_quantile(room, n, 0.05);
    result->p95 = judge_quantile(room, n, 0.95);
}

static enum judge_word find_word(const struct judge_input *in,
                                 const struct judge_cell_input *cell,
                                 const struct contest *contest,
                                 const struct judge_cell_result *out,
                                 size_t entry)
{
    if (cell->status[entry].state == JUDGE_DISQUALIFIED)
        return JUDGE_WORD_DISQUALIFIED;
    if (cell->status[entry].state == JUDGE_NOT_RUN || out->entries[entry].runs == 0)
        return JUDGE_WORD_NOT_RUN;
    if (in->entries[entry].twin_of >= 0)
        return JUDGE_WORD_TWIN;
    if (in->smoke)
        return JUDGE_WORD_NOT_ENOUGH_EVIDENCE;
    if (out->winner == (int)entry)
        return JUDGE_WORD_WINNER;
    if (!contest_is_unbeaten(contest, entry))
        return JUDGE_WORD_LOSES;
    if (contest_is_tied(contest, entry))
        return JUDGE_WORD_TIE;
    return JUDGE_WORD_NOT_ENOUGH_EVIDENCE;
}

/* Fills word, beater, racing and ratio to the leader of one contestant. */
static void place(const struct judge_input *in,
                  const struct judge_cell_input *cell,
                  const struct contest *contest,
                  struct judge_cell_result *out,
                  size_t entry)
{
    struct judge_entry_result *result = &out->entries[entry];
    int sign;
    result->loses_to = -1;
    result->ratio = result->low = result->high = NAN;
    result->word = find_word(in, cell, contest, out, entry);
    result->small = (result->word == JUDGE_WORD_WINNER || result->word == JUDGE_WORD_LOSES) &&
                    contest_is_small(contest, entry);
    result->racing = cell->status[entry].state == JUDGE_RUNS &&
                     (result->runs == 0 || contest_is_unbeaten(contest, entry));
    if (result->word == JUDGE_WORD_LOSES) {
        result->loses_to = contest_beater(contest, entry);
        result->loses_log_e =
            contest_find(contest, entry, (size_t)result->loses_to, &sign)->pair.decided_log_e;
    }
    if (out->leader < 0 || !contest->competes[entry])
        return;
    if (out->leader == (int)entry) {
        result->ratio = result->low = result->high = 0;
        return;
    }
    const struct judge_duel *duel = contest_find(contest, entry, (size_t)out->leader, &sign);
    result->ratio = sign * duel->median;
    result->low = sign > 0 ? duel->low : -duel->high;
    result->high = sign > 0 ? duel->high : -duel->low;
}

static void judge_contest(const struct judge_input *in,
                          const struct judge_cell_input *cell,
                          struct judge_cell_result *out,
                          const bool *in_contest,
                          bool *scratch)
{
    const struct contest contest = {.entries = in->entry_count,
                                    .competes = in_contest,
                                    .duels = out->duels,
                                    .duel_count = out->duel_count};
    out->leader = cell->block_count > 0 ? contest_leader(&contest) : -1;
    out->winner = in->smoke ? -1 : contest_winner(&contest);
    out->decided = !in->smoke && contest_is_settled(&contest);
    out->cycle = contest_has_cycle(&contest, scratch);
    out->further_blocks = in->smoke ? INFINITY : contest_further_blocks(&contest);
    out->verdicts_per_block = contest_verdicts_per_block(&contest);
    for (size_t e = 0; e < in->entry_count; e++)
        place(in, cell, &contest, out, e);
    for (size_t e = 0; e < in->entry_count; e++)
        if (in->entries[e].twin_of >= 0)
            out->entries[e].racing =
                cell->status[e].state == JUDGE_RUNS && out->entries[in->entries[e].twin_of].racing;
}

static bool is_sound(const struct judge_input *in, size_t cell)
{
    if (cell >= in->cell_count || !(in->alpha > 0 && in->alpha < 1) || !(in->margin > 0) ||
        isinf(in->margin))
        return false;
    for (size_t e = 0; e < in->entry_count; e++) {
        const int original = in->entries[e].twin_of;
        if (original >= (int)in->entry_count || original == (int)e ||
            (original >= 0 && in->entries[original].twin_of >= 0))
            return false;
    }
    return true;
}

int judge_cell(const struct judge_input *in, size_t cell_index, struct judge_cell_result *out)
{
    *out = (struct judge_cell_result){.leader = -1, .winner = -1};
    if (!is_sound(in, cell_index))
        return -EINVAL;
    const struct judge_cell_input *cell = &in->cells[cell_index];
    const size_t k = in->entry_count;
    struct judge_fold evidence;
    const bool folded = judge_fold(cell, k, &evidence) == 0;
    struct ring ring;
    const bool roomy = ring_init(&ring, cell);
    bool *flags = calloc(2 * k + 1, sizeof(*flags));
    out->entries = calloc(k + 1, sizeof(*out->entries));
    out->duels = calloc(k * k / 2 + 1, sizeof(*out->duels));
    out->twin_duels = calloc(k + 1, sizeof(*out->twin_duels));
    out->contestants = judge_contestants(in);
    out->log_t = judge_log_threshold(out->contestants, in->alpha);
    out->blocks = cell->block_count;
    const bool have = folded && roomy && flags != NULL && out->entries != NULL &&
                      out->duels != NULL && out->twin_duels != NULL;
    if (have) {
        for (size_t e = 0; e < k; e++) {
            describe(cell, e, &out->entries[e], ring.d);
            flags[e] = competes(in, cell, out, e);
        }
        fight_all(in, &evidence, out, flags, &ring);
        judge_contest(in, cell, out, flags, flags + k);
    } else {
        judge_cell_fini(out);
    }
    ring_fini(&ring);
    free(flags);
    judge_fold_fini(&evidence);
    return have ? 0 : -ENOMEM;
}

void judge_cell_fini(struct judge_cell_result *out)
{
    free(out->entries);
    free(out->duels);
    free(out->twin_duels);
    *out = (struct judge_cell_result){.leader = -1, .winner = -1};
}

const struct judge_duel *
judge_find_duel(const struct judge_cell_result *cell, size_t a, size_t b, int *sign)
{
    const struct contest contest = {.duels = cell->duels, .duel_count = cell->duel_count};
    return contest_find(&contest, a, b, sign);
}
