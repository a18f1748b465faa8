/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite of one contestant: chooses cases, runs each in a child, reports.
 *
 * One program is linked per contestant. The same program checks itself with --self-test: planted
 * cases crash, hang, assert, fail on foreign threads, and each must be reported as what it is.
 */
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "random.h"

enum { EXIT_OK = 0, EXIT_FAILURES = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: conformance [options]\n"
    "Checks this contestant against the contract (common/CONTRACT.md), clause by clause.\n"
    "\n"
    "  --filter GLOB   only cases whose name matches\n"
    "  --clause ID     only cases of a clause (S3) or of a group (S)\n"
    "  --mode MODE     fast path: auto (default), forced, disabled\n"
    "  --repeat N      run each case N times, each with the next seed; stops at a failure\n"
    "  --seed N        seed of the random cases; default: drawn, and printed\n"
    "  --timeout S     seconds until a case counts as hung (default 20, more under sanitizers)\n"
    "  --list          list the chosen cases, run nothing\n"
    "  --json FILE     write the results as JSON too\n"
    "  --quiet         failures and totals only\n"
    "  --self-test     run the planted faulty cases: does the harness report each properly?\n"
    "  --random N      instead: N random programs, from --seed on, against the model of the "
    "contract;\n"
    "                  a failing one is made small and saved as C\n"
    "  --plant FAULT   with a fault planted, to see that this can fail; 'list' names them\n"
    "  --print-c       instead: the random program of --seed as C\n"
    "  --print-js N    instead: N random programs for Node.js\n"
    "  --js-traces N   instead: what Node.js must print for them\n"
    "  --help          this text\n"
    "\n"
    "Exit: 0 no failure, 1 failures, 2 wrong use.\n";

static _Noreturn void wrong_use(const char *what, const char *value)
{
    fprintf(stderr, "conformance: %s '%s'; see --help\n", what, value);
    exit(EXIT_USAGE);
}

static uint64_t parse_number(const char *option, const char *text, uint64_t least)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < least) {
        fprintf(stderr,
                "conformance: %s '%s' is not a number from %llu; see --help\n",
                option,
                text,
                (unsigned long long)least);
        exit(EXIT_USAGE);
    }
    return value;
}

static enum velo_fast_path parse_mode(const char *text)
{
    for (int mode = VELO_FAST_AUTO; mode <= VELO_FAST_DISABLED; mode++)
        if (strcmp(text, conf_mode_name((enum velo_fast_path)mode)) == 0)
            return (enum velo_fast_path)mode;
    wrong_use("--mode is auto, forced or disabled, not", text);
}

static uint64_t draw_seed(void)
{
    uint32_t seed = 1;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint32_t)conf_now_ns();
    return seed;
}

/* What to do instead of running the cases. */
enum activity { CASES, RANDOM, PRINT_C, PRINT_JS, JS_TRACES };
struct other {
    enum activity activity;
    uint64_t count;
    const struct plant *plant;
};

static const struct plant *parse_plant(const char *name)
{
    const struct plant *plant = plant_find(name);
    if (strcmp(name, "list") == 0) {
        plant_list();
        exit(EXIT_OK);
    }
    if (plant == NULL)
        wrong_use("--plant list tells the faults; not among them is", name);
    return plant;
}

/* Values of getopt. */
enum {
    FILTER = 1,
    CLAUSE,
    MODE,
    REPEAT,
    SEED,
    TIMEOUT,
    LIST,
    JSON,
    QUIET,
    SELF_TEST,
    HELP,
    OTHER,
    PLANT = OTHER + JS_TRACES + 1
};

static const struct option options[] = {{"filter", required_argument, NULL, FILTER},
                                        {"clause", required_argument, NULL, CLAUSE},
                                        {"mode", required_argument, NULL, MODE},
                                        {"repeat", required_argument, NULL, REPEAT},
                                        {"seed", required_argument, NULL, SEED},
                                        {"timeout", required_argument, NULL, TIMEOUT},
                                        {"list", no_argument, NULL, LIST},
                                        {"json", required_argument, NULL, JSON},
                                        {"quiet", no_argument, NULL, QUIET},
                                        {"self-test", no_argument, NULL, SELF_TEST},
                                        {"help", no_argument, NULL, HELP},
                                        {"random", required_argument, NULL, OTHER + RANDOM},
                                        {"print-c", no_argument, NULL, OTHER + PRINT_C},
                                        {"print-js", required_argument, NULL, OTHER + PRINT_JS},
                                        {"js-traces", required_argument, NULL, OTHER + JS_TRACES},
                                        {"plant", required_argument, NULL, PLANT},
                                        {NULL, 0, NULL, 0}};

/* The options that are not about cases. */
static void parse_other(int option, struct other *other)
{
    switch (option) {
    case PLANT:
        other->plant = parse_plant(optarg);
        return;
    case OTHER + RANDOM:
    case OTHER + PRINT_C:
    case OTHER + PRINT_JS:
    case OTHER + JS_TRACES:
        other->activity = (enum activity)(option - OTHER);
        other->count = optarg != NULL ? parse_number("number of programs:", optarg, 1) : 1;
        return;
    default:
        exit(EXIT_USAGE); /* getopt has said why */
    }
}

static struct conf_request parse(int argc, char **argv, struct other *other)
{
    struct conf_request request = {.program = argv[0], .repeat = 1, .seed = draw_seed()};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case FILTER:
            request.filter = optarg;
            break;
        case CLAUSE:
            request.clause = optarg;
            break;
        case MODE:
            request.mode = parse_mode(optarg);
            break;
        case REPEAT:
            request.repeat = (unsigned)parse_number("--repeat", optarg, 1);
            break;
        case SEED:
            request.seed = parse_number("--seed", optarg, 0);
            break;
        case TIMEOUT:
            request.timeout_s = (unsigned)parse_number("--timeout", optarg, 1);
            break;
        case LIST:
            request.list = true;
            break;
        case JSON:
            request.json_path = optarg;
            break;
        case QUIET:
            request.quiet = true;
            break;
        case SELF_TEST:
            request.self_test = true;
            break;
        case HELP:
            fputs(usage, stdout);
            exit(EXIT_OK);
        default:
            parse_other(option, other);
        }
    }
    if (optind < argc)
        wrong_use("unexpected argument", argv[optind]);
    return request;
}

static bool is_chosen(const struct conf_request *request, const struct conf_case *entry)
{
    if (request->self_test != (entry->expect != NULL))
        return false;
    if (request->filter != NULL && fnmatch(request->filter, entry->name, 0) != 0)
        return false;
    return request->clause == NULL || conf_clause_matches(entry->clauses, request->clause);
}

static void list(const struct conf_request *request)
{
    for (const struct conf_case *entry = conf_cases(); entry != NULL; entry = entry->next)
        if (is_chosen(request, entry))
            printf("%-10s %s\n", entry->clauses, entry->name);
}

/* Is a planted case reported as it must be? Prints if not. */
static bool planted_is_right(const struct conf_result *result)
{
    const struct conf_case *entry = result->entry;
    if (strcmp(conf_verdict_name(result->verdict), entry->expect) == 0 &&
        strstr(result->reason, entry->expect_reason) != NULL)
        return true;
    printf("self-test: %s is reported as %s (%s), must be %s (%s)\n",
           entry->name,
           conf_verdict_name(result->verdict),
           result->reason,
           entry->expect,
           entry->expect_reason);
    return false;
}

static int report_self_test(const struct conf_result *results, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++)
        wrong += !planted_is_right(&results[i]);
    printf("\nself-test of the harness:\n%zu passed, %zu failed\n", count - wrong, wrong);
    return wrong == 0 ? EXIT_OK : EXIT_FAILURES;
}

static int
report(const struct conf_request *request, const struct conf_result *results, size_t count)
{
    bool failed = false;
    for (size_t i = 0; i < count; i++)
        failed = failed || results[i].verdict == CONF_FAIL;
    if (request->json_path != NULL && conf_report_json(request, results, count) != 0)
        return EXIT_USAGE;
    if (request->self_test)
        return report_self_test(results, count);
    conf_report_end(request, results, count);
    return failed ? EXIT_FAILURES : EXIT_OK;
}

static int do_other(const struct conf_request *request, const struct other *other)
{
    switch (other->activity) {
    case RANDOM:
        return random_run(request, other->count, other->plant);
    case PRINT_C:
        return random_print_c(request);
    case PRINT_JS:
        return random_print_js(request, other->count);
    default:
        return random_print_js_traces(request, other->count);
    }
}

/* Nothing can be said about a contestant that cannot run here: that is no failure, and no pass. */
static int report_not_run(const struct conf_request *request)
{
    printf("NOT RUN: %s %s\n", velo_impl()->name, request->not_run);
    return request->json_path == NULL || conf_report_json(request, NULL, 0) == 0 ? EXIT_OK
                                                                                 : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    char reason[300];
    struct other other = {.activity = CASES};
    struct conf_request request = parse(argc, argv, &other);
    if (request.list) {
        list(&request);
        return EXIT_OK;
    }
    if ((other.activity == CASES || other.activity == RANDOM) &&
        !conf_is_available(reason, sizeof reason)) {
        request.not_run = reason;
        return report_not_run(&request);
    }
    if (other.activity != CASES)
        return do_other(&request, &other);
    size_t count = 0, room = 0;
    for (const struct conf_case *entry = conf_cases(); entry != NULL; entry = entry->next)
        room += is_chosen(&request, entry);
    if (room == 0)
        wrong_use("no case matches",
                  request.filter != NULL   ? request.filter
                  : request.clause != NULL ? request.clause
                                           : "*");
    struct conf_result *results = calloc(room, sizeof *results);
    if (results == NULL)
        return EXIT_FAILURES;
    conf_report_begin(&request);
    for (const struct conf_case *entry = conf_cases(); entry != NULL; entry = entry->next) {
        if (!is_chosen(&request, entry))
            continue;
        conf_run_case(&request, entry, &results[count]);
        conf_report_case(&request, &results[count]);
        count++;
    }
    int rc = report(&request, results, count);
    for (size_t i = 0; i < count; i++)
        free(results[i].output);
    free(results);
    return rc;
}
