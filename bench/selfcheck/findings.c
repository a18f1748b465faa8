/* SPDX-License-Identifier: MIT */
/* findings.c - what a part found, said and kept; and the line that tells how long it still takes.
 */
#include "selfcheck.h"

#include "../tournament/clock.h"
#include "../tournament/text.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"PASS", "NOTE", "NOT RUN", "NOISY", "FAIL"};

const char *finding_name(enum finding_word word)
{
    return names[word];
}

void finding_add(
    struct selfcheck *check, enum finding_word word, const char *limit, const char *format, ...)
{
    char *figure = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&figure, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    progress_clear(&check->progress);
    if (check->screen != NULL) {
        fprintf(check->screen,
                "%-8s %-9s %s%s%s\n",
                names[word],
                check->part,
                figure,
                *limit != '\0' ? "; limit: " : "",
                limit);
        fflush(check->screen);
    }
    json_array_append_new(
        check->findings,
        json_pack("{s:s, s:s, s:s}", "verdict", names[word], "figure", figure, "limit", limit));
    free(figure);
}

enum finding_word finding_of_count(size_t seen, size_t trials, char limit[FINDING_LIMIT])
{
    size_t most = chance_limit(trials, SELFCHECK_ALPHA);
    bool can_fail = chance_can_fail(trials, most);
    snprintf(limit,
             FINDING_LIMIT,
             "%zu, the exact bound for a rate of 5 %%%s",
             most,
             can_fail ? "" : " (too few to fail)");
    if (seen > most)
        return FINDING_FAIL;
    return can_fail ? FINDING_PASS : FINDING_NOT_RUN;
}

void finding_detail(struct selfcheck *check, const char *key, json_t *value)
{
    size_t count = json_array_size(check->findings);
    if (count > 0)
        json_object_set_new(json_array_get(check->findings, count - 1), key, value);
    else
        json_decref(value);
}

enum finding_word finding_worst(const json_t *findings)
{
    size_t index;
    const json_t *finding;
    size_t worst = json_array_size(findings) > 0 ? FINDING_PASS : FINDING_NOT_RUN;
    json_array_foreach(findings, index, finding)
    {
        const char *verdict = json_string_value(json_object_get(finding, "verdict"));
        for (size_t word = worst + 1; word < FINDING_WORDS; word++)
            if (verdict != NULL && strcmp(verdict, names[word]) == 0)
                worst = word;
    }
    return (enum finding_word)worst;
}

void selfcheck_step(struct selfcheck *check, size_t done, size_t all, const char *what)
{
    char left[16];
    double spent_s = clock_seconds() - check->part_started_s;
    double rest_s = done > 0 ? spent_s / (double)done * (double)(all - done) : 0;
    progress_time(rest_s + check->later_s, left);
    progress_status(&check->progress,
                    "%s left  self-check, part %s  %zu/%zu  %s",
                    done > 0 ? left : "?",
                    check->part,
                    done,
                    all,
                    what);
}

bool selfcheck_stopped(struct selfcheck *check)
{
    return interrupt_seen(&check->interrupt);
}

uint64_t selfcheck_seed(const struct selfcheck *check, const char *purpose, size_t number)
{
    uint64_t state = check->seed;
    for (const char *c = purpose; *c != '\0'; c++)
        state = chance_word(&state) ^ (uint64_t)(unsigned char)*c;
    state += number;
    return chance_word(&state) >> 11; /* 53 bits: exact in every JSON reader */
}

int selfcheck_load(struct selfcheck *check)
{
    if (check->loaded)
        return 0;
    progress_status(&check->progress, "self-check, part %s: asking what can be run", check->part);
    int rc = registry_load(&check->registry, check->project, NULL);
    if (rc == 0)
        rc = scenario_load(&check->scenarios, &check->registry);
    check->loaded = rc == 0;
    return rc;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path) == 0 ? 0 : -1;
}

void scratch_remove(const char *scratch)
{
    nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
