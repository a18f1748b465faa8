/* SPDX-License-Identifier: MIT */
/* gate.c - see gate.h. */
#include "gate.h"

#include "child.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUITE_LIMIT_MS = 300000 };

static struct gate_sheet *add_sheet(struct gate *gate, const char *contestant, const char *mode)
{
    struct gate_sheet *sheets = realloc(gate->sheets, (gate->count + 1) * sizeof(*sheets));
    if (sheets == NULL)
        abort();
    gate->sheets = sheets;
    sheets[gate->count] = (struct gate_sheet){
        .contestant = text_copy(contestant),
        .mode = text_copy(mode),
        .reason = text_copy(""),
        .command = text_copy(""),
        .reproduce = text_copy(""),
    };
    return &sheets[gate->count++];
}

static void set(char **field, char *value)
{
    free(*field);
    *field = value;
}

/* The first case that failed, in the suite's own words. */
static void take_failure(struct gate_sheet *sheet)
{
    size_t index;
    const json_t *item;
    size_t failed = 0;
    json_array_foreach(json_object_get(sheet->result, "cases"), index, item)
    {
        if (strcmp(json_text(item, "result", ""), "fail") != 0)
            continue;
        if (failed++ > 0)
            continue;
        const json_t *clause = json_array_get(json_object_get(item, "clauses"), 0);
        set(&sheet->reason,
            text_format("fails conformance, clause %s (%s): %s",
                        json_is_string(clause) ? json_string_value(clause) : "?",
                        json_text(item, "name", "?"),
                        json_text(item, "reason", "no reason given")));
        set(&sheet->reproduce, text_copy(json_text(item, "reproduce", sheet->command)));
    }
    if (failed > 1)
        set(&sheet->reason, text_format("%s (and %zu more failures)", sheet->reason, failed - 1));
}

static void conclude(struct gate_sheet *sheet, const struct child_result *result)
{
    set(&sheet->reproduce, text_copy(sheet->command));
    if (result->end == CHILD_EXITED && result->code == 0 && sheet->result != NULL)
        return;
    take_failure(sheet);
    if (sheet->reason[0] != '\0')
        return;
    char *ending = child_explain(result, SUITE_LIMIT_MS);
    char *last = text_last_line(result->err);
    set(&sheet->reason,
        text_format("conformance in mode %s: %s%s%s",
                    sheet->mode,
                    ending,
                    last[0] != '\0' ? ": " : "",
                    last));
    free(last);
    free(ending);
}

static int run_mode(struct gate *gate,
                    const struct contestant *contestant,
                    const char *mode,
                    struct interrupt *interrupt)
{
    struct gate_sheet *sheet = add_sheet(gate, contestant->name, mode);
    char *program = contestant_program(contestant, "conformance");
    if (program == NULL) {
        set(&sheet->reason,
            text_format("has no conformance program in %s: nothing admits it", contestant->dir));
        return 0;
    }
    char path[] = "/tmp/velo-conformance-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) {
        free(program);
        say_error("cannot make a temporary file in /tmp: %s", strerror(errno));
        return -errno;
    }
    close(fd);
    const char *const argv[] = {program, "--mode", mode, "--quiet", "--json", path, NULL};
    set(&sheet->command, text_command((const char *const[]){program, "--mode", mode, NULL}));
    struct child_result result;
    int rc = child_run(
        &(struct child_request){.argv = argv, .timeout_ms = SUITE_LIMIT_MS, .interrupt = interrupt},
        &result);
    if (rc == 0) {
        sheet->result = json_load_file(path, 0, NULL);
        gate->interrupted = result.end == CHILD_INTERRUPTED;
        conclude(sheet, &result);
        child_result_free(&result);
    }
    unlink(path);
    free(program);
    return rc;
}

static bool declares_fast_path(const struct gate_sheet *sheet)
{
    size_t index;
    const json_t *capability;
    json_array_foreach(json_object_get(sheet->result, "capabilities"),
                       index,
                       capability) if (json_is_string(capability) &&
                                       strcmp(json_string_value(capability), "FAST_PATH") ==
                                           0) return true;
    return false;
}

static int run_contestant(struct gate *gate,
                          const struct contestant *contestant,
                          struct interrupt *interrupt,
                          gate_watcher *watcher,
                          void *user)
{
    static const char *const modes[] = {"auto", "forced", "disabled"};
    size_t first = gate->count;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (i > 0 && !declares_fast_path(&gate->sheets[first]))
            break;
        int rc = run_mode(gate, contestant, modes[i], interrupt);
        if (rc != 0 || gate->interrupted)
            return rc;
        if (watcher != NULL)
            watcher(user, &gate->sheets[gate->count - 1]);
    }
    return 0;
}

int gate_run(struct gate *gate,
             const struct registry *registry,
             const struct names *wanted,
             struct interrupt *interrupt,
             gate_watcher *watcher,
             void *user)
{
    *gate = (struct gate){0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && !gate->interrupted && i < wanted->count; i++)
        rc = run_contestant(
            gate, registry_find(registry, wanted->items[i]), interrupt, watcher, user);
    return rc;
}

const struct gate_sheet *gate_failure(const struct gate *gate, const char *contestant)
{
    for (size_t i = 0; i < gate->count; i++)
        if (strcmp(gate->sheets[i].contestant, contestant) == 0 &&
            gate->sheets[i].reason[0] != '\0')
            return &gate->sheets[i];
    return NULL;
}

const struct gate_sheet *gate_sheet_of(const struct gate *gate, const char *contestant)
{
    for (size_t i = 0; i < gate->count; i++)
        if (strcmp(gate->sheets[i].contestant, contestant) == 0 && gate->sheets[i].result != NULL)
            return &gate->sheets[i];
    return NULL;
}

json_t *gate_json(const struct gate *gate)
{
    json_t *sheets = json_array();
    for (size_t i = 0; i < gate->count; i++)
        if (gate->sheets[i].result != NULL)
            json_array_append(sheets, gate->sheets[i].result);
    return json_pack("{s:i, s:o}", "schema", 1, "contestants", sheets);
}

void gate_free(struct gate *gate)
{
    for (size_t i = 0; i < gate->count; i++) {
        free(gate->sheets[i].contestant);
        free(gate->sheets[i].mode);
        free(gate->sheets[i].command);
        free(gate->sheets[i].reason);
        free(gate->sheets[i].reproduce);
        json_decref(gate->sheets[i].result);
    }
    free(gate->sheets);
    *gate = (struct gate){0};
}
