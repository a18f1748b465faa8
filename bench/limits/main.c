/* SPDX-License-Identifier: MIT */
/* main.c - the program `limits`: measures the prices of this machine, as a table or as JSON. */
#include "limits.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

/* 29 probes, five times each: about 3 seconds, and about 0.6. */
static const uint64_t rep_full_ns = 20000000;
static const uint64_t rep_quick_ns = 3500000;

static const char help[] =
    "usage: limits [--json] [--quick]\n"
    "\n"
    "Measures what this machine can do at best: atomics, cache lines, locks, system calls and\n"
    "wake-ups (C1..C25), and derives the limits of whole operations (L1..L9).\n"
    "\n"
    "  --json   one JSON object on stdout\n"
    "  --quick  at most one second, less exact\n"
    "  --help   this text\n"
    "\n"
    "Threads are pinned to the first two CPUs that the process may use. A result that needs two\n"
    "is null, with its reason, where there is one.\n";

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *result_json(const struct limit_result *result)
{
    json_t *reps = json_array();
    for (size_t i = 0; i < result->rep_count; i++)
        json_array_append_new(reps, number(result->reps[i]));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s}",
                     "id",
                     result->id,
                     "name",
                     result->name,
                     "unit",
                     result->unit,
                     "median",
                     number(result->median),
                     "min",
                     number(result->min),
                     "reps",
                     reps,
                     "reason",
                     result->reason);
}

static int print_json(const struct limit_result *results, size_t count, int cpus)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, result_json(&results[i]));
    json_t *root = json_pack("{s:i, s:o, s:i}", "schema", 1, "limits", array, "cpus", cpus);
    int rc = root ? json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17)) : -1;
    json_decref(root);
    return rc == 0 && putchar('\n') != EOF ? 0 : -1;
}

static void print_table(const struct limit_result *results, size_t count, int cpus)
{
    printf("%-5s %-40s %12s %12s  %s\n", "id", "what", "median", "least", "unit");
    for (size_t i = 0; i < count; i++) {
        const struct limit_result *r = &results[i];
        if (isfinite(r->median))
            printf("%-5s %-40s %12.2f %12.2f  %-5s %s\n",
                   r->id,
                   r->name,
                   r->median,
                   r->min,
                   r->unit,
                   r->reason);
        else
            printf("%-5s %-40s %12s %12s  %-5s %s\n", r->id, r->name, "-", "-", "", r->reason);
    }
    printf("CPUs that this process may use: %d\n", cpus);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"quick", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static struct limit_result results[LIMITS_MAX];
    struct bench bench;
    bool json = false;
    uint64_t rep_ns = rep_full_ns;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'h')
            return fputs(help, stdout) < 0;
        if (c == '?')
            return EXIT_USAGE;
        if (c == 'j')
            json = true;
        else
            rep_ns = rep_quick_ns;
    }
    if (optind < argc) {
        fprintf(stderr, "limits: unexpected argument '%s'; try --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    int rc = bench_init(&bench, rep_ns);
    if (rc != 0) {
        fprintf(stderr, "limits: the CPUs of this process: %s\n", strerror(-rc));
        return EXIT_FAILURE;
    }
    size_t count = limits_run(&bench, results);
    if (!json)
        print_table(results, count, bench.cpu_count);
    else if (print_json(results, count, bench.cpu_count) != 0)
        return EXIT_FAILURE;
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
