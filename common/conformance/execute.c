/* SPDX-License-Identifier: MIT */
/*
 * Runs a program on the loop under test. The clock stands still but for the statements that move
 * it and for sleeps, which do not take place: the time that one would last is added to the clock.
 * A loop that would sleep for ever is shut down. All on one thread, so nothing is left to chance.
 */
#include "../sim/clock.h"
#include "../sim/faults.h"
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct execution {
    struct world world;        /* first */
    const struct plant *plant; /* may be NULL */
    struct velo_loop *loop;
    velo_id ids[PROGRAM_NODES]; /* 0: none was given */
    bool has_byte[PROGRAM_PIPES], hung_up[PROGRAM_PIPES];
};

static struct execution it; /* one at a time: callbacks know it without an argument */

static int pipes[PROGRAM_PIPES][2]; /* open from the first program on; 0, 0 before */

/* ---- pipes ---- */

static void pipes_reset(void)
{
    char byte;
    for (unsigned i = 0; i < PROGRAM_PIPES; i++) {
        bool closed = it.hung_up[i];
        if (closed)
            close(pipes[i][0]);
        if ((closed || pipes[i][1] == 0) && pipe2(pipes[i], O_NONBLOCK | O_CLOEXEC) != 0)
            abort();
        while (it.has_byte[i] && !closed && read(pipes[i][0], &byte, 1) == 1)
            ;
    }
}

static void pipe_write(unsigned pipe)
{
    if (it.has_byte[pipe] || it.hung_up[pipe])
        return;
    it.has_byte[pipe] = write(pipes[pipe][1], "x", 1) == 1;
}

static void pipe_read(unsigned pipe)
{
    char byte;
    while (it.has_byte[pipe] && read(pipes[pipe][0], &byte, 1) == 1)
        it.has_byte[pipe] = false;
}

static void pipe_hangup(unsigned pipe)
{
    if (!it.hung_up[pipe])
        close(pipes[pipe][1]);
    it.hung_up[pipe] = true;
}

/* ---- callbacks and hooks ---- */

static unsigned number_of(void *arg)
{
    return (unsigned)(uintptr_t)arg;
}

static void *arg_of(unsigned number)
{
    return (void *)(uintptr_t)number; // NOLINT(performance-no-int-to-ptr)
}

static void on_call(void *arg)
{
    world_callback(&it.world, number_of(arg), 0);
}

static void on_ready(int fd, unsigned events, void *arg)
{
    const struct node *node = &it.world.program->nodes[number_of(arg)];
    bool right = fd == pipes[node->pipe][node->end];
    world_callback(&it.world, number_of(arg), right ? (int64_t)events : -1);
}

static void on_turn_begin(void *ctx)
{
    (void)ctx;
    if (world_turn(&it.world))
        velo_loop_shutdown(it.loop, 0);
}

static void on_discard(void *ctx, velo_fn fn, void *arg)
{
    (void)ctx;
    bool *discarded = &it.world.discarded[number_of(arg)];
    if (*discarded || fn != on_call || velo_submit(it.loop, on_call, arg) != -ESHUTDOWN)
        world_note(
            &it.world, DISCARDED, number_of(arg), -1); /* twice, or wrong: no model says so */
    *discarded = true;
}

/* The loop would sleep. */
static void on_sleep(void *ctx, int64_t timeout_ns)
{
    (void)ctx;
    if (timeout_ns >= 0) {
        sim_clock_advance((uint64_t)timeout_ns);
        return;
    }
    it.world.ending = true;
    velo_loop_wake(it.loop); /* the waits of some libraries end by nothing else */
    world_note(&it.world, SLEEPS, 0, velo_loop_shutdown(it.loop, 0));
}

/* ---- the calls ---- */

static int add(unsigned number)
{
    struct node bent = it.world.program->nodes[number];
    const struct node *node = &bent;
    void *arg = arg_of(number);
    velo_id *id = &it.ids[number];
    if (it.plant != NULL && it.plant->bend_node != NULL)
        it.plant->bend_node(&bent);
    switch (node->kind) {
    case KIND_TASK:
        return velo_submit(it.loop, on_call, arg);
    case KIND_PRIORITY:
        return velo_submit_priority(it.loop, on_call, arg);
    case KIND_TICK:
        return velo_next_tick(it.loop, on_call, arg);
    case KIND_MICROTASK:
        return velo_queue_microtask(it.loop, on_call, arg);
    case KIND_IMMEDIATE:
        return velo_set_immediate(it.loop, on_call, arg, id);
    case KIND_CLOSE:
        return velo_defer_close(it.loop, on_call, arg);
    case KIND_TIMER:
        return velo_timer_start(it.loop, node->delay_ns, node->period_ns, on_call, arg, id);
    default:
        return velo_fd_watch(
            it.loop, pipes[node->pipe][node->end], node->events, on_ready, arg, id);
    }
}

static int batch(unsigned first, unsigned count)
{
    struct velo_task tasks[PROGRAM_NODES];
    for (unsigned i = 0; i < count; i++)
        tasks[i] = (struct velo_task){on_call, arg_of(first + i)};
    return velo_submit_many(it.loop, tasks, count);
}

static int64_t cancel_many(unsigned first)
{
    int results[2] = {1, 1};
    int rc = velo_timer_cancel_many(it.loop, &it.ids[first], 2, results);
    return rc != 0 ? rc : 1000 * (int64_t)results[0] + results[1];
}

static int64_t change(const struct statement *statement)
{
    velo_id id = it.ids[statement->target];
    switch (statement->verb) {
    case VERB_CANCEL:
        return velo_timer_cancel(it.loop, id);
    case VERB_CANCEL_MANY:
        return cancel_many(statement->target);
    case VERB_RESTART:
        return velo_timer_restart(it.loop, id, statement->value);
    case VERB_REF:
        return velo_timer_ref(it.loop, id);
    case VERB_UNREF:
        return velo_timer_unref(it.loop, id);
    case VERB_CLEAR_IMMEDIATE:
        return velo_clear_immediate(it.loop, id);
    case VERB_UNWATCH:
        return velo_fd_unwatch(it.loop, id);
    default:
        return velo_fd_modify(it.loop, id, (unsigned)statement->value);
    }
}

static int64_t count(void)
{
    struct velo_metrics seen = {.size = sizeof(seen)};
    velo_metrics_read(it.loop, &seen);
    return (int64_t)(seen.pending + 100 * seen.timers_armed + 10000 * seen.descriptors);
}

static int64_t ask(const struct statement *statement)
{
    switch (statement->verb) {
    case VERB_SHUTDOWN:
        return velo_loop_shutdown(it.loop, 0);
    case VERB_END:
        return velo_loop_close(it.loop);
    case VERB_RUN:
        return velo_loop_run(it.loop, VELO_RUN_NOWAIT);
    case VERB_FAST_PATH:
        return velo_fast_path_set(it.loop, (enum velo_fast_path)statement->value);
    case VERB_ALIVE:
        return velo_loop_is_alive(it.loop);
    case VERB_NOW:
        return (int64_t)(velo_loop_now_ns(it.loop) - WORLD_BEGIN_NS);
    case VERB_COUNT:
        return count();
    case VERB_ABORT:
        abort();
    default: /* VERB_HANG */
        for (;;)
            pause();
    }
}

static int64_t perform(struct world *world, unsigned node, const struct statement *given)
{
    struct statement bent = *given;
    const struct statement *statement = &bent;
    (void)world;
    (void)node;
    if (it.plant != NULL && it.plant->bend != NULL)
        it.plant->bend(&bent);
    switch (statement->verb) {
    case VERB_ADD:
        return add(statement->target);
    case VERB_BATCH:
        return batch(statement->target, (unsigned)statement->value);
    case VERB_WRITE:
        pipe_write(statement->target);
        return 0;
    case VERB_READ:
        pipe_read(statement->target);
        return 0;
    case VERB_HANGUP:
        pipe_hangup(statement->target);
        return 0;
    case VERB_ADVANCE:
        sim_clock_advance(statement->value);
        return 0;
    default:
        return program_names_node(statement->verb) ? change(statement) : ask(statement);
    }
}

/* ---- a program from begin to end ---- */

static void step(unsigned number)
{
    unsigned turn_before = it.world.turn;
    struct velo_metrics seen = {.size = sizeof(seen)};
    world_act(&it.world, number);
    world_tell_discarded(&it.world);
    int rc = velo_loop_run(it.loop, it.world.program->modes[number]);
    world_tell_discarded(&it.world);
    world_note(&it.world, RETURNED, number, rc);
    world_note(&it.world, LIVES, number, velo_loop_is_alive(it.loop));
    velo_metrics_read(it.loop, &seen);
    uint64_t next = seen.next_deadline_ns;
    if (velo_loop_state(it.loop) != VELO_STATE_TERMINATED && it.world.turn != turn_before)
        world_note(&it.world,
                   DEADLINE,
                   number,
                   next == UINT64_MAX ? -1 : (int64_t)(next - WORLD_BEGIN_NS));
}

static void tell_ledger(void)
{
    struct velo_metrics seen = {.size = sizeof(seen)};
    velo_metrics_read(it.loop, &seen);
    const uint64_t counters[] = {seen.accepted, seen.executed, seen.cancelled, seen.discarded};
    for (unsigned i = 0; i < 4; i++)
        world_note(&it.world, LEDGER, i, (int64_t)counters[i]);
}

void execute_run(const struct program *program,
                 enum velo_fast_path mode,
                 const struct plant *plant,
                 struct trace *trace)
{
    struct velo_options options = {.size = sizeof(options),
                                   .fast_path = mode,
                                   .max_pending = program->max_pending,
                                   .time_slice_ns = program->time_slice_ns,
                                   .spin_ns =
                                       -1, /* by a clock that stands still it would not end */
                                   .on_discard = on_discard,
                                   .on_turn_begin = on_turn_begin};
    pipes_reset();
    memset(&it, 0, sizeof(it));
    world_begin(&it.world, program, trace);
    it.world.perform = perform;
    it.plant = plant;
    sim_clock_freeze(WORLD_BEGIN_NS);
    sim_sleep(on_sleep, NULL);
    if (velo_loop_create(&it.loop, &options) != 0)
        abort();
    for (unsigned i = 0; i < program->steps; i++)
        step(i);
    velo_loop_close(it.loop);
    world_tell_discarded(&it.world);
    tell_ledger();
    velo_loop_destroy(it.loop);
    sim_sleep(NULL, NULL);
    sim_clock_release();
}
