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
#include <sys/types.h>

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
    double stall_ms;     /* for so long the waiting itself stood still meanwhile: child_run() */
    struct rusage usage; /* of the child and what it waited for */
};

/* What is read from one pipe of a child. */
struct child_capture {
    int fd; /* -1 once the other end is closed */
    char *text;
    size_t used;
    size_t room;
};

/* A child that was started and not yet waited for. */
struct child {
    struct child_request request;
    pid_t pid;
    int pidfd;
    struct child_capture out;
    struct child_capture err;
    int exec_failure; /* errno of exec, told by the child before it ended */
    double started_ms;
    double stalled_before_ms;
};

/*
 * Starts the program. [request->argv] need not outlive the call.
 * Returns: 0, then child_wait() must follow; -errno.
 */
int child_start(const struct child_request *request, struct child *child);

/*
 * Waits until it is gone, its time is up, or this program is to stop; kills its process group. The
 * time limit runs from the start and hits only a child that is still there: who ended unseen while
 * the caller was busy elsewhere has ended.
 * Returns: 0, whatever became of the child; -errno when it could not be waited for (no result):
 * a fault of this program or the machine, never of the child.
 */
int child_wait(struct child *child, struct child_result *result);

/*
 * Both. While it waits it looks at the clock every second. By as much as a look comes too late,
 * this program did not run: it was stopped or frozen, or the machine was, and most likely the child
 * with it. [stall_ms] is the sum of all that is more than a tenth of a second. One thread waits.
 * Returns: 0, whatever became of the child; -errno when it could not be started or waited for (no
 * result).
 */
int child_run(const struct child_request *request, struct child_result *result);

void child_result_free(struct child_result *result);

/* What happened, in words, e.g. "killed by signal 6 (Aborted)"; the caller frees. */
char *child_explain(const struct child_result *result, uint64_t timeout_ms);

#endif
