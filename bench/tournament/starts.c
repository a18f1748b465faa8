/* SPDX-License-Identifier: MIT */
/* starts.c - see starts.h. */
#include "starts.h"

#include "journal.h"
#include "json.h"
#include "project.h"
#include "text.h"

#include <sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUESTION_DIGITS = 16 };

static char *index_path(const char *base)
{
    return text_format("%s/index.ndjson", base);
}

int starts_add(const char *base, const char *id, const char *preset, const char *question)
{
    char now[32];
    journal_time(now);
    char *path = index_path(base), *commit = project_commit();
    json_t *start = json_pack("{s:s, s:s, s:s, s:s, s:s}",
                              "id",
                              id,
                              "preset",
                              preset,
                              "started",
                              now,
                              "commit",
                              commit,
                              "question",
                              question);
    const int rc = json_append_line(start, path);
    json_decref(start);
    free(commit);
    free(path);
    return rc;
}

/* A tree with changes counts as the commit that it was changed from. */
static bool is_same(const json_t *a, const json_t *b)
{
    const char *left = json_text(a, "commit", ""), *right = json_text(b, "commit", "");
    const size_t length = strcspn(left, "-");
    return json_text(b, "question", "")[0] != '\0' &&
           strcmp(json_text(a, "question", ""), json_text(b, "question", "")) == 0 &&
           length == strcspn(right, "-") && strncmp(left, right, length) == 0;
}

static void count_start(json_t *count, const char *key)
{
    json_object_set_new(count, key, json_integer(json_int(count, key, 0) + 1));
}

static void look_at_folder(json_t *count, const char *base, const char *id)
{
    char *folder = text_format("%s/%s", base, id);
    char *verdict = text_format("%s/verdict.json", folder);
    count_start(count, "starts");
    if (access(folder, F_OK) != 0)
        count_start(count, "gone");
    else if (access(verdict, F_OK) != 0)
        count_start(count, "unfinished");
    free(verdict);
    free(folder);
}

/* The lines up to that of [id], which is the last one; NULL without it. */
static json_t *read_up_to(const char *base, const char *id)
{
    char *path = index_path(base);
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    json_t *starts = json_array();
    while (!found && file != NULL && getline(&line, &room, file) >= 0) {
        json_t *start = json_loads(line, 0, NULL);
        found = strcmp(json_text(start, "id", ""), id) == 0;
        if (start != NULL)
            json_array_append_new(starts, start);
    }
    if (file != NULL)
        fclose(file);
    free(line);
    free(path);
    if (found)
        return starts;
    json_decref(starts);
    return NULL;
}

json_t *starts_before(const char *base, const char *id)
{
    json_t *starts = read_up_to(base, id);
    if (starts == NULL)
        return NULL;
    json_t *count = json_pack("{s:i, s:i, s:i}", "starts", 0, "gone", 0, "unfinished", 0);
    const size_t own = json_array_size(starts) - 1;
    for (size_t i = 0; i < own; i++) {
        const json_t *start = json_array_get(starts, i);
        if (is_same(start, json_array_get(starts, own)))
            look_at_folder(count, base, json_text(start, "id", ""));
    }
    json_decref(starts);
    return count;
}

char *starts_question(const struct plan *plan)
{
    char hash[SHA256_DIGEST_STRING_LENGTH];
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return text_copy("");
    fprintf(file, "%s\n", plan->preset->name);
    for (size_t e = 0; e < plan->entry_count; e++)
        fprintf(file, "%s\n", plan->entries[e].name);
    for (size_t c = 0; c < plan->cell_count; c++)
        fprintf(file, "%s\n", plan->cells[c].key);
    const bool whole = fclose(file) == 0;
    char *question = whole && SHA256Data((const uint8_t *)text, size, hash) != NULL
                         ? text_format("%.*s", QUESTION_DIGITS, hash)
                         : text_copy("");
    free(text);
    return question;
}
