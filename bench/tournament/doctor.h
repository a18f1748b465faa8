/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - what is wrong with this machine, and with what was built on it, for measuring.
 *
 * One finding for each check: what was seen and where, what it costs in visible gap as far as past
 * runs of this machine tell, what to do. The doctor never repairs anything. It refuses only where
 * the results would be false; --force NAME overrides, and the report says so. Refused are:
 * sanitizers or coverage in a contestant, flags that differ between contestants (read from the
 * debug strings of the programs themselves), a preloaded library that replaces what loops call,
 * less than one CPU by quota, another tournament. "Unknown" is no warning: a guest sees no
 * governor. VELO_DOCTOR_ROOT puts another tree in place of /proc and /sys, for tests, and is warned
 * of.
 *
 * `velo doctor` prints all of it. A tournament asks first of all, and its env.json holds the
 * answers.
 *
 *   doctor_cpu.c     which CPUs, and how they run
 *   doctor_load.c    who else is using them
 *   doctor_build.c   what was built, what is loaded
 *   doctor_tools.c   tools, room, the limits of a process
 *   doctor_past.c    what past runs say it costs
 *   doctor_probe.c   a few runs, to see the noise
 *   doctor_source.c  files, looks, the root
 */
#ifndef VELO_DOCTOR_H
#define VELO_DOCTOR_H

#include "doctor_source.h"
#include "names.h"
#include "registry.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum doctor_state {
    DOCTOR_OK,
    DOCTOR_UNKNOWN, /* cannot be seen from here: normal in a guest */
    DOCTOR_WARN,    /* results hold, but need more blocks or mean less */
    DOCTOR_REFUSE   /* results would be false */
};

struct doctor_finding {
    const char *name; /* what --force takes */
    bool noise;       /* as in doctor_check */
    enum doctor_state state;
    char *seen; /* value and file */
    char *advice;
    char *cost;
    bool forced; /* refused, and overridden */
};

enum { DOCTOR_CHECKS_MAX = 32 };

struct doctor {
    struct doctor_finding findings[DOCTOR_CHECKS_MAX];
    size_t count;
};

struct doctor_input {
    const struct doctor_source *source;
    const struct registry *registry; /* whose programs are looked into */
    const char *build;               /* "build/release" */
    const char *runs;                /* the folder of run folders */
    bool holds_lock;                 /* the one tournament that runs is this one */
};

/* One check fills one finding; those that a file holds end with a NULL name. */
struct doctor_check {
    const char *name;
    bool noise; /* what it finds makes runs differ, so that past runs can tell what it costs */
    void (*look)(const struct doctor_input *input, struct doctor_finding *finding);
};

extern const struct doctor_check doctor_cpu_checks[];
extern const struct doctor_check doctor_load_checks[];
extern const struct doctor_check doctor_build_checks[];
extern const struct doctor_check doctor_tool_checks[];
extern const struct doctor_check doctor_past_checks[];

/* For the checks: the state, what was seen (a new string, taken over), what to do ("" = nothing).
 */
void doctor_find(struct doctor_finding *finding,
                 enum doctor_state state,
                 char *seen,
                 const char *advice);

/* Makes all checks. */
void doctor_examine(struct doctor *doctor, const struct doctor_input *input);
void doctor_free(struct doctor *doctor);

/* Overrides what is refused and named in [force], or all of it. Returns: 0; -EINVAL after a message
 * when a name is no check. */
int doctor_force(struct doctor *doctor, const struct names *force, bool anyway);

/* How many findings are in [state]; a refusal that is overridden is not counted. */
size_t doctor_count(const struct doctor *doctor, enum doctor_state state);

/* "ok", "unknown", "warn", "refuse". */
const char *doctor_state_name(enum doctor_state state);

/* A warning, or an override, as one sentence that the caller frees; NULL for any other finding. */
char *doctor_sentence(const struct doctor_finding *finding);

/* [{"name","state","seen","cost","advice","forced"}], a new reference. */
json_t *doctor_json(const struct doctor *doctor);

/* ---- doctor_past.c ---- */

/*
 * Says of each finding what it costs: the gaps that past runs of this machine could see with it and
 * without it. [runs] is the folder of run folders.
 */
void doctor_add_costs(struct doctor *doctor, const char *runs);

/* The smallest gap (0.07 = 7 %) that a usual number of blocks sees where identical code differs by
 * [spread]; *blocks is that number. */
double doctor_usual_gap(double spread, unsigned *blocks);

#endif
