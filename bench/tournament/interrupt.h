/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - Ctrl-C, SIGTERM and the wish for a pause as something that can be polled.
 *
 * The signals are blocked and read from a descriptor, so that a wait for a child ends at once and
 * no code runs in signal context. interrupt_release() gives them their normal effect back: from
 * then on a second Ctrl-C ends the program.
 *
 * The wish for a pause is only noted here; it is granted where nothing is being measured (pause.c).
 * SIGCONT takes it back. Who does not allow pauses keeps the usual Ctrl-Z.
 */
#ifndef VELO_INTERRUPT_H
#define VELO_INTERRUPT_H

#include <stdbool.h>

enum pause_wish {
    PAUSE_NONE,
    PAUSE_STOP, /* Ctrl-Z (SIGTSTP): the shell is waiting for this process to stop */
    PAUSE_WAIT  /* SIGUSR1: stand still; SIGCONT goes on */
};

struct interrupt {
    int fd;                /* signalfd; readable when a signal came */
    unsigned signals;      /* to end, so far */
    bool shielded;         /* the first of them waits */
    bool pending;          /* a signal to end came, and does not wait; never cleared */
    enum pause_wish pause; /* what is wished now */
    bool may_pause;
    void (*on_pause)(void *user);
    void *user;
    void (*on_wait)(void *user); /* told of a signal that waits */
    void *waiting;
};

/* Returns: 0 or -errno. */
int interrupt_init(struct interrupt *interrupt);

/* From now on Ctrl-Z and SIGUSR1 are wishes; [on_pause] (may be NULL) is told of each. */
void interrupt_allow_pause(struct interrupt *interrupt, void (*on_pause)(void *user), void *user);

/*
 * From now until interrupt_unshield() the first signal to end waits, and [on_wait] is told; a
 * second one is seen at once. For what is worth nothing half done, and takes seconds.
 */
void interrupt_shield(struct interrupt *interrupt, void (*on_wait)(void *user), void *user);
void interrupt_unshield(struct interrupt *interrupt);

/* True once SIGINT, SIGTERM or SIGHUP came. */
bool interrupt_seen(struct interrupt *interrupt);

/* True while a pause is wished. */
bool interrupt_pause_wanted(struct interrupt *interrupt);

/* Stands still until SIGCONT, or a signal to end. */
void interrupt_pause(struct interrupt *interrupt);

void interrupt_release(struct interrupt *interrupt);

#endif
