/* SPDX-License-Identifier: MIT */
/*
 * finish.c - from the journal to the verdict, the report, the last screen and the exit status.
 */
#include "tournament.h"

#include "../../reports/history/history.h"
#include "../../reports/render/report.h"
#include "../../reports/render/verdict.h"
#include "exit_code.h"
#include "finish.h"
#include "json.h"
#include "screen.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int finish_pages(const char *run_dir, bool *verdict_written)
{
    char why[1024] = "";
    *verdict_written = false;
    if (verdict_write(run_dir, why, sizeof(why)) != 0) {
        say_error("%s", why);
        return -1;
    }
    *verdict_written = true;
    if (report_write(run_dir, why, sizeof(why)) != 0) {
        say_error("%s", why);
        say_error("the results are complete all the same (%s/verdict.json, raw.ndjson); "
                  "`velo report %s` writes the report again",
                  run_dir,
                  run_dir);
        return -1;
    }
    return 0;
}

json_t *finish_load_verdict(const char *run_dir)
{
    char *path = text_format("%s/verdict.json", run_dir);
    json_error_t error;
    json_t *verdict = json_load_file(path, 0, &error);
    if (verdict == NULL)
        say_error("%s:%d: %s", path, error.line, error.text);
    free(path);
    return verdict;
}

bool finish_is_distrusted(const json_t *verdict)
{
    const json_t *trust = json_object_get(verdict, "trust");
    return strcmp(json_text(json_object_get(trust, "aa"), "verdict", ""), "DIFFERS") == 0;
}

void finish_show(const json_t *verdict, const char *run_dir)
{
    struct screen screen = {
        .file = stdout,
        .columns = text_columns(STDOUT_FILENO),
        .colour = text_is_fancy(STDOUT_FILENO),
    };
    screen_verdict(&screen, verdict, run_dir);
    screen_prices(stdout, verdict);
    fflush(stdout);
}

/* In the order of precedence of exit_code.h; internal and usage are the caller's. */
static int exit_status(const struct tournament *t, const json_t *verdict, enum tournament_end end)
{
    const json_t *summary = json_object_get(verdict, "summary");
    if (end == END_INTERRUPTED)
        return EXIT_INTERRUPTED;
    if (json_bool(summary, "disqualified", false))
        return EXIT_DISQUALIFIED;
    if (finish_is_distrusted(verdict))
        return EXIT_UNDECIDED;
    if (t->plan.preset->smoke || t->plan.preset->prices || json_bool(summary, "decided", false))
        return EXIT_DECIDED;
    return EXIT_UNDECIDED;
}

static void print_resume(const struct tournament *t)
{
    const char *id = strcmp(t->folder.base, RUN_FOLDER_BASE) == 0 ? t->folder.id : t->folder.path;
    printf("Stopped. Nothing measured is lost; go on with\n  build/velo tournament --resume %s\n",
           id);
}

void finish_remember(const char *runs)
{
    struct history *history;
    char why[1024];
    if (history_open(runs, false, say_message, NULL, &history, why, sizeof(why)) == 0)
        history_close(history);
    else
        say_error("%s; `velo history --rebuild` makes the index again", why);
}

int finish(struct tournament *t, enum tournament_end end, bool make_latest)
{
    bool verdict_written;
    int failed = finish_pages(t->folder.path, &verdict_written);
    if (verdict_written && make_latest && run_folder_make_latest(&t->folder) != 0)
        failed = -1;
    json_t *verdict = verdict_written ? finish_load_verdict(t->folder.path) : NULL;
    int status = EXIT_INTERNAL;
    if (verdict != NULL) {
        finish_show(verdict, t->folder.path);
        status = exit_status(t, verdict, end);
    }
    if (end == END_INTERRUPTED)
        print_resume(t);
    finish_remember(t->folder.base);
    json_decref(verdict);
    return failed != 0 || end == END_ERROR ? EXIT_INTERNAL : status;
}
