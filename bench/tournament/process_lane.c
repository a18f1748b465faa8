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

enum {
    CHECK_LIMIT_MS = 20000,
    CHECK_CANNOT_RUN = 3 /* exit status of process --check: not on this system */
};

/* Each is one point of a scenario of its own: whole programs have little in common. */
static const struct {
    const char *scenario, *summary, *point;
    int tasks, loops;
    const char *with; /* see the help of the program; "" = nothing else */
    bool core;
} table[] = {
    {"start-work-shutdown",
     "a whole program: start, 100,000 tasks, shutdown, exit",
     "tasks=100000",
     100000,
     1,
     "",
     true},
    {"start-close", "a whole program: start, one task, close, exit", "tasks=1", 1, 1, "", true},
    {"start-exit", "a whole program: create a loop, destroy it, exit", "tasks=0", 0, 1, "", false},
    {"start-equipped",
     "a whole program: start, one task, timer, descriptor and job, close, exit",
     "with=all",
     1,
     1,
     "timer,fd,offload",
     false},
    {"start-many",
     "a whole program: four loops on four threads, one task each, close, exit",
     "loops=4",
     1,
     4,
     "",
     false},
};

/* What is not said stays what it was: a params object names only what differs from one plain loop.
 */
static json_t *params_of(size_t i)
{
    json_t *params = json_pack("{s:i}", "tasks", table[i].tasks);
    if (table[i].loops > 1)
        json_object_set_new(params, "loops", json_integer(table[i].loops));
    if (table[i].with[0] != '\0')
        json_object_set_new(params, "with", json_string(table[i].with));
    return params;
}

json_t *process_lane_describe(void)
{
    json_t *all = json_array();
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        json_array_append_new(
            all,
            json_pack("{s:s, s:s, s:s, s:[], s:b, s:{s:s, s:s, s:s}, s:[{s:s, s:o, s:b}]}",
                      "scenario",
                      table[i].scenario,
                      "summary",
                      table[i].summary,
                      "family",
                      "start",
                      "needs",
                      "core",
                      table[i].core,
                      "primary",
                      "metric",
                      "wall_ns",
                      "unit",
                      "ns",
                      "better",
                      "lower",
                      "points",
                      "id",
                      table[i].point,
                      "params",
                      params_of(i),
                      "core",
                      table[i].core));
    return all;
}

struct command_line {
    char tasks[24], loops[24];
    const char *argv[9];
};

static void
write_command(struct command_line *line, const char *program, const json_t *params, bool check)
{
    size_t used = 0;
    *line = (struct command_line){.argv = {NULL}};
    snprintf(line->tasks, sizeof(line->tasks), "%lld", (long long)json_int(params, "tasks", 1));
    snprintf(line->loops, sizeof(line->loops), "%lld", (long long)json_int(params, "loops", 1));
    line->argv[used++] = program;
    if (check)
        line->argv[used++] = "--check";
    line->argv[used++] = "--tasks";
    line->argv[used++] = line->tasks;
    if (json_object_get(params, "loops") != NULL) {
        line->argv[used++] = "--loops";
        line->argv[used++] = line->loops;
    }
    if (json_object_get(params, "with") != NULL) {
        line->argv[used++] = "--with";
        line->argv[used++] = json_text(params, "with", "");
    }
}

/* A plain one can be run by every program that runs at all, also by one of an earlier commit, which
 * does not know --check. */
char *process_lane_refusal(const char *program, const json_t *params)
{
    struct command_line line;
    struct child_result result;
    char *refusal = NULL;
    bool plain = json_object_size(params) == 1;
    write_command(&line, program, params, true);
    struct child_request request = {.argv = line.argv, .timeout_ms = CHECK_LIMIT_MS};
    if (child_run(&request, &result) != 0)
        return NULL;
    bool refuses = result.end != CHILD_EXITED || result.code != 0;
    if (refuses && (!plain || result.code == CHECK_CANNOT_RUN))
        refusal = text_last_line(result.err);
    child_result_free(&result);
    return refusal;
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
    struct command_line line;
    write_command(&line, program, params, false);
    return text_command(line.argv);
}

/* One metric or covariate: {"value", "unit", "better"}. */
static json_t *metric(double value, const char *unit)
{
    return json_pack("{s:f, s:s, s:s}", "value", value, "unit", unit, "better", "lower");
}

/* Without the peak of memory: ru_maxrss tells that of whoever was there before exec, too. */
static json_t *run_line(const json_t *timed, const struct child_result *result)
{
    double wall_ns = json_number_value(json_array_get(json_object_get(timed, "times"), 0)) * 1e9;
    double user_ns = json_double(timed, "user", 0) * 1e9;
    double system_ns = json_double(timed, "system", 0) * 1e9;
    return json_pack(
        "{s:b, s:s, s:s, s:{s:o, s:o}, s:n, s:{s:f, s:f, s:f, s:I, s:I, s:I, s:I}, s:n, s:f}",
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
