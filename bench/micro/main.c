/* SPDX-License-Identifier: MIT */
/*
 * main.c - the micro program: one process measures one point of one case on one contestant.
 *
 * The case runs as one iteration of a Google Benchmark case with manual time, so that the library's
 * own reporters, filters and context are at hand (--benchmark_out=FILE); the line on stdout is the
 * race program's. One repetition, no calibration by the library: it would choose other lengths for
 * other contestants.
 *
 * The process ends with _exit() after a failure: a loop that has lost a task may not be able to
 * end.
 */
#include "../race/clock.h"
#include "../race/report.h"
#include "../race/watchdog.h"
#include "../shim/gbench.h"
#include "micro.h"
#include "options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define EXIT_NOT_OK 1
#define EXIT_USAGE 2
#define WATCHDOG_BASE_NS (20 * NS_PER_S)
#define POINTS_MAX 8

/* A case in the shape in which the race program describes and reports its scenarios. */
struct view {
    struct scenario scenario;
    struct point points[POINTS_MAX];
};

struct run {
    struct race race;
    const struct scenario *scenario;
    const struct point *point;
};

static int usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int usage(const char *format, ...)
{
    va_list args;
    fprintf(stderr, "micro: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    return EXIT_USAGE;
}

/* A script's scenario owns its text and scenario_free() frees it; ours is constant. */
static char *text(const char *constant)
{
    union {
        const char *in;
        char *out;
    } cast = {constant};
    return cast.out;
}

static void view_point(struct point *out, const struct load *load, const struct micro_point *point)
{
    *out = (struct point){.id = text(point->id), .core = point->core, .load = load};
    out->placement = PLACEMENT_SPREAD;
    out->params = json_object();
    params_init(&out->settings, load->params);
    const struct param_spec *n = params_find(load->params, "n");
    if (n && params_set_number(&out->settings, n, point->n))
        json_object_set_new(out->params, "n", json_integer((json_int_t)point->n));
}

static void view_case(struct view *out, const struct micro_case *c)
{
    const struct load *load = &c->load;
    size_t count = 0;
    for (; c->points[count].id && count < POINTS_MAX; count++)
        view_point(&out->points[count], load, &c->points[count]);
    out->scenario = (struct scenario){.lane = "micro",
                                      .path = text(""),
                                      .name = text(load->name),
                                      .summary = text(load->summary),
                                      .family = text(c->family),
                                      .primary = text(load->metrics[0].name),
                                      .points = out->points,
                                      .point_count = count};
}

static void view_free(struct view *view)
{
    for (size_t i = 0; i < view->scenario.point_count; i++)
        json_decref(view->points[i].params);
}

static void list(bool as_json)
{
    if (as_json)
        printf("[");
    for (size_t i = 0; micro_cases[i]; i++) {
        struct view view;
        view_case(&view, micro_cases[i]);
        if (as_json && i > 0)
            printf(",");
        report_describe(stdout, &view.scenario, as_json);
        view_free(&view);
    }
    if (as_json)
        printf("]\n");
}

/* ---- one run ---- */

static void body(struct velo_gb_state *state, void *user)
{
    struct run *run = user;
    struct race *race = &run->race;
    while (velo_gb_next_batch(state, 1)) {
        run->point->load->run(race);
        velo_gb_iter_seconds(state, (double)race->result.elapsed_ns / (double)NS_PER_S);
    }
    velo_gb_set_label(state, run->point->id);
    if (race->result.ok)
        velo_gb_set_counter(state, race->load->metrics[0].name, race->result.metrics[0], 0);
    else
        velo_gb_skip(state, race->result.error);
}

/* An error that only the library or the shim saw. */
static void collect(void *ctx, const struct velo_gb_report *report)
{
    struct run *run = ctx;
    if (report->error[0] != '\0')
        race_fail(&run->race, "%s", report->error);
}

static void bark(void *ctx)
{
    const struct run *run = ctx;
    report_late(stdout,
                &run->race,
                run->scenario,
                run->point,
                "the run did not end in time: the loop hangs, or lost what it waits for");
}

static void describe_run(const struct run *run)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, run->race.seed);
    velo_gb_context("contestant", velo_impl()->name);
    velo_gb_context("version", velo_impl()->version);
    velo_gb_context("variant", run->race.variant != NULL ? run->race.variant->name : "");
    velo_gb_context("point", run->point->id);
    velo_gb_context("seed", seed);
}

static void measure(struct run *run)
{
    const struct velo_gb_sink sink = {.ctx = run, .run = collect};
    struct velo_gb_case *c = velo_gb_add(run->scenario->name, body, run);
    velo_gb_iterations(c, 1);
    velo_gb_manual_time(c);
    velo_gb_process_cpu_time(c);
    describe_run(run);
    int rc = velo_gb_run(&sink, NULL);
    if (rc != 0)
        race_fail(&run->race, "Google Benchmark: %s", velo_gb_error());
}

static int run_point(const struct micro_options *options,
                     const struct scenario *scenario,
                     const struct point *point)
{
    static struct run run;
    char reason[600];
    race_init(&run.race);
    run.scenario = scenario;
    run.point = point;
    run.race.load = point->load;
    run.race.params = point->settings;
    run.race.seed = options->seed;
    run.race.window_ns = options->window_ms * NS_PER_MS;
    run.race.variant = options->variant;
    if (!report_linked(options->variant, reason, sizeof reason) ||
        !report_runnable(report_needs(scenario, point), options->variant, reason, sizeof reason) ||
        !placement_resolve(&run.race.cpus, point->placement, reason, sizeof reason))
        return usage("%s", reason);
    if (options->variant != NULL && !variant_set(options->variant, &run.race.params))
        return usage("variant '%s' would change nothing here: the load %s has no setting '%s', or "
                     "the point has that value",
                     options->variant->name,
                     point->load->name,
                     options->variant->setting);
    watchdog_start(WATCHDOG_BASE_NS + 4 * run.race.window_ns, bark, &run);
    placement_enter_generator(&run.race.cpus, 0);
    measure(&run);
    report_run(stdout, &run.race, scenario, point);
    if (!run.race.result.ok)
        _exit(EXIT_NOT_OK);
    return 0;
}

/* "NAME", or "NAME/POINT" of which the second half goes to the options. */
static const struct micro_case *find_case(struct micro_options *options)
{
    for (size_t i = 0; micro_cases[i]; i++) {
        const char *name = micro_cases[i]->load.name;
        size_t length = strlen(name);
        if (strncmp(options->name, name, length) != 0)
            continue;
        if (options->name[length] == '/')
            options->point = options->name + length + 1;
        if (options->name[length] == '/' || options->name[length] == '\0')
            return micro_cases[i];
    }
    return NULL;
}

static int run_case(struct micro_options *options)
{
    static struct view view; /* the watchdog may look at it until the end */
    const struct micro_case *c = find_case(options);
    if (!c)
        return usage("no case '%s'; --list shows the cases", options->name);
    view_case(&view, c);
    const char *id = options->point ? options->point : view.points[0].id;
    const struct point *point = scenario_point(&view.scenario, id);
    int status = point ? run_point(options, &view.scenario, point)
                       : usage("%s has no point '%s'; --list shows its points", c->load.name, id);
    view_free(&view);
    return status;
}

int main(int argc, char **argv)
{
    struct micro_options options;
    char error[300];
    if (velo_gb_init(&argc, argv) != 0)
        return usage("%s", velo_gb_error());
    if (!micro_options_parse(&options, argc, argv, error, sizeof error))
        return usage("%s", error);
    if (options.help)
        return fputs(micro_help, stdout) < 0;
    if (options.list) {
        list(options.json);
        return 0;
    }
    return run_case(&options);
}
