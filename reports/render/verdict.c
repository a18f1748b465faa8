/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - a run folder is judged and the result written as verdict.json.
 *
 * Nothing is measured and nothing is remembered here: the same plan and journal give the same
 * bytes.
 */
#include "verdict.h"

#include "fields.h"
#include "files.h"
#include "verdict_parts.h"
#include "weights_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- judging ---- */

/* One profile for each member of [weights], behind those that are there. */
static int add_profiles(struct judged *judged, const json_t *weights)
{
    const char *name;
    json_t *families;
    int rc = 0;
    json_object_foreach((json_t *)(uintptr_t)weights, name, families)
    {
        if (rc == 0)
            rc = weights_profile(name, families, &judged->profiles[judged->standing_count++]);
    }
    return rc;
}

/*
 * The profiles by the weights in the plan (those of the house where the plan has none), and last
 * the one that was given after the measurement.
 */
static int load_profiles(struct judged *judged)
{
    const json_t *planned = json_object_get(judged->dir->plan, "weights");
    const json_t *late = judged->dir->weights;
    size_t known;
    const struct judge_profile *house = judge_profiles(&known);
    judged->late = -1;
    judged->profiles = calloc(json_object_size(planned) + known + json_object_size(late),
                              sizeof(*judged->profiles));
    if (judged->profiles == NULL)
        return -ENOMEM;
    int rc = add_profiles(judged, planned);
    if (rc == 0 && judged->standing_count == 0) {
        memcpy(judged->profiles, house, known * sizeof(*house));
        judged->standing_count = known;
    }
    if (rc == 0 && json_object_size(late) > 0) {
        judged->late = (int)judged->standing_count;
        rc = add_profiles(judged, late);
    }
    return rc;
}

static void measure_blocks(struct judged *judged)
{
    const struct run_dir *dir = judged->dir;
    for (size_t i = 0; i < dir->run_count; i++)
        if (dir->runs[i].wall_ms > 0)
            judged->block_seconds[dir->runs[i].cell] += dir->runs[i].wall_ms / 1e3;
    for (size_t c = 0; c < dir->cell_count; c++) {
        size_t attempts = 0;
        for (size_t i = 0; i < dir->block_count; i++)
            attempts += dir->blocks[i].cell == c ? 1 : 0;
        judged->block_seconds[c] /= attempts > 0 ? (double)attempts : 1;
    }
    for (size_t i = 0; i < dir->block_count; i++) {
        judged->valid += dir->blocks[i].valid ? 1 : 0;
        judged->redone += dir->blocks[i].valid ? 0 : 1;
    }
}

static int judge_all(struct judged *judged)
{
    const struct judge_input *in = &judged->dir->in;
    int rc = load_profiles(judged);
    judged->cells = calloc(in->cell_count + 1, sizeof(*judged->cells));
    judged->standings = calloc(judged->standing_count + 1, sizeof(*judged->standings));
    judged->block_seconds = calloc(in->cell_count + 1, sizeof(*judged->block_seconds));
    if (rc != 0 || judged->cells == NULL || judged->standings == NULL ||
        judged->block_seconds == NULL)
        return -ENOMEM;
    measure_blocks(judged);
    for (size_t c = 0; c < in->cell_count && rc == 0; c++)
        rc = judge_cell(in, c, &judged->cells[c]);
    if (rc != 0)
        return rc;
    judge_stars(in, judged->cells);
    for (size_t i = 0; i < judged->standing_count && rc == 0; i++)
        rc = judge_standing(in, judged->cells, &judged->profiles[i], &judged->standings[i]);
    if (rc == 0)
        rc = judge_map(
            in, &judged->profiles[verdict_default(judged) - judged->standings], &judged->map);
    return rc == 0 ? judge_trust(in, judged->cells, 0, &judged->trust) : rc;
}

static void judged_fini(struct judged *judged)
{
    for (size_t c = 0; judged->cells != NULL && c < judged->dir->cell_count; c++)
        judge_cell_fini(&judged->cells[c]);
    for (size_t i = 0; judged->standings != NULL && i < judged->standing_count; i++)
        judge_standing_fini(&judged->standings[i]);
    for (size_t i = 0; judged->profiles != NULL && i < judged->standing_count; i++)
        weights_profile_fini(&judged->profiles[i]);
    judge_map_fini(&judged->map);
    free(judged->cells);
    free(judged->standings);
    free(judged->profiles);
    free(judged->block_seconds);
}

/* ---- the parts that are written here ---- */

/* The name of the folder itself, also when it was reached as reports/latest. */
static json_t *run_id(const char *path)
{
    char *real = realpath(path, NULL);
    const char *whole = real != NULL ? real : path;
    const char *slash = strrchr(whole, '/');
    json_t *id = json_string(slash != NULL ? slash + 1 : whole);
    free(real);
    return id;
}

static json_t *run_part(const struct judged *judged)
{
    const struct run_dir *dir = judged->dir;
    json_t *run = json_object();
    json_object_set_new(run, "id", run_id(dir->path));
    json_object_set_new(run, "preset", json_string(field_text(dir->plan, "preset")));
    json_object_set_new(run, "seed", json_string(field_text(dir->plan, "seed")));
    json_object_set_new(
        run, "seed_given", json_boolean(json_is_true(json_object_get(dir->plan, "seed_given"))));
    json_object_set_new(run, "plan_sha256", json_string(dir->plan_sha256));
    json_object_set_new(run, "commit", json_string(field_text(dir->env, "commit")));
    json_object_set_new(run, "host", json_string(field_text(dir->env, "host")));
    json_object_set_new(run, "minutes", verdict_number(dir->seconds_total / 60));
    json_object_set_new(run, "blocks", json_integer((json_int_t)judged->valid));
    json_object_set_new(run, "runs", json_integer((json_int_t)dir->run_count));
    json_object_set_new(run, "redone", json_integer((json_int_t)judged->redone));
    json_object_set_new(run, "given_up", json_integer((json_int_t)dir->given_up));
    json_object_set_new(run, "resumes", json_integer((json_int_t)dir->resumes));
    json_object_set_new(run, "pauses", json_integer((json_int_t)dir->pauses));
    json_object_set_new(run, "late", verdict_late(dir));
    json_object_set_new(run, "started", json_string(dir->started));
    json_object_set_new(run, "ended", json_string(dir->ended));
    json_object_set_new(run, "end_reason", json_string(dir->end_reason));
    const json_t *before = json_object_get(dir->env, "earlier_starts");
    if (before != NULL)
        json_object_set_new(run, "earlier_starts", json_deep_copy(before));
    json_object_set_new(run, "journal_lines", json_integer((json_int_t)dir->lines));
    json_object_set_new(run, "journal_sha256", json_string(dir->last_sha256));
    return run;
}

static const char *aa_word(const struct judge_trust *trust)
{
    if (!trust->has_twin)
        return "NOT RUN";
    if (trust->differs)
        return "DIFFERS";
    return trust->equal ? "EQUAL" : "OPEN";
}

static json_t *trust_part(const struct judged *judged)
{
    const struct judge_trust *trust = &judged->trust;
    const struct run_dir_cell *cell = &judged->dir->cells[trust->differs_cell];
    json_t *aa = json_object();
    json_object_set_new(aa, "verdict", json_string(aa_word(trust)));
    json_object_set_new(aa, "ratio", verdict_ratio(trust->ratio));
    json_object_set_new(aa, "low", verdict_ratio(trust->low));
    json_object_set_new(aa, "high", verdict_ratio(trust->high));
    json_object_set_new(aa, "blocks", json_integer((json_int_t)trust->blocks));
    json_object_set_new(aa, "won_by_original", json_integer((json_int_t)trust->won));
    json_object_set_new(aa,
                        "differs_in",
                        trust->differs ? json_sprintf("%s %s", cell->scenario, cell->point)
                                       : json_null());
    json_t *part = json_object();
    json_object_set_new(part, "aa", aa);
    json_object_set_new(part, "smallest_visible_gap", verdict_number(expm1(trust->gap)));
    json_object_set_new(part, "gap_blocks", json_integer((json_int_t)trust->gap_blocks));
    const json_t *promise = json_object_get(judged->dir->plan, "promise");
    json_object_set_new(part, "promised_gap", verdict_number(field_number(promise, "gap")));
    json_object_set_new(part, "promised_blocks", json_integer(field_count(promise, "blocks", 0)));
    json_object_set_new(part, "promised_from", json_string(field_text(promise, "from")));
    json_object_set_new(part, "spread", verdict_number(trust->spread));
    json_object_set_new(
        part, "limits_drift", verdict_number(field_number(judged->dir->limits, "drift")));
    return part;
}

/* Sums over all modes in which the gate ran this contestant. */
static json_t *conformance_of(const struct run_dir *dir, const char *contestant, json_t *abilities)
{
    static const char *const keys[] = {"pass", "fail", "na", "deviation"};
    const json_t *list = json_object_get(dir->conformance, "contestants");
    json_t *sums = json_object();
    long sum[4] = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (strcmp(field_text(one, "contestant"), contestant) != 0)
            continue;
        for (size_t k = 0; k < 4; k++)
            sum[k] += field_count(json_object_get(one, "totals"), keys[k], 0);
        if (json_array_size(abilities) == 0)
            json_array_extend(abilities, json_object_get(one, "capabilities"));
    }
    for (size_t k = 0; k < 4; k++)
        json_object_set_new(sums, keys[k], json_integer(sum[k]));
    return sums;
}

/* What put an entry out of the whole tournament, or NULL. */
static const struct run_dir_status *out_of_all(const struct run_dir *dir, size_t entry)
{
    for (size_t i = 0; i < dir->status_count; i++)
        if (dir->statuses[i].cell == -1 && dir->statuses[i].entry == entry)
            return &dir->statuses[i];
    return NULL;
}

static json_t *contestants_part(const struct run_dir *dir)
{
    json_t *list = json_array();
    for (size_t e = 0; e < dir->entry_count; e++) {
        const struct run_dir_entry *entry = &dir->entries[e];
        if (entry->twin_of >= 0)
            continue;
        const struct run_dir_status *out = out_of_all(dir, e);
        json_t *abilities = json_array();
        json_t *one = json_object();
        json_object_set_new(one, "name", json_string(entry->name));
        json_object_set_new(one,
                            "variant_of",
                            entry->variant[0] != '\0' ? json_string(entry->contestant)
                                                      : json_null());
        json_object_set_new(one, "kind", json_string(entry->kind));
        json_object_set_new(one, "version", json_string(entry->version));
        json_object_set_new(one, "conformance", conformance_of(dir, entry->contestant, abilities));
        json_object_set_new(one, "capabilities", abilities);
        json_object_set_new(one, "eligible", json_boolean(out == NULL));
        json_object_set_new(one, "reason", json_string(out != NULL ? out->reason : ""));
        json_object_set_new(one, "reproduce", json_string(out != NULL ? out->reproduce : ""));
        json_array_append_new(list, one);
    }
    return list;
}

/* Counts of words, and whether the default profile is settled: what an exit status is made of. A
 * run that told identical code apart settles nothing. */
static json_t *summary_part(const struct judged *judged)
{
    size_t words[JUDGE_WORD_TWIN + 1] = {0};
    size_t settled = 0;
    const struct judge_standing *standing = verdict_default(judged);
    json_t *summary = json_object();
    for (size_t c = 0; c < judged->dir->cell_count; c++) {
        settled += judged->cells[c].decided ? 1 : 0;
        for (size_t e = 0; e < judged->dir->entry_count; e++)
            words[judged->cells[c].entries[e].word]++;
    }
    json_object_set_new(summary, "cells", json_integer((json_int_t)judged->dir->cell_count));
    json_object_set_new(summary, "cells_decided", json_integer((json_int_t)settled));
    for (int word = 0; word < JUDGE_WORD_TWIN; word++)
        json_object_set_new(
            summary, judge_word_name((enum judge_word)word), json_integer((json_int_t)words[word]));
    const bool settles = standing->winner >= 0 || standing->tie;
    json_object_set_new(summary, "decided", json_boolean(settles && !judged->trust.differs));
    json_object_set_new(summary, "disqualified", json_boolean(words[JUDGE_WORD_DISQUALIFIED] > 0));
    return summary;
}

/* The one sentence, of the prices where that is the question; an A/A result that failed comes
 * before everything else. */
static json_t *headline(const struct judged *judged, const json_t *prices)
{
    const bool priced = strcmp(field_text(judged->dir->plan, "preset"), "prices") == 0;
    char *sentence = priced ? NULL : verdict_sentence(judged, verdict_default(judged));
    json_t *text =
        priced ? verdict_prices_sentence(prices) : json_string(sentence != NULL ? sentence : "");
    free(sentence);
    if (!judged->trust.differs)
        return text;
    const struct run_dir_cell *cell = &judged->dir->cells[judged->trust.differs_cell];
    json_t *alarm =
        json_sprintf("Do not trust this run: identical code was told apart in %s %s. %s",
                     cell->scenario,
                     cell->point,
                     json_string_value(text));
    json_decref(text);
    return alarm;
}

static json_t *notes_part(const struct judged *judged)
{
    const struct run_dir *dir = judged->dir;
    json_t *notes = json_array();
    if (dir->torn)
        json_array_append_new(
            notes,
            json_sprintf("raw.ndjson: line %zu is torn and was left out; --resume drops it",
                         dir->lines + 1));
    json_array_extend(notes, json_object_get(json_object_get(dir->plan, "merged"), "notes"));
    if (dir->end_reason[0] == '\0')
        json_array_append_new(
            notes, json_string("the tournament did not come to its end; go on with --resume"));
    if (judged->late >= 0)
        json_array_append_new(
            notes,
            json_sprintf("the weights of the profile \"%s\" came after the measurement: they were "
                         "chosen by somebody who could know the results",
                         judged->profiles[judged->late].name));
    return notes;
}

/* What the doctor refused and somebody overrode: at the start, and at each time it went on. */
static json_t *overrides_part(const struct run_dir *dir)
{
    json_t *list = json_array();
    size_t index;
    json_t *item;
    json_array_extend(list, json_object_get(dir->env, "overrides"));
    json_array_foreach(dir->events, index, item)
    {
        if (strcmp(field_text(item, "type"), "note") == 0 &&
            strcmp(field_text(item, "kind"), "override") == 0)
            json_array_append_new(list,
                                  json_sprintf("when it went on at %s: %s",
                                               field_text(item, "t"),
                                               field_text(item, "reason")));
    }
    return list;
}

/* What was promised before the first block, behind what was achieved. */
static void add_promise(const struct run_dir *dir, char *text, size_t size)
{
    const json_t *promise = json_object_get(dir->plan, "promise");
    const double gap = field_number(promise, "gap");
    const size_t used = strlen(text);
    if (isfinite(gap))
        snprintf(text + used,
                 size - used,
                 " (promised before the first block: %.*f %% with %ld)",
                 gap < 0.0995 ? 1 : 0,
                 100 * gap,
                 field_count(promise, "blocks", 0));
}

/* Who starts until the result pleases, and shows the last one, has earlier starts. */
static void add_earlier(const struct run_dir *dir, char *text, size_t size)
{
    const json_t *before = json_object_get(dir->env, "earlier_starts");
    const long starts = field_count(before, "starts", 0);
    const size_t used = strlen(text);
    if (starts > 0)
        snprintf(text + used,
                 size - used,
                 "; %ld earlier %s of the same tournament at this commit here (%ld gone, %ld "
                 "without a verdict)",
                 starts,
                 starts == 1 ? "start" : "starts",
                 field_count(before, "gone", 0),
                 field_count(before, "unfinished", 0));
}

/* Who stops and goes on has seen something in between; a late run may be the machine's doing. */
static void add_rests(const struct run_dir *dir, char *text, size_t size)
{
    const struct {
        size_t count;
        const char *one, *more;
    } rests[] = {
        {dir->given_up, "attempt at a block left half-way", "attempts at blocks left half-way"},
        {dir->resumes, "start that went on with it", "starts that went on with it"},
        {dir->pauses, "pause", "pauses"},
        {verdict_late_runs(dir), "late run", "late runs"}};
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        const size_t used = strlen(text);
        if (rests[i].count > 0)
            snprintf(text + used,
                     size - used,
                     "; %zu %s",
                     rests[i].count,
                     rests[i].count == 1 ? rests[i].one : rests[i].more);
    }
}

/* What belongs on a first screen, ready to print, below [sentence]. */
static json_t *screen_part(const struct judged *judged, json_t *sentence)
{
    const struct judge_trust *trust = &judged->trust;
    char twin[160] = "no twin was entered", sight[512] = "too few blocks to see any gap";
    const double ratio = exp(trust->ratio), low = exp(trust->low), high = exp(trust->high);
    if (trust->has_twin && isfinite(low) && isfinite(high))
        snprintf(twin,
                 sizeof(twin),
                 "the baseline against its own copy: %.3fx (%.3f to %.3f), %s",
                 ratio,
                 low,
                 high,
                 trust->differs ? "TOLD APART" : "not told apart");
    else if (trust->has_twin)
        snprintf(twin, sizeof(twin), "too few blocks to test the baseline against its own copy");
    if (isfinite(trust->gap))
        snprintf(sight,
                 sizeof(sight),
                 "%zu blocks show gaps of %.*f %% and more",
                 trust->gap_blocks,
                 expm1(trust->gap) < 0.0995 ? 1 : 0,
                 100 * expm1(trust->gap));
    add_promise(judged->dir, sight, sizeof(sight));
    add_earlier(judged->dir, sight, sizeof(sight));
    add_rests(judged->dir, sight, sizeof(sight));
    json_t *screen = json_object();
    json_object_set(screen, "sentence", sentence);
    json_object_set_new(screen, "trust", json_sprintf("%s; %s", twin, sight));
    json_object_set_new(screen,
                        "facts",
                        json_sprintf("%zu blocks (%zu redone), %zu runs, %.1f minutes, seed %s%s, "
                                     "plan %.16s",
                                     judged->valid,
                                     judged->redone,
                                     judged->dir->run_count,
                                     judged->dir->seconds_total / 60,
                                     field_text(judged->dir->plan, "seed"),
                                     json_is_true(json_object_get(judged->dir->plan, "seed_given"))
                                         ? " (given)"
                                         : "",
                                     judged->dir->plan_sha256));
    return screen;
}

/* ---- the whole ---- */

static json_t *assemble(const struct judged *judged)
{
    json_t *verdict = json_object();
    json_t *prices = verdict_prices(judged);
    json_t *sentence = headline(judged, prices);
    json_object_set_new(verdict, "schema", json_integer(1));
    json_object_set_new(verdict, "sentence", sentence);
    json_object_set_new(verdict, "first_screen", screen_part(judged, sentence));
    json_object_set_new(verdict, "notes", notes_part(judged));
    json_object_set_new(verdict, "overrides", overrides_part(judged->dir));
    json_object_set_new(verdict, "run", run_part(judged));
    json_object_set_new(verdict, "trust", trust_part(judged));
    json_object_set_new(verdict, "summary", summary_part(judged));
    json_object_set_new(verdict, "contestants", contestants_part(judged->dir));
    json_object_set_new(verdict, "cells", verdict_cells(judged));
    json_object_set_new(verdict, "duels", verdict_duels(judged));
    json_object_set_new(verdict, "standings", verdict_standings(judged));
    json_object_set_new(verdict, "ceilings", verdict_ceilings(judged));
    json_object_set_new(verdict, "profile", json_string(verdict_default(judged)->profile));
    json_object_set_new(verdict, "map", verdict_map(judged));
    json_object_set_new(verdict, "prices", prices);
    return verdict;
}

int verdict_build(const struct run_dir *dir, json_t **out, char *err, size_t err_size)
{
    struct judged judged = {.dir = dir};
    const int rc = judge_all(&judged);
    *out = rc == 0 ? assemble(&judged) : NULL;
    judged_fini(&judged);
    if (rc != 0)
        snprintf(err, err_size, "%s: cannot be judged: %s", dir->path, strerror(-rc));
    return rc;
}

static int write_whole(const json_t *verdict, const char *run_dir, char *err, size_t err_size)
{
    struct file_out out;
    int failure = 0;
    if (file_begin(&out, run_dir, "verdict.json") != 0) {
        failure = errno;
    } else {
        const int failed =
            json_dumpf(verdict, out.file, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) != 0;
        fputc('\n', out.file);
        if (file_commit(&out) != 0 || failed)
            failure = errno != 0 ? errno : EIO;
    }
    if (failure != 0)
        snprintf(
            err,
            err_size,
            "%s/verdict.json: cannot be written: %s; the journal is intact: make room or allow "
            "writing, then run `velo report` again",
            run_dir,
            strerror(failure));
    return -failure;
}

int verdict_write(const char *run_dir, char *err, size_t err_size)
{
    struct run_dir dir;
    json_t *verdict = NULL;
    int rc = run_dir_read(run_dir, RUN_DIR_TORN_OK, &dir, err, err_size);
    if (rc != 0)
        return rc;
    rc = verdict_build(&dir, &verdict, err, err_size);
    if (rc == 0)
        rc = write_whole(verdict, run_dir, err, err_size);
    json_decref(verdict);
    run_dir_fini(&dir);
    return rc;
}
