/* SPDX-License-Identifier: MIT */
/*
 * The command: which scenarios, which interleavings, for how long. One line for each scenario; the
 * first wrong interleaving ends the program with status 1 and says how to repeat it.
 */
#include "scenario.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct request {
    const char *program;
    const char *scenario; /* NULL = all */
    const char *schedule; /* replay, if not NULL */
    double seconds;       /* for all scenarios together */
    uint64_t seed;
    uint64_t runs; /* random: at most so many for each scenario */
    int exhaustive;
    bool tso;
};

#define PORTION 128u
#define SCENARIOS_MAX 64

struct progress {
    const struct scenario *scenario;
    uint64_t runs;
    bool complete; /* exhaustive */
};

static struct request request = {.seconds = 5, .seed = 1, .runs = UINT64_MAX, .exhaustive = -1};
static const struct scenario *scenario;
static uint64_t seed; /* of the present run */

static void usage(FILE *to)
{
    fprintf(
        to,
        "usage: %s [OPTION...]\n"
        "Runs the contestant's scenarios through many interleavings of their threads.\n"
        "  --scenario NAME  only this one            --list       print their names\n"
        "  --seconds N      random runs for N seconds in all (5)\n"
        "  --runs N         at most N random runs of each scenario\n"
        "  --seed S         the first random run; the next one is S + 1 (1)\n"
        "  --exhaustive P   all runs with at most P pre-emptions instead, up to --seconds\n"
        "  --memory sc|tso  exhaustive, schedule: store buffers or not (sc)\n"
        "  --schedule LIST  one run with the choices POINT:CHOICE,... as a failure printed them\n"
        "A failure prints both forms. To repeat a random one: --scenario NAME --seed S --runs 1\n"
        "Exit: 0 all is right, 1 an interleaving is wrong, 2 wrong use\n",
        request.program);
}

/* ---- failures ---- */

static void report(void)
{
    world_report();
    printf("  scenario: %s (%s)\n", scenario->name, scenario->what);
    if (request.exhaustive < 0 && request.schedule == NULL)
        printf("  seed: %s --scenario %s --seed %" PRIu64 " --runs 1\n",
               request.program,
               scenario->name,
               seed);
}

/* A crash is a wrong interleaving, too. */
static void on_signal(int number)
{
    static volatile sig_atomic_t again;
    if (again++)
        _exit(1);
    sched_fail("signal %d (%s)", number, strsignal(number));
}

static void catch_signals(void)
{
    static char stack[65536];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaltstack(&alternate, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGALRM, &action, NULL); /* a run is stuck outside of the scheduler's sight */
}

/* ---- running ---- */

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void one_run(uint64_t number)
{
    seed = number;
    strategy_begin(seed);
    alarm(20);
    sched_run(scenario->run, report);
}

/* All runs of the present scenario, bound by bound, so that the first failure has few pre-emptions.
 */
static void run_exhaustive(struct progress *progress, double until)
{
    bool complete = true;
    strategy_set_buffered(request.tso);
    for (int bound = 0; bound <= request.exhaustive && complete; bound++) {
        strategy_set_exhaustive((unsigned)bound);
        do {
            one_run(progress->runs++);
            complete = progress->runs % 64 != 0 || now_s() < until;
        } while (strategy_next() && complete);
    }
    progress->complete = complete;
}

/* Random runs of all scenarios, in small portions, so that each gets its turn soon. */
static void run_random(struct progress *all, unsigned count, double until)
{
    uint64_t done = 0;
    strategy_set_random();
    while (done < request.runs && (done == 0 || now_s() < until)) {
        uint64_t left = request.runs - done;
        uint64_t portion = left < PORTION ? left : PORTION;
        for (unsigned i = 0; i < count; i++) {
            scenario = all[i].scenario;
            for (uint64_t k = 0; k < portion; k++)
                one_run(request.seed + done + k);
            all[i].runs += portion;
        }
        done += portion;
    }
}

static void run_again(struct progress *progress)
{
    strategy_set_buffered(request.tso);
    strategy_set_replay(request.schedule);
    one_run(0);
    progress->runs = 1;
}

static unsigned choose(struct progress *out)
{
    const struct scenario *const lists[] = {scenarios_tasks, scenarios_others};
    unsigned count = 0;
    for (size_t i = 0; i < 2; i++) {
        for (const struct scenario *each = lists[i]; each->name != NULL; each++) {
            bool wanted = request.scenario == NULL || strcmp(request.scenario, each->name) == 0;
            if (wanted && (each->needs & ~velo_impl()->capabilities) == 0)
                out[count++] = (struct progress){.scenario = each};
        }
    }
    return count;
}

static unsigned run_all(void)
{
    struct progress all[SCENARIOS_MAX];
    unsigned count = choose(all);
    double until = now_s() + request.seconds;
    bool random = request.schedule == NULL && request.exhaustive < 0;
    if (random)
        run_random(all, count, until);
    for (unsigned i = 0; i < count; i++) {
        scenario = all[i].scenario;
        if (request.schedule != NULL)
            run_again(&all[i]);
        else if (!random)
            run_exhaustive(&all[i], now_s() + (until - now_s()) / (count - i));
        printf("ok    %-26s %10" PRIu64 " runs%s\n",
               scenario->name,
               all[i].runs,
               random || request.schedule != NULL ? ""
               : all[i].complete                  ? "  complete"
                                                  : "  stopped by time");
    }
    return count;
}

static void list(void)
{
    const struct scenario *const lists[] = {scenarios_tasks, scenarios_others};
    for (size_t i = 0; i < 2; i++) {
        for (const struct scenario *each = lists[i]; each->name != NULL; each++)
            printf("%-26s %s\n", each->name, each->what);
    }
}

/* ---- options ---- */

static uint64_t number_of(const char *text)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *text != '-')
        return value;
    fprintf(stderr, "%s: '%s' is no number\n", request.program, text);
    exit(2);
}

static bool set_option(int option, const char *text)
{
    switch (option) {
    case 'n':
        request.scenario = text;
        return true;
    case 's':
        request.seed = number_of(text);
        return true;
    case 't':
        request.seconds = (double)number_of(text);
        return true;
    case 'r':
        request.runs = number_of(text);
        return true;
    case 'x':
        request.exhaustive = (int)number_of(text);
        return true;
    case 'm':
        request.tso = strcmp(text, "tso") == 0;
        return request.tso || !strcmp(text, "sc");
    case 'c':
        request.schedule = text;
        return strategy_set_replay(text);
    case 'l':
        list();
        exit(0);
    case 'h':
        usage(stdout);
        exit(0);
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"scenario", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 's'},
        {"seconds", required_argument, NULL, 't'},
        {"runs", required_argument, NULL, 'r'},
        {"exhaustive", required_argument, NULL, 'x'},
        {"memory", required_argument, NULL, 'm'},
        {"schedule", required_argument, NULL, 'c'},
        {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;
    request.program = argv[0];
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!set_option(option, optarg)) {
            usage(stderr);
            return 2;
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    catch_signals();
    if (optind == argc && run_all() > 0)
        return 0;
    fprintf(stderr, "%s: nothing to run\n", request.program);
    usage(stderr);
    return 2;
}
