/* SPDX-License-Identifier: MIT */
/* gate.c - see gate.h. */
#include "gate.h"

#include "child.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUITE_LIMIT_MS = 300000, JOBS_MAX = 16 };

/* A suite under way. */
struct gate_job {
    struct gate_sheet *sheet;
    struct child child;
    char path[64]; /* of the JSON that it writes */
    bool running;
};

void gate_add(struct gate *gate, const char *contestant, const char *mode)
{
    for (size_t i = 0; i < gate->count; i++)
        if (strcmp(gate->sheets[i].contestant, contestant) == 0 &&
            strcmp(gate->sheets[i].mode, mode) == 0)
            return;
    struct gate_sheet *sheets = realloc(gate->sheets, (gate->count + 1) * sizeof(*sheets));
    if (sheets == NULL)
        abort();
    gate->sheets = sheets;
    sheets[gate->count++] = (struct gate_sheet){
        .contestant = text_copy(contestant),
        .mode = text_copy(mode),
        .only = text_copy(""),
        .reason = text_copy(""),
        .command = text_copy(""),
        .reproduce = text_copy(""),
    };
}

static void set(char **field, char *value)
{
    free(*field);
    *field = value;
}

void gate_add_case(struct gate *gate, const char *contestant, const char *test, unsigned limit_s)
{
    gate_add(gate, contestant, "auto");
    struct gate_sheet *sheet = &gate->sheets[gate->count - 1];
    set(&sheet->only, text_copy(test));
    sheet->limit_s = limit_s;
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

/* May the machine have made it fail? Then the sheet is again as if it had not been run. */
static bool wants_another_try(struct gate_sheet *sheet)
{
    if (sheet->reason[0] == '\0' || sheet->stall_ms < GATE_STALL_MS || sheet->tries >= GATE_TRIES)
        return false;
    json_decref(sheet->result);
    sheet->result = NULL;
    set(&sheet->reason, text_copy(""));
    return true;
}

/* Starts the suite of one sheet. A contestant without one is refused on the spot. */
static int
start_job(struct gate_job *job, const struct registry *registry, struct interrupt *interrupt)
{
    struct gate_sheet *sheet = job->sheet;
    const struct contestant *contestant = registry_find(registry, sheet->contestant);
    bool linked = registry_is_linked(sheet->mode);
    struct contestant variant = registry_linked(contestant, sheet->mode);
    const struct contestant *whose = linked ? &variant : contestant;
    char *program = contestant_program(whose, "conformance");
    const char *mode = linked ? "auto" : sheet->mode;
    if (program == NULL)
        set(&sheet->reason,
            text_format("has no conformance program in %s: nothing admits it", whose->dir));
    free(variant.dir);
    if (program == NULL)
        return 0;
    snprintf(job->path, sizeof(job->path), "/tmp/velo-conformance-XXXXXX");
    int fd = mkstemp(job->path);
    int rc = fd < 0 ? -errno : 0;
    if (rc == 0) {
        close(fd);
        char limit[16];
        const char *argv[12] = {program, "--mode", mode, "--quiet", "--json", job->path};
        size_t count = 6;
        snprintf(limit, sizeof(limit), "%u", sheet->limit_s);
        if (sheet->only[0] != '\0') {
            argv[count++] = "--filter";
            argv[count++] = sheet->only;
        }
        if (sheet->limit_s > 0) {
            argv[count++] = "--timeout";
            argv[count++] = limit;
        }
        struct child_request request = {
            .argv = argv, .timeout_ms = SUITE_LIMIT_MS, .interrupt = interrupt};
        set(&sheet->command, text_command((const char *const[]){program, "--mode", mode, NULL}));
        rc = child_start(&request, &job->child);
        job->running = rc == 0;
        if (rc != 0)
            unlink(job->path);
    }
    if (rc != 0)
        say_error("cannot start %s: %s", program, strerror(-rc));
    free(program);
    return rc;
}

/* Returns: 0, whatever the suite came to; -errno after a message when it could not be waited for.
 */
static int finish_job(struct gate *gate, struct gate_job *job)
{
    job->sheet->done = true;
    job->sheet->tries++;
    if (!job->running)
        return 0;
    struct child_result result;
    const int rc = child_wait(&job->child, &result);
    if (rc == 0) {
        job->sheet->result = json_load_file(job->path, 0, NULL);
        if (registry_is_linked(job->sheet->mode)) /* it cannot know as what it was linked */
            json_object_set_new(job->sheet->result, "mode", json_string(job->sheet->mode));
        gate->interrupted |= result.end == CHILD_INTERRUPTED;
        conclude(job->sheet, &result);
        job->sheet->stall_ms = result.stall_ms;
        job->sheet->done = gate->interrupted || !wants_another_try(job->sheet);
        child_result_free(&result);
    } else {
        say_error("cannot wait for %s: %s; this says nothing about the contestant",
                  job->sheet->command,
                  strerror(-rc));
    }
    unlink(job->path);
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

void gate_add_modes(struct gate *gate)
{
    for (size_t i = 0; i < gate->count; i++)
        if (declares_fast_path(&gate->sheets[i])) {
            const char *contestant = gate->sheets[i].contestant;
            gate_add(gate, contestant, "auto");
            gate_add(gate, contestant, "forced");
            gate_add(gate, contestant, "disabled");
        }
}

static size_t next_undone(const struct gate *gate, size_t from)
{
    while (from < gate->count && gate->sheets[from].done)
        from++;
    return from;
}

/* Suites under way, in a ring. */
struct gate_ring {
    struct gate_job jobs[JOBS_MAX];
    size_t width, first, count;
};

static int ring_start(struct gate_ring *ring,
                      struct gate_sheet *sheet,
                      const struct registry *registry,
                      struct interrupt *interrupt)
{
    struct gate_job *job = &ring->jobs[(ring->first + ring->count++) % JOBS_MAX];
    *job = (struct gate_job){.sheet = sheet};
    return start_job(job, registry, interrupt);
}

static bool may_go_on(const struct gate *gate, struct interrupt *interrupt, int rc)
{
    return rc == 0 && !gate->interrupted && !interrupt_pause_wanted(interrupt);
}

int gate_run(struct gate *gate,
             const struct registry *registry,
             struct interrupt *interrupt,
             gate_watcher *watcher,
             void *user)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct gate_ring ring = {.width = cpus < 1 ? 1 : cpus > JOBS_MAX ? JOBS_MAX : (size_t)cpus};
    size_t next = next_undone(gate, 0);
    int rc = 0;
    for (;;) {
        const bool more = next < gate->count && may_go_on(gate, interrupt, rc);
        if (ring.count == 0 && !more)
            break;
        if (more && ring.count < ring.width) {
            rc = ring_start(&ring, &gate->sheets[next], registry, interrupt);
            next = next_undone(gate, next + 1);
            continue;
        }
        struct gate_sheet *sheet = ring.jobs[ring.first].sheet;
        const int failure = finish_job(gate, &ring.jobs[ring.first]);
        rc = rc == 0 ? failure : rc;
        ring.first = (ring.first + 1) % JOBS_MAX;
        ring.count--;
        if (watcher != NULL && failure == 0 && !gate->interrupted && sheet->done)
            watcher(user, sheet);
        if (!sheet->done && may_go_on(gate, interrupt, rc))
            rc = ring_start(&ring, sheet, registry, interrupt);
    }
    return rc;
}

bool gate_is_complete(const struct gate *gate)
{
    return next_undone(gate, 0) == gate->count;
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
    json_t *said = json_array();
    for (size_t i = 0; i < gate->count; i++) {
        const struct gate_sheet *sheet = &gate->sheets[i];
        if (sheet->result != NULL)
            json_array_append(sheets, sheet->result);
        json_array_append_new(said,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:f}",
                                        "contestant",
                                        sheet->contestant,
                                        "mode",
                                        sheet->mode,
                                        "command",
                                        sheet->command,
                                        "reason",
                                        sheet->reason,
                                        "reproduce",
                                        sheet->reproduce,
                                        "tries",
                                        (int)sheet->tries,
                                        "stall_ms",
                                        sheet->stall_ms));
    }
    return json_pack("{s:i, s:o, s:o}", "schema", 1, "contestants", sheets, "gate", said);
}

void gate_free(struct gate *gate)
{
    for (size_t i = 0; i < gate->count; i++) {
        free(gate->sheets[i].contestant);
        free(gate->sheets[i].mode);
        free(gate->sheets[i].only);
        free(gate->sheets[i].command);
        free(gate->sheets[i].reason);
        free(gate->sheets[i].reproduce);
        json_decref(gate->sheets[i].result);
    }
    free(gate->sheets);
    *gate = (struct gate){0};
}
