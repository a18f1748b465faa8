/* SPDX-License-Identifier: MIT */
/*
 * A loop whose tasks come by parts/lanes.h and whose owner sleeps by parts/wake.h: what such
 * contestants share between velo.h and these parts. Each file is one group of seams of core.h,
 * taken by link order: a contestant that does otherwise defines all of a group itself.
 *
 *   lanes_wake.c    waking the owner, refusing tasks, a forked child
 *   lanes_submit.c  the calls of producers
 *   lanes_run.c     the owner: its tasks, and falling asleep
 *   lanes_turn.c    its turn, which waits by the part that polls
 */
#ifndef VELO_LANES_LOOP_H
#define VELO_LANES_LOOP_H

#include "common/core.h"
#include "common/parts/lanes.h"

/* How each such loop begins. */
struct lanes_loop {
    struct velo_core core; /* first: a loop is a core */
    struct lanes lanes;
};

/* In place of VELO_EMBEDS_CORE: [type] begins with the same two members. */
#define VELO_EMBEDS_LANES(type)                                                                    \
    _Static_assert(offsetof(type, lanes) == offsetof(struct lanes_loop, lanes), "after the core"); \
    const char loop_has_lanes = 1;                                                                 \
    VELO_EMBEDS_CORE(type)

/* In each of these files: it links only with contestants that say so. */
#define LANES_GROUP                                                                                \
    __attribute__((used)) static const char *const has_lanes = &loop_has_lanes;                    \
    _Static_assert(1, "a declaration ends here")

extern const char loop_has_lanes;

static inline struct lanes *lanes_of(struct velo_loop *loop)
{
    return &((struct lanes_loop *)(void *)loop)->lanes;
}

static inline const struct lanes *lanes_of_const(const struct velo_loop *loop)
{
    return &((const struct lanes_loop *)(const void *)loop)->lanes;
}

/* For loop_init(): the lanes of [loop], which wake it by the eventfd of its descriptor table.
 * Returns 0 or -ENOMEM with nothing held; undone by lanes_fini(). */
int lanes_open(struct velo_loop *loop);

/*
 * Announce the sleep, look a last time, and wait for at most [timeout_ns] by [wait], which harvests
 * events or only looks (core_poll, core_peek). Returns what that does. Owner.
 */
int lanes_sleep(struct velo_loop *loop,
                int64_t timeout_ns,
                int (*wait)(struct velo_core *core, int64_t timeout_ns));

#endif
