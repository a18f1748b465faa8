/* SPDX-License-Identifier: MIT */
/*
 * report_run.c - the run line. Numbers keep all their digits; what is not known is null, never NaN.
 */
#include "report.h"

#include "clock.h"

#include <math.h>
#include <stdlib.h>

#define CURVE_MAX 128
#define SLIP_SHARE_MAX 0.5 /* p99 of the slip against p99 of the latency: beyond it, flagged */

/* null for what is not a finite number. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *quantile(const struct recorder *recorder, double share)
{
    double value;
    return recorder_quantile(recorder, share, &value) ? number(value) : json_null();
}

static json_t *curve(const struct recorder *recorder)
{
    struct recorder_point points[CURVE_MAX];
    size_t size = recorder_curve(recorder, points, CURVE_MAX);
    json_t *list = json_array();
    for (size_t i = 0; i < size; i++)
        json_array_append_new(list, json_pack("[f,f]", points[i].share, points[i].value));
    return list;
}

static json_t *distribution(const struct recorder *recorder)
{
    if (recorder == NULL || recorder->count == 0)
        return json_null();
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
                     "unit",
                     "ns",
                     "count",
                     count(recorder->count),
                     "p50",
                     quantile(recorder, 0.5),
                     "p90",
                     quantile(recorder, 0.9),
                     "p99",
                     quantile(recorder, 0.99),
                     "p999",
                     quantile(recorder, 0.999),
                     "max",
                     count(recorder->max),
                     "curve",
                     curve(recorder));
}

static json_t *latency(const struct result *result)
{
    json_t *corrected = distribution(result->latency);
    if (json_is_object(corrected) && result->uncorrected != NULL)
        json_object_set_new(corrected, "uncorrected", distribution(result->uncorrected));
    return corrected;
}

static json_t *metrics(const struct race *race)
{
    json_t *object = json_object();
    const struct metric_spec *spec = race->load->metrics;
    for (size_t i = 0; spec[i].name != NULL; i++) {
        if (!isfinite(race->result.metrics[i]))
            continue;
        json_object_set_new(object,
                            spec[i].name,
                            json_pack("{s:o,s:s,s:s}",
                                      "value",
                                      number(race->result.metrics[i]),
                                      "unit",
                                      spec[i].unit,
                                      "better",
                                      spec[i].higher_is_better ? "higher" : "lower"));
    }
    return object;
}

static json_t *covariates(const struct covariates *c)
{
    json_t *wait = c->runqueue_wait_ns < 0 ? json_null() : json_integer(c->runqueue_wait_ns);
    json_t *object = json_object();
    json_object_set_new(object, "cpu_ns", count(c->cpu_ns));
    json_object_set_new(object, "user_ns", count(c->user_ns));
    json_object_set_new(object, "system_ns", count(c->system_ns));
    json_object_set_new(object, "voluntary_switches", count(c->voluntary_switches));
    json_object_set_new(object, "involuntary_switches", count(c->involuntary_switches));
    json_object_set_new(object, "minor_faults", count(c->minor_faults));
    json_object_set_new(object, "major_faults", count(c->major_faults));
    json_object_set_new(object, "max_rss_bytes", count(c->max_rss_bytes));
    json_object_set_new(object, "runqueue_wait_ns", wait);
    return object;
}

static json_t *counters(const struct result *result)
{
    const struct velo_metrics *m = &result->counters;
    json_t *object = json_object();
    if (!result->has_counters) {
        json_decref(object);
        return json_null();
    }
    json_object_set_new(object, "accepted", count(m->accepted));
    json_object_set_new(object, "executed", count(m->executed));
    json_object_set_new(object, "cancelled", count(m->cancelled));
    json_object_set_new(object, "discarded", count(m->discarded));
    json_object_set_new(object, "turns", count(m->turns));
    json_object_set_new(object, "polls", count(m->polls));
    json_object_set_new(object, "parks", count(m->parks));
    json_object_set_new(object, "wakeups", count(m->wakeups));
    json_object_set_new(object, "fast_entries", count(m->fast_entries));
    return object;
}

/*
 * How late the generator was against its own schedule. Latency counts from the intended time, so
 * slip is in it already, whoever caused it (a contestant whose submit blocks can): it is no reason
 * to repeat a run, but where it makes up much of the tail, the tail is not the loop's alone.
 */
static json_t *generator(const struct result *result)
{
    double slip, tail;
    if (result->slip == NULL || result->slip->count == 0)
        return json_null();
    json_t *object = json_pack("{s:o,s:o,s:o,s:f}",
                               "slip_p50_ns",
                               quantile(result->slip, 0.5),
                               "slip_p99_ns",
                               quantile(result->slip, 0.99),
                               "slip_max_ns",
                               count(result->slip->max),
                               "slip_share_limit",
                               SLIP_SHARE_MAX);
    bool known = result->latency != NULL && recorder_quantile(result->slip, 0.99, &slip) &&
                 recorder_quantile(result->latency, 0.99, &tail) && tail > 0;
    json_object_set_new(object, "slip_share", known ? number(slip / tail) : json_null());
    json_object_set_new(object, "late", json_boolean(known && slip > SLIP_SHARE_MAX * tail));
    return object;
}

static json_t *warmup(const struct result *result)
{
    static const char *const reasons[] = {"none", "steady", "timeout"};
    return json_pack("{s:f,s:s,s:f}",
                     "ms",
                     result->warmup_ms,
                     "reason",
                     reasons[result->warmup_reason],
                     "lap_ms",
                     result->warmup_lap_ms);
}

/* The cost of a unit in each half of the window, which decided whether it was steady. */
static json_t *halves(const struct result *result)
{
    if (!(result->halves_ns[0] > 0))
        return json_null();
    return json_pack("[o,o]", number(result->halves_ns[0]), number(result->halves_ns[1]));
}

static json_t *processors(const int *cpus, int size)
{
    json_t *list = json_array();
    for (int i = 0; i < size; i++)
        json_array_append_new(list, json_integer(cpus[i]));
    return list;
}

/* Where the threads stood, which was looked at again at the end. */
static json_t *places(const struct placement_map *map)
{
    int loop[PLACEMENT_CPUS_MAX], generators[PLACEMENT_CPUS_MAX];
    json_t *of_loop = processors(loop, placement_of_loop(map, loop));
    json_t *of_generators = processors(generators, placement_of_generators(map, generators));
    return json_pack("{s:o,s:o}", "loop", of_loop, "generators", of_generators);
}

/* What every line starts with. */
static json_t *
identity(const struct race *race, const struct scenario *scenario, const struct point *point)
{
    json_t *line = json_object();
    json_object_set_new(line, "schema", json_integer(1));
    json_object_set_new(line, "lane", json_string(scenario->lane));
    json_object_set_new(line, "scenario", json_string(scenario->name));
    json_object_set_new(line, "point", json_string(point->id));
    json_object_set(line, "params", point->params);
    json_object_set_new(line, "contestant", json_string(velo_impl()->name));
    json_object_set_new(
        line, "variant", json_string(race->variant != NULL ? race->variant->name : ""));
    json_object_set_new(line, "placement", json_string(placement_name(race->cpus.placement)));
    json_object_set_new(line, "processors", places(&race->cpus));
    json_object_set_new(line, "seed", count(race->seed));
    json_object_set_new(line, "window_ms", count(race->window_ns / NS_PER_MS));
    return line;
}

static void print_line(FILE *file, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17));
    fprintf(file, "%s\n", text == NULL ? "null" : text);
    fflush(file);
    free(text);
    json_decref(line);
}

void report_run(FILE *file,
                const struct race *race,
                const struct scenario *scenario,
                const struct point *point)
{
    const struct result *result = &race->result;
    json_t *line = identity(race, scenario, point);
    json_object_set_new(line, "ok", json_boolean(result->ok));
    json_object_set_new(line, "error", json_string(result->error));
    json_object_set_new(line, "primary", json_string(scenario->primary));
    json_object_set_new(line, "metrics", result->ok ? metrics(race) : json_object());
    json_object_set_new(line, "latency", result->ok ? latency(result) : json_null());
    json_object_set_new(line, "covariates", covariates(&result->covariates));
    json_object_set_new(line, "counters", counters(result));
    json_object_set_new(line, "generator", generator(result));
    json_object_set_new(line, "warmup", warmup(result));
    json_object_set_new(line, "steady", json_boolean(result->steady));
    json_object_set_new(line, "halves_ns", halves(result));
    json_object_set_new(line, "elapsed_ns", count(result->elapsed_ns));
    if (!result->ok)
        json_object_set_new(line, "failure", json_string(result->late ? "late" : "wrong"));
    if (result->overload)
        json_object_set_new(line, "overload", json_true());
    if (race->load->uses_common_rate) {
        json_object_set_new(line, "common_rate", number(result->common_rate));
        json_object_set_new(
            line, "common_rate_source", json_string(race->common_rate > 0 ? "given" : "own pilot"));
    }
    print_line(file, line);
}

void report_late(FILE *file,
                 const struct race *race,
                 const struct scenario *scenario,
                 const struct point *point,
                 const char *error)
{
    json_t *line = identity(race, scenario, point);
    json_object_set_new(line, "ok", json_false());
    json_object_set_new(line, "error", json_string(error));
    json_object_set_new(line, "failure", json_string("late"));
    json_object_set_new(line, "primary", json_string(scenario->primary));
    json_object_set_new(line, "metrics", json_object());
    print_line(file, line);
}
