/* SPDX-License-Identifier: MIT */
/*
 * gate.h - who may race: the conformance suite, run for each contestant in each fast path mode that
 * it declares. Numbers of a contestant that fails are worth nothing, so it gets no start.
 *
 * The suite knows many deadlines, and some of its cases fail whoever is tested if the machine
 * stands still. So a suite that failed while it did is run again, GATE_TRIES times in all; then the
 * failure stands. How much the machine has to do is no excuse: the suite holds under load.
 */
#ifndef VELO_GATE_H
#define VELO_GATE_H

#include "interrupt.h"
#include "names.h"
#include "registry.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { GATE_TRIES = 3, GATE_STALL_MS = 500 };

/* What the suite said about one contestant in one mode. */
struct gate_sheet {
    char *contestant;
    char *mode;
    char *only;       /* one case of the suite; "" = all of it */
    unsigned limit_s; /* for a case; 0 = the suite's own */
    char *command;    /* repeats it */
    char *reason;     /* why it failed; "" when it passed */
    char *reproduce;  /* repeats the first failure */
    json_t *result;   /* the suite's JSON; NULL when it gave none */
    unsigned tries;   /* runs of it; all but the last failed while the machine stood still */
    double stall_ms;  /* for how long it did in the last one (child.h) */
    bool done;
};

struct gate {
    struct gate_sheet *sheets;
    size_t count;
    bool interrupted;
};

typedef void gate_watcher(void *user, const struct gate_sheet *sheet);

/* Puts one run of the suite on the list, unless it stands there already. [mode] is one of the fast
 * path, or a linked variant, whose own suite then runs in the usual mode. */
void gate_add(struct gate *gate, const char *contestant, const char *mode);

/* Puts one case of the suite on the list, as the only one of that contestant. */
void gate_add_case(struct gate *gate, const char *contestant, const char *test, unsigned limit_s);

/* Puts every other mode of those on the list whose sheet declares a fast path. */
void gate_add_modes(struct gate *gate);

/*
 * Does what is on the list and not yet done, as many at a time as there are CPUs: the suite holds
 * under load. [watcher] (may be NULL) is told of each sheet. When a pause is wished no further
 * suite is started: gate_is_complete() tells, and the call may be repeated. Returns: 0; -errno
 * after a message when no process could be started or waited for.
 */
int gate_run(struct gate *gate,
             const struct registry *registry,
             struct interrupt *interrupt,
             gate_watcher *watcher,
             void *user);

/* Nothing is left to do on the list. */
bool gate_is_complete(const struct gate *gate);

/* The first sheet of [contestant] that failed, or NULL when it passed. */
const struct gate_sheet *gate_failure(const struct gate *gate, const char *contestant);

/* Any sheet of [contestant] with a result, or NULL. */
const struct gate_sheet *gate_sheet_of(const struct gate *gate, const char *contestant);

/* {"schema":1,"contestants":[...],"gate":[...]}: what the suite wrote, and what the gate made of
 * each run of it, also of those that wrote nothing. The new reference is the caller's. */
json_t *gate_json(const struct gate *gate);

void gate_free(struct gate *gate);

#endif
