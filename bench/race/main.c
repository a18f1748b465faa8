/* SPDX-License-Identifier: MIT */
/*
 * main.c - the race program: one process measures one point of one scenario on one contestant, and
 * prints one line. It is compiled once and linked with each contestant.
 *
 * The process ends with _exit() after a failure: a loop that has lost a task may not be able to
 * end.
 */
#include "clock.h"
#include "options.h"
#include "report.h"
#include "watchdog.h"

#include <math.h>
#include <stdarg.h>
#include <unistd.h>

#define EXIT_NOT_OK 1
#define EXIT_USAGE 2
#define WATCHDOG_BASE_NS (20 * NS_PER_S)

static int usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int usage(const char *format, ...)
{
    va_list args;
    fprintf(stderr, "race: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    return EXIT_USAGE;
}

struct run {
    struct race race;
    const struct scenario *scenario;
    const struct point *point;
};

static void bark(void *ctx)
{
    const struct run *run = ctx;
    report_late(stdout,
                &run->race,
                run->scenario,
                run->point,
                "the run did not end in time: the loop hangs, or lost what it waits for");
}

/* A run whose primary cost is missing or not above zero has no result. */
static void check_primary(struct run *run)
{
    struct result *result = &run->race.result;
    const struct metric_spec *primary = scenario_primary(run->scenario, run->point);
    double cost = result->metrics[primary - run->race.load->metrics];
    if (result->ok && !(isfinite(cost) && cost > 0))
        race_late(&run->race,
                  "the window holds too few samples for %s; use a longer --window-ms",
                  primary->name);
}

static int
run_point(const struct options *options, const struct scenario *scenario, const struct point *point)
{
    static struct run run;
    char reason[600];
    enum placement placement = options->has_placement ? options->placement : point->placement;
    race_init(&run.race);
    run.scenario = scenario;
    run.point = point;
    run.race.load = point->load;
    run.race.params = point->settings;
    run.race.seed = options->seed;
    run.race.window_ns = options->window_ms * NS_PER_MS;
    run.race.common_rate = options->common_rate;
    run.race.variant = options->variant;
    if (!report_linked(options->variant, reason, sizeof reason) ||
        !report_runnable(report_needs(scenario, point), options->variant, reason, sizeof reason) ||
        !placement_resolve(&run.race.cpus, placement, reason, sizeof reason))
        return usage("%s", reason);
    if (options->variant != NULL && !variant_set(options->variant, &run.race.params))
        return usage("variant '%s' would change nothing here: the load %s has no setting '%s', or "
                     "the point has that value",
                     options->variant->name,
                     point->load->name,
                     options->variant->setting);
    watchdog_start(WATCHDOG_BASE_NS + 4 * run.race.window_ns, bark, &run);
    placement_enter_generator(&run.race.cpus, 0);
    point->load->run(&run.race);
    check_primary(&run);
    report_run(stdout, &run.race, scenario, point);
    if (!run.race.result.ok)
        _exit(EXIT_NOT_OK);
    return 0;
}

static int run_scenario(const struct options *options, const struct scenario *scenario)
{
    if (options->describe != NULL) {
        report_describe(stdout, scenario, options->json);
        return 0;
    }
    const struct point *point = scenario_point(scenario, options->point);
    if (point == NULL)
        return usage("%s has no point '%s'; race --describe %s lists its points",
                     options->scenario,
                     options->point,
                     options->scenario);
    return run_point(options, scenario, point);
}

int main(int argc, char **argv)
{
    static struct scenario scenario; /* the watchdog may outlive main */
    struct options options;
    char error[1400];
    if (!options_parse(&options, argc, argv, error, sizeof error))
        return usage("%s", error);
    if (options.help) {
        fputs(options_help, stdout);
        return 0;
    }
    if (options.list_variants) {
        report_variants(stdout);
        return 0;
    }
    if (options.list_loads) {
        report_loads(stdout);
        return 0;
    }
    struct script_env env = {race_loads, options.seed, options.window_ms, placement_cpu_count()};
    const char *path = options.describe != NULL ? options.describe : options.scenario;
    if (!script_load(path, &env, &scenario, error, sizeof error))
        return usage("%s", error);
    int status = run_scenario(&options, &scenario);
    scenario_free(&scenario);
    return status;
}
