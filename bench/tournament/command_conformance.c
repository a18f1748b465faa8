/* SPDX-License-Identifier: MIT */
/* command_conformance.c - `velo conformance`: the matrix clause x contestant, with every reason. */
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "gate.h"
#include "json.h"
#include "names.h"
#include "progress.h"
#include "project.h"
#include "random_suites.h"
#include "registry.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char result_file[] = "build/conformance.json";

/* The heading of a column: the contestant, and the mode unless it is the usual one. */
static char *column_name(const struct gate_sheet *sheet)
{
    return strcmp(sheet->mode, "auto") == 0 ? text_copy(sheet->contestant)
                                            : text_format("%s:%s", sheet->contestant, sheet->mode);
}

/* Groups in the order of the contract, numbers as numbers: S2 before S10. */
static int by_clause(const void *a, const void *b)
{
    static const char groups[] = "LSMRTFAPXO";
    const char *left = *(char *const *)a;
    const char *right = *(char *const *)b;
    const char *left_group = strchr(groups, left[0]);
    const char *right_group = strchr(groups, right[0]);
    if (left[0] != right[0] && left_group != NULL && right_group != NULL)
        return left_group < right_group ? -1 : 1;
    if (left[0] != right[0])
        return left[0] < right[0] ? -1 : 1;
    return atoi(left + 1) - atoi(right + 1);
}

static struct names all_clauses(const struct gate *gate)
{
    struct names clauses = {0};
    for (size_t i = 0; i < gate->count; i++) {
        const char *clause;
        json_t *result;
        json_object_foreach(json_object_get(gate->sheets[i].result, "clauses"),
                            clause,
                            result) if (!names_has(&clauses, clause)) names_add(&clauses, clause);
    }
    if (clauses.count > 1)
        qsort(clauses.items, clauses.count, sizeof(*clauses.items), by_clause);
    return clauses;
}

static void print_result(const char *result, int width, bool colour)
{
    const char *paint = strcmp(result, "pass") == 0   ? "\033[32m"
                        : strcmp(result, "fail") == 0 ? "\033[1;31m"
                        : strcmp(result, "n/a") == 0  ? "\033[2m"
                                                      : "\033[33m";
    printf("%s%*s%s", colour ? paint : "", width, result, colour ? "\033[0m" : "");
}

static void print_panel(const struct gate *gate, size_t from, size_t to, int width)
{
    bool colour = text_is_fancy(STDOUT_FILENO);
    printf("%-7s", "clause");
    for (size_t i = from; i < to; i++) {
        char *name = column_name(&gate->sheets[i]);
        printf("%*s", width, name);
        free(name);
    }
    printf("\n");
    struct names clauses = all_clauses(gate);
    for (size_t c = 0; c < clauses.count; c++) {
        printf("%-7s", clauses.items[c]);
        for (size_t i = from; i < to; i++)
            print_result(json_text(json_object_get(gate->sheets[i].result, "clauses"),
                                   clauses.items[c],
                                   "-"),
                         width,
                         colour);
        printf("\n");
    }
    names_free(&clauses);
}

static void print_matrix(const struct gate *gate)
{
    int width = 11;
    for (size_t i = 0; i < gate->count; i++) {
        char *name = column_name(&gate->sheets[i]);
        if ((int)strlen(name) + 2 > width)
            width = (int)strlen(name) + 2;
        free(name);
    }
    int beside = (text_columns(STDOUT_FILENO) - 7) / width;
    size_t step = beside > 0 ? (size_t)beside : 1;
    for (size_t from = 0; from < gate->count; from += step) {
        print_panel(gate, from, from + step < gate->count ? from + step : gate->count, width);
        printf("\n");
    }
}

static const char *not_run(const struct gate_sheet *sheet)
{
    return json_text(sheet->result, "not_run", "");
}

/* Failures, deviations and what does not apply, in the words of the suite. */
static void print_reasons(const struct gate *gate)
{
    for (size_t i = 0; i < gate->count; i++) {
        const struct gate_sheet *sheet = &gate->sheets[i];
        char *name = column_name(sheet);
        size_t index;
        const json_t *item;
        json_array_foreach(json_object_get(sheet->result, "cases"), index, item)
        {
            const char *result = json_text(item, "result", "");
            if (strcmp(result, "pass") == 0)
                continue;
            printf("%s %s: %s: %s\n",
                   name,
                   json_text(item, "name", ""),
                   result,
                   json_text(item, "reason", ""));
            if (strcmp(result, "fail") == 0)
                printf("  again: %s\n", json_text(item, "reproduce", ""));
        }
        if (not_run(sheet)[0] != '\0')
            printf("%s: NOT RUN: %s\n", name, not_run(sheet));
        if (sheet->result == NULL)
            printf("%s: %s\n  again: %s\n", name, sheet->reason, sheet->reproduce);
        free(name);
    }
}

static const char *word_of(const struct gate_sheet *sheet)
{
    if (sheet->reason[0] != '\0')
        return "REFUSED ";
    return not_run(sheet)[0] != '\0' ? "NOT RUN " : "ADMITTED";
}

/* [absent]: [{contestant, reason}], who was not built. */
static int print_totals(const struct gate *gate, const json_t *absent)
{
    int failed = 0;
    size_t index;
    const json_t *item;
    printf("\n");
    for (size_t i = 0; i < gate->count; i++) {
        const struct gate_sheet *sheet = &gate->sheets[i];
        const json_t *totals = json_object_get(sheet->result, "totals");
        char *name = column_name(sheet);
        printf("%-20s %s  %d pass, %d fail, %d n/a, %d deviation\n",
               name,
               word_of(sheet),
               (int)json_int(totals, "pass", 0),
               (int)json_int(totals, "fail", 0),
               (int)json_int(totals, "na", 0),
               (int)json_int(totals, "deviation", 0));
        failed += sheet->reason[0] != '\0';
        free(name);
    }
    json_array_foreach(absent, index, item) printf(
        "%-20s NOT RUN   %s\n", json_text(item, "contestant", ""), json_text(item, "reason", ""));
    return failed;
}

static void tell(void *user, const struct gate_sheet *sheet)
{
    struct progress *progress = user;
    progress_status(progress,
                    "%s %s: %s",
                    sheet->contestant,
                    sheet->mode,
                    sheet->reason[0] != '\0'    ? sheet->reason
                    : not_run(sheet)[0] != '\0' ? not_run(sheet)
                                                : "passed");
}

static int run_suites(const struct registry *registry, const struct names *wanted, bool as_json)
{
    const bool all = wanted->count == registry->count;
    struct interrupt interrupt;
    struct progress progress;
    struct gate gate = {0};
    progress_init(&progress);
    if (interrupt_init(&interrupt) != 0)
        return EXIT_INTERNAL;
    for (size_t i = 0; i < wanted->count; i++)
        gate_add(&gate, wanted->items[i], "auto");
    int rc = gate_run(&gate, registry, &interrupt, tell, &progress);
    if (rc == 0 && !gate.interrupted) {
        gate_add_modes(&gate);
        rc = gate_run(&gate, registry, &interrupt, tell, &progress);
    }
    progress_clear(&progress);
    int status = rc != 0 ? EXIT_INTERNAL : gate.interrupted ? EXIT_INTERRUPTED : EXIT_DECIDED;
    if (status == EXIT_DECIDED) {
        json_t *sheets = gate_json(&gate);
        json_object_set_new(sheets, "absent", all ? registry_absent_json(registry) : json_array());
        char *text = as_json ? json_dumps(sheets, JSON_INDENT(1)) : NULL;
        if (json_write_file(sheets, result_file) != 0)
            status = EXIT_INTERNAL;
        if (as_json)
            printf("%s\n", text);
        else {
            print_matrix(&gate);
            print_reasons(&gate);
            if (print_totals(&gate, json_object_get(sheets, "absent")) > 0)
                status = EXIT_DISQUALIFIED;
            printf("\nas JSON: %s\n", result_file);
        }
        free(text);
        json_decref(sheets);
    }
    for (size_t i = 0; status == EXIT_DECIDED && i < gate.count; i++)
        if (gate.sheets[i].reason[0] != '\0')
            status = EXIT_DISQUALIFIED;
    gate_free(&gate);
    return status;
}

/* --random and --seed as numbers; the seed comes from the clock unless it is given. */
static bool take_random(const char *random, const char *seed, uint64_t *count, uint64_t *first)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *first = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    *count = 0;
    return (random == NULL || args_number("random", random, 1, UINT64_MAX, count)) &&
           (seed == NULL || args_number("seed", seed, 0, UINT64_MAX, first));
}

int command_conformance(int argc, char **argv)
{
    const char *impl = "", *extra = "", *random = NULL, *seed = NULL;
    bool as_json = false;
    uint64_t count, first;
    const struct args_option options[] = {
        {"impl", "A,B", "these contestants; otherwise all", &impl, NULL},
        {"only", "A,B", "the same", &impl, NULL},
        {"extra", "DIR,..", "more contestants: directories with their programs", &extra, NULL},
        {"json", NULL, "as JSON on stdout", NULL, &as_json},
        {"random", "N", "instead: N random programs against the model", &random, NULL},
        {"seed", "N", "the seed of the first one; otherwise from the clock", &seed, NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "conformance",
        .summary =
            "the matrix clause x contestant, in each fast path mode that a contestant declares",
        .options = options,
        .notes = "Exit status 4: some contestant fails. The result is also written to "
                 "build/conformance.json.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    if (!take_random(random, seed, &count, &first))
        return EXIT_USAGE;
    struct project project;
    struct registry registry = {0};
    struct names more = {0}, wanted = {0};
    names_split(&more, extra);
    names_split(&wanted, impl);
    int status = EXIT_INTERNAL;
    if (project_open(&project) == 0 && registry_load(&registry, &project, &more) == 0) {
        struct names known = registry_names(&registry);
        status = EXIT_DECIDED;
        for (size_t i = 0; status == EXIT_DECIDED && i < wanted.count; i++)
            if (!names_has(&known, wanted.items[i])) {
                registry_complain(&registry, wanted.items[i]);
                status = EXIT_USAGE;
            }
        const struct names *chosen = wanted.count > 0 ? &wanted : &known;
        if (status == EXIT_DECIDED)
            status = count > 0 ? random_suites_run(&registry, chosen, count, first)
                               : run_suites(&registry, chosen, as_json);
        names_free(&known);
    }
    registry_free(&registry);
    names_free(&more);
    names_free(&wanted);
    project_close(&project);
    return status;
}
