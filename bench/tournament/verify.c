/* SPDX-License-Identifier: MIT */
/* verify.c - the order of the looks; see verify.h. */
#include "verify.h"

#include "../../reports/history/merge.h"
#include "exit_code.h"
#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static void open_verdict(struct verify *v)
{
    char *path = text_format("%s/verdict.json", v->folder);
    v->verdict = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    v->verdict_line = (size_t)json_int(json_object_get(v->verdict, "run"), "journal_lines", 0);
    free(path);
}

static int open_run(struct verify *v)
{
    char why[1024];
    if (plan_read(&v->plan, v->folder) != 0)
        return -1;
    if (run_dir_read(v->folder, RUN_DIR_NO_JOURNAL, &v->state, why, sizeof(why)) != 0) {
        say_error("%s", why);
        return -1;
    }
    v->costs = text_alloc(v->plan.cell_count * sizeof(*v->costs));
    open_verdict(v);
    return 0;
}

static void close_run(struct verify *v)
{
    for (size_t c = 0; v->costs != NULL && c < v->plan.cell_count; c++) {
        free(v->costs[c].attempts);
        free(v->costs[c].numbers);
        free(v->costs[c].given_up);
        free(v->costs[c].ends);
        free(v->costs[c].places);
    }
    free(v->costs);
    json_decref(v->due);
    json_decref(v->verdict);
    json_decref(v->computed);
    json_decref(v->said);
    json_decref(v->notes);
    run_dir_fini(&v->state);
    plan_free(&v->plan);
}

static int verify_own(struct verify *v, bool pages)
{
    verify_plan(v);
    const bool readable = verify_journal(v);
    if (readable)
        verify_anchor(v);
    const bool whole = readable && !verify_is_cut(v);
    verify_programs(v);
    if (whole) {
        verify_rates(v);
        verify_evidence(v);
        verify_verdict(v);
    }
    v->skipped[VERIFY_VERDICT] |= !whole;
    v->skipped[VERIFY_PAGES] = true;
    if (whole && pages)
        verify_pages(v);
    return verify_answer(v);
}

static int verify_in(const char *folder, const char *base, bool pages)
{
    struct verify v = {.folder = folder,
                       .base = base,
                       .latest = "",
                       .redo_cell = -1,
                       .said = json_array(),
                       .notes = json_array()};
    int status = EXIT_MISMATCH;
    if (open_run(&v) == 0)
        status =
            merge_sources(v.state.plan) != NULL ? verify_merged(&v, pages) : verify_own(&v, pages);
    close_run(&v);
    return status;
}

int verify_run(const char *folder, bool pages)
{
    char *base = text_format("%s/..", folder);
    const int status = verify_in(folder, base, pages);
    free(base);
    return status;
}

int verify_source(const char *folder, const char *base)
{
    return verify_in(folder, base, false);
}
