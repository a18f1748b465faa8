/* SPDX-License-Identifier: MIT */
/*
 * What the suite tells: a line per case, the output of failed ones with the command that repeats
 * them, the matrix of clauses, the totals, and the same as JSON.
 *
 * A clause is as bad as its worst case: fail, then deviation, then pass, then n/a.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

static const char groups[] = "LSMRTFAPXO";
enum { OUTPUT_LINES = 120, CLAUSES_PER_GROUP = 24, GROUPS = sizeof groups - 1 };

/* The worst result of each clause; CONF_NOT_RUN = no case ran for it. */
struct matrix {
    enum conf_verdict worst[GROUPS][CLAUSES_PER_GROUP];
    unsigned widest; /* highest clause number in use */
};

struct totals {
    unsigned pass, fail, na, deviation;
};

static bool use_colour(void)
{
    const char *refused = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (refused == NULL || refused[0] == '\0');
}

const char *conf_verdict_name(enum conf_verdict verdict)
{
    static const char *const names[] = {"-", "pass", "fail", "n/a", "deviation"};
    return names[verdict];
}

const char *conf_mode_name(enum velo_fast_path mode)
{
    static const char *const names[] = {"auto", "forced", "disabled"};
    return names[mode];
}

/* [width] counts the visible characters; the colour codes come on top. */
static void print_verdict(enum conf_verdict verdict, int width)
{
    static const char *const colours[] = {
        "\033[2m", "\033[32m", "\033[1;31m", "\033[2m", "\033[33m"};
    const char *name = verdict == CONF_DEVIATION ? "dev" : conf_verdict_name(verdict);
    if (use_colour())
        printf("%s%-*s\033[0m", colours[verdict], width, name);
    else
        printf("%-*s", width, name);
}

void conf_reproduce(const struct conf_request *request,
                    const struct conf_result *result,
                    char *out,
                    size_t size)
{
    snprintf(out,
             size,
             "%s --filter %s --mode %s --seed %llu%s",
             request->program,
             result->entry->name,
             conf_mode_name(request->mode),
             (unsigned long long)result->seed,
             request->self_test ? " --self-test" : "");
}

/* ---- while it runs ---- */

void conf_report_begin(const struct conf_request *request)
{
    const struct velo_impl *impl = velo_impl();
    printf("%s (%s, version %s): %s\nmode %s, seed %llu\n\n",
           impl->name,
           impl->kind,
           impl->version,
           impl->summary,
           conf_mode_name(request->mode),
           (unsigned long long)request->seed);
}

/* cmocka's frame around a single test says nothing new. */
static bool is_frame(const char *line, size_t length)
{
    static const char *const frames[] = {"[====",
                                         "[ RUN",
                                         "[  PASSED",
                                         "[  FAILED",
                                         "[       OK",
                                         "[  ERROR   ] --- [",
                                         " 1 FAILED TEST(S)"};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
        if (length >= strlen(frames[i]) && strncmp(line, frames[i], strlen(frames[i])) == 0)
            return true;
    return false;
}

/* The last lines: a case that fails says so at the end. */
static void print_output(const char *output, const char *reason)
{
    const char *end = output + strlen(output);
    const char *start = end;
    for (int lines = 0; start > output && lines < OUTPUT_LINES; lines++)
        for (start--; start > output && start[-1] != '\n'; start--)
            ;
    if (start > output)
        printf("      | (earlier output is left out)\n");
    output = start;
    while (*output != '\0') {
        int length = (int)strcspn(output, "\n");
        bool told = strncmp(output, reason, (size_t)length) == 0;
        if (length > 0 && !told && !is_frame(output, (size_t)length))
            printf("      | %.*s\n", length, output);
        output += length + (output[length] == '\n');
    }
}

void conf_report_case(const struct conf_request *request, const struct conf_result *result)
{
    bool failed = result->verdict == CONF_FAIL;
    if (request->quiet && !failed)
        return;
    printf("  ");
    print_verdict(result->verdict, 5);
    printf("%7.0f ms  %-10s %s\n", result->ms, result->entry->clauses, result->entry->name);
    if (request->self_test) /* its failures are what it is for */
        return;
    if (result->verdict == CONF_NA || result->verdict == CONF_DEVIATION)
        printf("      | %s\n", result->reason);
    if (failed) {
        char command[512];
        conf_reproduce(request, result, command, sizeof command);
        printf("      | %s\n", result->reason);
        if (result->output != NULL)
            print_output(result->output, result->reason);
        printf("      again: %s\n", command);
    }
    fflush(stdout);
}

/* ---- at the end ---- */

static enum conf_verdict worse(enum conf_verdict a, enum conf_verdict b)
{
    static const int badness[] = {
        [CONF_NOT_RUN] = 0, [CONF_NA] = 1, [CONF_PASS] = 2, [CONF_DEVIATION] = 3, [CONF_FAIL] = 4};
    return badness[a] > badness[b] ? a : b;
}

static void matrix_add(struct matrix *matrix, const struct conf_result *result)
{
    char list[64], *rest = list;
    snprintf(list, sizeof list, "%s", result->entry->clauses);
    for (char *clause; (clause = strsep(&rest, " ")) != NULL;) {
        const char *group = clause[0] != '\0' ? strchr(groups, clause[0]) : NULL;
        unsigned long number = group != NULL ? strtoul(clause + 1, NULL, 10) : 0;
        if (number == 0 || number >= CLAUSES_PER_GROUP)
            continue;
        enum conf_verdict *cell = &matrix->worst[group - groups][number];
        *cell = worse(*cell, result->verdict);
        if (number > matrix->widest)
            matrix->widest = (unsigned)number;
    }
}

static void totals_add(struct totals *totals, enum conf_verdict verdict)
{
    totals->pass += verdict == CONF_PASS;
    totals->fail += verdict == CONF_FAIL;
    totals->na += verdict == CONF_NA;
    totals->deviation += verdict == CONF_DEVIATION;
}

static void print_matrix(const struct matrix *matrix)
{
    printf("\nclause");
    for (unsigned number = 1; number <= matrix->widest; number++)
        printf(" %-5u", number);
    printf("\n");
    for (unsigned group = 0; group < GROUPS; group++) {
        bool used = false;
        for (unsigned number = 1; number <= matrix->widest; number++)
            used = used || matrix->worst[group][number] != CONF_NOT_RUN;
        if (!used)
            continue;
        printf("%-6c", groups[group]);
        for (unsigned number = 1; number <= matrix->widest; number++) {
            printf(" ");
            print_verdict(matrix->worst[group][number], 5);
        }
        printf("\n");
    }
}

void conf_report_end(const struct conf_request *request,
                     const struct conf_result *results,
                     size_t count)
{
    struct matrix matrix = {.widest = 0};
    struct totals totals = {0};
    for (size_t i = 0; i < count; i++) {
        matrix_add(&matrix, &results[i]);
        totals_add(&totals, results[i].verdict);
    }
    if (!request->quiet)
        print_matrix(&matrix);
    if (totals.fail > 0) {
        printf("\nfailed:\n");
        for (size_t i = 0; i < count; i++)
            if (results[i].verdict == CONF_FAIL)
                printf("  %s (%s): %s\n",
                       results[i].entry->name,
                       results[i].entry->clauses,
                       results[i].reason);
    }
    printf("\n%u n/a, %u deviations\n%u passed, %u failed\n",
           totals.na,
           totals.deviation,
           totals.pass,
           totals.fail);
}

/* ---- JSON ---- */

static json_t *clauses_array(const char *clauses)
{
    json_t *array = json_array();
    char list[64], *rest = list;
    snprintf(list, sizeof list, "%s", clauses);
    for (char *clause; (clause = strsep(&rest, " ")) != NULL;)
        json_array_append_new(array, json_string(clause));
    return array;
}

static json_t *capabilities_array(uint64_t capabilities)
{
    json_t *array = json_array();
    for (unsigned bit = 0; conf_capability_name(bit) != NULL; bit++)
        if ((capabilities >> bit & 1) != 0)
            json_array_append_new(array, json_string(conf_capability_name(bit)));
    return array;
}

static json_t *case_object(const struct conf_request *request, const struct conf_result *result)
{
    char command[512];
    conf_reproduce(request, result, command, sizeof command);
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(result->entry->name));
    json_object_set_new(object, "clauses", clauses_array(result->entry->clauses));
    json_object_set_new(object, "result", json_string(conf_verdict_name(result->verdict)));
    json_t *reason = json_string(result->reason);
    json_object_set_new(object, "reason", reason != NULL ? reason : json_string("(not UTF-8)"));
    json_object_set_new(object, "ms", json_real(result->ms));
    json_object_set_new(object, "reproduce", json_string(command));
    return object;
}

static json_t *clauses_object(const struct matrix *matrix)
{
    json_t *object = json_object();
    for (unsigned group = 0; group < GROUPS; group++) {
        for (unsigned number = 1; number <= matrix->widest; number++) {
            enum conf_verdict worst = matrix->worst[group][number];
            char key[16];
            snprintf(key, sizeof key, "%c%u", groups[group], number);
            if (worst != CONF_NOT_RUN)
                json_object_set_new(object, key, json_string(conf_verdict_name(worst)));
        }
    }
    return object;
}

int conf_report_json(const struct conf_request *request,
                     const struct conf_result *results,
                     size_t count)
{
    const struct velo_impl *impl = velo_impl();
    struct matrix matrix = {.widest = 0};
    struct totals totals = {0};
    json_t *cases = json_array();
    for (size_t i = 0; i < count; i++) {
        matrix_add(&matrix, &results[i]);
        totals_add(&totals, results[i].verdict);
        json_array_append_new(cases, case_object(request, &results[i]));
    }
    json_t *root = json_object();
    json_object_set_new(root, "schema", json_integer(1));
    json_object_set_new(root, "contestant", json_string(impl->name));
    json_object_set_new(root, "version", json_string(impl->version));
    json_object_set_new(root, "kind", json_string(impl->kind));
    json_object_set_new(root, "capabilities", capabilities_array(impl->capabilities));
    if (request->not_run != NULL)
        json_object_set_new(root, "not_run", json_string(request->not_run));
    json_object_set_new(root, "mode", json_string(conf_mode_name(request->mode)));
    char seed[32]; /* as text: JSON numbers end at 2^53 */
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)request->seed);
    json_object_set_new(root, "seed", json_string(seed));
    json_object_set_new(root, "cases", cases);
    json_object_set_new(root, "clauses", clauses_object(&matrix));
    json_object_set_new(root,
                        "totals",
                        json_pack("{s:i,s:i,s:i,s:i}",
                                  "pass",
                                  (int)totals.pass,
                                  "fail",
                                  (int)totals.fail,
                                  "na",
                                  (int)totals.na,
                                  "deviation",
                                  (int)totals.deviation));
    int rc = json_dump_file(root, request->json_path, JSON_INDENT(2));
    json_decref(root);
    if (rc == 0)
        return 0;
    int error = errno;
    fprintf(stderr,
            "conformance: cannot write %s: %s; name a file in a folder that exists\n",
            request->json_path,
            strerror(error));
    return -error;
}
