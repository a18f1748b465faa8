/* SPDX-License-Identifier: MIT */
/*
 * checked_words.c - what a report says of the self-check, in one sentence: which parts passed, and
 * of which one must not believe too much.
 */
#include "checked.h"

#include "json.h"
#include "names.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* What the parts come to, looked at one by one. */
struct sum {
    size_t parts, present, outdated, passed;
    const char *oldest;
    struct names failed, noisy, short_ones, repeated;
};

/* Adds "PART (MORE)"; frees [more]. */
static void name_with(struct names *names, const char *part, char *more)
{
    char *name = text_format("%s (%s)", part, more);
    names_add(names, name);
    free(name);
    free(more);
}

/* Was it given too few tournaments to be believed? Then it is named with what it had. */
static bool is_short(struct sum *sum, const char *name, const json_t *part)
{
    static const char *const sized[] = {"live", "power", "noise", NULL};
    const char *const *known = sized;
    const json_int_t live = json_int(part, "live", CHECKED_LIVE);
    while (*known != NULL && strcmp(*known, name) != 0)
        known++;
    if (*known == NULL || (!json_bool(part, "quick", false) && live >= CHECKED_LIVE))
        return false;
    name_with(&sum->short_ones,
              name,
              live >= CHECKED_LIVE ? text_copy("quick") : text_format("%d tournaments", (int)live));
    return true;
}

/* How many other tries of this build there were that did not pass, or never ended? */
static void
look_at_tries(struct sum *sum, const char *name, const json_t *part, const json_t *tries)
{
    const json_int_t begun = json_int(tries, "begun", 0), ended = json_int(tries, "ended", 0);
    const json_int_t others = json_int(tries, "bad", 0) - checked_is_bad(part) + (begun - ended);
    if (checked_is_of(part, json_text(tries, "build", "?"), json_text(tries, "machine", "?")) &&
        others > 0)
        name_with(&sum->repeated, name, text_format("%d of %d", (int)others, (int)begun));
}

static void add_part(
    struct sum *sum, const char *name, const json_t *part, const char *build, const char *machine)
{
    sum->parts++;
    if (part == NULL)
        return;
    const char *verdict = json_text(part, "verdict", "");
    const char *date = json_text(part, "date", "");
    sum->present++;
    sum->outdated += !checked_is_of(part, build, machine);
    if (sum->oldest == NULL || strcmp(date, sum->oldest) < 0)
        sum->oldest = date;
    if (strcmp(verdict, "FAIL") == 0)
        names_add(&sum->failed, name);
    else if (strcmp(verdict, "NOISY") == 0)
        names_add(&sum->noisy, name);
    else if (strcmp(verdict, "NOT RUN") != 0)
        sum->passed += !is_short(sum, name, part);
}

static const char *state_of(const struct sum *sum)
{
    if (sum->present == 0)
        return "never";
    if (sum->outdated > 0)
        return "older";
    return sum->present < sum->parts ? "partial" : "current";
}

/* [sentence] with the names behind it, if there are any; frees [sentence]. */
static char *with_names(char *sentence, const char *what, const struct names *names)
{
    if (names->count == 0)
        return sentence;
    char *joined = names_join(names);
    char *longer = text_format("%s%s%s", sentence, what, joined);
    free(joined);
    free(sentence);
    return longer;
}

static char *sentence_of(const struct sum *sum, const char *state)
{
    if (sum->present == 0)
        return text_copy("the self-check was never run on this machine (make selfcheck)");
    char *sentence = text_format(
        "self-check of %.10s: %zu of %zu parts passed", sum->oldest, sum->passed, sum->parts);
    sentence = with_names(sentence, ", FAILED: ", &sum->failed);
    sentence = with_names(sentence, ", machine too noisy for: ", &sum->noisy);
    sentence = with_names(sentence, ", passed only in a short run: ", &sum->short_ones);
    sentence = with_names(sentence, ", tries that did not pass: ", &sum->repeated);
    char *whole = text_format("%s%s",
                              sentence,
                              strcmp(state, "older") == 0
                                  ? "; it is of another build or machine than this (make selfcheck)"
                                  : "");
    free(sentence);
    return whole;
}

static void free_sum(struct sum *sum)
{
    names_free(&sum->failed);
    names_free(&sum->noisy);
    names_free(&sum->short_ones);
    names_free(&sum->repeated);
}

json_t *checked_describe(void)
{
    json_t *stored = checked_load(), *verdicts = json_object();
    char *build = checked_build(), *machine = checked_machine();
    struct sum sum = {0};
    for (size_t i = 0; checked_parts[i] != NULL; i++) {
        const json_t *part = json_object_get(json_object_get(stored, "parts"), checked_parts[i]);
        add_part(&sum, checked_parts[i], part, build, machine);
        look_at_tries(&sum,
                      checked_parts[i],
                      part,
                      json_object_get(json_object_get(stored, "tries"), checked_parts[i]));
        if (part != NULL)
            json_object_set_new(
                verdicts, checked_parts[i], json_string(json_text(part, "verdict", "unknown")));
    }
    const char *state = state_of(&sum);
    char *sentence = sentence_of(&sum, state);
    json_t *described =
        json_pack("{s:s, s:s, s:o}", "state", state, "sentence", sentence, "parts", verdicts);
    free(sentence);
    free_sum(&sum);
    free(build);
    free(machine);
    json_decref(stored);
    return described;
}
