/* SPDX-License-Identifier: MIT */
/*
 * liar.c - stands between a measuring program and everything of the API but velo_submit (ld --wrap;
 * for that one see lossy.c), and lies once, at call number FAULT_AT of the function that FAULT
 * names, or at each of its calls if that is 0. The tests prove by it that no number is reported for
 * a loop that does so.
 */
#include "velo.h"

#include <stdlib.h>
#include <string.h>

#define WRAP(result, name, ...)                                                                    \
    result __real_##name(__VA_ARGS__);                                                             \
    result __wrap_##name(__VA_ARGS__);                                                             \
    result __wrap_##name(__VA_ARGS__)

static bool is_wanted(const char *fault)
{
    const char *wanted = getenv("FAULT");
    return wanted != NULL && strcmp(wanted, fault) == 0;
}

/* Is this the call at which to do [fault]? Each fault has one place, which one thread calls. */
static bool now(const char *fault)
{
    static long calls;
    const char *at = getenv("FAULT_AT");
    long number = at != NULL ? atol(at) : 1;
    return is_wanted(fault) && (number == 0 || ++calls == number);
}

WRAP(int, velo_submit_priority, struct velo_loop *loop, velo_fn fn, void *arg)
{
    return now("demote") ? velo_submit(loop, fn, arg) : __real_velo_submit_priority(loop, fn, arg);
}

WRAP(int, velo_submit_many, struct velo_loop *loop, const struct velo_task *tasks, size_t count)
{
    if (count < 2 || !now("swap-in-batch"))
        return __real_velo_submit_many(loop, tasks, count);
    const struct velo_task swapped[] = {tasks[1], tasks[0]};
    int rc = __real_velo_submit_many(loop, swapped, 2);
    return rc != 0 ? rc : __real_velo_submit_many(loop, tasks + 2, count - 2);
}

WRAP(int, velo_set_immediate, struct velo_loop *loop, velo_fn fn, void *arg, velo_id *id)
{
    if (now("forget-immediate"))
        return 0;
    if (now("double-immediate"))
        __real_velo_set_immediate(loop, fn, arg, NULL);
    return __real_velo_set_immediate(loop, fn, arg, id);
}

WRAP(int, velo_clear_immediate, struct velo_loop *loop, velo_id id)
{
    return now("lie-clear") ? 0 : __real_velo_clear_immediate(loop, id);
}

WRAP(int, velo_next_tick, struct velo_loop *loop, velo_fn fn, void *arg)
{
    return now("forget-tick") ? 0 : __real_velo_next_tick(loop, fn, arg);
}

WRAP(int, velo_queue_microtask, struct velo_loop *loop, velo_fn fn, void *arg)
{
    return now("forget-microtask") ? 0 : __real_velo_queue_microtask(loop, fn, arg);
}

WRAP(int, velo_defer_close, struct velo_loop *loop, velo_fn fn, void *arg)
{
    return now("forget-close") ? 0 : __real_velo_defer_close(loop, fn, arg);
}

WRAP(int,
     velo_timer_start,
     struct velo_loop *loop,
     uint64_t delay_ns,
     uint64_t period_ns,
     velo_fn fn,
     void *arg,
     velo_id *id)
{
    if (now("forget-timer"))
        return 0;
    if (now("double-timer"))
        __real_velo_timer_start(loop, delay_ns, period_ns, fn, arg, NULL);
    if (now("early-timer"))
        delay_ns = 0;
    return __real_velo_timer_start(loop, delay_ns, period_ns, fn, arg, id);
}

WRAP(int, velo_timer_cancel, struct velo_loop *loop, velo_id id)
{
    return now("lie-timer-cancel") ? 0 : __real_velo_timer_cancel(loop, id);
}

WRAP(int,
     velo_timer_cancel_many,
     struct velo_loop *loop,
     const velo_id *ids,
     size_t count,
     int *results)
{
    if (!now("lie-cancel-many"))
        return __real_velo_timer_cancel_many(loop, ids, count, results);
    for (size_t i = 0; results != NULL && i < count; i++)
        results[i] = 0;
    return 0;
}

WRAP(int, velo_timer_restart, struct velo_loop *loop, velo_id id, uint64_t delay_ns)
{
    return __real_velo_timer_restart(loop, id, now("lie-restart") ? 0 : delay_ns);
}

/* An event that nothing has caused, some time after the descriptor was watched. */
static struct {
    velo_fd_fn fn;
    void *arg;
    int fd;
} ghost;

static void haunt(void *arg)
{
    (void)arg;
    ghost.fn(ghost.fd, VELO_READ, ghost.arg);
}

WRAP(int,
     velo_fd_watch,
     struct velo_loop *loop,
     int fd,
     unsigned events,
     velo_fd_fn fn,
     void *arg,
     velo_id *id)
{
    if (now("ghost-event")) {
        ghost.fn = fn;
        ghost.arg = arg;
        ghost.fd = fd;
        velo_timer_start(loop, 1000000, 0, haunt, NULL, NULL);
    }
    if (now("forget-fd"))
        return 0;
    if (now("deaf-fd"))
        events &= ~(unsigned)VELO_READ;
    return __real_velo_fd_watch(loop, fd, events, fn, arg, id);
}

WRAP(int, velo_fd_modify, struct velo_loop *loop, velo_id id, unsigned events)
{
    return now("lie-modify") ? 0 : __real_velo_fd_modify(loop, id, events);
}

WRAP(int, velo_fd_unwatch, struct velo_loop *loop, velo_id id)
{
    return now("lie-unwatch") ? 0 : __real_velo_fd_unwatch(loop, id);
}

WRAP(int,
     velo_offload,
     struct velo_loop *loop,
     velo_fn work_fn,
     velo_done_fn done_fn,
     void *arg,
     velo_id *id)
{
    if (now("forget-offload"))
        return 0;
    if (now("double-offload"))
        __real_velo_offload(loop, work_fn, done_fn, arg, id);
    return __real_velo_offload(loop, work_fn, done_fn, arg, id);
}

WRAP(int, velo_offload_cancel, struct velo_loop *loop, velo_id id)
{
    return now("lie-offload-cancel") ? 0 : __real_velo_offload_cancel(loop, id);
}

/* Options that are accepted and ignored. */
WRAP(int, velo_loop_create, struct velo_loop **out, const struct velo_options *opts)
{
    struct velo_options changed;
    if (opts == NULL)
        return __real_velo_loop_create(out, opts);
    changed = *opts;
    if (now("no-bound"))
        changed.max_pending = 0;
    if (now("late-bound"))
        changed.max_pending *= 2;
    if (now("no-slow-report"))
        changed.on_slow = NULL;
    if (now("no-fast-path"))
        changed.fast_path = VELO_FAST_DISABLED;
    return __real_velo_loop_create(out, &changed);
}

WRAP(enum velo_fast_path, velo_fast_path_get, const struct velo_loop *loop)
{
    return is_wanted("no-fast-path") ? VELO_FAST_AUTO : __real_velo_fast_path_get(loop);
}

/* System calls that a wake-up should not have made; counted, as the loop would. */
static uint64_t wasted;

WRAP(int, velo_loop_wake, struct velo_loop *loop)
{
    wasted += now("busy-wake");
    return __real_velo_loop_wake(loop);
}

WRAP(int, velo_metrics_read, struct velo_loop *loop, struct velo_metrics *out)
{
    int rc = __real_velo_metrics_read(loop, out);
    out->wakeups += wasted;
    if (is_wanted("ring-always")) /* a loop that makes a system call for each task */
        out->wakeups += out->accepted;
    if (now("no-turns"))
        out->turns = 0;
    return rc;
}
