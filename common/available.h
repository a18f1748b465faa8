/* SPDX-License-Identifier: MIT */
/*
 * Can this contestant run on this system at all? For programs that say NOT RUN, with the reason, in
 * place of failing: a contestant that lacks what it is built on refuses to make a loop.
 */
#ifndef VELO_AVAILABLE_H
#define VELO_AVAILABLE_H

#include "velo.h"

#include <stdio.h>
#include <string.h>

#define AVAILABLE_REASON_MAX 256

/* Hook of available_ask(). */
static inline void
available_note(void *reason, enum velo_log_level level, const char *event, const char *fields)
{
    (void)level;
    if (strcmp(event, "unavailable") == 0)
        snprintf(reason, AVAILABLE_REASON_MAX, "%s", fields);
}

/*
 * Make a loop and end it. Returns 0, or the error of velo_loop_create(): -ENOSYS when it cannot be
 * made here. With an error, [reason] is what the log says is missing, else the error's name.
 */
static inline int available_ask(char reason[AVAILABLE_REASON_MAX])
{
    struct velo_options options = {.size = sizeof options, .on_log = available_note, .ctx = reason};
    struct velo_loop *loop = NULL;
    reason[0] = '\0';
    int rc = velo_loop_create(&loop, &options);
    if (rc == 0)
        return velo_loop_destroy(loop);
    if (reason[0] == '\0')
        snprintf(reason, AVAILABLE_REASON_MAX, "%s", velo_strerror(rc));
    return rc;
}

#endif
