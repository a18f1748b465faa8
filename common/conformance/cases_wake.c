/* SPDX-License-Identifier: MIT */
/*
 * Waking a sleeping loop (S8): always, and with no more system calls than sleeps. Method: counters
 * of the system calls say what waking has cost. No case has a timer that could hide a lost wake-up.
 * The way to sleep itself is for cases_wake_brink.c.
 */
#include "../sim/faults.h"
#include "conf.h"
#include "kinds.h"
#include "probes.h"

static uint64_t rings(void)
{
    return sim_calls(SIM_WAKE_WRITE) + sim_calls(SIM_FUTEX_WAKE);
}

/* A running loop on a thread of its own, asleep. */
struct sleeper {
    struct velo_loop *loop;
    struct conf_runner runner;
    struct conf_count ran;
};

static void sleeper_start(struct sleeper *sleeper)
{
    sleeper->loop = conf_create(NULL);
    conf_count_init(&sleeper->ran);
    conf_runner_start(&sleeper->runner, sleeper->loop, VELO_RUN_FOREVER);
    assert_true(conf_wait_state(sleeper->loop, VELO_STATE_SLEEPING));
}

static void sleeper_end(struct sleeper *sleeper)
{
    assert_int_equal(velo_loop_shutdown(sleeper->loop, -1), 0);
    assert_int_equal(conf_runner_join(&sleeper->runner), 0);
    conf_destroy(sleeper->loop);
}

/* S8, M4, trap W8: foreign work of every kind wakes a sleeping loop, again and again. */
CONF_CASE(work_of_every_kind_wakes_a_sleeping_loop, "S8 M4", 0)
{
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    uint64_t added = 0;
    for (unsigned round = 0; round < conf_rounds(50); round++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            if (!kind_is_offered(kind))
                continue;
            assert_true(conf_wait_state(sleeper.loop, VELO_STATE_SLEEPING));
            assert_int_equal(kind_add(kind, sleeper.loop, conf_count_fn, &sleeper.ran, NULL), 0);
            added++;
            if (!conf_count_wait(&sleeper.ran, added))
                fail_msg("a %s does not wake", kind_name(kind));
        }
    }
    sleeper_end(&sleeper);
}

/* S8, S4: so does a batch, whether it fits the queue's next piece of memory or needs several. */
CONF_CASE(a_batch_of_any_size_wakes_a_sleeping_loop, "S8 S4", VELO_CAP_BATCH)
{
    static const size_t sizes[] = {2, 3, 8, 100, 300, 1000};
    static struct velo_task tasks[1000];
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    uint64_t added = 0;
    for (unsigned i = 0; i < 1000; i++)
        tasks[i] = (struct velo_task){conf_count_fn, &sleeper.ran};
    for (unsigned round = 0; round < conf_rounds(50); round++) {
        for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            assert_true(conf_wait_state(sleeper.loop, VELO_STATE_SLEEPING));
            assert_int_equal(velo_submit_many(sleeper.loop, tasks, sizes[i]), 0);
            added += sizes[i];
            if (!conf_count_wait(&sleeper.ran, added))
                fail_msg("a batch of %zu does not wake", sizes[i]);
        }
    }
    sleeper_end(&sleeper);
}

/* S8, trap W2: one submit per sleep at a random distance, many times. */
CONF_CASE(one_submit_per_sleep_is_never_lost, "S8", 0)
{
    struct conf_random random = conf_random(0);
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    for (unsigned i = 1; i <= conf_rounds(15000); i++) {
        assert_int_equal(velo_submit(sleeper.loop, conf_count_fn, &sleeper.ran), 0);
        assert_true(conf_count_wait(&sleeper.ran, i));
        conf_jitter(&random, 50000);
    }
    sleeper_end(&sleeper);
}

static void submit_some(void *arg, unsigned index)
{
    struct sleeper *sleeper = arg;
    struct conf_random random = conf_random(index);
    for (unsigned i = 0; i < conf_rounds(4000); i++) {
        CONF_EXPECT_INT(velo_submit(sleeper->loop, conf_count_fn, &sleeper->ran), 0);
        conf_jitter(&random, 20000);
    }
}

/* S8, trap W2: two producers, so that one may take the claim and the other rely on it. */
CONF_CASE(two_producers_never_strand_each_other, "S8", 0)
{
    struct sleeper sleeper;
    struct conf_team team;
    sleeper_start(&sleeper);
    conf_team_start(&team, 2, submit_some, &sleeper);
    conf_team_join(&team);
    assert_true(conf_count_wait(&sleeper.ran, 2 * (uint64_t)conf_rounds(4000)));
    sleeper_end(&sleeper);
}

static void add_some_of_each(void *arg, unsigned index)
{
    struct sleeper *sleeper = arg;
    struct conf_random random = conf_random(50 + index);
    for (unsigned i = 0; i < conf_rounds(4000); i++) {
        unsigned kind = (unsigned)conf_random_below(&random, KINDS);
        kind = kind_is_offered(kind) ? kind : KIND_TASK;
        uint64_t target = conf_count_get(&sleeper->ran) + 1;
        CONF_EXPECT_INT(kind_add(kind, sleeper->loop, conf_count_fn, &sleeper->ran, NULL), 0);
        if (!conf_count_wait(&sleeper->ran, target))
            return;
        conf_jitter(&random, 30000);
    }
}

/* S8, M4, trap W2: one piece of work per sleep, of any kind, at a random distance. */
CONF_CASE(one_piece_of_work_of_any_kind_per_sleep_is_never_lost, "S8 M4", 0)
{
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    add_some_of_each(&sleeper, 0);
    sleeper_end(&sleeper);
}

/* ---- what waking costs ---- */

static void submit_once(void *arg, unsigned index)
{
    struct sleeper *sleeper = arg;
    (void)index;
    CONF_EXPECT_INT(velo_submit(sleeper->loop, conf_count_fn, &sleeper->ran), 0);
}

/* S8, trap W9: 64 threads, 64 runs; wake-up calls are at most as many as sleeps. */
CONF_CASE(sixty_four_threads_ring_at_most_once_per_sleep, "S8", 0)
{
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    for (unsigned round = 1; round <= conf_rounds(20); round++) {
        struct conf_team team;
        conf_wait_state(sleeper.loop, VELO_STATE_SLEEPING);
        uint64_t rings_before = rings(), parks_before = conf_metrics(sleeper.loop).parks;
        conf_team_start(&team, CONF_TEAM_MAX, submit_once, &sleeper);
        conf_team_join(&team);
        assert_true(conf_count_wait(&sleeper.ran, (uint64_t)round * CONF_TEAM_MAX));
        conf_wait_state(sleeper.loop, VELO_STATE_SLEEPING);
        /* Sleeps that were announced and then called off count: they were rung for, too. The one
         * that was on when we began is one more. */
        uint64_t parks = conf_metrics(sleeper.loop).parks - parks_before;
        assert_in_range(rings() - rings_before, 0, parks + 1);
    }
    assert_int_equal(conf_count_get(&sleeper.ran), (uint64_t)conf_rounds(20) * CONF_TEAM_MAX);
    sleeper_end(&sleeper);
}

/* Say that the owner is here, and hold it until somebody else has counted, too. */
static void tell_and_hold(void *arg)
{
    conf_count_add(arg, 1);
    conf_count_wait(arg, 2);
}

/* S8: while the loop is awake a submit makes no system call, be it foreign or the owner's own. */
CONF_CASE(no_wakeup_call_while_the_loop_is_awake, "S8", 0)
{
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    assert_int_equal(velo_submit(sleeper.loop, tell_and_hold, &sleeper.ran), 0);
    assert_true(conf_count_wait(&sleeper.ran, 1)); /* not only RUNNING: it may be on its way out */
    uint64_t before = rings();
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(velo_submit(sleeper.loop, nothing, NULL), 0);
    assert_int_equal(rings() - before, 0);
    conf_count_add(&sleeper.ran, 1);
    sleeper_end(&sleeper);
}

struct own_work {
    struct velo_loop *loop;
    unsigned left;
    struct conf_count done;
    uint64_t rings_before, rings_after;
};

static void submit_own(void *arg)
{
    struct own_work *work = arg;
    if (work->left == 1000)
        work->rings_before = rings();
    if (--work->left > 0) {
        CONF_EXPECT_INT(velo_submit(work->loop, submit_own, work), 0);
        return;
    }
    work->rings_after = rings();
    conf_count_add(&work->done, 1);
}

/* S8: the owner never rings for itself. */
CONF_CASE(the_owner_never_rings_for_itself, "S8", 0)
{
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    struct own_work work = {.loop = sleeper.loop, .left = 1000};
    conf_count_init(&work.done);
    assert_int_equal(velo_submit(sleeper.loop, submit_own, &work), 0);
    assert_true(conf_count_wait(&work.done, 1));
    assert_int_equal(work.rings_after - work.rings_before, 0);
    sleeper_end(&sleeper);
}

/* S8, X3, X4 of the traps: the loop's own count of wake-up calls is the true one. */
CONF_CASE(metrics_count_wakeup_calls_truly, "S8 X3", VELO_CAP_METRICS)
{
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    uint64_t real_before = rings(), told_before = conf_metrics(sleeper.loop).wakeups;
    uint64_t parks_before = conf_metrics(sleeper.loop).parks;
    for (unsigned i = 1; i <= 50; i++) {
        conf_wait_state(sleeper.loop, VELO_STATE_SLEEPING);
        assert_int_equal(velo_submit(sleeper.loop, conf_count_fn, &sleeper.ran), 0);
        assert_true(conf_count_wait(&sleeper.ran, i));
    }
    conf_wait_state(sleeper.loop, VELO_STATE_SLEEPING);
    struct velo_metrics seen = conf_metrics(sleeper.loop);
    assert_int_equal(seen.wakeups - told_before, rings() - real_before);
    assert_in_range(seen.wakeups - told_before, 1, seen.parks - parks_before + 1);
    assert_int_equal(seen.executed, 50); /* wake-ups are no callbacks */
    assert_int_equal(seen.fd_events, 0); /* and nobody's descriptors */
    sleeper_end(&sleeper);
}

/* Processor time of 400 ms in which nothing happens. */
static uint64_t idle_cpu_ns(void *arg)
{
    struct sleeper *sleeper = arg;
    conf_sync(sleeper->loop); /* something happened lately: an idle spin would begin now */
    conf_wait_state(sleeper->loop, VELO_STATE_SLEEPING);
    uint64_t cpu = conf_cpu_ns(), sleeps_before = sleeps(), looks = sim_calls(SIM_POLL_LOOK);
    conf_elapse_ns(400 * CONF_NS_PER_MS);
    assert_in_range(sleeps() - sleeps_before + sim_calls(SIM_POLL_LOOK) - looks, 0, 5);
    return conf_cpu_ns() - cpu;
}

/* Trap W10, X3: an idle loop burns nothing and asks the kernel nothing. */
CONF_CASE(an_idle_loop_costs_nothing, "S8 P6", 0)
{
    const uint64_t most_ns = 5 * CONF_NS_PER_MS;
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    assert_in_range(conf_least(most_ns, idle_cpu_ns, &sleeper), 0, most_ns);
    sleeper_end(&sleeper);
}

/* ---- velo_loop_wake ---- */

/* Ruling "wake": while AWAKE it makes the next poll non-blocking; calls coalesce. */
CONF_CASE(wake_before_a_run_makes_its_poll_nonblocking, "S8 A3", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count fired;
    conf_count_init(&fired);
    assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, conf_count_fn, &fired, NULL),
                     0);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(velo_loop_wake(loop), 0);
        assert_int_equal(velo_loop_wake(loop), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0); /* else: an hour */
    }
    assert_int_equal(conf_count_get(&fired), 0);
    conf_destroy(loop);
}

/* Ruling "wake": one that has ended a sleep is used up: the next run sleeps. */
CONF_CASE(wake_ends_one_sleep_and_no_more, "S8 A3", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, NULL), 0);
    for (unsigned i = 0; i < 20; i++) {
        struct conf_runner runner;
        conf_runner_start(&runner, loop, VELO_RUN_ONCE);
        bool asleep = conf_wait_state(loop, VELO_STATE_SLEEPING);
        assert_int_equal(velo_loop_wake(loop), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        assert_true(asleep);
    }
    assert_int_equal(conf_metrics(loop).turns, 20);
    conf_destroy(loop);
}

static void wake_own_loop(void *arg)
{
    CONF_EXPECT_INT(velo_loop_wake(arg), 0);
}

/* Ruling "wake": a call from a callback makes the poll of this turn non-blocking. */
CONF_CASE(wake_from_a_callback_prevents_the_sleep, "S8 A3", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, NULL), 0);
    assert_int_equal(velo_submit(loop, wake_own_loop, loop), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    conf_destroy(loop);
}

static void end_at_turn_end(void *ctx)
{
    CONF_EXPECT_INT(velo_loop_shutdown(*(struct velo_loop **)ctx, 0), 0);
}

static void slept_too_long(void *arg)
{
    (void)arg;
    CONF_EXPECT(!"the turn has waited for the timer");
}

/* The same in a run that goes on: the turn comes to its end without a sleep. */
CONF_CASE(wake_from_a_callback_ends_the_turn_without_a_sleep, "S8", VELO_CAP_TIMERS)
{
    struct velo_loop *loop;
    struct velo_options options = conf_options();
    options.ctx = &loop;
    options.on_turn_end = end_at_turn_end;
    loop = conf_create(&options);
    assert_int_equal(velo_timer_start(loop, 3 * CONF_NS_PER_S, 0, slept_too_long, NULL, NULL), 0);
    assert_int_equal(velo_submit(loop, wake_own_loop, loop), 0);
    uint64_t began_ns = conf_now_ns();
    assert_int_equal(velo_loop_run(loop, VELO_RUN_FOREVER), 0);
    assert_in_range(conf_now_ns() - began_ns, 0, 2900 * CONF_NS_PER_MS);
    conf_destroy(loop);
}

/* S8, trap W5: wakes without number, more than a reader could count one by one; none blocks. */
CONF_CASE(a_flood_of_wakes_is_harmless, "S8", 0)
{
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    for (unsigned i = 0; i < conf_rounds(200000); i++)
        assert_int_equal(velo_loop_wake(sleeper.loop), 0);
    conf_sync(sleeper.loop);
    conf_wait_state(sleeper.loop, VELO_STATE_SLEEPING);
    conf_sync(sleeper.loop);
    sleeper_end(&sleeper);
    assert_true(sleeper.runner.result == 0);
}

/* ---- W12: work added from everywhere ---- */

struct crossing {
    struct velo_loop *loop;
    unsigned kind;
    struct conf_count ran;
};

static void add_the_other(void *arg)
{
    struct crossing *crossing = arg;
    CONF_EXPECT_INT(kind_add(crossing->kind, crossing->loop, conf_count_fn, &crossing->ran, NULL),
                    0);
}

/* R3, trap W12, P6 of the traps: from each callback each kind of work is served by the next turn.
 */
CONF_CASE(work_added_from_any_callback_runs_within_a_turn, "R3 S8", 0)
{
    for (unsigned from = 0; from < KINDS; from++) {
        for (unsigned to = 0; to < KINDS; to++) {
            if (!kind_is_offered(from) || !kind_is_offered(to))
                continue;
            struct crossing crossing = {.loop = conf_create(NULL), .kind = to};
            conf_count_init(&crossing.ran);
            assert_int_equal(kind_add(from, crossing.loop, add_the_other, &crossing, NULL), 0);
            conf_turns(crossing.loop, 2);
            if (conf_count_get(&crossing.ran) != 1)
                fail_msg("a %s added by a %s waits", kind_name(to), kind_name(from));
            conf_destroy(crossing.loop);
        }
    }
}

/* R3, trap W12: the same on a loop that may block: it must not sleep in between. */
CONF_CASE(work_added_from_any_callback_prevents_the_sleep, "R3 S8", 0)
{
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    struct crossing crossing = {.loop = sleeper.loop};
    conf_count_init(&crossing.ran);
    uint64_t expected = 0;
    for (unsigned from = 0; from < KINDS; from++) {
        for (unsigned to = 0; to < KINDS; to++) {
            if (!kind_is_offered(from) || !kind_is_offered(to))
                continue;
            crossing.kind = to;
            assert_int_equal(kind_add(from, crossing.loop, add_the_other, &crossing, NULL), 0);
            if (!conf_count_wait(&crossing.ran, ++expected))
                fail_msg("a %s added by a %s sleeps", kind_name(to), kind_name(from));
            conf_sync(sleeper.loop);
        }
    }
    sleeper_end(&sleeper);
}

/* ---- timers and sleep ---- */

/* Trap W14: a timer armed by another thread, earlier than all others, cuts the sleep short. */
CONF_CASE(an_earlier_foreign_timer_cuts_the_sleep,
          "S8 T1",
          VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)
{
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    struct conf_count never;
    velo_id far = 0;
    conf_count_init(&never);
    assert_int_equal(
        velo_timer_start(sleeper.loop, 3600 * CONF_NS_PER_S, 0, conf_count_fn, &never, &far), 0);
    for (unsigned i = 1; i <= 10; i++) {
        velo_id cancelled = 0;
        conf_wait_state(sleeper.loop, VELO_STATE_SLEEPING);
        assert_int_equal(
            velo_timer_start(
                sleeper.loop, 60 * CONF_NS_PER_S, 0, conf_count_fn, &never, &cancelled),
            0);
        uint64_t armed = conf_now_ns();
        assert_int_equal(
            velo_timer_start(
                sleeper.loop, 2 * CONF_NS_PER_MS, 0, conf_count_fn, &sleeper.ran, NULL),
            0);
        assert_int_equal(velo_timer_cancel(sleeper.loop, cancelled), 0);
        assert_true(conf_count_wait(&sleeper.ran, i));
        assert_true(conf_now_ns() - armed >= 2 * CONF_NS_PER_MS);
    }
    assert_int_equal(velo_timer_cancel(sleeper.loop, far), 0);
    assert_int_equal(conf_count_get(&never), 0);
    sleeper_end(&sleeper);
}

/* Trap W13: a timer expires just when another thread makes other work ready: both run, once. */
CONF_CASE(a_timer_and_a_submit_at_once_both_run,
          "S8 T1",
          VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)
{
    struct conf_random random = conf_random(5);
    struct sleeper sleeper;
    sleeper_start(&sleeper);
    for (unsigned i = 1; i <= conf_rounds(400); i++) {
        assert_int_equal(
            velo_timer_start(sleeper.loop, 200000, 0, conf_count_fn, &sleeper.ran, NULL), 0);
        conf_jitter(&random, 400000);
        assert_int_equal(velo_submit(sleeper.loop, conf_count_fn, &sleeper.ran), 0);
        assert_true(conf_count_wait(&sleeper.ran, 2 * (uint64_t)i));
    }
    conf_sync(sleeper.loop);
    assert_int_equal(conf_count_get(&sleeper.ran), 2 * (uint64_t)conf_rounds(400));
    sleeper_end(&sleeper);
}
