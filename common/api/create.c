/* SPDX-License-Identifier: MIT */
/* velo_loop_create and velo_loop_destroy: what every contestant needs before and after its own. */
#include "common/core.h"
#include "common/parts/alloc.h"
#include "common/parts/clock.h"
#include "common/termination.h"

#include <errno.h>

#define LOOP_ALIGN 128

/* Copy what the caller's version of the struct holds; what it does not know stays zero. */
static int copy_options(struct velo_options *to, const struct velo_options *from)
{
    memset(to, 0, sizeof(*to));
    to->size = sizeof(*to);
    if (from == NULL)
        return 0;
    if (from->size < offsetof(struct velo_options, max_pending))
        return -EINVAL;
    const unsigned char *bytes = (const unsigned char *)from;
    for (size_t i = sizeof(*to); i < from->size; i++) {
        if (bytes[i] != 0) /* an option that this library does not know */
            return -EINVAL;
    }
    memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
    to->size = sizeof(*to);
    bool sane =
        to->fast_path >= VELO_FAST_AUTO && to->fast_path <= VELO_FAST_DISABLED && to->spin_ns >= -1;
    if (to->allocator != NULL && to->allocator->resize == NULL)
        return -EINVAL;
    if (to->watchdog && (to->slow_ns == 0 || (to->on_stuck == NULL && to->on_log == NULL)))
        return -EINVAL;
    return sane ? 0 : -EINVAL;
}

static int lifecycle_init(struct lifecycle *life)
{
    pthread_condattr_t attr;
    int rc = -pthread_mutex_init(&life->lock, NULL);
    if (rc != 0)
        return rc;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    rc = -pthread_cond_init(&life->ended, &attr);
    pthread_condattr_destroy(&attr);
    if (rc != 0)
        pthread_mutex_destroy(&life->lock);
    return rc;
}

static void lifecycle_fini(struct lifecycle *life)
{
    pthread_cond_destroy(&life->ended);
    pthread_mutex_destroy(&life->lock);
}

static int core_init(struct velo_core *core)
{
    const struct op_list none = {OP_NIL, OP_NIL};
    const struct velo_allocator *alloc = core->opts.allocator;
    core->ticks.alloc = core->microtasks.alloc = core->closing.alloc = alloc;
    core->ops.alloc = core->fds.alloc = alloc;
    core->born = forked_now();
    core->sliced = core->opts.time_slice_ns != 0;
    /* (F11) relaxed: before the loop is published */
    atomic_store_explicit(&core->fds.mode, (uint32_t)core->opts.fast_path, memory_order_relaxed);
    core->immediates = core->deferred = core->backlog = core->completions.list = none;
    counter_set(&core->ledger.next_deadline_ns, UINT64_MAX);
    /* (R4) relaxed: before the loop is published */
    atomic_store_explicit(&core->foreign.next_ns, UINT64_MAX, memory_order_relaxed);
    int rc = forked_register();
    if (rc != 0)
        return rc;
    rc = lifecycle_init(&core->life);
    if (rc != 0)
        return rc;
    rc = ops_init(&core->ops);
    if (rc != 0)
        goto fail_ops;
    rc = fdtable_init(&core->fds);
    if (rc != 0)
        goto fail_fds;
    rc = core_init_pool(core);
    if (rc != 0)
        goto fail_pool;
    rc = core_meter_init(core);
    if (rc != 0)
        goto fail_meter;
    core->timers = timers_create(&core->ops, clock_now_ns());
    if (core->timers != NULL)
        return 0;
    rc = -ENOMEM;
    core_meter_fini(core);
fail_meter:
    pool_fini(&core->pool);
fail_pool:
    fdtable_fini(&core->fds);
fail_fds:
    ops_fini(&core->ops);
fail_ops:
    lifecycle_fini(&core->life);
    return rc;
}

static void core_fini(struct velo_core *core)
{
    timers_destroy(core->timers);
    core_meter_fini(core);
    pool_fini(&core->pool);
    fdtable_fini(&core->fds);
    ops_fini(&core->ops);
    ring_fini(&core->ticks);
    ring_fini(&core->microtasks);
    ring_fini(&core->closing);
    lifecycle_fini(&core->life);
}

static size_t loop_bytes(void)
{
    return (loop_size() + LOOP_ALIGN - 1) & ~(size_t)(LOOP_ALIGN - 1);
}

/* A zeroed loop with its options and its allocator, or NULL. */
static struct velo_loop *loop_alloc(const struct velo_options *opts)
{
    struct velo_loop *loop = alloc_zeroed(opts->allocator, loop_bytes(), LOOP_ALIGN);
    if (loop == NULL)
        return NULL;
    struct velo_core *core = core_of(loop);
    core->opts = *opts;
    if (opts->allocator != NULL) {
        core->allocator = *opts->allocator;
        core->opts.allocator = &core->allocator;
    }
    return loop;
}

static void loop_free(struct velo_loop *loop)
{
    const struct velo_allocator from = core_of(loop)->allocator; /* it lies in what it frees */
    alloc_free(&from, loop, loop_bytes(), LOOP_ALIGN);
}

int velo_loop_create(struct velo_loop **out, const struct velo_options *opts)
{
    struct velo_options copy;
    if (out == NULL || copy_options(&copy, opts) != 0)
        return -EINVAL;
    if (copy.fast_path == VELO_FAST_FORCED && (velo_impl()->capabilities & VELO_CAP_FAST_PATH) == 0)
        return -ENOTSUP;
    struct velo_loop *loop = loop_alloc(&copy);
    if (loop == NULL)
        return -ENOMEM;
    struct velo_core *core = core_of(loop);
    int rc = core_init(core);
    if (rc != 0)
        goto fail_core;
    rc = loop_init(loop);
    if (rc != 0)
        goto fail_loop;
    rc = core_watchdog_start(core);
    if (rc != 0)
        goto fail_watchdog;
    *out = loop;
    return 0;
fail_watchdog:
    loop_fini(loop);
fail_loop:
    core_fini(core);
fail_core:
    loop_free(loop);
    return rc;
}

static int free_all(struct velo_loop *loop)
{
    loop_fini(loop); /* waits for wake-ups in flight (L9) */
    core_fini(core_of(loop));
    loop_free(loop);
    return 0;
}

/*
 * In a forked child (L11): close what this process has of the loop's descriptors; no callback is
 * called. The memory is freed if nobody was inside the library when the parent forked: what a
 * thread that does not exist here had half done cannot be told from what it had done.
 */
static int destroy_in_child(struct velo_loop *loop)
{
    struct velo_core *core = core_of(loop);
    enum velo_state state = lifecycle_state(&core->life);
    bool at_rest = state == VELO_STATE_AWAKE || state == VELO_STATE_TERMINATED;
    if (forked_is_inside(&core->life.link))
        return -EDEADLK;
    if (at_rest && gate_is_empty(&core->work) && gate_is_empty(&core->guests) && loop_forget(loop))
        return free_all(loop);
    fdtable_abandon(&core->fds);
    return 0;
}

int velo_loop_destroy(struct velo_loop *loop)
{
    if (loop == NULL)
        return 0;
    struct velo_core *core = core_of(loop);
    if (core_is_forked(core))
        return destroy_in_child(loop);
    if (core_is_called_back(core) || pool_is_mine(&core->pool) || core_watchdog_is_mine(core))
        return -EDEADLK;
    termination_close(loop);
    core_watchdog_stop(core);
    pool_join(&core->pool); /* waits for work functions, which are reported then (O2, L7) */
    gate_wait_empty(&core->work);
    gate_wait_empty(&core->guests);
    return free_all(loop);
}
