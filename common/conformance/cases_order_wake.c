/* SPDX-License-Identifier: MIT */
/*
 * R3: pending work of any kind makes the poll non-blocking; and no endless lane starves another.
 *
 * Idea: a blocking turn (RUN_ONCE) with a guard timer of 3 s and nothing else to wake it. A loop
 * that sleeps although work is pending is woken by the guard, and the guard tells.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "../sim/clock.h"
#include "conf.h"

#define CAPS_ALL_PHASES                                                                            \
    (VELO_CAP_MICROTASKS | VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_PRIORITY)

enum kind { TASK, PRIORITY, TICK, MICROTASK, TIMER, IMMEDIATE, CLOSING, DESCRIPTOR, KINDS };
static const char *const kind_names[KINDS] = {
    "task", "priority task", "tick", "microtask", "timer", "immediate", "close callback", "fd"};

/* One cell of the matrix: a callback of kind [from] adds work of kind [to]. */
struct cell {
    struct velo_loop *loop;
    enum kind from;
    enum kind to;
    int fds[2][2]; /* readable sockets, one for each side */
    unsigned from_ran;
    unsigned to_ran;
    unsigned guard_ran;
};

static void fd_trampoline_from(int fd, unsigned events, void *arg);
static void fd_trampoline_to(int fd, unsigned events, void *arg);

static int add(struct cell *cell, enum kind kind, velo_fn fn, bool is_from)
{
    struct velo_loop *loop = cell->loop;
    switch (kind) {
    case TASK:
        return velo_submit(loop, fn, cell);
    case PRIORITY:
        return velo_submit_priority(loop, fn, cell);
    case TICK:
        return velo_next_tick(loop, fn, cell);
    case MICROTASK:
        return velo_queue_microtask(loop, fn, cell);
    case TIMER:
        return velo_timer_start(loop, 0, 0, fn, cell, NULL);
    case IMMEDIATE:
        return velo_set_immediate(loop, fn, cell, NULL);
    case CLOSING:
        return velo_defer_close(loop, fn, cell);
    default:
        return velo_fd_watch(loop,
                             cell->fds[is_from ? 0 : 1][0],
                             VELO_READ | VELO_ONESHOT,
                             is_from ? fd_trampoline_from : fd_trampoline_to,
                             cell,
                             NULL);
    }
}

static void to_fn(void *arg)
{
    struct cell *cell = arg;
    cell->to_ran++;
}

static void from_fn(void *arg)
{
    struct cell *cell = arg;
    cell->from_ran++;
    CONF_EXPECT_INT(add(cell, cell->to, to_fn, false), 0);
}

static void guard_fn(void *arg)
{
    struct cell *cell = arg;
    cell->guard_ran++;
}

static void fd_trampoline_from(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    from_fn(arg);
}

static void fd_trampoline_to(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    to_fn(arg);
}

static void cell_check(enum kind from, enum kind to)
{
    struct cell cell = {.loop = conf_create(NULL), .from = from, .to = to};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, cell.fds[i]), 0);
        assert_int_equal(write(cell.fds[i][1], "x", 1), 1);
    }
    assert_int_equal(velo_timer_start(cell.loop, 3 * CONF_NS_PER_S, 0, guard_fn, &cell, NULL), 0);
    assert_int_equal(add(&cell, from, from_fn, true), 0);
    for (int turn = 0; turn < 2 && cell.to_ran == 0; turn++)
        assert_int_equal(velo_loop_run(cell.loop, VELO_RUN_ONCE), 0);
    if (cell.from_ran != 1 || cell.to_ran != 1 || cell.guard_ran != 0)
        fail_msg("%s from a %s: ran %u, slept until the guard: %u",
                 kind_names[to],
                 kind_names[from],
                 cell.to_ran,
                 cell.guard_ran);
    conf_destroy(cell.loop);
    for (int i = 0; i < 2; i++) {
        close(cell.fds[i][0]);
        close(cell.fds[i][1]);
    }
}

/* R3, traps W12, M1, M2 and P6. 49 cells without descriptors: the added work runs in the same turn
 * or the next, and the loop does not sleep in between. */
CONF_CASE(work_added_by_any_callback_runs_without_a_sleep, "R3", CAPS_ALL_PHASES)
{
    for (enum kind from = TASK; from < DESCRIPTOR; from++) {
        for (enum kind to = TASK; to < DESCRIPTOR; to++)
            cell_check(from, to);
    }
}

/* R3, trap W12. The cells that have a ready descriptor on one side or on both. */
CONF_CASE(work_added_by_or_to_descriptors_runs_without_a_sleep,
          "R3 F1",
          CAPS_ALL_PHASES | VELO_CAP_FDS)
{
    for (enum kind other = TASK; other < KINDS; other++) {
        cell_check(DESCRIPTOR, other);
        if (other != DESCRIPTOR)
            cell_check(other, DESCRIPTOR);
    }
}

struct hook_cell {
    struct velo_loop *loop;
    unsigned turns;
    unsigned ran;
    unsigned guard_ran;
};

static void count_fn(void *arg)
{
    ++*(unsigned *)arg;
}

static void submitting_hook(void *ctx)
{
    struct hook_cell *cell = ctx;
    if (cell->turns++ == 0)
        CONF_EXPECT_INT(velo_submit(cell->loop, count_fn, &cell->ran), 0);
}

/* R3 R7, traps W12 and L15. A hook may use the API: a task submitted at the end of a turn keeps the
 * next turn from sleeping. */
CONF_CASE(task_submitted_by_the_turn_end_hook_runs_without_a_sleep, "R3 R7", VELO_CAP_TIMERS)
{
    struct hook_cell cell = {0};
    struct velo_options options = conf_options();
    options.ctx = &cell;
    options.on_turn_end = submitting_hook;
    cell.loop = conf_create(&options);
    assert_int_equal(
        velo_timer_start(cell.loop, 3 * CONF_NS_PER_S, 0, count_fn, &cell.guard_ran, NULL), 0);
    assert_int_equal(velo_loop_run(cell.loop, VELO_RUN_NOWAIT), 0);
    assert_int_equal(velo_loop_run(cell.loop, VELO_RUN_ONCE), 0);
    assert_int_equal(cell.ran, 1);
    assert_int_equal(cell.guard_ran, 0);
    conf_destroy(cell.loop);
}

/* ---- a foreign thread adds an immediate or a close callback to a sleeping loop ---- */

static int add_immediate(struct velo_loop *loop, velo_fn fn, void *arg)
{
    return velo_set_immediate(loop, fn, arg, NULL);
}

static void wakes_a_sleeper(int (*add_one)(struct velo_loop *, velo_fn, void *))
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_count ran;
    unsigned rounds = conf_rounds(200);
    conf_count_init(&ran);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < rounds; i++) {
        assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
        assert_int_equal(add_one(loop, conf_count_fn, &ran), 0);
        assert_true(conf_count_wait_for(&ran, i + 1, CONF_NS_PER_S));
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(conf_count_get(&ran), rounds);
    conf_destroy(loop);
}

/* R3. An immediate from another thread ends the sleep. */
CONF_CASE(foreign_immediate_wakes_a_sleeping_loop, "R3", VELO_CAP_IMMEDIATES)
{
    wakes_a_sleeper(add_immediate);
}

/* R3. A close callback from another thread ends the sleep. */
CONF_CASE(foreign_close_callback_wakes_a_sleeping_loop, "R3", 0)
{
    wakes_a_sleeper(velo_defer_close);
}

/* ---- starvation ---- */

enum { STARVE_TURNS = 50 };
static const enum kind endless_kinds[] = {TASK, PRIORITY, TIMER, IMMEDIATE, CLOSING};
enum { ENDLESS = sizeof(endless_kinds) / sizeof(endless_kinds[0]) };

/* A callback that adds itself again, for ever. */
struct endless {
    struct velo_loop *loop;
    enum kind kind;
    unsigned ran;
};

static void endless_fn(void *arg);

static int endless_add(struct endless *e)
{
    switch (e->kind) {
    case TASK:
        return velo_submit(e->loop, endless_fn, e);
    case PRIORITY:
        return velo_submit_priority(e->loop, endless_fn, e);
    case TIMER:
        return velo_timer_start(e->loop, 0, 0, endless_fn, e, NULL);
    case IMMEDIATE:
        return velo_set_immediate(e->loop, endless_fn, e, NULL);
    default:
        return velo_defer_close(e->loop, endless_fn, e);
    }
}

static void endless_fn(void *arg)
{
    struct endless *e = arg;
    e->ran++;
    CONF_EXPECT_INT(endless_add(e), 0);
}

/* S5 R2, traps Q11 and Q12. Every lane is endless at once, two callbacks in each: all of them run
 * exactly once a turn. */
CONF_CASE(endless_lanes_share_every_turn, "S5 S6 R2 T3", CAPS_ALL_PHASES)
{
    struct endless lanes[2 * ENDLESS];
    sim_clock_freeze(0);
    struct velo_loop *loop = conf_create(NULL);
    for (unsigned i = 0; i < 2 * ENDLESS; i++) {
        lanes[i] = (struct endless){.loop = loop, .kind = endless_kinds[i / 2]};
        assert_int_equal(endless_add(&lanes[i]), 0);
    }
    conf_turns(loop, STARVE_TURNS);
    for (unsigned i = 0; i < 2 * ENDLESS; i++) {
        if (lanes[i].ran != STARVE_TURNS)
            fail_msg("%s ran %u times in %d turns",
                     kind_names[lanes[i].kind],
                     lanes[i].ran,
                     STARVE_TURNS);
    }
    conf_destroy(loop);
}

static void level_fn(int fd, unsigned events, void *arg)
{
    (void)fd;
    CONF_EXPECT_INT(events, VELO_READ);
    ++*(unsigned *)arg;
}

/* F8, traps Q12 and T9. Beside endless lanes a descriptor that stays readable is served every turn,
 * and it starves none of them. */
CONF_CASE(endless_lanes_and_a_readable_descriptor_share_every_turn,
          "F8 S5 T3",
          CAPS_ALL_PHASES | VELO_CAP_FDS)
{
    struct endless lanes[ENDLESS];
    unsigned fd_ran = 0;
    int fds[2];
    sim_clock_freeze(0);
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(velo_fd_watch(loop, fds[0], VELO_READ, level_fn, &fd_ran, NULL), 0);
    for (unsigned i = 0; i < ENDLESS; i++) {
        lanes[i] = (struct endless){.loop = loop, .kind = endless_kinds[i]};
        assert_int_equal(endless_add(&lanes[i]), 0);
    }
    conf_turns(loop, STARVE_TURNS);
    assert_int_equal(fd_ran, STARVE_TURNS);
    for (unsigned i = 0; i < ENDLESS; i++)
        assert_int_equal(lanes[i].ran, STARVE_TURNS);
    conf_destroy(loop);
}
