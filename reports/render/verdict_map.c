/* SPDX-License-Identifier: MIT */
/* verdict_map.c - the object "map" of verdict.json: how the answer changes with the weights. */
#include "verdict_parts.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const char *name_of(const struct judged *judged, int entry)
{
    return judged->dir->entries[entry].name;
}

static json_t *name_or_null(const struct judged *judged, int entry)
{
    return entry >= 0 ? json_string(name_of(judged, entry)) : json_null();
}

/* ---- sentences ---- */

/* Stretches that two digits cannot show are passed over. */
static bool is_worth_saying(const struct judge_stretch *stretch)
{
    return stretch->to - stretch->from >= 0.005;
}

/* "fastpath leads up to 0.43, then mutex". */
static void say_leaders(const struct judged *judged, const struct judge_strip *strip, FILE *out)
{
    int leader = -1;
    size_t changes = 0;
    for (size_t i = 0; i < strip->count; i++) {
        const int next = strip->stretches[i].view.leader;
        if (next < 0 || next == leader || !is_worth_saying(&strip->stretches[i]))
            continue;
        if (changes > 0)
            fprintf(out, " up to %.2f, then ", strip->stretches[i].from);
        fprintf(out, "%s%s", name_of(judged, next), changes == 0 ? " leads" : "");
        leader = next;
        changes++;
    }
    fputs(changes == 0 ? "nobody leads" : changes == 1 ? " at every weight" : "", out);
}

/* What a stretch proves: a winner, a tie, or nothing. */
enum { PROVES_NOTHING = -1, PROVES_TIE = -2 };

static int proof_of(const struct judge_stretch *stretch)
{
    return stretch->view.tie ? PROVES_TIE : stretch->view.winner;
}

static void say_range(double from, double to, FILE *out)
{
    if (from < 0.005 && to > 0.995)
        fputs(" at every weight", out);
    else if (from < 0.005)
        fprintf(out, " up to %.2f", to);
    else if (to > 0.995)
        fprintf(out, " from %.2f", from);
    else
        fprintf(out, " from %.2f to %.2f", from, to);
}

/* "; proven for fastpath up to 0.31, for mutex from 0.60". */
static void say_proof(const struct judged *judged, const struct judge_strip *strip, FILE *out)
{
    bool any = false, named = false;
    for (size_t i = 0; i < strip->count; i++) {
        struct judge_stretch whole = strip->stretches[i];
        const int proof = proof_of(&whole);
        while (i + 1 < strip->count && proof_of(&strip->stretches[i + 1]) == proof)
            whole.to = strip->stretches[++i].to;
        if (proof == PROVES_NOTHING || !is_worth_saying(&whole))
            continue;
        fputs(any ? ", " : "; ", out);
        if (proof == PROVES_TIE)
            fputs("practically equal", out);
        else
            fprintf(out, "%sfor %s", named ? "" : "proven ", name_of(judged, proof));
        named = named || proof != PROVES_TIE;
        say_range(whole.from, whole.to, out);
        any = true;
    }
    fputs(any ? "" : "; the evidence is open at every weight", out);
}

static json_t *
strip_sentence(const struct judged *judged, const struct judge_strip *strip, const char *title)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return json_string("");
    fprintf(out, "%s", title);
    if (strip->against >= 0)
        fprintf(out, " against %s", judge_family_title((enum judge_family)strip->against));
    else
        fprintf(out, " (here %.2f)", strip->base);
    fputs(": ", out);
    say_leaders(judged, strip, out);
    say_proof(judged, strip, out);
    fputc('.', out);
    fclose(out);
    json_t *sentence = json_string(text);
    free(text);
    return sentence;
}

/* ---- rows ---- */

static json_t *view_row(const struct judged *judged, const struct judge_view *view)
{
    json_t *row = json_object();
    json_object_set_new(row, "leader", name_or_null(judged, view->leader));
    json_object_set_new(row, "winner", name_or_null(judged, view->winner));
    json_object_set_new(row, "tie", json_boolean(view->tie));
    return row;
}

static json_t *strip_row(const struct judged *judged, const struct judge_strip *strip)
{
    json_t *row = json_object();
    json_t *stretches = json_array();
    json_object_set_new(row, "family", json_string(judge_family_name(strip->family)));
    if (strip->against >= 0)
        json_object_set_new(
            row, "against", json_string(judge_family_name((enum judge_family)strip->against)));
    else
        json_object_set_new(row, "weight", verdict_number(strip->base));
    json_object_set_new(
        row, "sentence", strip_sentence(judged, strip, judge_family_title(strip->family)));
    for (size_t i = 0; i < strip->count; i++) {
        json_t *one = view_row(judged, &strip->stretches[i].view);
        json_object_set_new(one, "from", json_real(strip->stretches[i].from));
        json_object_set_new(one, "to", json_real(strip->stretches[i].to));
        json_array_append_new(stretches, one);
    }
    json_object_set_new(row, "stretches", stretches);
    return row;
}

/* Of all mixes of three families: how many does each contestant lead, how many win? */
static json_t *triple_counts(const struct judged *judged, const struct judge_triple *triple)
{
    json_t *counts = json_object();
    for (size_t e = 0; e < judged->dir->entry_count; e++) {
        int leads = 0, wins = 0;
        for (size_t i = 0; i < triple->count; i++) {
            leads += triple->mixes[i].view.leader == (int)e;
            wins += triple->mixes[i].view.winner == (int)e;
        }
        if (judged->dir->entries[e].twin_of < 0)
            json_object_set_new(counts,
                                judged->dir->entries[e].name,
                                json_pack("{s:i, s:i}", "leads", leads, "wins", wins));
    }
    return counts;
}

/* [whole]: with every mix. */
static json_t *
triple_row(const struct judged *judged, const struct judge_triple *triple, bool whole)
{
    json_t *row = json_object();
    json_t *families = json_array();
    for (int i = 0; i < 3; i++)
        json_array_append_new(families, json_string(judge_family_name(triple->family[i])));
    json_object_set_new(row, "families", families);
    json_object_set_new(row, "mixes", json_integer((json_int_t)triple->count));
    json_object_set_new(row, "contestants", triple_counts(judged, triple));
    json_t *points = whole ? json_array() : NULL;
    for (size_t i = 0; whole && i < triple->count; i++) {
        const struct judge_mix *mix = &triple->mixes[i];
        json_t *one = view_row(judged, &mix->view);
        json_object_set_new(
            one, "weights", json_pack("[f,f,f]", mix->weight[0], mix->weight[1], mix->weight[2]));
        json_array_append_new(points, one);
    }
    if (whole)
        json_object_set_new(row, "points", points);
    return row;
}

/* ---- the answer in one sentence ---- */

struct reign {
    bool leads, wins; /* somewhere */
};

static void note_view(struct reign *reigns, const struct judge_view *view)
{
    if (view->leader >= 0)
        reigns[view->leader].leads = true;
    if (view->winner >= 0)
        reigns[view->winner].wins = true;
}

static void note_map(struct reign *reigns, const struct judge_map *map)
{
    for (size_t i = 0; i < map->strip_count; i++)
        for (size_t s = 0; s < map->strips[i].count; s++)
            note_view(reigns, &map->strips[i].stretches[s].view);
    for (size_t i = 0; i < map->pair_count; i++)
        for (size_t s = 0; s < map->pairs[i].count; s++)
            note_view(reigns, &map->pairs[i].stretches[s].view);
    for (size_t i = 0; i < map->triple_count; i++)
        for (size_t m = 0; m < map->triples[i].count; m++)
            note_view(reigns, &map->triples[i].mixes[m].view);
}

static void
list_names(const struct judged *judged, const struct reign *reigns, bool wins, FILE *out)
{
    size_t count = 0;
    for (size_t e = 0; e < judged->dir->entry_count; e++)
        if (wins ? reigns[e].wins : reigns[e].leads)
            fprintf(out, "%s%s", count++ > 0 ? ", " : "", judged->dir->entries[e].name);
    fputs(count == 0 ? "nobody" : "", out);
}

static json_t *map_sentence(const struct judged *judged, const struct judge_map *map)
{
    char *text = NULL;
    size_t size;
    struct reign *reigns = calloc(judged->dir->entry_count + 1, sizeof(*reigns));
    FILE *out = open_memstream(&text, &size);
    if (reigns == NULL || out == NULL) {
        free(reigns);
        return json_string("");
    }
    note_map(reigns, map);
    fputs("Under the weights that were tried, the lead is held somewhere by ", out);
    list_names(judged, reigns, false, out);
    fputs(", and proven somewhere for ", out);
    list_names(judged, reigns, true, out);
    fputc('.', out);
    fclose(out);
    json_t *sentence = json_string(text);
    free(text);
    free(reigns);
    return sentence;
}

json_t *verdict_map(const struct judged *judged)
{
    const struct judge_map *map = &judged->map;
    json_t *part = json_object();
    json_t *strips = json_array(), *pairs = json_array(), *triples = json_array();
    if (map->strip_count + map->pair_count == 0) {
        json_decref(part);
        json_decref(strips);
        json_decref(pairs);
        json_decref(triples);
        return json_null();
    }
    for (size_t i = 0; i < map->strip_count; i++)
        json_array_append_new(strips, strip_row(judged, &map->strips[i]));
    for (size_t i = 0; i < map->pair_count; i++)
        json_array_append_new(pairs, strip_row(judged, &map->pairs[i]));
    for (size_t i = 0; i < map->triple_count; i++)
        json_array_append_new(triples, triple_row(judged, &map->triples[i], i == 0));
    json_object_set_new(part, "profile", json_string(verdict_default(judged)->profile));
    json_object_set_new(part, "sentence", map_sentence(judged, map));
    json_object_set_new(part, "families", strips);
    json_object_set_new(part, "pairs", pairs);
    json_object_set_new(part, "triples", triples);
    return part;
}
