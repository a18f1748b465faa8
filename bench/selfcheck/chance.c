/* SPDX-License-Identifier: MIT */
/* chance.c - see chance.h. */
#include "chance.h"

#include "../tournament/text.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

enum { FIELD_MAX = 64 };

/* Above this a count is called more than chance: as 5 of 40 at a rate of 5 % still pass. */
static const double surprise = 0.02;

uint64_t chance_word(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

double chance_unit(uint64_t *state)
{
    return (double)(chance_word(state) >> 11) / 9007199254740992.0;
}

/* ---- series ---- */

struct series *series_add(struct series_list *list,
                          const char *cell,
                          double floor,
                          const double *a,
                          const double *b,
                          const enum series_first *first,
                          size_t count)
{
    struct series series = {.cell = text_copy(cell),
                            .floor = floor,
                            .a = text_alloc((count + 1) * sizeof(double)),
                            .b = text_alloc((count + 1) * sizeof(double)),
                            .first = text_alloc((count + 1) * sizeof(*first))};
    for (size_t i = 0; i < count; i++) {
        if (isnan(judge_log_cost(a[i], floor)) || isnan(judge_log_cost(b[i], floor)))
            continue;
        series.first[series.count] = first != NULL ? first[i] : SERIES_FIRST_UNKNOWN;
        series.a[series.count] = a[i];
        series.b[series.count++] = b[i];
    }
    struct series *items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (items == NULL)
        abort();
    list->items = items;
    items[list->count] = series;
    return &items[list->count++];
}

void series_free(struct series_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].cell);
        free(list->items[i].a);
        free(list->items[i].b);
        free(list->items[i].first);
    }
    free(list->items);
    *list = (struct series_list){0};
}

size_t series_differences(const struct series *series, double *d)
{
    size_t n = 0;
    for (size_t i = 0; i < series->count; i++)
        d[n++] = judge_log_cost(series->a[i], series->floor) -
                 judge_log_cost(series->b[i], series->floor);
    return n;
}

/* ---- a duel before the judge ---- */

/* One cell with two that run; the others of the field only count for the threshold. */
struct duel_room {
    struct judge_input in;
    struct judge_cell_input cell;
    struct judge_entry entries[FIELD_MAX];
    struct judge_status status[FIELD_MAX];
    struct judge_block *blocks;
    double *costs;
    size_t field;
};

static void room_open(struct duel_room *room, size_t contestants, double alpha, size_t blocks)
{
    size_t field = contestants < 2 ? 2 : contestants > FIELD_MAX ? FIELD_MAX : contestants;
    *room = (struct duel_room){
        .field = field,
        .blocks = text_alloc((blocks + 1) * sizeof(*room->blocks)),
        .costs = text_alloc((blocks + 1) * field * sizeof(double)),
    };
    for (size_t e = 0; e < field; e++) {
        room->entries[e] = (struct judge_entry){.name = e == 0   ? "a"
                                                        : e == 1 ? "b"
                                                                 : "absent",
                                                .twin_of = -1};
        room->status[e].state = e < 2 ? JUDGE_RUNS : JUDGE_NOT_RUN;
    }
    for (size_t b = 0; b < blocks; b++) {
        double *cost = &room->costs[b * field];
        for (size_t e = 0; e < field; e++)
            cost[e] = NAN;
        room->blocks[b] = (struct judge_block){.number = b + 1, .cost = cost};
    }
    room->cell = (struct judge_cell_input){.lane = "race",
                                           .scenario = "selfcheck",
                                           .point = "",
                                           .blocks = room->blocks,
                                           .status = room->status};
    room->in = (struct judge_input){.alpha = alpha,
                                    .margin = 0.05,
                                    .entries = room->entries,
                                    .entry_count = field,
                                    .cells = &room->cell,
                                    .cell_count = 1};
}

static void room_put(struct duel_room *room, size_t block, double a, double b)
{
    room->costs[block * room->field] = a;
    room->costs[block * room->field + 1] = b;
}

static bool is_named(enum judge_word winner, enum judge_word loser)
{
    return winner == JUDGE_WORD_WINNER || loser == JUDGE_WORD_LOSES;
}

static void room_judge(struct duel_room *room, size_t blocks, uint64_t seed, struct tally *tally)
{
    struct judge_cell_result result;
    room->cell.block_count = blocks;
    room->in.seed = seed; /* of the coins for ties */
    if (judge_cell(&room->in, 0, &result) != 0)
        abort();
    enum judge_word a = result.entries[0].word, b = result.entries[1].word;
    tally->trials++;
    tally->a_wins += is_named(a, b);
    tally->b_wins += is_named(b, a);
    judge_cell_fini(&result);
}

static void room_close(struct duel_room *room)
{
    free(room->blocks);
    free(room->costs);
}

/* ---- many of them ---- */

static size_t longest(const struct series_list *list)
{
    size_t most = 0;
    for (size_t i = 0; i < list->count; i++)
        most = list->items[i].count > most ? list->items[i].count : most;
    return most;
}

struct tally chance_as_raced(const struct series_list *list, double alpha, uint64_t seed)
{
    struct tally tally = {0};
    struct duel_room room;
    room_open(&room, 2, alpha, longest(list));
    for (size_t s = 0; s < list->count; s++) {
        const struct series *series = &list->items[s];
        for (size_t i = 0; i < series->count; i++)
            room_put(&room, i, series->a[i], series->b[i]);
        room.cell.floor = series->floor;
        room_judge(&room, series->count, seed + s, &tally);
    }
    room_close(&room);
    return tally;
}

struct tally chance_reflip(
    const struct series_list *list, size_t trials, double keep, double alpha, uint64_t seed)
{
    struct tally tally = {0};
    struct duel_room room;
    room_open(&room, 2, alpha, longest(list));
    for (size_t t = 0; list->count > 0 && t < trials; t++) {
        const struct series *series = &list->items[t % list->count];
        for (size_t i = 0; i < series->count; i++) {
            /* the side that was faster keeps its label, so that a coin which is not fair shows */
            double less = fmin(series->a[i], series->b[i]), more = fmax(series->a[i], series->b[i]);
            bool kept = chance_unit(&seed) < keep;
            room_put(&room, i, kept ? less : more, kept ? more : less);
        }
        room.cell.floor = series->floor;
        room_judge(&room, series->count, seed, &tally);
    }
    room_close(&room);
    return tally;
}

struct tally chance_resample(const struct chance_draw *draw, size_t trials, uint64_t seed)
{
    struct tally tally = {0};
    struct duel_room room;
    room_open(&room, draw->contestants, draw->alpha, draw->blocks);
    for (size_t t = 0; draw->count > 0 && t < trials; t++) {
        for (size_t i = 0; i < draw->blocks; i++) {
            double d = draw->d[chance_word(&seed) % draw->count];
            if (draw->symmetric && chance_word(&seed) >> 63)
                d = -d;
            room_put(&room, i, 1, exp(d + draw->shift));
        }
        room_judge(&room, draw->blocks, seed, &tally);
    }
    room_close(&room);
    return tally;
}

/* ---- how much is too much ---- */

size_t chance_limit(size_t trials, double rate)
{
    size_t limit = 0;
    while (limit < trials && gsl_cdf_binomial_Q((unsigned)limit, rate, (unsigned)trials) > surprise)
        limit++;
    return limit;
}

bool chance_can_fail(size_t trials, size_t limit)
{
    return 4 * limit < trials;
}

double chance_log_e_limit(void)
{
    return -log(surprise);
}

void chance_interval(size_t seen, size_t trials, double *low, double *high)
{
    double k = (double)seen, n = (double)trials;
    *low = seen == 0 ? 0 : gsl_cdf_beta_Pinv(0.025, k, n - k + 1);
    *high = seen >= trials ? 1 : gsl_cdf_beta_Pinv(0.975, k + 1, n - k);
}
