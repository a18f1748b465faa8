/* SPDX-License-Identifier: MIT */
/*
 * doctor_past.c - what past runs of this machine know about a finding; see doctor.h.
 *
 * Each run wrote down what the doctor found before it, and afterwards how far apart identical code
 * was. So the cost of a finding is no rule of thumb: it is the gap that runs with it could see
 * beside the gap that runs without it could see, at the same number of blocks.
 */
#include "doctor.h"

#include "../../reports/judge/judge.h"
#include "json.h"
#include "past.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the gaps are told for: blocks and contestants of a usual tournament. */
enum { USUAL_BLOCKS = 18, USUAL_CONTESTANTS = 3, RUNS_ASKED = 30 };

double doctor_usual_gap(double spread, unsigned *blocks)
{
    *blocks = USUAL_BLOCKS;
    return expm1(
        judge_gap_of_spread(USUAL_BLOCKS, judge_log_threshold(USUAL_CONTESTANTS, 0.05), spread));
}

/* ---- the age of the last A/A ---- */

static void tell_age(double seconds, char text[32])
{
    if (!(seconds >= 0))
        snprintf(text, 32, "of unknown age");
    else if (seconds < 5400)
        snprintf(text, 32, "%.0f minutes ago", seconds / 60);
    else if (seconds < 172800)
        snprintf(text, 32, "%.0f hours ago", seconds / 3600);
    else
        snprintf(text, 32, "%.0f days ago", seconds / 86400);
}

static void look_at_twin(const struct doctor_input *input, struct doctor_finding *finding)
{
    struct past past;
    past_open(&past, input->runs);
    if (!past.there) {
        doctor_find(finding,
                    DOCTOR_UNKNOWN,
                    text_format("no run of this machine below %s raced the baseline against its "
                                "copy",
                                input->runs),
                    "each tournament does it: after one, the smallest visible gap is known");
        return;
    }
    char age[32];
    double gap =
        expm1(past_gap(&past, NULL, USUAL_BLOCKS, judge_log_threshold(USUAL_CONTESTANTS, 0.05)));
    bool same = past_is_this_build(&past, input->registry);
    tell_age(past.age_s, age);
    doctor_find(finding,
                same ? DOCTOR_OK : DOCTOR_UNKNOWN,
                text_format("last baseline against its copy: %s, %s%s; %d blocks saw gaps of "
                            "%.*f %% and more",
                            past.run,
                            age,
                            same ? ", the same program" : ", another program than now",
                            USUAL_BLOCKS,
                            gap < 0.0995 ? 1 : 0,
                            100 * gap),
                same ? "" : "it is older than this build: the next tournament tells anew");
    past_close(&past);
}

const struct doctor_check doctor_past_checks[] = {
    {"twin", false, look_at_twin},
    {NULL, false, NULL},
};

/* ---- costs ---- */

/* Spreads of the runs that had a finding, and of those that had not. */
struct comparison {
    double with[RUNS_ASKED], without[RUNS_ASKED];
    size_t with_count, without_count;
};

static const json_t *recorded(const json_t *env, const char *name)
{
    size_t index;
    const json_t *finding;
    json_array_foreach(
        json_object_get(env, "doctor"), index, finding) if (strcmp(json_text(finding, "name", ""),
                                                                   name) == 0) return finding;
    return NULL;
}

static void
compare(struct comparison *comparison, const json_t *env, double spread, const char *name)
{
    const char *state = json_text(recorded(env, name), "state", "");
    if (strcmp(state, "warn") == 0 || strcmp(state, "refuse") == 0)
        comparison->with[comparison->with_count++] = spread;
    else if (strcmp(state, "ok") == 0)
        comparison->without[comparison->without_count++] = spread;
}

static double typical_gap(double *spreads, size_t count)
{
    unsigned blocks;
    judge_sort(spreads, count);
    return 100 * doctor_usual_gap(judge_median(spreads, count), &blocks);
}

static char *tell_cost(struct comparison *comparison)
{
    if (comparison->with_count == 0 || comparison->without_count == 0)
        return text_format("unknown; of the past runs here %zu had it and %zu had not, so that "
                           "they tell nothing",
                           comparison->with_count,
                           comparison->without_count);
    return text_format("past runs here with it saw gaps of %.0f %% and more (%zu), without it "
                       "%.0f %% (%zu), each with %d blocks",
                       typical_gap(comparison->with, comparison->with_count),
                       comparison->with_count,
                       typical_gap(comparison->without, comparison->without_count),
                       comparison->without_count,
                       USUAL_BLOCKS);
}

static json_t *load(const char *dir, const char *file)
{
    char *path = text_format("%s/%s", dir, file);
    json_t *json = json_load_file(path, 0, NULL);
    free(path);
    return json;
}

void doctor_add_costs(struct doctor *doctor, const char *runs)
{
    struct names past = past_runs(runs, RUNS_ASKED);
    struct comparison *comparisons = text_alloc(doctor->count * sizeof(*comparisons));
    for (size_t i = 0; i < past.count; i++) {
        json_t *env = load(past.items[i], "env.json");
        json_t *verdict = load(past.items[i], "verdict.json");
        double spread = json_double(json_object_get(verdict, "trust"), "spread", NAN);
        for (size_t f = 0; isfinite(spread) && f < doctor->count; f++)
            compare(&comparisons[f], env, spread, doctor->findings[f].name);
        json_decref(env);
        json_decref(verdict);
    }
    for (size_t f = 0; f < doctor->count; f++) {
        struct doctor_finding *finding = &doctor->findings[f];
        free(finding->cost);
        finding->cost = finding->noise && finding->state >= DOCTOR_WARN ? tell_cost(&comparisons[f])
                                                                        : text_copy("");
    }
    free(comparisons);
    names_free(&past);
}
