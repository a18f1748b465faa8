/* SPDX-License-Identifier: MIT */
/*
 * runner.h - inside the harness: what main, runner, report and the child side share. Cases use
 * conf.h only.
 */
#ifndef CONF_RUNNER_H
#define CONF_RUNNER_H

#include "conf.h"

enum conf_verdict { CONF_NOT_RUN, CONF_PASS, CONF_FAIL, CONF_NA, CONF_DEVIATION };

/* What the command line asked for. */
struct conf_request {
    const char *program;
    const char *filter; /* glob on the name, NULL = all */
    const char *clause; /* "S3", or a whole group "S"; NULL = all */
    const char *json_path;
    const char *not_run; /* why the contestant cannot run here; NULL: it can */
    enum velo_fast_path mode;
    unsigned repeat;
    unsigned timeout_s; /* 0 = default */
    uint64_t seed;
    bool list, quiet, self_test;
};

struct conf_result {
    const struct conf_case *entry;
    enum conf_verdict verdict;
    char reason[512];
    bool aborted; /* killed by abort(), or a breakpoint */
    char *output; /* of a failed case; malloced or NULL */
    double ms;
    uint64_t seed; /* of the run that decided */
};

/* Written by the child, read by the parent, in shared memory. */
struct conf_shared {
    atomic_int verdict;
    atomic_bool reason_taken;
    atomic_bool refused; /* a fault of the test had struck when the case failed */
    char reason[512];
};

/* ---- child side (fixture.c) ---- */
/* Called in the child before and after the case's own function. */
void conf_child_begin(const struct conf_case *entry,
                      enum velo_fast_path mode,
                      uint64_t seed,
                      struct conf_shared *shared);
/* True if nothing was recorded by CONF_EXPECT. */
bool conf_child_is_clean(void);
uint64_t conf_child_seed(void);
/* Print state and metrics of the loops of this child; for the watchdog's signal. */
void conf_child_dump(void);

/* ---- available.c ---- */
/* False, with the reason: the system lacks, or forbids, what the contestant is built on. */
bool conf_is_available(char *reason, size_t size);

/* ---- runner.c ---- */
struct conf_case *conf_cases(void); /* sorted by file and line */
bool conf_clause_matches(const char *clauses, const char *wanted);
unsigned conf_slowness(void);                   /* 1, more under sanitizers */
const char *conf_capability_name(unsigned bit); /* NULL for an unknown bit */
void conf_run_case(const struct conf_request *request,
                   const struct conf_case *entry,
                   struct conf_result *result);

/* ---- report.c ---- */
const char *conf_verdict_name(enum conf_verdict verdict);
const char *conf_mode_name(enum velo_fast_path mode);
void conf_reproduce(const struct conf_request *request,
                    const struct conf_result *result,
                    char *out,
                    size_t size);
void conf_report_begin(const struct conf_request *request);
void conf_report_case(const struct conf_request *request, const struct conf_result *result);
void conf_report_end(const struct conf_request *request,
                     const struct conf_result *results,
                     size_t count);
/* 0, or -errno with a message printed. */
int conf_report_json(const struct conf_request *request,
                     const struct conf_result *results,
                     size_t count);

#endif
