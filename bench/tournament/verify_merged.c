/* SPDX-License-Identifier: MIT */
/*
 * verify_merged.c - a merged run: each source is verified by itself, then the plan and the journal
 * are made again from the sources and held against those that stand there, then the verdict.
 *
 * Orders, costs, redo decisions and the gate are the sources' own; the merged journal repeats their
 * lines and nothing else.
 */
#include "verify.h"

#include "../../reports/history/merge.h"
#include "exit_code.h"
#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* ---- the sources ---- */

static int verify_sources(const struct verify *v)
{
    int status = EXIT_DECIDED;
    size_t index;
    const json_t *source;
    json_array_foreach(merge_sources(v->state.plan), index, source)
    {
        char *path = text_format("%s/" MERGE_SOURCES "/%s", v->folder, json_text(source, "id", ""));
        const int one = verify_source(path, v->base);
        if (one != EXIT_DECIDED)
            status = one;
        printf("\n");
        free(path);
    }
    return status;
}

static json_t *plan_again(const struct verify *v)
{
    const json_t *list = merge_sources(v->state.plan);
    const size_t count = json_array_size(list);
    struct record *sources = text_alloc((count + 1) * sizeof(*sources));
    json_t *plan = NULL, *cells = NULL;
    char why[1024] = "";
    size_t opened = 0;
    int rc = 0;
    for (; rc == 0 && opened < count; opened += rc == 0) {
        char *path = text_format("%s/" MERGE_SOURCES "/%s",
                                 v->folder,
                                 json_text(json_array_get(list, opened), "id", ""));
        rc = record_open(path, &sources[opened], why, sizeof(why));
        free(path);
    }
    if (rc == 0)
        rc = merge_plan(sources, count, true, &plan, &cells, why, sizeof(why));
    if (rc != 0)
        say_error("%s", why);
    for (size_t i = 0; i < opened; i++)
        record_close(&sources[i]);
    json_decref(cells);
    free(sources);
    return plan;
}

/* ---- the plan ---- */

/* When it was made, what else was known then, and the seals, which are looked at by themselves. */
static bool is_free(const char *key)
{
    return strcmp(key, "created") == 0 || strcmp(key, "sealed") == 0 || strcmp(key, "merged") == 0;
}

static void check_plan(struct verify *v)
{
    const struct verify_place here = {"plan.json", 0, "merged"};
    json_t *again = plan_again(v);
    v->part = VERIFY_PLAN;
    if (!verify_holds(v,
                      again != NULL,
                      here,
                      "these sources",
                      "sources that can be merged",
                      "they do not fit together"))
        return;
    const char *key;
    json_t *value;
    json_object_foreach(again, key, value)
    {
        if (!is_free(key))
            verify_same(v,
                        (struct verify_place){"plan.json", 0, key},
                        json_object_get(v->state.plan, key),
                        json_incref(value),
                        "does not follow from the plans of the sources");
    }
    json_object_foreach(v->state.plan, key, value)
    {
        if (!is_free(key))
            verify_holds(v,
                         json_object_get(again, key) != NULL,
                         (struct verify_place){"plan.json", 0, key},
                         "there",
                         "nothing under this key",
                         "does not follow from the plans of the sources");
    }
    verify_same(v,
                (struct verify_place){"plan.json", 0, "merged.sources"},
                (json_t *)(uintptr_t)merge_sources(v->state.plan),
                json_incref((json_t *)(uintptr_t)merge_sources(again)),
                "not what the sources say of themselves");
    json_decref(again);
}

/* ---- the journal ---- */

static bool check_journal(struct verify *v)
{
    size_t size;
    char why[1024] = "";
    char *again = NULL, *path = text_format("%s/raw.ndjson", v->folder);
    char *there = text_read_file(path, NULL);
    const char *ours, *theirs;
    const int rc = merge_journal(v->folder, &again, &size, why, sizeof(why));
    v->part = VERIFY_CHAIN;
    if (rc != 0)
        verify_note(v, "%s", why);
    const bool same = rc == 0 && there != NULL && strcmp(again, there) == 0;
    const size_t line =
        rc == 0 && there != NULL ? verify_first_difference(again, there, &ours, &theirs) : 0;
    verify_holds(v,
                 same,
                 (struct verify_place){"raw.ndjson", line, "line"},
                 there != NULL ? "this line" : "nothing",
                 rc == 0 ? "the line that the sources give" : "nothing, for a source does not hold",
                 "the journal of a merged run is what follows from its sources");
    free(again);
    free(there);
    free(path);
    return same;
}

/* The state and the verdict of the whole journal. */
static bool judge_again(struct verify *v)
{
    char why[1024] = "";
    run_dir_fini(&v->state);
    int rc = run_dir_read(v->folder, RUN_DIR_TORN_OK, &v->state, why, sizeof(why));
    if (rc == 0)
        rc = verdict_build(&v->state, &v->computed, why, sizeof(why));
    if (rc != 0)
        verify_note(v, "%s", why);
    v->line = v->state.lines;
    return rc == 0;
}

int verify_merged(struct verify *v, bool pages)
{
    static const enum verify_part of_sources[] = {
        VERIFY_GATE, VERIFY_ORDER, VERIFY_COSTS, VERIFY_REDO, VERIFY_EVIDENCE};
    const int sources = verify_sources(v);
    for (size_t i = 0; i < sizeof(of_sources) / sizeof(of_sources[0]); i++)
        v->skipped[of_sources[i]] = true;
    verify_note(v, "a merged run: what is not compared here was compared in its sources above");
    verify_plan(v);
    check_plan(v);
    const bool whole = check_journal(v) && judge_again(v);
    if (whole)
        verify_verdict(v);
    v->skipped[VERIFY_VERDICT] |= !whole;
    v->skipped[VERIFY_PAGES] = true;
    if (whole && pages)
        verify_pages(v);
    const int status = verify_answer(v);
    if (sources != EXIT_DECIDED)
        printf("FAIL: a source differs, see above\n");
    return sources != EXIT_DECIDED ? sources : status;
}
