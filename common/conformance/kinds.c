/* SPDX-License-Identifier: MIT */
/* See kinds.h: one row per kind of work. */
#include "kinds.h"

static const struct {
    const char *name;
    uint64_t needs;
} rows[KINDS] = {
    [KIND_TASK] = {"task", 0},
    [KIND_PRIORITY] = {"priority", VELO_CAP_PRIORITY},
    [KIND_BATCH] = {"batch", VELO_CAP_BATCH},
    [KIND_TICK] = {"tick", VELO_CAP_MICROTASKS},
    [KIND_MICROTASK] = {"microtask", VELO_CAP_MICROTASKS},
    [KIND_IMMEDIATE] = {"immediate", VELO_CAP_IMMEDIATES},
    [KIND_CLOSING] = {"closing", VELO_CAP_IMMEDIATES},
    [KIND_TIMER] = {"timer", VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD},
};

const char *kind_name(unsigned kind)
{
    return rows[kind].name;
}

bool kind_is_offered(unsigned kind)
{
    return conf_has(rows[kind].needs);
}

int kind_add(unsigned kind, struct velo_loop *loop, velo_fn fn, void *arg, velo_id *id)
{
    const struct velo_task task = {fn, arg};
    switch (kind) {
    case KIND_TASK:
        return velo_submit(loop, fn, arg);
    case KIND_PRIORITY:
        return velo_submit_priority(loop, fn, arg);
    case KIND_BATCH:
        return velo_submit_many(loop, &task, 1);
    case KIND_TICK:
        return velo_next_tick(loop, fn, arg);
    case KIND_MICROTASK:
        return velo_queue_microtask(loop, fn, arg);
    case KIND_IMMEDIATE:
        return velo_set_immediate(loop, fn, arg, id);
    case KIND_CLOSING:
        return velo_defer_close(loop, fn, arg);
    default:
        return velo_timer_start(loop, 0, 0, fn, arg, id);
    }
}

bool kind_has_id(unsigned kind)
{
    return kind == KIND_IMMEDIATE || kind == KIND_TIMER;
}

int kind_cancel(unsigned kind, struct velo_loop *loop, velo_id id)
{
    return kind == KIND_TIMER ? velo_timer_cancel(loop, id) : velo_clear_immediate(loop, id);
}
