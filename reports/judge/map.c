/* SPDX-License-Identifier: MIT */
/*
 * map.c - how the answer changes with the weights.
 *
 * The weighted difference of two entries in a round is linear in the weights of the families, so
 * the sums inside each family are made once and every set of weights costs one small sum per pair
 * and round. Medians are not linear: where the answer changes is found by bisection.
 *
 * Each family goes from 0 to 1 while the others shrink alike, each two alone, each three in steps
 * of a tenth. Every point is a standing of its own with the error of one; that no point errs is not
 * promised.
 */
#include "contest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A strip is looked at in so many places; between two that differ it is cut more finely. */
#define STRIP_STEPS 64
#define STRIP_FINEST (1.0 / 4096)
/* What stands for 0 at the ends of a strip, so that all its families count all along it. */
#define NEARLY_NOTHING 1e-9

/* What one family says of every pair of entries. */
struct chapter {
    bool measured;
    size_t rounds;
    bool *eligible; /* one per entry */
    double *d;      /* [pair * rounds + round], NAN if incomplete */
    double *first;  /* the same over the first whole attempts */
};

struct atlas {
    const struct judge_input *in;
    const struct judge_cell_input *evidence; /* the cells, their squares folded */
    const struct judge_profile *profile;
    struct chapter chapters[JUDGE_FAMILIES];
    struct judge_duel *duels; /* every pair of contestants; a and b are set */
    size_t duel_count;
    bool *eligible;
    double *room;     /* three times the most rounds */
    size_t *given_up; /* attempts left half-way before each round */
};

static size_t most_rounds(const struct judge_input *in)
{
    size_t most = 0;
    for (size_t c = 0; c < in->cell_count; c++)
        most = in->cells[c].block_count > most ? in->cells[c].block_count : most;
    return most;
}

/* ---- making it ---- */

static void list_pairs(struct atlas *atlas)
{
    const struct judge_input *in = atlas->in;
    for (size_t b = 0; b < in->entry_count; b++)
        for (size_t a = 0; a < b; a++)
            if (in->entries[a].twin_of < 0 && in->entries[b].twin_of < 0)
                atlas->duels[atlas->duel_count++] = (struct judge_duel){.a = a, .b = b};
}

static void sum_family(struct atlas *atlas, struct chapter *chapter, const double *weights)
{
    const struct judge_input *in = atlas->in;
    for (size_t e = 0; e < in->entry_count; e++)
        chapter->eligible[e] = in->entries[e].twin_of < 0;
    for (size_t c = 0; c < in->cell_count; c++) {
        if (!(weights[c] > 0))
            continue;
        for (size_t e = 0; e < in->entry_count; e++)
            chapter->eligible[e] = chapter->eligible[e] && !contest_is_absent(in, c, e);
        const struct judge_cell_input *cell = &atlas->evidence[c];
        for (size_t p = 0; p < atlas->duel_count; p++)
            for (size_t r = 0; r < chapter->rounds; r++) {
                const struct judge_block *block = &cell->blocks[r];
                const struct judge_duel *duel = &atlas->duels[p];
                const size_t at = p * chapter->rounds + r;
                chapter->d[at] +=
                    weights[c] * judge_difference(cell, block->cost, duel->a, duel->b);
                chapter->first[at] += weights[c] * judge_difference_or_late(
                                                       cell, judge_first(block), duel->a, duel->b);
            }
    }
}

static int write_chapter(struct atlas *atlas, enum judge_family family, double *weights)
{
    const struct judge_input *in = atlas->in;
    struct chapter *chapter = &atlas->chapters[family];
    struct judge_profile alone = *atlas->profile;
    memset(alone.weight, 0, sizeof(alone.weight));
    alone.weight[family] = 1;
    chapter->measured = judge_weights(in, &alone, weights) > 0;
    chapter->rounds = chapter->measured ? SIZE_MAX : 0;
    for (size_t c = 0; c < in->cell_count; c++)
        if (weights[c] > 0 && atlas->evidence[c].block_count < chapter->rounds)
            chapter->rounds = atlas->evidence[c].block_count;
    if (chapter->rounds == SIZE_MAX)
        chapter->rounds = 0;
    chapter->eligible = calloc(in->entry_count + 1, sizeof(*chapter->eligible));
    chapter->d = calloc(atlas->duel_count * chapter->rounds + 1, sizeof(*chapter->d));
    chapter->first = calloc(atlas->duel_count * chapter->rounds + 1, sizeof(*chapter->first));
    if (chapter->eligible == NULL || chapter->d == NULL || chapter->first == NULL)
        return -ENOMEM;
    if (chapter->measured)
        sum_family(atlas, chapter, weights);
    return 0;
}

static void atlas_fini(struct atlas *atlas)
{
    for (int f = 0; f < JUDGE_FAMILIES; f++) {
        free(atlas->chapters[f].eligible);
        free(atlas->chapters[f].d);
        free(atlas->chapters[f].first);
    }
    free(atlas->duels);
    free(atlas->eligible);
    free(atlas->room);
    free(atlas->given_up);
}

static int atlas_init(struct atlas *atlas, const struct judge_cell_input *evidence)
{
    const struct judge_input *in = atlas->in;
    const size_t k = in->entry_count;
    double *weights = calloc(in->cell_count + 1, sizeof(*weights));
    atlas->evidence = evidence;
    atlas->duels = calloc(k * k / 2 + 1, sizeof(*atlas->duels));
    atlas->eligible = calloc(k + 1, sizeof(*atlas->eligible));
    atlas->room = calloc(3 * most_rounds(in) + 1, sizeof(*atlas->room));
    atlas->given_up = calloc(most_rounds(in) + 1, sizeof(*atlas->given_up));
    int rc = weights == NULL || atlas->duels == NULL || atlas->eligible == NULL ||
                     atlas->room == NULL || atlas->given_up == NULL
                 ? -ENOMEM
                 : 0;
    for (size_t r = 0; rc == 0 && r < most_rounds(in); r++)
        atlas->given_up[r] = judge_round_given_up(evidence, in->cell_count, r);
    if (rc == 0)
        list_pairs(atlas);
    for (int f = 0; rc == 0 && f < JUDGE_FAMILIES; f++)
        rc = write_chapter(atlas, (enum judge_family)f, weights);
    free(weights);
    return rc;
}

/* ---- looking at one place ---- */

static size_t open_families(struct atlas *atlas, const double *weight)
{
    size_t rounds = SIZE_MAX;
    for (size_t e = 0; e < atlas->in->entry_count; e++)
        atlas->eligible[e] = atlas->in->entries[e].twin_of < 0;
    for (int f = 0; f < JUDGE_FAMILIES; f++) {
        const struct chapter *chapter = &atlas->chapters[f];
        if (!(weight[f] > 0) || !chapter->measured)
            continue;
        rounds = chapter->rounds < rounds ? chapter->rounds : rounds;
        for (size_t e = 0; e < atlas->in->entry_count; e++)
            atlas->eligible[e] = atlas->eligible[e] && chapter->eligible[e];
    }
    return rounds == SIZE_MAX ? 0 : rounds;
}

static void fight(const struct atlas *atlas, const double *weight, size_t pair, size_t rounds)
{
    const struct judge_input *in = atlas->in;
    const struct judge_cell_input coin_cell = {
        .lane = "standing", .scenario = atlas->profile->name, .point = ""};
    struct judge_duel *duel = &atlas->duels[pair];
    const char *a = in->entries[duel->a].name;
    const char *b = in->entries[duel->b].name;
    double *all = atlas->room + rounds;
    size_t n = 0, seen = 0;
    judge_pair_init(&duel->pair, judge_log_threshold(judge_contestants(in), in->alpha));
    for (size_t r = 0; r < rounds; r++) {
        double d = 0, first = 0;
        judge_pair_give_up(&duel->pair, atlas->given_up[r]);
        for (int f = 0; f < JUDGE_FAMILIES; f++) {
            const struct chapter *chapter = &atlas->chapters[f];
            if (!(weight[f] > 0) || !chapter->measured)
                continue;
            d += weight[f] * chapter->d[pair * chapter->rounds + r];
            first += weight[f] * chapter->first[pair * chapter->rounds + r];
        }
        const bool coin = d == 0 && judge_coin(in->seed, &coin_cell, r, a, b);
        judge_pair_update_sum(&duel->pair, d, first, r, coin);
        atlas->room[n] = d;
        all[seen] = first;
        n += isnan(d) ? 0 : 1;
        seen += isnan(first) ? 0 : 1;
    }
    if (in->merged)
        judge_pair_take_back(&duel->pair);
    judge_duel_settle(duel, atlas->room, all, atlas->room + 2 * rounds, in->margin);
}

static struct judge_view look(struct atlas *atlas, const double *weight)
{
    const size_t rounds = open_families(atlas, weight);
    for (size_t p = 0; p < atlas->duel_count; p++)
        if (atlas->eligible[atlas->duels[p].a] && atlas->eligible[atlas->duels[p].b])
            fight(atlas, weight, p, rounds);
    const struct contest contest = {.entries = atlas->in->entry_count,
                                    .competes = atlas->eligible,
                                    .duels = atlas->duels,
                                    .duel_count = atlas->duel_count};
    struct judge_view view = {.leader = -1, .winner = -1};
    if (rounds == 0)
        return view;
    view.leader = contest_leader(&contest);
    if (atlas->in->smoke)
        return view;
    view.winner = contest_winner(&contest);
    view.tie = view.winner < 0 && view.leader >= 0 &&
               contest_is_tied(&contest, (size_t)view.leader) && contest_is_settled(&contest);
    return view;
}

/* ---- strips ---- */

static bool same_view(struct judge_view a, struct judge_view b)
{
    return a.leader == b.leader && a.winner == b.winner && a.tie == b.tie;
}

/* The weights of all families where that of the strip's is [t]. */
static struct judge_view look_at(struct atlas *atlas, const struct judge_strip *strip, double t)
{
    double weight[JUDGE_FAMILIES] = {0}, others = 0;
    const double own = fmin(fmax(t, NEARLY_NOTHING), 1 - NEARLY_NOTHING);
    for (int f = 0; f < JUDGE_FAMILIES; f++) {
        if (f == (int)strip->family || !atlas->chapters[f].measured)
            continue;
        weight[f] = strip->against >= 0 ? (f == strip->against) : atlas->profile->weight[f];
        others += weight[f];
    }
    for (int f = 0; f < JUDGE_FAMILIES && others > 0; f++)
        weight[f] *= (1 - own) / others;
    weight[strip->family] = own;
    return look(atlas, weight);
}

static int append(struct judge_strip *strip, double to, struct judge_view view)
{
    const size_t n = strip->count;
    if (n > 0 && same_view(strip->stretches[n - 1].view, view)) {
        strip->stretches[n - 1].to = to;
        return 0;
    }
    struct judge_stretch *grown = realloc(strip->stretches, (n + 1) * sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    strip->stretches = grown;
    grown[n] = (struct judge_stretch){.from = n > 0 ? grown[n - 1].to : 0, .to = to, .view = view};
    strip->count++;
    return 0;
}

/* Covers (from, to], whose ends look like [left] and [right]; the stretch of [left] is there. */
static int cover(struct atlas *atlas,
                 struct judge_strip *strip,
                 double from,
                 double to,
                 struct judge_view left,
                 struct judge_view right)
{
    const double middle = (from + to) / 2;
    if (same_view(left, right))
        return append(strip, to, right);
    if (to - from < STRIP_FINEST) {
        const int rc = append(strip, middle, left);
        return rc == 0 ? append(strip, to, right) : rc;
    }
    const struct judge_view between = look_at(atlas, strip, middle);
    const int rc = cover(atlas, strip, from, middle, left, between);
    return rc == 0 ? cover(atlas, strip, middle, to, between, right) : rc;
}

static int draw_strip(struct atlas *atlas, struct judge_strip *strip)
{
    struct judge_view left = look_at(atlas, strip, 0);
    int rc = append(strip, 0, left);
    for (int i = 0; i < STRIP_STEPS && rc == 0; i++) {
        const double from = (double)i / STRIP_STEPS, to = (double)(i + 1) / STRIP_STEPS;
        const struct judge_view right = look_at(atlas, strip, to);
        rc = cover(atlas, strip, from, to, left, right);
        left = right;
    }
    return rc;
}

/* ---- mixes of three ---- */

static int draw_triple(struct atlas *atlas, struct judge_triple *triple)
{
    const int n = JUDGE_MAP_STEPS;
    triple->mixes = calloc((size_t)((n + 1) * (n + 2) / 2), sizeof(*triple->mixes));
    if (triple->mixes == NULL)
        return -ENOMEM;
    for (int i = 0; i <= n; i++) {
        for (int j = 0; i + j <= n; j++) {
            const double parts[3] = {i, j, n - i - j};
            double weight[JUDGE_FAMILIES] = {0};
            struct judge_mix *mix = &triple->mixes[triple->count++];
            for (int p = 0; p < 3; p++) {
                mix->weight[p] = parts[p] / n;
                weight[triple->family[p]] = fmax(mix->weight[p], NEARLY_NOTHING);
            }
            mix->view = look(atlas, weight);
        }
    }
    return 0;
}

/* ---- the whole ---- */

/* The measured families, the heaviest in the profile first. Returns how many. */
static size_t families_by_weight(const struct atlas *atlas, enum judge_family *list)
{
    size_t count = 0;
    for (int f = 0; f < JUDGE_FAMILIES; f++) {
        if (!atlas->chapters[f].measured)
            continue;
        size_t at = count++;
        while (at > 0 && atlas->profile->weight[list[at - 1]] < atlas->profile->weight[f]) {
            list[at] = list[at - 1];
            at--;
        }
        list[at] = (enum judge_family)f;
    }
    return count;
}

static int
draw_strips(struct atlas *atlas, const enum judge_family *list, size_t count, struct judge_map *out)
{
    double all = 0;
    int rc = 0;
    for (size_t i = 0; i < count; i++)
        all += atlas->profile->weight[list[i]];
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct judge_strip *strip = &out->strips[out->strip_count++];
        const double own = atlas->profile->weight[list[i]];
        *strip = (struct judge_strip){
            .family = list[i], .against = -1, .base = all > 0 ? own / all : NAN};
        if (all - own > 0) /* else there is nothing to take weight from */
            rc = draw_strip(atlas, strip);
        else
            out->strip_count--;
    }
    return rc;
}

static int
draw_mixes(struct atlas *atlas, const enum judge_family *list, size_t count, struct judge_map *out)
{
    int rc = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count && rc == 0; j++) {
            struct judge_strip *pair = &out->pairs[out->pair_count++];
            *pair = (struct judge_strip){.family = list[i], .against = (int)list[j], .base = NAN};
            rc = draw_strip(atlas, pair);
            for (size_t l = j + 1; l < count && rc == 0; l++) {
                struct judge_triple *triple = &out->triples[out->triple_count++];
                *triple = (struct judge_triple){.family = {list[i], list[j], list[l]}};
                rc = draw_triple(atlas, triple);
            }
        }
    return rc;
}

static int draw(struct atlas *atlas, struct judge_map *out)
{
    enum judge_family list[JUDGE_FAMILIES];
    const size_t n = families_by_weight(atlas, list);
    if (n < 2)
        return 0;
    out->strips = calloc(n, sizeof(*out->strips));
    out->pairs = calloc(n * (n - 1) / 2, sizeof(*out->pairs));
    out->triples = calloc(n * (n - 1) * (n - 2) / 6 + 1, sizeof(*out->triples));
    if (out->strips == NULL || out->pairs == NULL || out->triples == NULL)
        return -ENOMEM;
    const int rc = draw_strips(atlas, list, n, out);
    return rc == 0 ? draw_mixes(atlas, list, n, out) : rc;
}

int judge_map(const struct judge_input *in,
              const struct judge_profile *profile,
              struct judge_map *out)
{
    struct atlas atlas = {.in = in, .profile = profile};
    struct judge_folds folds;
    *out = (struct judge_map){0};
    if (judge_contestants(in) < 2 || judge_contestants(in) > JUDGE_MAP_CONTESTANTS)
        return 0;
    int rc = judge_fold_all(in, &folds);
    if (rc == 0)
        rc = atlas_init(&atlas, folds.in.cells);
    if (rc == 0)
        rc = draw(&atlas, out);
    atlas_fini(&atlas);
    judge_fold_all_fini(&folds);
    if (rc != 0)
        judge_map_fini(out);
    return rc;
}

void judge_map_fini(struct judge_map *map)
{
    for (size_t i = 0; i < map->strip_count; i++)
        free(map->strips[i].stretches);
    for (size_t i = 0; i < map->pair_count; i++)
        free(map->pairs[i].stretches);
    for (size_t i = 0; i < map->triple_count; i++)
        free(map->triples[i].mixes);
    free(map->strips);
    free(map->pairs);
    free(map->triples);
    *map = (struct judge_map){0};
}
