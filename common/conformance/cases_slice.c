/* SPDX-License-Identifier: MIT */
/*
 * The time slice of the tasks phase (S5, X5), on the fake clock: each task takes exactly the time
 * that it says, so the edge of the slice is exact.
 */
#include <poll.h>

#include "common/sim/clock.h"
#include "conf.h"

#define STEP_NS 1000

static struct conf_trace trace;

/* A task that takes so long. */
struct slow {
    const char *word;
    uint64_t takes_ns;
};

static void slow_fn(void *arg)
{
    const struct slow *slow = arg;
    conf_trace_add(&trace, "%s", slow->word);
    sim_clock_advance(slow->takes_ns);
}

static struct slow slow_a = {"a", STEP_NS}, slow_b = {"b", STEP_NS}, slow_c = {"c", STEP_NS};
static struct slow slow_d = {"d", STEP_NS}, slow_p = {"P", STEP_NS}, slow_q = {"Q", STEP_NS};
static struct slow quick = {"t", 0};

static struct velo_loop *sliced_loop(uint64_t slice_ns)
{
    struct velo_options options = conf_options();
    options.time_slice_ns = slice_ns;
    conf_trace_init(&trace);
    sim_clock_freeze(0);
    return conf_create(&options);
}

static void submit(struct velo_loop *loop, struct slow *slow)
{
    assert_int_equal(velo_submit(loop, slow_fn, slow), 0);
}

static void submit_four(struct velo_loop *loop)
{
    submit(loop, &slow_a);
    submit(loop, &slow_b);
    submit(loop, &slow_c);
    submit(loop, &slow_d);
}

/* S5, X5: exactly used up ends the phase; one nanosecond left lets one more task begin. */
CONF_CASE(slice_ends_the_phase_exactly_when_it_is_used_up, "S5 X5", 0)
{
    struct velo_loop *loop = sliced_loop(2 * STEP_NS);
    submit_four(loop);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "a b");
    conf_turns(loop, 1);
    conf_trace_is(&trace, "c d");
    conf_destroy(loop);

    loop = sliced_loop(2 * STEP_NS + 1);
    submit_four(loop);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "a b c");
    conf_turns(loop, 1);
    conf_trace_is(&trace, "d");
    conf_destroy(loop);
}

/* S5: without a slice the whole snapshot runs, however long it takes. */
CONF_CASE(no_slice_means_that_all_present_tasks_run, "S5 X5", 0)
{
    struct velo_loop *loop = sliced_loop(0);
    submit_four(loop);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "a b c d");
    conf_destroy(loop);
}

/* S5: a slice that one task exceeds still lets one run per turn. */
CONF_CASE(slice_shorter_than_a_task_still_makes_progress, "S5", 0)
{
    struct velo_loop *loop = sliced_loop(1);
    submit_four(loop);
    for (unsigned turn = 0; turn < 4; turn++)
        conf_turns(loop, 1);
    conf_trace_is(&trace, "a b c d");
    assert_int_equal(conf_metrics(loop).pending, 0);
    conf_destroy(loop);
}

/* S5: what the slice leaves does not keep timers, immediates and close callbacks waiting. */
CONF_CASE(other_phases_come_between_the_slices, "S5 R2", VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES)
{
    static struct slow immediate = {"i", 0}, closing = {"k", 0};
    struct velo_loop *loop = sliced_loop(STEP_NS);
    submit(loop, &slow_a);
    submit(loop, &slow_b);
    assert_int_equal(velo_timer_start(loop, 1, 0, slow_fn, &quick, NULL), 0);
    assert_int_equal(velo_set_immediate(loop, slow_fn, &immediate, NULL), 0);
    assert_int_equal(velo_defer_close(loop, slow_fn, &closing), 0);
    conf_turns(loop, 2);
    conf_trace_is(&trace, "a i k t b");
    conf_destroy(loop);
}

/* S6 with a slice: the priority lane goes first, and cannot starve the normal one. */
CONF_CASE(slice_lets_each_lane_run_one_task, "S5 S6", VELO_CAP_PRIORITY)
{
    struct velo_loop *loop = sliced_loop(STEP_NS);
    submit(loop, &slow_a);
    submit(loop, &slow_b);
    assert_int_equal(velo_submit_priority(loop, slow_fn, &slow_p), 0);
    assert_int_equal(velo_submit_priority(loop, slow_fn, &slow_q), 0);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "P a");
    conf_turns(loop, 1);
    conf_trace_is(&trace, "Q b");
    conf_destroy(loop);
}

/* R3: tasks that a slice has left make the poll non-blocking, in every mode of run. */
CONF_CASE(run_does_not_sleep_on_what_a_slice_left, "S5 R3 A2 A3", VELO_CAP_UNTIL_IDLE)
{
    struct velo_loop *loop = sliced_loop(STEP_NS);
    submit_four(loop);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    conf_trace_is(&trace, "a b");
    assert_true(velo_loop_is_alive(loop));
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    conf_trace_is(&trace, "c d");
    conf_destroy(loop);
}

/* S3: order holds over the slices, whoever adds in between. */
CONF_CASE(order_holds_over_slices, "S3 S5", 0)
{
    struct velo_loop *loop = sliced_loop(STEP_NS);
    submit(loop, &slow_a);
    submit(loop, &slow_b);
    conf_turns(loop, 1);
    submit(loop, &slow_c);
    conf_turns(loop, 1);
    submit(loop, &slow_d);
    conf_turns(loop, 2);
    conf_trace_is(&trace, "a b c d");
    conf_destroy(loop);
}

/* L4: a drain runs all, the slice does not end it; and a close in it discards the rest. */
CONF_CASE(drain_knows_no_slice, "L4 L7 S5", 0)
{
    struct velo_loop *loop = sliced_loop(STEP_NS);
    submit_four(loop);
    conf_turns(loop, 1);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    conf_trace_is(&trace, "a b c d");
    conf_destroy(loop);

    loop = sliced_loop(STEP_NS);
    submit_four(loop);
    conf_turns(loop, 1);
    assert_int_equal(velo_loop_close(loop), 0);
    conf_trace_is(&trace, "a");
    assert_int_equal(conf_discarded(loop), 3);
    conf_destroy(loop);
}

/* A4: an embedded loop tells that a slice has left something. */
CONF_CASE(embedded_loop_is_readable_after_a_slice, "A4 S5", VELO_CAP_BACKEND_FD)
{
    struct velo_loop *loop = sliced_loop(STEP_NS);
    int fd = velo_loop_backend_fd(loop);
    assert_true(fd >= 0);
    submit(loop, &slow_a);
    submit(loop, &slow_b);
    conf_turns(loop, 1);
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&entry, 1, 0), 1);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "a b");
    conf_destroy(loop);
}
