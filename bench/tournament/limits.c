/* SPDX-License-Identifier: MIT */
/* limits.c - see limits.h. */
#include "limits.h"

#include "../../reports/judge/judge.h"
#include "child.h"
#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMITS_TIME_MS = 30000 };

json_t *limits_measure(const struct project *project, bool quick, struct interrupt *interrupt)
{
    char *program = text_format("%s/limits", project->build);
    const char *const argv[] = {program, "--json", quick ? "--quick" : NULL, NULL};
    struct child_request request = {
        .argv = argv, .timeout_ms = LIMITS_TIME_MS, .interrupt = interrupt};
    struct child_result result;
    json_t *limits = NULL;
    if (access(program, X_OK) != 0) {
        say_error("%s is not built; the report will have no limits", program);
    } else if (child_run(&request, &result) == 0) {
        json_error_t error;
        limits = json_loads(result.out, 0, &error);
        if (limits == NULL && result.end != CHILD_INTERRUPTED) {
            char *why = child_explain(&result, LIMITS_TIME_MS);
            char *last = text_last_line(result.err);
            say_error("%s --json: %s: %s", program, why, last);
            free(last);
            free(why);
        }
        child_result_free(&result);
    }
    free(program);
    return limits;
}

static const json_t *find(const json_t *limits, const char *id)
{
    size_t index;
    const json_t *limit;
    json_array_foreach(json_object_get(limits, "limits"),
                       index,
                       limit) if (strcmp(json_text(limit, "id", ""), id) == 0) return limit;
    return NULL;
}

double limits_drift(const json_t *first, const json_t *second)
{
    const json_t *list = json_object_get(first, "limits");
    double *ratios = text_alloc(json_array_size(list) * sizeof(*ratios));
    size_t count = 0;
    size_t index;
    const json_t *limit;
    json_array_foreach(list, index, limit)
    {
        double before = json_double(limit, "median", 0);
        double after = json_double(find(second, json_text(limit, "id", "")), "median", 0);
        if (before > 0 && after > 0)
            ratios[count++] = before > after ? before / after : after / before;
    }
    judge_sort(ratios, count);
    double drift = count > 0 ? judge_median(ratios, count) - 1 : -1;
    free(ratios);
    return drift;
}
