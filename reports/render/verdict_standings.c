/* SPDX-License-Identifier: MIT */
/* verdict_standings.c - the array "standings" of verdict.json: one element for each profile. */
#include "verdict_parts.h"

#include "fields.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct judge_standing *verdict_default(const struct judged *judged)
{
    const char *named = field_text(judged->dir->plan, "profile");
    for (size_t i = 0; i < judged->standing_count; i++)
        if (strcmp(judged->standings[i].profile, *named != '\0' ? named : "balanced") == 0)
            return &judged->standings[i];
    return &judged->standings[judged->standing_count - 1];
}

/* What one block of every cell with weight takes. */
static double round_seconds(const struct judged *judged, const struct judge_standing *standing)
{
    double seconds = 0;
    for (size_t c = 0; c < judged->dir->cell_count; c++)
        if (standing->weights[c] > 0)
            seconds += judged->block_seconds[c];
    return seconds;
}

char *verdict_sentence(const struct judged *judged, const struct judge_standing *standing)
{
    enum { SENTENCE_SIZE = 2048 };
    char *text = malloc(SENTENCE_SIZE);
    if (text != NULL)
        judge_sentence(
            &judged->dir->in, standing, round_seconds(judged, standing), text, SENTENCE_SIZE);
    return text;
}

static json_t *cell_ref(const struct run_dir *dir, size_t cell)
{
    char text[512];
    const struct run_dir_cell *named = &dir->cells[cell];
    snprintf(text,
             sizeof(text),
             "%s/%s%s%s",
             named->lane,
             named->scenario,
             named->point[0] != '\0' ? "/" : "",
             named->point);
    return json_string(text);
}

static json_t *place_row(const struct judged *judged, const struct judge_place *place)
{
    const struct run_dir *dir = judged->dir;
    json_t *row = json_object();
    json_t *dominates = json_array();
    for (size_t e = 0; e < dir->entry_count; e++)
        if (place->dominates[e])
            json_array_append_new(dominates, json_string(dir->entries[e].name));
    json_object_set_new(row, "contestant", json_string(dir->entries[place->entry].name));
    json_object_set_new(row, "eligible", json_boolean(place->eligible));
    json_object_set_new(
        row, "out_in", place->eligible ? json_null() : cell_ref(dir, place->bad_cell));
    json_object_set_new(row, "score", verdict_ratio(place->score));
    json_object_set_new(row, "low", verdict_ratio(place->low));
    json_object_set_new(row, "high", verdict_ratio(place->high));
    json_object_set_new(row, "regret", verdict_ratio(place->regret));
    json_object_set_new(
        row, "regret_in", place->eligible ? cell_ref(dir, place->regret_cell) : json_null());
    const struct judge_entry_result *worst =
        &judged->cells[place->regret_cell].entries[place->entry];
    const bool behind = place->eligible && place->regret > 0;
    json_object_set_new(row, "regret_low", behind ? verdict_ratio(worst->low) : json_null());
    json_object_set_new(row, "regret_high", behind ? verdict_ratio(worst->high) : json_null());
    json_object_set_new(
        row, "regret_proven", json_boolean(behind && worst->word == JUDGE_WORD_LOSES));
    json_object_set_new(row, "wins", json_integer((json_int_t)place->wins));
    json_object_set_new(row, "ties", json_integer((json_int_t)place->ties));
    json_object_set_new(row, "losses", json_integer((json_int_t)place->losses));
    json_object_set_new(row, "open", json_integer((json_int_t)place->open));
    json_object_set_new(row, "dominates", dominates);
    json_object_set_new(row, "dominated", json_boolean(place->dominated));
    return row;
}

static json_t *weights_of(const struct judge_profile *profile)
{
    json_t *weights = json_object();
    for (int f = 0; f < JUDGE_FAMILIES; f++)
        json_object_set_new(
            weights, judge_family_name((enum judge_family)f), json_real(profile->weight[f]));
    return weights;
}

/* {"race/poisson": 2}: scenarios and points that count more or less than their equals. */
static json_t *shares_of(const struct judge_profile *profile)
{
    json_t *shares = json_object();
    for (size_t i = 0; i < profile->share_count; i++) {
        const struct judge_share *share = &profile->shares[i];
        char key[256];
        snprintf(key,
                 sizeof(key),
                 "%s%s%s%s%s",
                 share->lane != NULL ? share->lane : "",
                 share->lane != NULL ? "/" : "",
                 share->scenario,
                 share->point != NULL ? "/" : "",
                 share->point != NULL ? share->point : "");
        json_object_set_new(shares, key, json_real(share->share));
    }
    return shares;
}

static json_t *standing_row(const struct judged *judged, size_t index)
{
    const struct judge_standing *standing = &judged->standings[index];
    const double seconds = round_seconds(judged, standing);
    char *sentence = verdict_sentence(judged, standing);
    json_t *row = json_object();
    json_t *order = json_array();
    for (size_t i = 0; i < standing->place_count; i++)
        json_array_append_new(order, place_row(judged, &standing->places[i]));
    json_object_set_new(row, "profile", json_string(standing->profile));
    json_object_set_new(row, "weights", weights_of(&judged->profiles[index]));
    json_object_set_new(row, "shares", shares_of(&judged->profiles[index]));
    json_object_set_new(row, "after_measurement", json_boolean((int)index == judged->late));
    json_object_set_new(row, "cells", json_integer((json_int_t)standing->weighted_cells));
    json_object_set_new(row, "rounds", json_integer((json_int_t)standing->rounds));
    json_object_set_new(row, "order", order);
    json_object_set_new(row,
                        "winner",
                        standing->winner >= 0
                            ? json_string(judged->dir->entries[standing->winner].name)
                            : json_null());
    json_object_set_new(row, "tie", json_boolean(standing->tie));
    json_object_set_new(row, "further_rounds", verdict_number(standing->further_rounds));
    json_object_set_new(
        row, "further_minutes", verdict_number(standing->further_rounds * seconds / 60));
    json_object_set_new(row, "sentence", json_string(sentence != NULL ? sentence : ""));
    free(sentence);
    return row;
}

json_t *verdict_standings(const struct judged *judged)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < judged->standing_count; i++)
        json_array_append_new(rows, standing_row(judged, i));
    return rows;
}
