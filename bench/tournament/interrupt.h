/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - Ctrl-C and SIGTERM as something that can be polled.
 *
 * The signals are blocked and read from a descriptor, so that a wait for a child ends at once and
 * no code runs in signal context. interrupt_release() gives them their normal effect back: from
 * then on a second Ctrl-C ends the program.
 */
#ifndef VELO_INTERRUPT_H
#define VELO_INTERRUPT_H

#include <stdbool.h>

struct interrupt {
    int fd;       /* signalfd; readable when a signal came */
    bool pending; /* a signal came; never cleared */
};

/* Returns: 0 or -errno. */
int interrupt_init(struct interrupt *interrupt);

/* True once SIGINT, SIGTERM or SIGHUP came. */
bool interrupt_seen(struct interrupt *interrupt);

void interrupt_release(struct interrupt *interrupt);

#endif
