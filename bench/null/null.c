/* SPDX-License-Identifier: MIT */
/*
 * null.c - no event loop at all: a task runs at once, on the thread that submits it, and a
 * microtask at once, in the callback that queues it.
 *
 * What is then left of a cost is the measuring itself: load generators, clock reads, counters,
 * checks. This is the ceiling of the harness, and a contestant that comes near it is measured
 * badly. It is impls/mutex with a few functions wrapped at link time (-Wl,--wrap), so all the rest
 * of the program is the one that the contestants have.
 *
 * It breaks the contract on purpose (S2: never inline), so it is no contestant: it stands outside
 * impls/, is not listed, not admitted, not judged. Only loads say [ceiling] whose tasks do not mind
 * on which thread they run. What the loop's own thread or a running task submits goes to the real
 * loop, or a task that submits itself would never come back. A microtask that queues itself is
 * called again when it has come back.
 */
#include "velo.h"

#include <stddef.h>

int __real_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg);
int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg);
int __real_velo_submit_many(struct velo_loop *loop, const struct velo_task *tasks, size_t count);
int __wrap_velo_submit_many(struct velo_loop *loop, const struct velo_task *tasks, size_t count);
int __real_velo_queue_microtask(struct velo_loop *loop, velo_fn fn, void *arg);
int __wrap_velo_queue_microtask(struct velo_loop *loop, velo_fn fn, void *arg);
const struct velo_impl *__real_velo_impl(void);
const struct velo_impl *__wrap_velo_impl(void);

static _Thread_local bool inside; /* a task that runs inline is below us on the stack */

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (inside || velo_loop_is_owner(loop))
        return __real_velo_submit(loop, fn, arg);
    inside = true;
    fn(arg);
    inside = false;
    return 0;
}

int __wrap_velo_submit_many(struct velo_loop *loop, const struct velo_task *tasks, size_t count)
{
    if (inside || velo_loop_is_owner(loop))
        return __real_velo_submit_many(loop, tasks, count);
    inside = true;
    for (size_t i = 0; i < count; i++)
        tasks[i].fn(tasks[i].arg);
    inside = false;
    return 0;
}

/* The microtask that the real loop has called, and whether it has queued itself. */
static _Thread_local struct velo_task first;
static _Thread_local bool again;

static void call_first(void *unused)
{
    (void)unused;
    do {
        again = false;
        first.fn(first.arg);
    } while (again);
    first.fn = NULL;
}

__attribute__((noinline)) static int queue_first(struct velo_loop *loop, velo_fn fn, void *arg)
{
    again = first.fn != NULL;
    first = (struct velo_task){fn, arg};
    return again ? 0 : __real_velo_queue_microtask(loop, call_first, NULL);
}

int __wrap_velo_queue_microtask(struct velo_loop *loop, velo_fn fn, void *arg)
{
    const velo_fn running = first.fn;
    if (running == NULL || running == fn)
        return queue_first(loop, fn, arg);
    fn(arg);
    return 0;
}

/* Its lines must not be taken for those of the contestant that it is made of. */
const struct velo_impl *__wrap_velo_impl(void)
{
    static _Thread_local struct velo_impl null;
    null = *__real_velo_impl();
    null.name = "null";
    null.summary = "no event loop: tasks run where they are submitted";
    return &null;
}
