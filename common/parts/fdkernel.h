/* SPDX-License-Identifier: MIT */
/*
 * What the descriptor table asks of whatever polls: epoll (fdtable_epoll.c), or the library of a
 * guest (common/guest). A link seam, as poller.h: these calls are the cold ones; what is reported
 * comes to the table as epoll events, in its batch.
 *
 * All but init and close: under the table's lock, on any thread.
 */
#ifndef VELO_PARTS_FDKERNEL_H
#define VELO_PARTS_FDKERNEL_H

#include "common/parts/fdtable.h"

/* One registration as it shall be polled. */
struct fd_arming {
    int fd;
    uint32_t index;  /* of its entry */
    uint64_t data;   /* comes back with each event */
    unsigned events; /* VELO_READ, VELO_WRITE, and the flags */
    bool hushed;     /* an unasked hang-up was told: no level of it, but edges of all (F5) */
};

/* Open what it takes. Returns 0 or -errno with nothing left open. */
int fdkernel_init(struct fdtable *table);

/* Close it: at the end, or in a forked child. */
void fdkernel_close(struct fdtable *table);

/* Is [fd] one of the library's own? */
bool fdkernel_owns(struct fdtable *table, int fd);

/* Begin to poll. 0, or -errno and nothing has changed; -EPERM for what cannot be polled. */
int fdkernel_add(struct fdtable *table, const struct fd_arming *arming);

/* Poll as [arming] says from now on. 0, or -errno and the old arming stands; -EBADF if it was
 * closed. */
int fdkernel_change(struct fdtable *table, const struct fd_arming *arming);

/* Poll it no longer; its user may have closed [fd] already. */
void fdkernel_remove(struct fdtable *table, uint32_t index, int fd);

/* A stray has reported: make a new instance that holds what fdtable_arming() knows. */
void fdkernel_rebuild(struct fdtable *table);

/* For these, under the lock: what is watched at the number [fd]; false: nothing. */
bool fdtable_arming(const struct fdtable *table, size_t fd, struct fd_arming *arming);

/* For these, under the lock: let the descriptor for embedding watch [epfd]. 0 or -errno. */
int fdtable_embed(const struct fdtable *table, int epfd);

#endif
