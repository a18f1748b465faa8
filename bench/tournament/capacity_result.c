/* SPDX-License-Identifier: MIT */
/* capacity_result.c - what a search for capacities came to: words, capacity.json, the table. */
#include "capacity_hunt.h"

#include "env.h"
#include "exit_code.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *word_of(const struct hunt *hunt, const struct runner_state *runner)
{
    const struct capacity *search = &runner->search;
    if (runner->out != NULL)
        return "OUT";
    if (2 * runner->late > runner->failed && runner->failed > 0)
        return "GENERATOR LIMIT";
    return search->low > 0 && search->high / search->low <= 1 + hunt->request->precision ? "FOUND"
                                                                                         : "WIDE";
}

static json_t *number(double value)
{
    return isfinite(value) && value > 0 ? json_real(value) : json_null();
}

static json_t *result_row(const struct hunt *hunt, size_t entry)
{
    const struct runner_state *runner = &hunt->runners[entry];
    return json_pack("{s:s, s:o, s:o, s:o, s:i, s:i, s:i, s:s, s:s, s:s}",
                     "contestant",
                     hunt->plan.entries[entry].name,
                     "rate",
                     number(capacity_estimate(&runner->search)),
                     "low",
                     number(runner->search.low),
                     "high",
                     number(runner->search.high),
                     "runs",
                     (int)runner->search.count,
                     "failed",
                     (int)runner->failed,
                     "generator_late",
                     (int)runner->late,
                     "word",
                     word_of(hunt, runner),
                     "reason",
                     runner->out != NULL ? runner->out : "",
                     "reproduce",
                     runner->again != NULL ? runner->again : "");
}

static json_t *result_json(const struct hunt *hunt)
{
    json_t *result = capacity_plan(hunt), *env = env_describe(&hunt->doctor);
    json_t *rows = json_array();
    for (size_t e = 0; e < hunt->plan.entry_count; e++)
        json_array_append_new(rows, result_row(hunt, e));
    json_object_del(result, "entries");
    json_object_set(result, "overrides", json_object_get(env, "overrides"));
    json_decref(env);
    json_object_set_new(result, "id", json_string(hunt->folder.id));
    json_object_set_new(result, "contestants", rows);
    json_object_set_new(result, "runs", json_integer((json_int_t)hunt->runs));
    json_object_set_new(result, "disturbed", json_integer((json_int_t)hunt->disturbed));
    json_object_set_new(result, "blocks", json_integer((json_int_t)hunt->blocks));
    json_object_set_new(result, "redone", json_integer((json_int_t)hunt->redone));
    return result;
}

void capacity_print(const json_t *result)
{
    size_t index;
    const json_t *row;
    printf(
        "Highest rate whose p99 stays below %g us (%s, from the time at which a task was due):\n\n",
        json_double(result, "limit_ns", 0) / 1e3,
        json_text(result, "scenario", ""));
    json_array_foreach(json_object_get(result, "overrides"), index, row)
    {
        printf("Override: %s\n", json_string_value(row));
    }
    printf("%-20s %12s  %-24s %5s  %s\n", "contestant", "tasks/s", "interval", "runs", "word");
    json_array_foreach(json_object_get(result, "contestants"), index, row)
    {
        double low = json_double(row, "low", 0), high = json_double(row, "high", INFINITY);
        char *interval = isinf(high) ? text_format("%.0f and more", low)
                                     : text_format("%.0f to %.0f", low, high);
        char *rate = isfinite(json_double(row, "rate", NAN))
                         ? text_format("%.0f", json_double(row, "rate", NAN))
                         : text_copy("-");
        printf("%-20s %12s  %-24s %5d  %s%s%s\n",
               json_text(row, "contestant", ""),
               rate,
               interval,
               (int)json_int(row, "runs", 0),
               json_text(row, "word", ""),
               json_text(row, "reason", "")[0] != '\0' ? ": " : "",
               json_text(row, "reason", ""));
        free(rate);
        free(interval);
    }
    printf(
        "\nThe interval covers the rate at which half of the runs hold the limit with 95 %%. WIDE: "
        "give\nmore time with --resume %s. GENERATOR LIMIT: most runs that failed had a generator\n"
        "that was late itself; the loop may stand more. %d of %d blocks were disturbed by others "
        "and\n"
        "done again; %d of the %d runs that count were disturbed all the same.\n",
        json_text(result, "id", ""),
        (int)json_int(result, "redone", 0),
        (int)(json_int(result, "redone", 0) + json_int(result, "blocks", 0)),
        (int)json_int(result, "disturbed", 0),
        (int)json_int(result, "runs", 0));
}

int capacity_conclude(struct hunt *hunt, int rc)
{
    json_t *result = result_json(hunt);
    char *path = run_folder_file(&hunt->folder, "capacity.json");
    int status = EXIT_DECIDED;
    for (size_t e = 0; e < hunt->plan.entry_count; e++) {
        const char *word = word_of(hunt, &hunt->runners[e]);
        if (strcmp(word, "OUT") == 0)
            status = EXIT_DISQUALIFIED;
        else if (strcmp(word, "FOUND") != 0 && status == EXIT_DECIDED)
            status = EXIT_UNDECIDED;
    }
    if (json_write_file(result, path) != 0)
        status = EXIT_INTERNAL;
    if (hunt->request->json)
        json_dumpf(result, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    else
        capacity_print(result);
    printf("\n");
    fprintf(stderr, "result: %s\n", path);
    free(path);
    json_decref(result);
    if (rc == -EINTR)
        return EXIT_INTERRUPTED;
    return rc != 0 ? EXIT_INTERNAL : status;
}
