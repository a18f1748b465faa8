/* SPDX-License-Identifier: MIT */
/* The command: which sections, for how long; the table at the end. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

enum { SECTIONS_MAX = 32 };

const struct section sections[] = {
    {"end", "producers against shutdown, close and nobody, on short-lived loops", 0, round_end},
    {"destroy", "destroy while the last submits are still inside", 0, round_destroy},
    {"timers",
     "start, cancel and restart from many threads",
     VELO_CAP_TIMER_ANY_THREAD,
     round_timers},
    {"descriptors",
     "watch, modify, unwatch, close first; numbers come again",
     VELO_CAP_FDS,
     round_descriptors},
    {"path", "fast path modes and descriptors change under load", 0, round_path},
    {"fork", "children are forked off in the middle", 0, round_fork},
    {"signals", "handlers without SA_RESTART hit owner and producers", 0, round_signals},
    {"one-processor", "the ends again, with every thread on one processor", 0, round_one_processor},
    {"offload", "work for the pool, cancelled and cut short", VELO_CAP_OFFLOAD, round_offload},
    {"idle", "UNTIL_IDLE ends while work arrives", VELO_CAP_UNTIL_IDLE, round_idle},
    {NULL, NULL, 0, NULL}};

struct row {
    const struct section *section; /* NULL = end */
    struct sums sums;
    bool offered;
};

static void usage(FILE *to)
{
    fprintf(to,
            "usage: stress [--minutes N | --seconds N] [--seed S] [--only SECTION]\n"
            "Storms over the loops of one contestant, with a ledger; 10 seconds unless told "
            "otherwise.\nExit: 0 the books agree; 1 they do not, or something hangs; 2 wrong use."
            "\nsections:\n");
    for (const struct section *at = sections; at->name != NULL; at++)
        fprintf(to, "  %-14s %s\n", at->name, at->what);
}

static uint64_t number(const char *text, const char *option)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0') {
        fprintf(stderr, "stress: %s wants a number, not '%s'\n", option, text);
        exit(2);
    }
    return value;
}

static void run(struct row *row, uint64_t limit_ns)
{
    stress_section = row->section->name;
    sums = (struct sums){0};
    unsigned fds = open_fds();
    uint64_t until = now_ns() + limit_ns;
    for (uint64_t round = 0; round == 0 || now_ns() < until; round++)
        row->section->round(round);
    CHECK(open_fds() == fds, "%u descriptors before, %u after", fds, open_fds());
    row->sums = sums;
}

static void print(const struct row *rows, double seconds)
{
    struct sums all = {0};
    printf("%s: seed %llu, %.0f s\n", velo_impl()->name, (unsigned long long)stress_seed, seconds);
    printf("%-14s %9s %12s %12s %10s %10s %10s\n",
           "section",
           "loops",
           "accepted",
           "executed",
           "cancelled",
           "discarded",
           "refused");
    for (const struct row *row = rows; row->section != NULL; row++) {
        const struct sums *at = &row->sums;
        if (!row->offered) {
            printf("%-14s not offered by this contestant\n", row->section->name);
            continue;
        }
        printf("%-14s %9llu %12llu %12llu %10llu %10llu %10llu  OK\n",
               row->section->name,
               (unsigned long long)at->loops,
               (unsigned long long)at->accepted,
               (unsigned long long)at->executed,
               (unsigned long long)at->cancelled,
               (unsigned long long)at->discarded,
               (unsigned long long)at->refused);
        all.loops += at->loops;
        all.accepted += at->accepted;
        all.executed += at->executed;
        all.cancelled += at->cancelled;
        all.discarded += at->discarded;
        all.refused += at->refused;
    }
    printf("%-14s %9llu %12llu %12llu %10llu %10llu %10llu  OK\n",
           "all",
           (unsigned long long)all.loops,
           (unsigned long long)all.accepted,
           (unsigned long long)all.executed,
           (unsigned long long)all.cancelled,
           (unsigned long long)all.discarded,
           (unsigned long long)all.refused);
}

/* The sections that were asked for, into [rows]; how many of them are offered. */
static unsigned choose(const char *only, struct row *rows)
{
    unsigned count = 0, offered = 0;
    for (const struct section *at = sections; at->name != NULL && count < SECTIONS_MAX; at++) {
        if (only != NULL && strcmp(only, at->name) != 0)
            continue;
        rows[count] = (struct row){.section = at, .offered = has(at->needs)};
        offered += rows[count++].offered;
    }
    return offered;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"minutes", required_argument, NULL, 'm'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'S'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct row rows[SECTIONS_MAX + 1] = {{0}};
    uint64_t seconds = 10;
    const char *only = NULL;
    int option;
    stress_seed = now_ns() % 1000000007;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'm':
            seconds = 60 * number(optarg, "--minutes");
            break;
        case 's':
            seconds = number(optarg, "--seconds");
            break;
        case 'S':
            stress_seed = number(optarg, "--seed");
            break;
        case 'o':
            only = optarg;
            break;
        default:
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    unsigned offered = choose(only, rows);
    if (optind != argc || rows[0].section == NULL) {
        usage(stderr);
        return 2;
    }
    watch_start();
    uint64_t begin = now_ns();
    uint64_t each_ns = offered > 0 ? seconds * NS_PER_S / offered : 0;
    for (struct row *row = rows; row->section != NULL; row++) {
        if (row->offered)
            run(row, each_ns);
    }
    print(rows, (double)(now_ns() - begin) / 1e9);
    return 0;
}
