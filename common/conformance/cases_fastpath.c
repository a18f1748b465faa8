/* SPDX-License-Identifier: MIT */
/*
 * The fast path (P1-P6). Method: the system calls of the process are counted, so that "does not
 * enter epoll" is a number. Most cases choose the mode of their loops themselves.
 */
#include <sched.h>
#include <unistd.h>

#include "../sim/clock.h"
#include "../sim/faults.h"
#include "conf.h"
#include "kinds.h"

#define NEEDS_FAST (VELO_CAP_FAST_PATH | CONF_OWN_MODE)
#define NEEDS_FAST_FDS (VELO_CAP_FAST_PATH | VELO_CAP_FDS | CONF_OWN_MODE)

static struct velo_loop *create_in(enum velo_fast_path mode)
{
    struct velo_options options = conf_options();
    options.fast_path = mode;
    return conf_create(&options);
}

static uint64_t kernel_polls(void)
{
    return sim_calls(SIM_POLL_WAIT) + sim_calls(SIM_POLL_LOOK);
}

/* Wait for a call that waits in the kernel's poll, after the first [polls] of them. */
static bool polls_again(uint64_t polls)
{
    uint64_t deadline = conf_now_ns() + CONF_PATIENCE_NS;
    while (sim_calls(SIM_POLL_WAIT) == polls && conf_now_ns() < deadline)
        sched_yield();
    return sim_calls(SIM_POLL_WAIT) > polls;
}

static void on_event(int fd, unsigned events, void *arg)
{
    char byte;
    (void)events;
    if (read(fd, &byte, 1) == 1)
        conf_count_add(arg, 1);
}

/* One task through a sleeping loop. */
static void ping(struct velo_loop *loop, struct conf_count *ran)
{
    uint64_t before = conf_count_get(ran);
    conf_wait_state(loop, VELO_STATE_SLEEPING);
    assert_int_equal(velo_submit(loop, conf_count_fn, ran), 0);
    assert_true(conf_count_wait(ran, before + 1));
}

static void end(struct velo_loop *loop, struct conf_runner *runner)
{
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(runner), 0);
    conf_destroy(loop);
}

/* ---- P1 ---- */

/* P1: without descriptors neither epoll nor an eventfd is touched, asleep or awake. */
CONF_CASE(the_fast_path_touches_neither_epoll_nor_eventfd, "P1", NEEDS_FAST)
{
    static const enum velo_fast_path modes[] = {VELO_FAST_AUTO, VELO_FAST_FORCED};
    for (unsigned i = 0; i < 2; i++) {
        struct velo_loop *loop = create_in(modes[i]);
        struct conf_runner runner;
        struct conf_count ran;
        conf_count_init(&ran);
        uint64_t polls = kernel_polls(), writes = sim_calls(SIM_WAKE_WRITE);
        uint64_t reads = sim_calls(SIM_WAKE_READ), controls = sim_calls(SIM_EPOLL_CTL);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        for (unsigned round = 0; round < 100; round++)
            ping(loop, &ran);
        if (conf_has(VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)) {
            assert_int_equal(velo_timer_start(loop, CONF_NS_PER_MS, 0, conf_count_fn, &ran, NULL),
                             0);
            assert_true(conf_count_wait(&ran, 101));
        }
        assert_int_equal(velo_loop_shutdown(loop, -1), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        assert_int_equal(kernel_polls() - polls, 0);
        assert_int_equal(sim_calls(SIM_WAKE_WRITE) - writes, 0);
        assert_int_equal(sim_calls(SIM_WAKE_READ) - reads, 0);
        assert_true(modes[i] == VELO_FAST_AUTO || sim_calls(SIM_EPOLL_CTL) == controls);
        conf_destroy(loop);
    }
}

/* P1, P4, trap P7: DISABLED really sleeps in the kernel's poll. The state alone does not tell that
 * it does: a task that comes between the announcement and the poll keeps the loop up. */
CONF_CASE(disabled_really_uses_the_kernel_poll, "P1 P4", NEEDS_FAST)
{
    struct velo_loop *loop = create_in(VELO_FAST_DISABLED);
    struct conf_runner runner;
    struct conf_count ran;
    conf_count_init(&ran);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned round = 0; round < 20; round++) {
        uint64_t polls = sim_calls(SIM_POLL_WAIT);
        ping(loop, &ran);
        assert_true(polls_again(polls));
    }
    if (conf_has(VELO_CAP_METRICS))
        assert_int_equal(conf_metrics(loop).fast_entries, 0);
    end(loop, &runner);
}

/* P1: FORCED refuses descriptors; FORCED is refused while descriptors are watched. */
CONF_CASE(forced_and_descriptors_exclude_each_other, "P1 F2", NEEDS_FAST_FDS)
{
    struct velo_loop *loop = create_in(VELO_FAST_FORCED);
    struct conf_count seen;
    velo_id id = 4711;
    int ends[2];
    conf_count_init(&seen);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(velo_fast_path_get(loop), VELO_FAST_FORCED);
    assert_int_equal(velo_fd_watch(loop, ends[0], VELO_READ, on_event, &seen, &id), -ENOTSUP);
    if (conf_has(VELO_CAP_BACKEND_FD))
        assert_int_equal(velo_loop_backend_fd(loop), -ENOTSUP);
    assert_int_equal(velo_fast_path_set(loop, VELO_FAST_AUTO), 0);
    assert_int_equal(velo_fd_watch(loop, ends[0], VELO_READ, on_event, &seen, &id), 0);
    assert_int_equal(velo_fast_path_set(loop, VELO_FAST_FORCED), -EBUSY);
    assert_int_equal(velo_fast_path_get(loop), VELO_FAST_AUTO);
    assert_int_equal(write(ends[1], "x", 1), 1);
    conf_turns(loop, 2);
    assert_int_equal(conf_count_get(&seen), 1);
    assert_int_equal(velo_fd_unwatch(loop, id), 0);
    assert_int_equal(velo_fast_path_set(loop, VELO_FAST_FORCED), 0);
    assert_int_equal(velo_fd_watch(loop, ends[0], VELO_READ, on_event, &seen, &id), -ENOTSUP);
    conf_destroy(loop);
    close(ends[0]);
    close(ends[1]);
}

/* P1: backend_fd takes the loop off the fast path as a descriptor does. */
CONF_CASE(backend_fd_and_forced_exclude_each_other,
          "P1 A4",
          VELO_CAP_FAST_PATH | VELO_CAP_BACKEND_FD | CONF_OWN_MODE)
{
    struct velo_loop *loop = create_in(VELO_FAST_AUTO);
    assert_true(velo_loop_backend_fd(loop) >= 0);
    assert_int_equal(velo_fast_path_set(loop, VELO_FAST_FORCED), -EBUSY);
    assert_int_equal(velo_fast_path_get(loop), VELO_FAST_AUTO);
    assert_int_equal(velo_fast_path_set(loop, VELO_FAST_DISABLED), 0);
    conf_destroy(loop);
}

/* P1, X1: get tells what was set; unknown modes are refused; so is FORCED without the capability.
 */
CONF_CASE(fast_path_set_and_get_agree, "P1 X1", CONF_OWN_MODE)
{
    struct velo_loop *loop = create_in(VELO_FAST_AUTO);
    bool offered = conf_has(VELO_CAP_FAST_PATH);
    assert_int_equal(velo_fast_path_get(loop), offered ? VELO_FAST_AUTO : VELO_FAST_DISABLED);
    assert_int_equal(velo_fast_path_set(loop, (enum velo_fast_path)7), -EINVAL);
    assert_int_equal(velo_fast_path_set(loop, VELO_FAST_DISABLED), 0);
    assert_int_equal(velo_fast_path_get(loop), VELO_FAST_DISABLED);
    assert_int_equal(velo_fast_path_set(loop, VELO_FAST_FORCED), offered ? 0 : -ENOTSUP);
    assert_int_equal(velo_fast_path_get(loop), offered ? VELO_FAST_FORCED : VELO_FAST_DISABLED);
    assert_int_equal(velo_loop_close(loop), 0);
    assert_int_equal(velo_fast_path_set(loop, VELO_FAST_AUTO), -ESHUTDOWN);
    assert_int_equal(velo_fast_path_set(loop, (enum velo_fast_path)7), -EINVAL);
    conf_destroy(loop);
    struct velo_options forced = {.size = sizeof(forced), .fast_path = VELO_FAST_FORCED};
    struct velo_loop *none = NULL;
    assert_int_equal(velo_loop_create(&none, &forced), offered ? 0 : -ENOTSUP);
    assert_int_equal(velo_loop_destroy(none), 0);
}

/* Trap P1: a wait of more than a second is neither cut short nor without end. */
CONF_CASE(a_timer_beyond_a_second_fires_on_the_fast_path, "P1 T1 T8", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count fired;
    uint64_t delay = 1100 * CONF_NS_PER_MS, begin = conf_now_ns();
    conf_count_init(&fired);
    assert_int_equal(velo_timer_start(loop, delay, 0, conf_count_fn, &fired, NULL), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    uint64_t took = conf_now_ns() - begin;
    assert_int_equal(conf_count_get(&fired), 1);
    assert_in_range(took, delay, delay + CONF_NS_PER_S);
    conf_destroy(loop);
}

/* ---- P2 ---- */

struct rivals {
    struct velo_loop *loop;
    struct conf_random random[2];
    struct conf_count seen;
    velo_id id;
    int fd;
    int watched, forced;
};

static void be_a_rival(void *arg, unsigned index)
{
    struct rivals *rivals = arg;
    conf_jitter(&rivals->random[index], 3000);
    if (index == 0)
        rivals->watched = velo_fd_watch(
            rivals->loop, rivals->fd, VELO_READ, on_event, &rivals->seen, &rivals->id);
    else
        rivals->forced = velo_fast_path_set(rivals->loop, VELO_FAST_FORCED);
}

/* One round: exactly one wins, and the loser has left nothing behind. */
static void race_watch_and_force(struct rivals *rivals, const int ends[2])
{
    struct conf_team team;
    conf_team_start(&team, 2, be_a_rival, rivals);
    conf_team_join(&team);
    if (rivals->watched == 0) {
        assert_int_equal(rivals->forced, -EBUSY);
        assert_int_equal(velo_fast_path_get(rivals->loop), VELO_FAST_AUTO);
        uint64_t before = conf_count_get(&rivals->seen);
        assert_int_equal(write(ends[1], "x", 1), 1);
        assert_true(conf_count_wait(&rivals->seen, before + 1));
        assert_int_equal(velo_fd_unwatch(rivals->loop, rivals->id), 0);
    } else {
        assert_int_equal(rivals->watched, -ENOTSUP);
        assert_int_equal(rivals->forced, 0);
        assert_int_equal(velo_fast_path_get(rivals->loop), VELO_FAST_FORCED);
    }
    assert_int_equal(velo_fast_path_set(rivals->loop, VELO_FAST_AUTO), 0);
}

/* P2, trap P4: fd_watch against FORCED on a running loop. */
CONF_CASE(watch_against_forced_has_one_winner, "P2 P3", NEEDS_FAST_FDS)
{
    struct rivals rivals = {.loop = create_in(VELO_FAST_AUTO),
                            .random = {conf_random(1), conf_random(2)}};
    struct conf_runner runner;
    struct conf_count ran;
    int ends[2];
    conf_count_init(&ran);
    conf_count_init(&rivals.seen);
    assert_int_equal(pipe(ends), 0);
    rivals.fd = ends[0];
    conf_runner_start(&runner, rivals.loop, VELO_RUN_FOREVER);
    for (unsigned round = 0; round < conf_rounds(500); round++) {
        race_watch_and_force(&rivals, ends);
        if (round % 8 == 0)
            ping(rivals.loop, &ran);
    }
    end(rivals.loop, &runner);
    close(ends[0]);
    close(ends[1]);
}

/* ---- P3 ---- */

/* P3, trap P3: the mode changes while the loop sleeps; the next task finds it where it now sleeps.
 */
CONF_CASE(a_mode_change_wakes_the_sleeper, "P3 S8", NEEDS_FAST)
{
    static const enum velo_fast_path modes[] = {VELO_FAST_DISABLED,
                                                VELO_FAST_AUTO,
                                                VELO_FAST_DISABLED,
                                                VELO_FAST_FORCED,
                                                VELO_FAST_AUTO,
                                                VELO_FAST_FORCED};
    struct velo_loop *loop = create_in(VELO_FAST_AUTO);
    struct conf_runner runner;
    struct conf_count ran;
    conf_count_init(&ran);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned round = 0; round < conf_rounds(600); round++) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        assert_int_equal(velo_fast_path_set(loop, modes[round % 6]), 0);
        if (round % 3 == 0)
            conf_wait_state(loop, VELO_STATE_SLEEPING);
        uint64_t before = conf_count_get(&ran);
        assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
        assert_true(conf_count_wait(&ran, before + 1));
    }
    end(loop, &runner);
}

/* P3: after a change to DISABLED the sleeper sits in the poll, without another event. */
CONF_CASE(a_mode_change_moves_the_sleeper_at_once, "P3", NEEDS_FAST)
{
    struct velo_loop *loop = create_in(VELO_FAST_AUTO);
    struct conf_runner runner;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    conf_sync(loop);
    for (unsigned round = 0; round < 20; round++) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        uint64_t polls = sim_calls(SIM_POLL_WAIT);
        assert_int_equal(velo_fast_path_set(loop, VELO_FAST_DISABLED), 0);
        assert_true(polls_again(polls));
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        assert_int_equal(velo_fast_path_set(loop, VELO_FAST_AUTO), 0);
        conf_sync(loop);
    }
    end(loop, &runner);
}

/* P3, F6: the first descriptor comes while the loop sleeps on the fast path, the last one goes. */
CONF_CASE(the_first_and_the_last_descriptor_wake_the_sleeper, "P3 F6", NEEDS_FAST_FDS)
{
    struct velo_loop *loop = create_in(VELO_FAST_AUTO);
    struct conf_runner runner;
    struct conf_count ran, seen;
    int ends[2];
    conf_count_init(&ran);
    conf_count_init(&seen);
    assert_int_equal(pipe(ends), 0);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned round = 1; round <= conf_rounds(300); round++) {
        velo_id id = 0;
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        if (round % 2 == 0)
            assert_int_equal(write(ends[1], "x", 1), 1);
        assert_int_equal(velo_fd_watch(loop, ends[0], VELO_READ, on_event, &seen, &id), 0);
        if (round % 2 != 0)
            assert_int_equal(write(ends[1], "x", 1), 1);
        assert_true(conf_count_wait(&seen, round));
        ping(loop, &ran);
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        assert_int_equal(velo_fd_unwatch(loop, id), 0);
        ping(loop, &ran);
    }
    end(loop, &runner);
    close(ends[0]);
    close(ends[1]);
}

struct shaken {
    struct velo_loop *loop;
    struct conf_count ran;
    atomic_bool stop;
};

static void change_modes(void *arg, unsigned index)
{
    struct shaken *shaken = arg;
    struct conf_random random = conf_random(20 + index);
    while (!atomic_load(&shaken->stop)) {
        unsigned mode = (unsigned)conf_random_below(&random, 3);
        CONF_EXPECT_INT(velo_fast_path_set(shaken->loop, (enum velo_fast_path)mode), 0);
        conf_jitter(&random, 20000);
    }
}

/* P3, trap P2: the mode flips between a submit's look at it and its append; no task is stranded. */
CONF_CASE(submits_race_mode_changes_and_all_run_promptly, "P3 S8", NEEDS_FAST)
{
    struct shaken shaken = {.loop = create_in(VELO_FAST_AUTO)};
    struct conf_random random = conf_random(30);
    struct conf_runner runner;
    struct conf_team team;
    conf_count_init(&shaken.ran);
    conf_runner_start(&runner, shaken.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, 1, change_modes, &shaken);
    for (unsigned i = 1; i <= conf_rounds(10000); i++) {
        assert_int_equal(velo_submit(shaken.loop, conf_count_fn, &shaken.ran), 0);
        assert_true(conf_count_wait(&shaken.ran, i));
        if (i % 4 == 0)
            conf_jitter(&random, 10000);
    }
    atomic_store(&shaken.stop, true);
    conf_team_join(&team);
    end(shaken.loop, &runner);
}

/* ---- P4 ---- */

/* A seeded program of callbacks: each adds a few more of random kinds. */
struct tree {
    struct velo_loop *loop;
    struct conf_random random;
    struct conf_trace trace;
    unsigned left;
};

static void grow(void *arg);

static void grow_some(struct tree *tree, uint64_t count)
{
    for (; count > 0 && tree->left > 0; count--) {
        unsigned kind = (unsigned)conf_random_below(&tree->random, KINDS);
        if (!kind_is_offered(kind))
            continue;
        tree->left--;
        CONF_EXPECT_INT(kind_add(kind, tree->loop, grow, tree, NULL), 0);
        conf_trace_add(&tree->trace, "+%c", kind_name(kind)[0]);
    }
}

static void grow(void *arg)
{
    struct tree *tree = arg;
    conf_trace_add(&tree->trace, "%u", tree->left);
    grow_some(tree, conf_random_below(&tree->random, 4));
}

static void grow_tree(struct tree *tree, enum velo_fast_path mode, unsigned seed)
{
    tree->loop = create_in(mode);
    tree->random = conf_random(seed);
    tree->left = 150;
    conf_trace_init(&tree->trace);
    grow_some(tree, 4);
    for (unsigned turn = 0; turn < 200; turn++) {
        conf_turns(tree->loop, 1);
        sim_clock_advance(1000);
    }
    conf_destroy(tree->loop);
}

/* P4, trap P7: seeded programs leave the same trace in each mode, to the callback. */
CONF_CASE(random_programs_run_alike_in_every_mode, "P4", NEEDS_FAST)
{
    static struct tree automatic, other;
    sim_clock_freeze(0);
    for (unsigned seed = 0; seed < conf_rounds(100); seed++) {
        grow_tree(&automatic, VELO_FAST_AUTO, seed);
        grow_tree(&other, VELO_FAST_FORCED, seed);
        assert_string_equal(automatic.trace.text, other.trace.text);
        grow_tree(&other, VELO_FAST_DISABLED, seed);
        assert_string_equal(automatic.trace.text, other.trace.text);
    }
    sim_clock_release();
}

/* ---- P5 ---- */

/* P5: entries are counted and logged at debug level, each change of the mode makes new ones. */
CONF_CASE(fast_path_entries_are_counted_and_logged, "P5", NEEDS_FAST | VELO_CAP_METRICS)
{
    struct velo_loop *loop = create_in(VELO_FAST_DISABLED);
    struct conf_runner runner;
    struct conf_count ran;
    conf_count_init(&ran);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    ping(loop, &ran);
    assert_int_equal(conf_metrics(loop).fast_entries, 0);
    uint64_t last = 0;
    for (unsigned round = 0; round < 5; round++) {
        uint64_t lines = conf_logged(loop, VELO_LOG_DEBUG);
        assert_int_equal(velo_fast_path_set(loop, VELO_FAST_AUTO), 0);
        ping(loop, &ran);
        ping(loop, &ran);
        uint64_t entries = conf_metrics(loop).fast_entries;
        assert_true(entries > last);
        assert_true(conf_logged(loop, VELO_LOG_DEBUG) > lines);
        last = entries;
        lines = conf_logged(loop, VELO_LOG_DEBUG);
        assert_int_equal(velo_fast_path_set(loop, VELO_FAST_DISABLED), 0);
        ping(loop, &ran);
        ping(loop, &ran);
        assert_int_equal(conf_metrics(loop).fast_entries, last);
        assert_true(conf_logged(loop, VELO_LOG_DEBUG) > lines);
    }
    end(loop, &runner);
}

/* ---- P6 ---- */

/* Processor time of 100 ms of rest after 200 round trips. */
static uint64_t rest_cpu_ns(void *arg)
{
    struct conf_count ran;
    conf_count_init(&ran);
    for (unsigned round = 0; round < 200; round++)
        ping(arg, &ran);
    uint64_t cpu = conf_cpu_ns();
    conf_elapse_ns(100 * CONF_NS_PER_MS);
    return conf_cpu_ns() - cpu;
}

/* P6: a loop that was busy a moment ago and now rests spins at most for its cap. */
CONF_CASE(the_idle_spin_is_bounded, "P6", NEEDS_FAST)
{
    static const int64_t caps[] = {0, -1, 50000};
    const uint64_t most_ns = 5 * CONF_NS_PER_MS;
    for (unsigned i = 0; i < 3; i++) {
        struct velo_options options = conf_options();
        struct conf_runner runner;
        options.fast_path = VELO_FAST_AUTO;
        options.spin_ns = caps[i];
        struct velo_loop *loop = conf_create(&options);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        assert_in_range(conf_least(most_ns, rest_cpu_ns, loop), 0, most_ns);
        end(loop, &runner);
    }
}
