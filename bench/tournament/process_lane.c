/* SPDX-License-Identifier: MIT */
/* process_lane.c - see process_lane.h. */
#include "process_lane.h"

#include "json.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

json_t *process_lane_describe(void)
{
    return json_pack("[{s:s, s:s, s:s, s:[], s:b, s:{s:s, s:s, s:s}, s:[{s:s, s:{s:i}, s:b}]},"
                     " {s:s, s:s, s:s, s:[], s:b, s:{s:s, s:s, s:s}, s:[{s:s, s:{s:i}, s:b}]}]",
                     "scenario",
                     "start-work-shutdown",
                     "summary",
                     "a whole program: start, 100,000 tasks, shutdown, exit",
                     "family",
                     "start",
                     "needs",
                     "core",
                     1,
                     "primary",
                     "metric",
                     "wall_ns",
                     "unit",
                     "ns",
                     "better",
                     "lower",
                     "points",
                     "id",
                     "tasks=100000",
                     "params",
                     "tasks",
                     100000,
                     "core",
                     1,
                     "scenario",
                     "start-close",
                     "summary",
                     "a whole program: start, one task, close, exit",
                     "family",
                     "start",
                     "needs",
                     "core",
                     1,
                     "primary",
                     "metric",
                     "wall_ns",
                     "unit",
                     "ns",
                     "better",
                     "lower",
                     "points",
                     "id",
                     "tasks=1",
                     "params",
                     "tasks",
                     1,
                     "core",
                     1);
}

bool process_lane_available(void)
{
    struct child_result result;
    const char *const argv[] = {"hyperfine", "--version", NULL};
    if (child_run(&(struct child_request){.argv = argv, .timeout_ms = 10000}, &result) != 0)
        return false;
    bool there = result.end == CHILD_EXITED && result.code == 0;
    child_result_free(&result);
    return there;
}

char *process_lane_command(const char *program, const json_t *params)
{
    char *tasks = text_format("%lld", (long long)json_int(params, "tasks", 1));
    char *command = text_command((const char *const[]){program, "--tasks", tasks, NULL});
    free(tasks);
    return command;
}

/* One metric or covariate: {"value", "unit", "better"}. */
static json_t *metric(double value, const char *unit)
{
    return json_pack("{s:f, s:s, s:s}", "value", value, "unit", unit, "better", "lower");
}

static json_t *run_line(const json_t *timed, const struct child_result *result)
{
    double wall_ns = json_number_value(json_array_get(json_object_get(timed, "times"), 0)) * 1e9;
    double user_ns = json_double(timed, "user", 0) * 1e9;
    double system_ns = json_double(timed, "system", 0) * 1e9;
    return json_pack(
        "{s:b, s:s, s:s, s:{s:o, s:o}, s:n, s:{s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I}, s:n, s:f}",
        "ok",
        1,
        "error",
        "",
        "primary",
        "wall_ns",
        "metrics",
        "wall_ns",
        metric(wall_ns, "ns"),
        "cpu_ns",
        metric(user_ns + system_ns, "ns"),
        "latency",
        "covariates",
        "cpu_ns",
        user_ns + system_ns,
        "user_ns",
        user_ns,
        "system_ns",
        system_ns,
        "max_rss_bytes",
        (json_int_t)result->usage.ru_maxrss * 1024,
        "voluntary_switches", /* of hyperfine too, which is the same for all */
        (json_int_t)result->usage.ru_nvcsw,
        "involuntary_switches",
        (json_int_t)result->usage.ru_nivcsw,
        "minor_faults",
        (json_int_t)result->usage.ru_minflt,
        "major_faults",
        (json_int_t)result->usage.ru_majflt,
        "generator",
        "elapsed_ns",
        wall_ns);
}

/* hyperfine's file has exactly one result when the program ended with status 0. */
static json_t *read_export(const char *path, const struct child_result *result)
{
    json_t *root = json_load_file(path, 0, NULL);
    const json_t *timed = json_array_get(json_object_get(root, "results"), 0);
    bool counts = json_array_size(json_object_get(timed, "times")) == 1;
    json_t *line = counts ? run_line(timed, result) : NULL;
    json_decref(root);
    return line;
}

int process_lane_run(const char *program,
                     const json_t *params,
                     struct child_request request,
                     struct child_result *result,
                     json_t **line,
                     char **reason)
{
    char export_path[] = "/tmp/velo-hyperfine-XXXXXX";
    int fd = mkstemp(export_path);
    if (fd < 0)
        return -errno;
    close(fd);
    char *command = process_lane_command(program, params);
    const char *const argv[] = {"hyperfine",
                                "-N",
                                "--warmup",
                                "0",
                                "--runs",
                                "1",
                                "--style",
                                "none",
                                "--output",
                                "pipe",
                                "--export-json",
                                export_path,
                                command,
                                NULL};
    request.argv = argv;
    int rc = child_run(&request, result);
    *line = NULL;
    *reason = NULL;
    if (rc == 0) {
        if (result->end == CHILD_EXITED && result->code == 0)
            *line = read_export(export_path, result);
        if (*line == NULL && result->end == CHILD_EXITED)
            *reason = text_last_line(result->err);
    }
    free(command);
    unlink(export_path);
    return rc;
}
