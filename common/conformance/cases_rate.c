/* SPDX-License-Identifier: MIT */
/*
 * The rate limit (S1, X5), on the fake clock: what is accepted is exact, to the nanosecond.
 */
#include "common/sim/clock.h"
#include "common/sim/faults.h"
#include "conf.h"
#include "probes.h"

#define PER_SEC 1000
#define PERIOD_NS CONF_NS_PER_MS
#define BURST 5

static unsigned ran;

static struct velo_loop *limited_loop(uint64_t per_sec, uint64_t burst, size_t max_pending)
{
    struct velo_options options = conf_options();
    options.rate_per_sec = per_sec;
    options.rate_burst = burst;
    options.max_pending = max_pending;
    ran = 0;
    sim_clock_freeze(0);
    return conf_create(&options);
}

/* How many single submits are accepted now. */
static unsigned accepted_now(struct velo_loop *loop)
{
    unsigned count = 0;
    int rc;
    while ((rc = velo_submit(loop, tally_fn, &ran)) == 0 && count < 10000)
        count++;
    assert_int_equal(rc, -EBUSY);
    return count;
}

/* S1, X5: a burst at once, then one per period, not a nanosecond before. */
CONF_CASE(rate_accepts_a_burst_and_then_one_per_period, "S1 X5", 0)
{
    struct velo_loop *loop = limited_loop(PER_SEC, BURST, 0);
    assert_int_equal(accepted_now(loop), BURST);
    sim_clock_advance(PERIOD_NS - 1);
    assert_int_equal(accepted_now(loop), 0);
    sim_clock_advance(1);
    assert_int_equal(accepted_now(loop), 1);
    sim_clock_advance(3 * PERIOD_NS);
    assert_int_equal(accepted_now(loop), 3);
    conf_turns(loop, 1);
    assert_int_equal(ran, BURST + 4);
    conf_destroy(loop);
}

/* S1: a long pause earns a burst and no more. */
CONF_CASE(rate_saves_up_no_more_than_a_burst, "S1 X5", 0)
{
    struct velo_loop *loop = limited_loop(PER_SEC, BURST, 0);
    sim_clock_advance(1000 * CONF_NS_PER_S);
    assert_int_equal(accepted_now(loop), BURST);
    sim_clock_advance(UINT64_C(100) * 365 * 86400 * CONF_NS_PER_S / 100);
    assert_int_equal(accepted_now(loop), BURST);
    conf_destroy(loop);
}

/* S1: burst 0 is a second's worth; rate 0 is no limit. */
CONF_CASE(rate_defaults, "S1 X5", 0)
{
    struct velo_loop *loop = limited_loop(PER_SEC, 0, 0);
    assert_int_equal(accepted_now(loop), PER_SEC);
    conf_destroy(loop);
    loop = limited_loop(0, BURST, 0);
    for (unsigned i = 0; i < 10 * BURST; i++)
        assert_int_equal(velo_submit(loop, tally_fn, &ran), 0);
    conf_destroy(loop);
}

/* X5: the extremes neither overflow nor let anything through that should not. */
CONF_CASE(rate_extremes, "S1 X5", 0)
{
    struct velo_loop *loop = limited_loop(1, 1, 0);
    assert_int_equal(accepted_now(loop), 1);
    sim_clock_advance(CONF_NS_PER_S - 1);
    assert_int_equal(accepted_now(loop), 0);
    sim_clock_advance(1);
    assert_int_equal(accepted_now(loop), 1);
    conf_destroy(loop);
    loop = limited_loop(1, UINT64_MAX, 0);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(velo_submit(loop, tally_fn, &ran), 0);
    conf_destroy(loop);
    loop = limited_loop(UINT64_MAX, 1, 0);
    assert_int_equal(accepted_now(loop), 1);
    sim_clock_advance(1);
    assert_int_equal(accepted_now(loop), 1);
    conf_destroy(loop);
}

/* S1, S4: a batch is one decision; more than a burst never fits. */
CONF_CASE(rate_takes_a_batch_whole_or_not_at_all, "S1 S4 X5", VELO_CAP_BATCH)
{
    struct velo_task tasks[BURST + 1];
    for (size_t i = 0; i <= BURST; i++)
        tasks[i] = (struct velo_task){tally_fn, &ran};
    struct velo_loop *loop = limited_loop(PER_SEC, BURST, 0);
    assert_int_equal(velo_submit_many(loop, tasks, BURST + 1), -EBUSY);
    assert_int_equal(velo_submit_many(loop, tasks, 3), 0);
    assert_int_equal(velo_submit_many(loop, tasks, 3), -EBUSY);
    assert_int_equal(velo_submit_many(loop, tasks, 2), 0);
    assert_int_equal(velo_submit_many(loop, tasks, 0), 0);
    assert_int_equal(conf_metrics(loop).accepted, BURST);
    conf_turns(loop, 1);
    assert_int_equal(ran, BURST);
    conf_destroy(loop);
}

/* S1: both lanes draw on one rate; what is no task does not. */
CONF_CASE(rate_counts_the_tasks_of_both_lanes_only,
          "S1 X5",
          VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS | VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS)
{
    struct velo_loop *loop = limited_loop(PER_SEC, 2, 0);
    assert_int_equal(velo_submit_priority(loop, tally_fn, &ran), 0);
    assert_int_equal(velo_submit(loop, tally_fn, &ran), 0);
    assert_int_equal(velo_submit_priority(loop, tally_fn, &ran), -EBUSY);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(velo_next_tick(loop, tally_fn, &ran), 0);
        assert_int_equal(velo_queue_microtask(loop, tally_fn, &ran), 0);
        assert_int_equal(velo_set_immediate(loop, tally_fn, &ran, NULL), 0);
        assert_int_equal(velo_defer_close(loop, tally_fn, &ran), 0);
        assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &ran, NULL), 0);
    }
    conf_turns(loop, 2);
    assert_int_equal(ran, 2 + 4 * 5);
    conf_destroy(loop);
}

static void submit_from_callback(void *arg)
{
    CONF_EXPECT_INT(velo_submit(arg, tally_fn, &ran), 0);
    CONF_EXPECT_INT(velo_submit(arg, tally_fn, &ran), -EBUSY);
}

/* S1: the owner's own submits count as well. */
CONF_CASE(rate_holds_for_the_owner_too, "S1 X5", 0)
{
    struct velo_loop *loop = limited_loop(PER_SEC, 2, 0);
    assert_int_equal(velo_submit(loop, submit_from_callback, loop), 0);
    conf_turns(loop, 2);
    assert_int_equal(ran, 1);
    conf_destroy(loop);
}

/* S1, order of errors: arguments, state, the bound, the rate; a refusal takes nothing of either. */
CONF_CASE(rate_comes_after_state_and_bound, "S1 X5", VELO_CAP_BOUNDED)
{
    struct velo_loop *loop = limited_loop(PER_SEC, 3, 2);
    assert_int_equal(velo_submit(loop, tally_fn, &ran), 0);
    assert_int_equal(velo_submit(loop, tally_fn, &ran), 0);
    assert_int_equal(velo_submit(loop, tally_fn, &ran), -EAGAIN);
    conf_turns(loop, 1);
    assert_int_equal(velo_submit(loop, tally_fn, &ran), 0);
    assert_int_equal(velo_submit(loop, tally_fn, &ran), -EBUSY); /* the bound would have let it */
    assert_int_equal(velo_submit(loop, NULL, NULL), -EINVAL);
    conf_turns(loop, 1);
    sim_clock_advance(PERIOD_NS); /* what -EBUSY took of the bound was given back */
    assert_int_equal(velo_submit(loop, tally_fn, &ran), 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(velo_submit(loop, tally_fn, &ran), -ESHUTDOWN);
    conf_destroy(loop);
}

struct rush {
    struct velo_loop *loop;
    _Atomic uint64_t accepted;
};

static void rush_in(void *arg, unsigned index)
{
    struct rush *rush = arg;
    (void)index;
    for (unsigned i = 0; i < 1000; i++) {
        int rc = velo_submit(rush->loop, tally_fn, &ran);
        CONF_EXPECT(rc == 0 || rc == -EBUSY);
        if (rc == 0)
            atomic_fetch_add(&rush->accepted, 1);
    }
}

/* S1: exact also when many threads come at once. */
CONF_CASE(rate_is_exact_among_threads, "S1 X5", 0)
{
    struct rush rush = {.loop = limited_loop(PER_SEC, 777, 0)};
    struct conf_team team;
    conf_team_start(&team, 4, rush_in, &rush);
    conf_team_join(&team);
    assert_int_equal(rush.accepted, 777);
    conf_turns(rush.loop, 1);
    assert_int_equal(ran, 777);
    conf_destroy(rush.loop);
}

/* S1: a submit that found no memory has not used up the rate. */
CONF_CASE(rate_is_given_back_when_memory_is_short, "S1 X5", 0)
{
    enum { BURST_OF_MANY = 5000 };
    struct velo_loop *loop = limited_loop(PER_SEC, BURST_OF_MANY, 0);
    unsigned accepted = 0;
    int rc;
    sim_fault(SIM_ALLOC, 0, UINT64_MAX, ENOMEM);
    while ((rc = velo_submit(loop, tally_fn, &ran)) == 0)
        accepted++;
    sim_faults_clear();
    assert_int_equal(rc, -ENOMEM);
    assert_int_equal(accepted_now(loop), BURST_OF_MANY - accepted);
    conf_turns(loop, 1);
    assert_int_equal(ran, BURST_OF_MANY);
    conf_destroy(loop);
}
