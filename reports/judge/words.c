/* SPDX-License-Identifier: MIT */
/*
 * words.c - results as English: why an entry got its word, and one sentence for a whole standing.
 *
 * An effect is always given with its interval and the blocks won, and an open question with what it
 * would cost to settle. Nothing is decided here; the sentences only read what was judged.
 */
#include "contest.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const words[] = {
    "DISQUALIFIED", "NOT RUN", "WINNER", "LOSES", "TIE", "NOT ENOUGH EVIDENCE", "TWIN"};

const char *judge_word_name(enum judge_word word)
{
    return words[word];
}

const char *judge_relation_name(enum judge_relation relation)
{
    static const char *const names[] = {"OPEN", "FASTER", "SLOWER", "EQUAL"};
    return names[relation];
}

/* Text that grows and is cut off, never overrun. */
struct text {
    char *start, *at;
    size_t left;
};

static struct text text_begin(char *text, size_t size)
{
    if (size > 0)
        text[0] = '\0';
    return (struct text){.start = text, .at = text, .left = size};
}

/* A cut may have gone through a character of several bytes: the text stays valid UTF-8. */
static void drop_half_character(struct text *text)
{
    while (text->at > text->start && (text->at[-1] & 0xc0) == 0x80)
        text->at--;
    if (text->at > text->start && (text->at[-1] & 0xc0) == 0xc0)
        text->at--;
    *text->at = '\0';
    text->left = 0; /* what follows would stand behind a gap */
}

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
    va_list arguments;
    if (text->left == 0)
        return;
    va_start(arguments, format);
    const int length = vsnprintf(text->at, text->left, format, arguments);
    va_end(arguments);
    const size_t used = length < 0 ? 0 : (size_t)length;
    const size_t kept = used < text->left ? used : text->left - 1;
    text->at += kept;
    text->left -= kept;
    if (kept < used)
        drop_half_character(text);
}

static void say_ratio(struct text *text, double ratio, double low, double high)
{
    say(text, "%.3gx", exp(ratio));
    if (!isnan(low) && !isnan(high))
        say(text, " (%.3g to %.3g)", exp(fmin(low, high)), exp(fmax(low, high)));
}

/* "6 %" above 0, "1.7x" once percents get hard to read. */
static void say_behind(struct text *text, double log_ratio)
{
    const double ratio = exp(log_ratio);
    if (ratio < 2)
        say(text, "%.2g %%", 100 * (ratio - 1));
    else
        say(text, "%.3gx", ratio);
}

static void say_time(struct text *text, double seconds)
{
    if (!(seconds > 0) || isinf(seconds))
        return;
    if (seconds < 90)
        say(text, " (%.0f s)", ceil(seconds));
    else if (seconds < 5400)
        say(text, " (%.0f minutes)", ceil(seconds / 60));
    else
        say(text, " (%.1f hours)", seconds / 3600);
}

static void say_cell(struct text *text, const struct judge_cell_input *cell)
{
    say(text, "%s", cell->scenario);
    if (cell->point != NULL && cell->point[0] != '\0')
        say(text, " %s", cell->point);
}

/* What it would take to settle an open duel or contest. */
static void say_further(struct text *text, double further, double seconds_each, const char *unit)
{
    if (isinf(further)) {
        say(text, "; no number of %ss in sight would settle it", unit);
        return;
    }
    say(text, "; about %.0f more %s%s", further, unit, further == 1 ? "" : "s");
    say_time(text, further * seconds_each);
    say(text, " would settle it");
}

/* One duel from the side of [entry]: ratio, interval, blocks. */
static void say_duel(struct text *text, const struct judge_duel *duel, int sign)
{
    const size_t wins_a = duel->pair.wins_a;
    const double low = sign > 0 ? duel->low : -duel->high;
    const double high = sign > 0 ? duel->high : -duel->low;
    say_ratio(text, sign * duel->median, low, high);
    say(text,
        ", won %zu of %zu %s",
        sign > 0 ? wins_a : duel->pair.n - wins_a,
        duel->pair.n,
        duel->rows > 1 ? "squares" : "blocks");
    if (duel->small)
        say(text, ", a small difference");
    if (duel->coarse)
        say(text, ", clock too coarse: %zu ties", duel->pair.ties);
    if (duel->floored > 0)
        say(text, ", both too small to measure in %zu of them", duel->floored);
}

/* The unbeaten duel partner of [entry] that is hardest to tell from it: the relation asked for. */
static const struct judge_duel *closest(const struct judge_cell_result *result,
                                        size_t entry,
                                        enum judge_relation relation,
                                        size_t *other,
                                        int *sign)
{
    const struct judge_duel *found = NULL;
    for (size_t i = 0; i < result->duel_count; i++) {
        const struct judge_duel *duel = &result->duels[i];
        const bool first = duel->a == entry;
        if (!first && duel->b != entry)
            continue;
        const size_t partner = first ? duel->b : duel->a;
        const bool decided = duel->relation == JUDGE_FASTER || duel->relation == JUDGE_SLOWER;
        if (relation == JUDGE_FASTER) {
            if (!decided || (duel->relation == JUDGE_FASTER) != first)
                continue;
        } else if (duel->relation != relation || result->entries[partner].loses_to >= 0) {
            continue;
        }
        /* Compared with the leader first; among the beaten, the one that came closest. */
        if (found != NULL && relation == JUDGE_FASTER && fabs(duel->median) >= fabs(found->median))
            continue;
        if (found != NULL && relation != JUDGE_FASTER && (int)partner != result->leader)
            continue;
        found = duel;
        *other = partner;
        *sign = first ? 1 : -1;
    }
    return found;
}

static void say_open(struct text *text,
                     const struct judge_input *in,
                     const struct judge_cell_result *result,
                     size_t entry,
                     double seconds_per_block)
{
    size_t other;
    int sign;
    const struct judge_duel *duel = closest(result, entry, JUDGE_OPEN, &other, &sign);
    if (in->smoke) {
        say(text, "PIPELINE CHECK ONLY: too few blocks to name a winner");
        return;
    }
    if (duel == NULL) {
        say(text, "nobody left to race against");
        return;
    }
    say(text, "not told from %s yet: ", in->entries[other].name);
    say_duel(text, duel, sign);
    if (!duel->has_interval)
        say(text,
            ", an interval needs %zu blocks",
            judge_blocks_needed(duel->pair.log_t, 0) * (duel->rows > 1 ? duel->rows : 1));
    say_further(text, duel->further_blocks, seconds_per_block, "block");
}

static void say_settled(struct text *text,
                        const struct judge_input *in,
                        const struct judge_cell_result *result,
                        size_t entry,
                        enum judge_relation relation)
{
    size_t other = 0;
    int sign = 1;
    const struct judge_duel *duel =
        relation == JUDGE_SLOWER
            ? judge_find_duel(result, entry, (size_t)result->entries[entry].loses_to, &sign)
            : closest(result, entry, relation, &other, &sign);
    if (duel == NULL)
        return;
    if (relation == JUDGE_SLOWER) {
        say(text, "slower than %s: ", in->entries[result->entries[entry].loses_to].name);
        if (result->cycle)
            say(text, "(in a circle) ");
    } else if (relation == JUDGE_EQUAL) {
        say(text,
            "practically equal to %s (within %.3g %%): ",
            in->entries[other].name,
            100 * in->margin);
    } else {
        say(text, "the closest was %s: ", in->entries[other].name);
    }
    say_duel(text, duel, sign);
}

void judge_reason(const struct judge_input *in,
                  size_t cell,
                  const struct judge_cell_result *result,
                  size_t entry,
                  double seconds_per_block,
                  char *buffer,
                  size_t size)
{
    struct text text = text_begin(buffer, size);
    const char *given = in->cells[cell].status[entry].reason;
    const bool has_reason = given != NULL && given[0] != '\0';
    switch (result->entries[entry].word) {
    case JUDGE_WORD_DISQUALIFIED:
        say(&text, "%s", has_reason ? given : "no reason recorded");
        break;
    case JUDGE_WORD_NOT_RUN:
        say(&text, "%s", has_reason ? given : "the budget ended before its first block");
        break;
    case JUDGE_WORD_WINNER:
        say_settled(&text, in, result, entry, JUDGE_FASTER);
        break;
    case JUDGE_WORD_LOSES:
        say_settled(&text, in, result, entry, JUDGE_SLOWER);
        break;
    case JUDGE_WORD_TIE:
        say_settled(&text, in, result, entry, JUDGE_EQUAL);
        break;
    case JUDGE_WORD_NOT_ENOUGH_EVIDENCE:
        say_open(&text, in, result, entry, seconds_per_block);
        break;
    case JUDGE_WORD_TWIN:
        say(&text,
            "the same code as %s: it tests the tournament",
            in->entries[in->entries[entry].twin_of].name);
        break;
    }
}

/* ---- sentences ---- */

static const struct judge_place *find_place(const struct judge_standing *standing, int entry)
{
    for (size_t i = 0; i < standing->place_count; i++)
        if ((int)standing->places[i].entry == entry)
            return &standing->places[i];
    return NULL;
}

static size_t count_eligible(const struct judge_standing *standing)
{
    size_t count = 0;
    for (size_t i = 0; i < standing->place_count; i++)
        count += standing->places[i].eligible ? 1 : 0;
    return count;
}

/* "wins 5 of 8 cells, ties 2, loses 1, 1 open, never more than 6 % behind" */
static void say_record(struct text *text,
                       const struct judge_input *in,
                       const struct judge_standing *standing,
                       const struct judge_place *place)
{
    say(text, "wins %zu of %zu cells", place->wins, standing->weighted_cells);
    if (place->ties > 0)
        say(text, ", ties %zu", place->ties);
    if (place->losses > 0)
        say(text, ", loses %zu", place->losses);
    if (place->open > 0)
        say(text, ", %zu open", place->open);
    if (!place->eligible)
        return;
    if (place->regret < 0.005) {
        say(text, ", nowhere behind");
        return;
    }
    say(text, ", at worst ");
    say_behind(text, place->regret);
    say(text, " behind (");
    say_cell(text, &in->cells[place->regret_cell]);
    say(text, ")");
}

/* If another contestant has the smaller worst case, the reader must know. */
static void say_regret(struct text *text,
                       const struct judge_input *in,
                       const struct judge_standing *standing,
                       const struct judge_place *chosen)
{
    const struct judge_place *best = chosen;
    for (size_t i = 0; i < standing->place_count; i++)
        if (standing->places[i].eligible && standing->places[i].regret < best->regret)
            best = &standing->places[i];
    if (best == chosen || chosen->regret - best->regret < log1p(in->margin))
        return;
    say(text, " The smallest worst case has %s: ", in->entries[best->entry].name);
    if (best->regret < 0.005)
        say(text, "nowhere behind.");
    else {
        say(text, "at most ");
        say_behind(text, best->regret);
        say(text, " behind.");
    }
}

static void
say_excluded(struct text *text, const struct judge_input *in, const struct judge_standing *standing)
{
    const char *lead = " Not ranked: ";
    for (size_t i = 0; i < standing->place_count; i++) {
        const struct judge_place *place = &standing->places[i];
        if (place->eligible)
            continue;
        const struct judge_cell_input *cell = &in->cells[place->bad_cell];
        say(text, "%s%s (", lead, in->entries[place->entry].name);
        say(text,
            "%s in ",
            cell->status[place->entry].state == JUDGE_DISQUALIFIED ? "disqualified" : "not run");
        say_cell(text, cell);
        say(text, ")");
        lead = ", ";
    }
    if (lead[0] == ',')
        say(text, ".");
}

/* The strongest rival of [entry] in the weighted view, by point estimate. */
static const struct judge_duel *
rival(const struct judge_standing *standing, int entry, int *other, int *sign)
{
    const struct judge_duel *found = NULL;
    double best = INFINITY;
    for (size_t i = 0; i < standing->duel_count; i++) {
        const struct judge_duel *duel = &standing->duels[i];
        if ((int)duel->a != entry && (int)duel->b != entry)
            continue;
        /* Open and equal ones first: they are what keeps [entry] from winning. */
        const bool decided = duel->relation == JUDGE_FASTER || duel->relation == JUDGE_SLOWER;
        const double apart = isnan(duel->median) ? 0 : fabs(duel->median);
        const double rank = apart + (decided ? 1e6 : 0);
        if (!(rank < best))
            continue;
        best = rank;
        found = duel;
        *sign = (int)duel->a == entry ? 1 : -1;
        *other = (int)(*sign > 0 ? duel->b : duel->a);
    }
    return found;
}

static void
say_winner(struct text *text, const struct judge_input *in, const struct judge_standing *standing)
{
    int other, sign;
    const struct judge_place *place = find_place(standing, standing->winner);
    const struct judge_duel *duel = rival(standing, standing->winner, &other, &sign);
    say(text, "Take %s: ", in->entries[standing->winner].name);
    say_record(text, in, standing, place);
    if (duel != NULL) {
        say(text, "; its weighted cost is ");
        say_ratio(text,
                  sign * duel->median,
                  sign > 0 ? duel->low : -duel->high,
                  sign > 0 ? duel->high : -duel->low);
        say(text, " that of %s.", in->entries[other].name);
        if (duel->low < 0 && duel->high > 0)
            say(text,
                " That lead was proven in an earlier round, and what was proven is kept; the "
                "interval is that of all rounds and reaches 1 again.");
    } else {
        say(text, ".");
    }
    say_regret(text, in, standing, place);
}

static void say_undecided(struct text *text,
                          const struct judge_input *in,
                          const struct judge_standing *standing,
                          double seconds_per_round)
{
    int other, sign;
    const struct judge_duel *duel = rival(standing, standing->leader, &other, &sign);
    const char *leader = in->entries[standing->leader].name;
    if (duel == NULL) {
        say(text, "No comparison: only %s finished every cell.", leader);
        return;
    }
    if (standing->tie) {
        say(text,
            "Take %s or %s: practically equal, weighted cost within %.3g %%, ",
            leader,
            in->entries[other].name,
            100 * in->margin);
        say_ratio(text, sign * duel->median, sign * duel->low, sign * duel->high);
        say(text, ".");
        say_regret(text, in, standing, find_place(standing, standing->leader));
        return;
    }
    say(text, "No winner yet: %s and %s ", leader, in->entries[other].name);
    if (duel->relation == JUDGE_SLOWER || duel->relation == JUDGE_FASTER) {
        say(text, "are part of a circle in which each beats the next.");
        return;
    }
    if (duel->pair.n == 0) {
        say(text, "have not met in a complete round.");
        return;
    }
    say(text, "cannot be told apart, ");
    say_ratio(text,
              sign * duel->median,
              sign > 0 ? duel->low : -duel->high,
              sign > 0 ? duel->high : -duel->low);
    say(text, " after %zu complete round%s", duel->pair.n, duel->pair.n == 1 ? "" : "s");
    say_further(text, standing->further_rounds, seconds_per_round, "round");
    say(text, ".");
}

void judge_sentence(const struct judge_input *in,
                    const struct judge_standing *standing,
                    double seconds_per_round,
                    char *buffer,
                    size_t size)
{
    struct text text = text_begin(buffer, size);
    if (in->smoke) {
        say(&text, "PIPELINE CHECK ONLY: everything ran, too briefly to name a winner.");
    } else if (standing->weighted_cells == 0) {
        say(&text, "No verdict: no cell that counts for this profile was run.");
    } else if (count_eligible(standing) == 0) {
        say(&text, "No verdict: no contestant finished every cell.");
    } else if (standing->winner >= 0) {
        say_winner(&text, in, standing);
    } else if (standing->leader < 0) {
        say(&text, "No verdict: not one complete round, ");
        say_cell(&text, &in->cells[standing->scarce_cell]);
        say(&text, " has no block.");
    } else {
        say_undecided(&text, in, standing, seconds_per_round);
    }
    say_excluded(&text, in, standing);
}
