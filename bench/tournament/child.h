/* SPDX-License-Identifier: MIT */
/*
 * child.h - one program run in its own process group, under a time limit, with its output captured.
 *
 * The group is killed as a whole, so that nothing a contestant started outlives its run; if this
 * process dies, the kernel kills the child.
 */
#ifndef VELO_CHILD_H
#define VELO_CHILD_H

#include "interrupt.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

enum child_end {
    CHILD_EXITED,      /* code = exit status */
    CHILD_SIGNALLED,   /* code = signal number */
    CHILD_TIMEOUT,     /* killed at the time limit */
    CHILD_INTERRUPTED, /* killed because this program was told to stop */
    CHILD_NOT_STARTED  /* code = errno of fork or exec */
};

struct child_request {
    const char *const
        *argv;           /* ends with NULL; argv[0] is looked up in PATH unless it has a slash */
    uint64_t timeout_ms; /* 0 = none */
    unsigned env_pad;    /* bytes of padding put into the environment */
    struct interrupt *interrupt; /* NULL = cannot be interrupted */
};

struct child_result {
    enum child_end end;
    int code;
    char *out; /* stdout and stderr as strings, never NULL; child_result_free() */
    char *err;
    double wall_ms;
    struct rusage usage; /* of the child and what it waited for */
};

/* Returns: 0, whatever became of the child; -errno when it could not be watched (then no result).
 */
int child_run(const struct child_request *request, struct child_result *result);

void child_result_free(struct child_result *result);

/* What happened, in words, e.g. "killed by signal 6 (Aborted)"; the caller frees. */
char *child_explain(const struct child_result *result, uint64_t timeout_ms);

#endif
