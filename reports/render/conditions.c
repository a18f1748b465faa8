/* SPDX-License-Identifier: MIT */
/* conditions.c - see conditions.h. */
#include "conditions.h"

#include "fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The runs that count of one entry in one cell, with room for one number of each. */
struct view {
    const struct run_dir *dir;
    size_t cell, entry;
    double *room;
};

static bool belongs(const struct view *view, const struct run_dir_run *run)
{
    return run->counts && run->cell == view->cell && run->entry == view->entry && run->run != NULL;
}

typedef double (*reader)(const struct run_dir_run *run, const char *key);

static double from_line(const struct run_dir_run *run, const char *key)
{
    return field_number(run->event, key);
}

static double from_covariates(const struct run_dir_run *run, const char *key)
{
    return field_number(json_object_get(run->run, "covariates"), key);
}

static double from_generator(const struct run_dir_run *run, const char *key)
{
    return field_number(json_object_get(run->run, "generator"), key);
}

static double from_warmup(const struct run_dir_run *run, const char *key)
{
    return field_number(json_object_get(run->run, "warmup"), key);
}

/* Time in which threads stood ready and had no processor, as a share of the window. */
static double waiting_share(const struct run_dir_run *run, const char *key)
{
    const double window_ns = field_number(run->run, "window_ms") * 1e6;
    return window_ns > 0 ? from_covariates(run, key) / window_ns : NAN;
}

static struct conditions_spread spread(const struct view *view, reader read, const char *key)
{
    size_t n = 0;
    for (size_t i = 0; i < view->dir->run_count; i++) {
        const struct run_dir_run *run = &view->dir->runs[i];
        const double value = belongs(view, run) ? read(run, key) : NAN;
        if (isfinite(value))
            view->room[n++] = value;
    }
    judge_sort(view->room, n);
    return (struct conditions_spread){.median = judge_median(view->room, n),
                                      .most = n > 0 ? view->room[n - 1] : NAN};
}

static const char *merge_words(const char *before, const char *word)
{
    if (before[0] == '\0' || strcmp(before, word) == 0)
        return word;
    return word[0] == '\0' ? before : "several";
}

static void count_run(struct conditions *out, const struct run_dir_run *run)
{
    const json_t *warmup = json_object_get(run->run, "warmup");
    const json_t *late = json_object_get(json_object_get(run->run, "generator"), "late");
    const json_t *halves = json_object_get(run->run, "halves_ns");
    const char *reason = field_text(warmup, "reason");
    const bool timed_out = strcmp(reason, "timeout") == 0;
    out->runs++;
    out->placement = merge_words(out->placement, field_text(run->run, "placement"));
    out->with_halves += json_is_array(halves);
    out->unsteady += json_is_array(halves) && json_is_false(json_object_get(run->run, "steady"));
    out->warmed += timed_out || strcmp(reason, "steady") == 0;
    out->timed_out += timed_out;
    out->with_slip += json_is_boolean(late);
    out->late += json_is_true(late);
}

static void take_spreads(const struct view *view, struct conditions *out)
{
    out->warmup_ms = spread(view, from_warmup, "ms");
    out->slip_ns = spread(view, from_generator, "slip_p99_ns");
    out->slip_share = spread(view, from_generator, "slip_share");
    out->foreign = spread(view, from_line, "foreign_share");
    out->steal = spread(view, from_line, "steal_share");
    out->pressure = spread(view, from_line, "cpu_pressure");
    out->waiting = spread(view, waiting_share, "runqueue_wait_ns");
    out->voluntary = spread(view, from_covariates, "voluntary_switches");
    out->involuntary = spread(view, from_covariates, "involuntary_switches");
    out->minor = spread(view, from_covariates, "minor_faults");
    out->major = spread(view, from_covariates, "major_faults");
    out->cpu_ns = spread(view, from_covariates, "cpu_ns");
    out->rss_bytes = spread(view, from_covariates, "max_rss_bytes");
}

int conditions_of(const struct run_dir *dir, size_t cell, size_t entry, struct conditions *out)
{
    struct view view = {.dir = dir, .cell = cell, .entry = entry};
    *out = (struct conditions){.placement = ""};
    view.room = calloc(dir->run_count + 1, sizeof(*view.room));
    if (view.room == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < dir->run_count; i++)
        if (belongs(&view, &dir->runs[i]))
            count_run(out, &dir->runs[i]);
    take_spreads(&view, out);
    out->not_steady = 2 * out->unsteady > out->with_halves;
    out->late_generator = 2 * out->late > out->with_slip;
    free(view.room);
    return 0;
}

int ceiling_of(const struct run_dir *dir, size_t cell, struct ceiling *out)
{
    double *room = calloc(dir->null_run_count + 1, sizeof(*room));
    *out = (struct ceiling){.median = NAN, .reason = ""};
    if (room == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < dir->null_run_count; i++) {
        const struct run_dir_null *run = &dir->null_runs[i];
        if (run->cell != cell)
            continue;
        if (isfinite(run->cost)) {
            room[out->runs++] = run->cost;
        } else {
            out->failed++;
            out->reason = run->reason;
        }
    }
    judge_sort(room, out->runs);
    out->median = judge_median(room, out->runs);
    free(room);
    return 0;
}
