/* SPDX-License-Identifier: MIT */
/* main.c - the program `limits`: measures the prices of this machine, as a table or as JSON. */
#include "limits.h"
#include "machine.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, REP_MS_MOST = 1000 };

/* About 50 probes, five times each: six seconds with setting up, and one. */
static const uint64_t rep_full_ns = 20000000;
static const uint64_t rep_quick_ns = 3000000;

static const char help[] =
    "usage: limits [--json] [--quick] [--only ID,ID] [--rep-ms N]\n"
    "\n"
    "Measures what this machine can do at best: atomics, cache lines, locks, system calls and\n"
    "wake-ups (C1..C25), and derives the limits of whole operations (L1..L10).\n"
    "\n"
    "  --json       one JSON object on stdout\n"
    "  --quick      about a second, less exact; without the walk through memory (C10)\n"
    "  --only LIST  results with these ids, and what they are made of: --only C8,L3\n"
    "  --rep-ms N   length of each of the five repetitions; fractions are fine (default 20)\n"
    "  --help       this text\n"
    "\n"
    "Threads are pinned to the first two CPUs that the process may use. A result that needs two\n"
    "is null, with its reason, where there is one; so is all else that cannot be measured here.\n";

struct request {
    bool json;
    bool quick;
    const char *only;
    uint64_t rep_ns;
};

/* All that is measured. */
struct found {
    struct machine_fact facts[MACHINE_FACTS]; /* asked before this thread is pinned */
    struct limit_result results[LIMITS_MAX];
    size_t count;
    struct limit_pair pairs[PAIRS_MAX];
    size_t pair_count;
};

/* ---- JSON ---- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* How far apart the repetitions lie: 0.1 = the most is 10 % above the least. */
static double spread(const struct limit_result *result)
{
    return result->min > 0 ? result->max / result->min - 1 : NAN;
}

static json_t *result_json(const struct limit_result *result)
{
    json_t *reps = json_array();
    for (size_t i = 0; i < result->rep_count; i++)
        json_array_append_new(reps, number(result->reps[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s}",
                     "id",
                     result->id,
                     "name",
                     result->name,
                     "unit",
                     result->unit,
                     "method",
                     result->method,
                     "median",
                     number(result->median),
                     "min",
                     number(result->min),
                     "max",
                     number(result->max),
                     "spread",
                     number(spread(result)),
                     "reps",
                     reps,
                     "reason",
                     result->reason);
}

static json_t *machine_json(const struct machine_fact facts[MACHINE_FACTS])
{
    json_t *machine = json_object();
    for (size_t i = 0; i < MACHINE_FACTS; i++)
        json_object_set_new(machine, facts[i].key, json_string(facts[i].text));
    return machine;
}

static json_t *pairs_json(const struct limit_pair *pairs, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:[i,i], s:o, s:o}",
                                        "cpus",
                                        pairs[i].cpus[0],
                                        pairs[i].cpus[1],
                                        "C7",
                                        number(pairs[i].add.median),
                                        "C8",
                                        number(pairs[i].round_trip.median)));
    return list;
}

static int print_json(const struct bench *bench, const struct found *found)
{
    json_t *array = json_array();
    for (size_t i = 0; i < found->count; i++)
        json_array_append_new(array, result_json(&found->results[i]));
    json_t *root = json_pack("{s:i, s:o, s:i, s:f, s:o, s:o}",
                             "schema",
                             1,
                             "limits",
                             array,
                             "cpus",
                             bench->cpu_count,
                             "rep_ms",
                             (double)bench->rep_ns / 1e6,
                             "machine",
                             machine_json(found->facts),
                             "pairs",
                             pairs_json(found->pairs, found->pair_count));
    int rc = root ? json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17)) : -1;
    json_decref(root);
    return rc == 0 && putchar('\n') != EOF ? 0 : -1;
}

/* ---- table ---- */

static void print_row(const struct limit_result *r)
{
    if (!isfinite(r->median)) {
        printf("%-5s %-40s NOT RUN: %s\n", r->id, r->name, r->reason);
        return;
    }
    printf(
        "%-5s %-40s %10.2f %10.2f %10.2f %-7s", r->id, r->name, r->median, r->min, r->max, r->unit);
    if (isfinite(spread(r)))
        printf(" %5.0f %%", 100 * spread(r));
    printf("  %s%s%s\n", r->method, r->reason[0] ? "; " : "", r->reason);
}

static void print_table(const struct found *found)
{
    for (size_t i = 0; i < MACHINE_FACTS; i++)
        printf("%s: %s%s",
               found->facts[i].key,
               found->facts[i].text,
               i + 1 < MACHINE_FACTS ? "; " : "\n");
    printf("%-5s %-40s %10s %10s %10s %-7s %7s  %s\n",
           "id",
           "what",
           "median",
           "least",
           "most",
           "unit",
           "spread",
           "method, remark");
    for (size_t i = 0; i < found->count; i++)
        print_row(&found->results[i]);
    for (size_t i = 0; i < found->pair_count; i++) {
        const struct limit_pair *pair = &found->pairs[i];
        printf("CPUs %d and %d: C7 %.2f ns, C8 %.2f ns\n",
               pair->cpus[0],
               pair->cpus[1],
               pair->add.median,
               pair->round_trip.median);
    }
}

/* ---- the command line ---- */

static bool read_rep(const char *text, uint64_t *rep_ns)
{
    char *end;
    double ms = strtod(text, &end);
    if (end == text || *end != '\0' || !(ms >= 0.1) || !(ms <= REP_MS_MOST)) {
        fprintf(stderr, "limits: --rep-ms takes a number from 0.1 to 1000, not '%s'\n", text);
        return false;
    }
    *rep_ns = (uint64_t)(ms * 1e6);
    return true;
}

static bool known(const char *only)
{
    char unknown[LIMIT_ID_BYTES];
    if (!limits_unknown(only, unknown))
        return true;
    fprintf(stderr, "limits: --only: there is no '%s'; limits --quick shows them all\n", unknown);
    return false;
}

/* Returns false with *status set when there is nothing to be measured. */
static bool parse(int argc, char **argv, struct request *request, int *status)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"quick", no_argument, NULL, 'q'},
        {"only", required_argument, NULL, 'o'},
        {"rep-ms", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    uint64_t given_ns = 0;
    *status = EXIT_USAGE;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'h') {
            *status = fputs(help, stdout) < 0;
            return false;
        }
        if (c == '?' || (c == 'o' && !known(optarg)) || (c == 'r' && !read_rep(optarg, &given_ns)))
            return false;
        request->json |= c == 'j';
        request->quick |= c == 'q';
        if (c == 'o')
            request->only = optarg;
    }
    request->rep_ns = given_ns > 0 ? given_ns : request->quick ? rep_quick_ns : rep_full_ns;
    if (optind == argc)
        return true;
    fprintf(stderr, "limits: unexpected argument '%s'; try --help\n", argv[optind]);
    return false;
}

int main(int argc, char **argv)
{
    static struct found found;
    struct request request = {0};
    struct bench bench;
    int status;
    if (!parse(argc, argv, &request, &status))
        return status;
    machine_describe(found.facts);
    int rc = bench_init(&bench, request.rep_ns);
    if (rc != 0) {
        fprintf(stderr, "limits: the CPUs of this process: %s\n", strerror(-rc));
        return EXIT_FAILURE;
    }
    bench.brief = request.quick;
    found.count = limits_run(&bench, request.only, found.results);
    if (!request.only && !request.quick)
        found.pair_count = limits_pairs(&bench, found.pairs);
    if (!request.json)
        print_table(&found);
    else if (print_json(&bench, &found) != 0)
        return EXIT_FAILURE;
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
