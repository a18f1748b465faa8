/* SPDX-License-Identifier: MIT */
/* Timers, ticks, descriptors, modes and wakes of other threads against a sleeper. */
#include "common/parts/poller.h"
#include "scenario.h"
#include "seams_calls.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FAR_NS 1000000000u

static void start_and_cancel(void *arg)
{
    velo_id id = 0;
    int *answer = arg;
    SCHED_CHECK(velo_timer_start(world.loop, 2000, 0, count_fn, NULL, &id) == 0);
    *answer = velo_timer_cancel(world.loop, id);
}

/* T5: the answer of a cancel is exact. */
static void timer_cancel(void)
{
    int answer = 1;
    world_begin_running();
    int a = sched_spawn("canceller", start_and_cancel, &answer);
    sched_join(a);
    SCHED_CHECK(answer == 0 || answer == -ENOENT || answer == -EALREADY);
    if (answer != 0)
        wait_for_calls(1);
    world_end();
    SCHED_CHECK(world.calls == (answer == 0 ? 0u : 1u));
}

static void start_and_restart(void *arg)
{
    velo_id id = 0;
    int *answer = arg;
    SCHED_CHECK(velo_timer_start(world.loop, 2000, 0, count_fn, NULL, &id) == 0);
    *answer = velo_timer_restart(world.loop, id, 3000);
}

/* T4, T5: a one shot that is moved as it fires runs once, whoever was first. */
static void timer_restart(void)
{
    int answer = 1;
    world_begin_running();
    int a = sched_spawn("restarter", start_and_restart, &answer);
    sched_join(a);
    SCHED_CHECK(answer == 0 || answer == -ENOENT || answer == -EALREADY);
    wait_for_calls(1);
    world_end();
    SCHED_CHECK(world.calls == 1);
}

static void far_fn(void *arg)
{
    (void)arg;
    sched_fail("a far timer fires before a near one that another thread has armed");
}

static void start_near(void *arg)
{
    (void)arg;
    SCHED_CHECK(velo_timer_start(world.loop, 500, 0, count_fn, NULL, NULL) == 0);
}

/* T1, F6: the earlier timer cuts the sleep short. */
static void timer_earlier(void)
{
    world_begin();
    velo_id far = 0;
    SCHED_CHECK(velo_timer_start(world.loop, FAR_NS * FAR_NS, 0, far_fn, NULL, &far) == 0);
    int a = sched_spawn("starter", start_near, NULL);
    SCHED_CHECK(velo_loop_run(world.loop, VELO_RUN_ONCE) == 0);
    while (world.calls == 0)
        SCHED_CHECK(velo_loop_run(world.loop, VELO_RUN_ONCE) == 0);
    sched_join(a);
    SCHED_CHECK(velo_timer_cancel(world.loop, far) == 0);
    SCHED_CHECK(velo_loop_shutdown(world.loop, -1) == 0);
    world_check();
}

static void cancel_far(void *arg)
{
    SCHED_CHECK(velo_timer_cancel(world.loop, *(velo_id *)arg) == 0);
}

/* A2: the last hold goes away while the owner sleeps for its sake. */
static void cancel_ends_the_run(void)
{
    velo_id id = 0;
    world_begin();
    SCHED_CHECK(velo_timer_start(world.loop, FAR_NS * FAR_NS, 0, far_fn, NULL, &id) == 0);
    int a = sched_spawn("canceller", cancel_far, &id);
    SCHED_CHECK(velo_loop_run(world.loop, VELO_RUN_UNTIL_IDLE) == 0);
    sched_join(a);
    SCHED_CHECK(velo_loop_shutdown(world.loop, -1) == 0);
    world_check();
}

static void add_tick(void *arg)
{
    (void)arg;
    SCHED_CHECK(velo_next_tick(world.loop, count_fn, NULL) == 0);
}

static void add_microtask(void *arg)
{
    (void)arg;
    SCHED_CHECK(velo_queue_microtask(world.loop, count_fn, NULL) == 0);
}

/* M4: both wake a sleeper. */
static void foreign_ticks(void)
{
    world_begin_running();
    int a = sched_spawn("ticker", add_tick, NULL);
    int b = sched_spawn("tasker", add_microtask, NULL);
    sched_join(a);
    sched_join(b);
    wait_for_calls(2);
    world_end();
}

/* ---- descriptors and modes ---- */

static void fd_fn(int fd, unsigned events, void *arg)
{
    (void)fd;
    SCHED_CHECK((events & VELO_READ) != 0);
    count_fn(arg);
}

static void watch_readable(void *arg)
{
    const int *fd = arg;
    velo_id id = 0;
    unsigned events = VELO_READ | VELO_ONESHOT;
    SCHED_CHECK(velo_fd_watch(world.loop, *fd, events, fd_fn, NULL, &id) == 0);
    wait_for_calls(1);
    SCHED_CHECK(velo_fd_unwatch(world.loop, id) == 0);
    SCHED_CHECK(submit_piece(0, 0) == 0);
}

static void submit_one(void *arg)
{
    (void)arg;
    SCHED_CHECK(submit_piece(1, 0) == 0);
}

/* P3, F6: the first descriptor and the last one reach a sleeper, as do tasks meanwhile. */
static void watch_against_sleep(void)
{
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    world_begin_running();
    int a = sched_spawn("watcher", watch_readable, &fd);
    int b = sched_spawn("producer-1", submit_one, NULL);
    sched_join(a);
    sched_join(b);
    wait_for_pieces();
    world_end();
    seam_close(fd);
}

static void change_modes(void *arg)
{
    (void)arg;
    SCHED_CHECK(velo_fast_path_set(world.loop, VELO_FAST_DISABLED) == 0);
    SCHED_CHECK(velo_fast_path_set(world.loop, VELO_FAST_FORCED) == 0);
}

static void mode_against_submit(void)
{
    world_begin_running();
    int a = sched_spawn("changer", change_modes, NULL);
    int b = sched_spawn("producer-1", submit_one, NULL);
    sched_join(a);
    sched_join(b);
    wait_for_pieces();
    world_end();
}

/* P2: one of them wins, and the other has changed nothing. */
static int forced_result;

static void force(void *arg)
{
    (void)arg;
    forced_result = velo_fast_path_set(world.loop, VELO_FAST_FORCED);
}

static void watch_against_forced(void)
{
    velo_id id = 0;
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    world_begin_running();
    int a = sched_spawn("forcer", force, NULL);
    int rc = velo_fd_watch(world.loop, fd, VELO_READ | VELO_ONESHOT, fd_fn, NULL, &id);
    sched_join(a);
    SCHED_CHECK(rc == 0 ? forced_result == -EBUSY : rc == -ENOTSUP && forced_result == 0);
    if (rc == 0)
        wait_for_calls(1);
    world_end();
    seam_close(fd);
}

static void wake_it(void *arg)
{
    (void)arg;
    SCHED_CHECK(velo_loop_wake(world.loop) == 0);
}

/* S8: before, at or during the sleep, a wake ends a run of one turn. */
static void wake_against_once(void)
{
    velo_id id = 0;
    world_begin();
    SCHED_CHECK(velo_timer_start(world.loop, FAR_NS * FAR_NS, 0, far_fn, NULL, &id) == 0);
    int a = sched_spawn("waker", wake_it, NULL);
    SCHED_CHECK(velo_loop_run(world.loop, VELO_RUN_ONCE) == 0);
    sched_join(a);
    SCHED_CHECK(velo_timer_cancel(world.loop, id) == 0);
    SCHED_CHECK(velo_loop_shutdown(world.loop, -1) == 0);
    world_check();
}

static void submit_two(void *arg)
{
    unsigned producer = (unsigned)(uintptr_t)arg;
    SCHED_CHECK(submit_piece(producer, 0) == 0);
    SCHED_CHECK(submit_piece(producer, 1) == 0);
}

/* A4: nobody is inside run; the descriptor says when somebody should be. */
static void embedded(void)
{
    world_begin();
    int fd = velo_loop_backend_fd(world.loop);
    SCHED_CHECK(fd >= 0);
    int a = sched_spawn("producer-0", submit_two, (void *)0);
    int b = sched_spawn("ticker", add_tick, NULL);
    while (world.calls < 1 || !world.pieces[0][1].ran) {
        poller_peek(fd, -1);
        SCHED_CHECK(velo_loop_run(world.loop, VELO_RUN_NOWAIT) == 0);
    }
    sched_join(a);
    sched_join(b);
    SCHED_CHECK(velo_loop_shutdown(world.loop, -1) == 0);
    world_check();
}

/* ---- offloads ---- */

static int last_status;

static void work_fn(void *arg)
{
    (void)arg;
    SCHED_CHECK(!velo_loop_is_owner(world.loop));
}

static void done_fn(int status, void *arg)
{
    last_status = status;
    count_fn(arg);
}

/* O1, O3: the completion wakes a sleeper; a cancel that answers 0 is told as -ECANCELED. */
static void offload_cancel(void)
{
    velo_id id = 0;
    world_begin_running();
    SCHED_CHECK(velo_offload(world.loop, work_fn, done_fn, NULL, &id) == 0);
    int answer = velo_offload_cancel(world.loop, id);
    SCHED_CHECK(answer == 0 || answer == -EBUSY || answer == -ENOENT);
    wait_for_calls(1);
    SCHED_CHECK(last_status == (answer == 0 ? -ECANCELED : 0));
    world_end();
    SCHED_CHECK(world.calls == 1);
}

static void offload_two(void *arg)
{
    unsigned *accepted = arg;
    for (int i = 0; i < 2; i++)
        *accepted += velo_offload(world.loop, work_fn, done_fn, NULL, NULL) == 0;
}

/* O2, L7: a close meets offloads that are added, queued, and run; destroy waits for the workers. */
static void offload_against_close(void)
{
    unsigned accepted = 0;
    world_begin_running();
    int a = sched_spawn("offloader", offload_two, &accepted);
    SCHED_CHECK(velo_loop_close(world.loop) == 0);
    sched_join(a);
    sched_join(world.owner);
    SCHED_CHECK(velo_loop_destroy(world.loop) == 0);
    SCHED_CHECK(world.calls + world.others == accepted);
}

#define CAP_FOREIGN_TIMER (VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)

const struct scenario scenarios_others[] = {
    {"timer_cancel", "a foreign timer, cancelled as it fires", CAP_FOREIGN_TIMER, timer_cancel},
    {"timer_restart", "a foreign timer, moved as it fires", CAP_FOREIGN_TIMER, timer_restart},
    {"timer_earlier", "an earlier timer cuts a sleep short", CAP_FOREIGN_TIMER, timer_earlier},
    {"cancel_ends_the_run",
     "the last hold goes away during the sleep",
     CAP_FOREIGN_TIMER | VELO_CAP_UNTIL_IDLE,
     cancel_ends_the_run},
    {"foreign_ticks", "a tick and a microtask wake a sleeper", VELO_CAP_MICROTASKS, foreign_ticks},
    {"watch_against_sleep", "the first and the last descriptor", VELO_CAP_FDS, watch_against_sleep},
    {"mode_against_submit",
     "changes of mode and a submit",
     VELO_CAP_FAST_PATH,
     mode_against_submit},
    {"watch_against_forced",
     "a watch against the forced fast path",
     VELO_CAP_FDS | VELO_CAP_FAST_PATH,
     watch_against_forced},
    {"wake_against_once", "a wake against a run of one turn", VELO_CAP_TIMERS, wake_against_once},
    {"embedded",
     "a loop that nobody runs becomes readable",
     VELO_CAP_BACKEND_FD | VELO_CAP_MICROTASKS,
     embedded},
    {"offload_cancel", "a cancel against a worker", VELO_CAP_OFFLOAD, offload_cancel},
    {"offload_against_close",
     "offloads that a close meets",
     VELO_CAP_OFFLOAD,
     offload_against_close},
    {0},
};
