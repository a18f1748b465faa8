/* SPDX-License-Identifier: MIT */
/*
 * command.c - `velo selfcheck`: the parts in their order, what they say, and where it is kept.
 */
#include "selfcheck.h"

#include "../tournament/args.h"
#include "../tournament/checked.h"
#include "../tournament/clock.h"
#include "../tournament/commands.h"
#include "../tournament/exit_code.h"
#include "../tournament/journal.h"
#include "../tournament/json.h"
#include "../tournament/lock.h"
#include "../tournament/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { LIVE_USUAL = CHECKED_LIVE, LIVE_QUICK = 12, LIVE_MOST = 100000 };

#define TRIALS_FILE "reports/selfcheck.ndjson"

/* In the order of checked_parts: the fast ones first, and what uses live blocks behind them. */
static const struct part {
    const char *name;
    int (*run)(struct selfcheck *check);
    double fixed_s, per_live_s; /* a guess at its time, for what is left */
    double quick_s;             /* the same for a quick run */
    bool races;                 /* starts processes that are timed */
} parts[] = {
    {"clock", part_clock, 8, 0, 8, true},
    {"symmetry", part_symmetry, 1, 0, 1, false},
    {"mutants", part_mutants, 15, 0, 15, true},
    {"live", part_live, 5, 2.6, 36, true},
    {"rate", part_rate, 2, 0, 2, false},
    {"power", part_power, 5, 2.8, 25, true},
    {"noise", part_noise, 130, 0.7, 12, true},
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* What was asked for. */
struct wish {
    struct names only;
    bool json;
};

static bool is_wanted(const struct wish *wish, const char *part)
{
    return wish->only.count == 0 || names_has(&wish->only, part);
}

static bool check_names(const struct wish *wish)
{
    struct names known = {0};
    bool good = true;
    for (size_t i = 0; i < PARTS; i++)
        names_add(&known, parts[i].name);
    for (size_t i = 0; good && i < wish->only.count; i++) {
        good = names_has(&known, wish->only.items[i]);
        if (!good)
            names_complain(&known, "part", wish->only.items[i]);
    }
    names_free(&known);
    return good;
}

static double later(const struct selfcheck *check, const struct wish *wish, size_t from)
{
    double sum = 0;
    for (size_t i = from; i < PARTS; i++)
        if (is_wanted(wish, parts[i].name))
            sum += check->quick ? parts[i].quick_s
                                : parts[i].fixed_s + parts[i].per_live_s * check->live;
    return sum;
}

/* ---- one part ---- */

static json_t *part_json(const struct selfcheck *check, double seconds)
{
    char date[32];
    journal_time(date);
    char *commit = project_commit(), *build = checked_build(), *machine = checked_machine();
    json_t *part = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:i, s:f, s:O}",
                             "verdict",
                             finding_name(finding_worst(check->findings)),
                             "date",
                             date,
                             "commit",
                             commit,
                             "build",
                             build,
                             "machine",
                             machine,
                             "seed",
                             (json_int_t)check->seed,
                             "quick",
                             check->quick,
                             "live",
                             (int)check->live,
                             "seconds",
                             seconds,
                             "findings",
                             check->findings);
    free(commit);
    free(build);
    free(machine);
    return part;
}

/* Parts that are not asked for keep their earlier result; an unfinished one replaces nothing, but
 * counts as tried. */
static int run_part(struct selfcheck *check, const struct part *part, json_t *results)
{
    check->part = part->name;
    check->findings = json_array();
    check->part_started_s = clock_seconds();
    int rc = checked_begin(part->name);
    if (rc == 0)
        rc = part->run(check);
    double seconds = clock_seconds() - check->part_started_s;
    if (rc == 0) {
        json_t *result = part_json(check, seconds);
        json_object_set_new(results, part->name, result);
        rc = checked_keep(part->name, result);
    }
    json_decref(check->findings);
    check->findings = NULL;
    return rc;
}

static int run_parts(struct selfcheck *check, const struct wish *wish, json_t *results)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < PARTS; i++) {
        if (!is_wanted(wish, parts[i].name))
            continue;
        check->later_s = later(check, wish, i + 1);
        rc = run_part(check, &parts[i], results);
    }
    progress_clear(&check->progress);
    return rc;
}

/* ---- around them ---- */

static enum finding_word worst_of(const json_t *results)
{
    json_t *words = json_array();
    const char *name;
    json_t *part;
    json_object_foreach((json_t *)(uintptr_t)results, name, part) json_array_append_new(
        words, json_pack("{s:s}", "verdict", json_text(part, "verdict", "FAIL")));
    enum finding_word worst = finding_worst(words);
    json_decref(words);
    return worst;
}

static int conclude(const struct selfcheck *check, const struct wish *wish, json_t *results, int rc)
{
    enum finding_word worst = worst_of(results);
    if (wish->json) {
        json_dumpf(results, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (json_object_size(results) > 0) {
        printf("self-check: %s (seed %llu); kept in %s\n",
               worst == FINDING_NOTE ? finding_name(FINDING_PASS) : finding_name(worst),
               (unsigned long long)check->seed,
               CHECKED_FILE);
    }
    if (rc == -EINTR) {
        say_error("stopped; the parts that were finished are kept");
        return EXIT_INTERRUPTED;
    }
    if (rc != 0 || worst == FINDING_FAIL)
        return EXIT_INTERNAL;
    return worst == FINDING_NOISY ? EXIT_UNDECIDED : EXIT_DECIDED;
}

static int open_check(struct selfcheck *check, struct project *project)
{
    char *template = text_format("%s/velo-selfcheck-XXXXXX",
                                 getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    check->project = project;
    progress_init(&check->progress);
    check->scratch = mkdtemp(template);
    if (check->scratch == NULL) {
        say_error("cannot make %s: %s", template, strerror(errno));
        free(template);
        return -errno;
    }
    check->trials = fopen(TRIALS_FILE, "ae");
    if (check->trials == NULL) {
        say_error("cannot write %s: %s", TRIALS_FILE, strerror(errno));
        return -errno;
    }
    return interrupt_init(&check->interrupt);
}

static void close_check(struct selfcheck *check)
{
    interrupt_release(&check->interrupt);
    if (check->trials != NULL)
        fclose(check->trials);
    if (check->scratch != NULL)
        scratch_remove(check->scratch);
    series_free(&check->aa);
    if (check->loaded) {
        scenario_free(&check->scenarios);
        registry_free(&check->registry);
    }
    free(check->scratch);
}

static bool takes_lock(const struct wish *wish)
{
    bool races = false;
    for (size_t i = 0; i < PARTS; i++)
        races |= parts[i].races && is_wanted(wish, parts[i].name);
    return races;
}

static int start(struct selfcheck *check, const struct wish *wish)
{
    struct project project;
    json_t *results = json_object();
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    int status = EXIT_INTERNAL;
    int lock = takes_lock(wish) ? lock_take("selfcheck") : 0;
    if (lock >= 0 && open_check(check, &project) == 0) {
        runs_collect(check);
        int rc = run_parts(check, wish, results);
        status = conclude(check, wish, results, rc);
    }
    close_check(check);
    if (lock > 0)
        close(lock);
    json_decref(results);
    project_close(&project);
    return status;
}

static bool take_seed(const char *given, uint64_t *seed)
{
    if (given != NULL)
        return args_number("seed", given, 0, UINT64_MAX >> 11, seed);
    if (getrandom(seed, sizeof(*seed), 0) != (ssize_t)sizeof(*seed)) {
        say_error("no random number from the kernel: %s; give one with --seed", strerror(errno));
        return false;
    }
    *seed >>= 11;
    return true;
}

int command_selfcheck(int argc, char **argv)
{
    const char *only = "", *live = NULL, *seed = NULL;
    struct selfcheck check = {.interrupt = {.fd = -1}};
    struct wish wish = {0};
    const struct args_option options[] = {
        {"quick",
         NULL,
         "less than two minutes: few tournaments, one cell for power",
         NULL,
         &check.quick},
        {"live", "N", "mini-tournaments of identical code (40); the others follow", &live, NULL},
        {"only", "PART,..", "these parts; the others keep their earlier result", &only, NULL},
        {"seed", "N", "the seed; otherwise from the kernel", &seed, NULL},
        {"json", NULL, "print the result as JSON", NULL, &wish.json},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "selfcheck",
        .summary = "the tournament tested on itself, on this machine, today",
        .options = options,
        .notes = "Parts:\n"
                 "  clock     resolution, order and price of the clock; lateness of the generator\n"
                 "  symmetry  names, order and sides change no verdict on the runs at hand\n"
                 "  mutants   contestants with a fault: out, for the expected reason\n"
                 "  live      mini-tournaments of identical code: nobody may win\n"
                 "  rate      identical code under two labels: is one favoured, is the order fair\n"
                 "  power     slowdowns of 0, 3, 5, 10, 20 %: found, never the wrong way round\n"
                 "  noise     the same beside a process that burns the processor\n\n"
                 "About seven minutes; --live 200 takes half an hour. The result stands in every\n"
                 "report. Exit status: 0 passed, 1 something failed, 3 this machine is too noisy\n"
                 "to see 10 %, 130 stopped, 2 usage.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    uint64_t count = check.quick ? LIVE_QUICK : LIVE_USUAL;
    if ((live != NULL && !args_number("live", live, 1, LIVE_MOST, &count)) ||
        !take_seed(seed, &check.seed))
        return EXIT_USAGE;
    check.live = (unsigned)count;
    check.screen = wish.json ? NULL : stdout;
    names_split(&wish.only, only);
    int status = check_names(&wish) ? start(&check, &wish) : EXIT_USAGE;
    names_free(&wish.only);
    return status;
}
