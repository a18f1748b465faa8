/* SPDX-License-Identifier: MIT */
/* anchor.c - see anchor.h. */
#include "anchor.h"

#include "../../reports/render/run_dir.h"
#include "json.h"
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int anchor_add(const char *base, const char *plan_sha256, size_t lines, const char *sha256)
{
    char plan[RUN_DIR_PLAN_PREFIX + 1];
    snprintf(plan, sizeof(plan), "%.*s", RUN_DIR_PLAN_PREFIX, plan_sha256);
    char *path = text_format("%s/" ANCHOR_FILE, base);
    json_t *anchor =
        json_pack("{s:s, s:I, s:s}", "plan", plan, "lines", (json_int_t)lines, "sha256", sha256);
    const int rc = json_append_line(anchor, path);
    json_decref(anchor);
    free(path);
    return rc;
}

/* The last anchor of the plan, a new reference; NULL where there is none. The file holds those of
 * all runs, so lines are looked into only where the plan stands; one that a crash tore is none. */
static json_t *find_last(const char *base, const char *plan_sha256)
{
    char *path = text_format("%s/" ANCHOR_FILE, base);
    FILE *file = fopen(path, "re");
    char plan[RUN_DIR_PLAN_PREFIX + 1], *line = NULL;
    size_t room = 0;
    json_t *last = NULL;
    snprintf(plan, sizeof(plan), "%.*s", RUN_DIR_PLAN_PREFIX, plan_sha256);
    while (file != NULL && getline(&line, &room, file) >= 0) {
        json_t *anchor = strstr(line, plan) != NULL ? json_loads(line, 0, NULL) : NULL;
        if (strcmp(json_text(anchor, "plan", ""), plan) == 0) {
            json_decref(last);
            last = json_incref(anchor);
        }
        json_decref(anchor);
    }
    if (file != NULL)
        fclose(file);
    free(line);
    free(path);
    return last;
}

/* Has the journal a line [number], from 1, with this hash? */
static bool has_line(const char *run_dir, size_t number, const char *sha256)
{
    char *path = text_format("%s/raw.ndjson", run_dir);
    FILE *file = fopen(path, "re");
    char *line = NULL, hash[RUN_DIR_SHA_HEX] = "";
    size_t room = 0, at = 0;
    while (file != NULL && at < number) {
        const ssize_t size = getline(&line, &room, file);
        if (size <= 0 || line[size - 1] != '\n')
            break;
        if (++at == number)
            run_dir_sha256(line, (size_t)size - 1, hash);
    }
    if (file != NULL)
        fclose(file);
    free(line);
    free(path);
    return at == number && strcmp(hash, sha256) == 0;
}

enum anchor_state
anchor_check(const char *base, const char *run_dir, const char *plan_sha256, size_t *lines)
{
    json_t *anchor = find_last(base, plan_sha256);
    *lines = (size_t)json_int(anchor, "lines", 0);
    const bool holds = has_line(run_dir, *lines, json_text(anchor, "sha256", ""));
    const enum anchor_state found = anchor == NULL ? ANCHOR_NONE
                                    : holds        ? ANCHOR_HOLDS
                                                   : ANCHOR_BROKEN;
    json_decref(anchor);
    return found;
}
