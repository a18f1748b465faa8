/* SPDX-License-Identifier: MIT */
/*
 * What guests share, over a library that counts and can be made to stand still: when the bell is
 * rung, what becomes of one that cannot be, for when the alarm is set, and what a child may free.
 */
#include "common/unit/guest_fake.h"
#include "common/unit/unit.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MS = 1000000 };

static _Atomic unsigned ran;

static void count_fn(void *arg)
{
    (void)arg;
    ran++;
}

/* ---- a loop that another thread runs ---- */

struct stage {
    struct velo_loop *loop;
    pthread_t thread;
};

static void *run_main(void *arg)
{
    int rc = velo_loop_run(arg, VELO_RUN_FOREVER);
    return (void *)(intptr_t)rc;
}

static void stage_start(struct stage *stage)
{
    fake_reset();
    ran = 0;
    assert_int_equal(velo_loop_create(&stage->loop, NULL), 0);
    assert_int_equal(pthread_create(&stage->thread, NULL, run_main, stage->loop), 0);
}

static void stage_end(struct stage *stage)
{
    void *result;
    assert_int_equal(velo_loop_shutdown(stage->loop, -1), 0);
    assert_int_equal(pthread_join(stage->thread, &result), 0);
    assert_int_equal((intptr_t)result, 0);
    assert_int_equal(velo_loop_destroy(stage->loop), 0);
}

/* It sleeps, and stands in its wait until fake_open(&fake.at_wait). */
static void stage_hold(struct stage *stage)
{
    fake_shut(&fake.at_wait);
    assert_int_equal(velo_loop_wake(stage->loop), 0);
    fake_await(&fake.at_wait);
}

static void await_ran(unsigned target)
{
    while (ran < target)
        sched_yield();
}

static void submit(struct stage *stage)
{
    assert_int_equal(velo_submit(stage->loop, count_fn, NULL), 0);
}

/* ---- the bell ---- */

static void the_bell_is_rung_once_for_a_sleep(void **state)
{
    struct stage stage;
    (void)state;
    stage_start(&stage);
    stage_hold(&stage);
    const unsigned before = fake_count(&fake.rings);
    for (unsigned i = 0; i < 1000; i++)
        submit(&stage);
    assert_int_equal(fake_count(&fake.rings), before + 1);
    assert_int_equal(ran, 0);
    fake_open(&fake.at_wait);
    await_ran(1000);
    stage_end(&stage);
}

static _Atomic bool inside, go_on;

static void stand_fn(void *arg)
{
    (void)arg;
    inside = true;
    while (!go_on)
        sched_yield();
}

static void the_bell_is_not_rung_while_the_owner_is_awake(void **state)
{
    struct stage stage;
    (void)state;
    stage_start(&stage);
    inside = go_on = false;
    assert_int_equal(velo_submit(stage.loop, stand_fn, NULL), 0);
    while (!inside)
        sched_yield();
    const unsigned before = fake_count(&fake.rings);
    for (unsigned i = 0; i < 1000; i++)
        submit(&stage);
    assert_int_equal(fake_count(&fake.rings), before);
    go_on = true;
    await_ran(1000);
    stage_end(&stage);
}

static void a_bell_that_fails_a_few_times_is_tried_again(void **state)
{
    struct stage stage;
    (void)state;
    stage_start(&stage);
    stage_hold(&stage);
    const unsigned before = fake_count(&fake.rings);
    fake.break_bells = 3;
    submit(&stage);
    assert_int_equal(fake_count(&fake.rings), before + 4);
    fake_open(&fake.at_wait);
    await_ran(1);
    stage_end(&stage);
}

/* S8: a task is stranded only while every wake-up fails. */
static void after_a_bell_that_failed_the_next_submit_rings(void **state)
{
    struct stage stage;
    struct velo_metrics metrics = {.size = sizeof(metrics)};
    (void)state;
    stage_start(&stage);
    stage_hold(&stage);
    const unsigned before = fake_count(&fake.rings);
    fake.break_bells = 16;
    submit(&stage);
    assert_int_equal(fake_count(&fake.rings), before + 16);
    submit(&stage);
    assert_int_equal(fake_count(&fake.rings), before + 17);
    submit(&stage);
    assert_int_equal(fake_count(&fake.rings), before + 17);
    assert_int_equal(velo_metrics_read(stage.loop, &metrics), 0);
    assert_int_equal(metrics.wakeups, fake_count(&fake.rings));
    fake_open(&fake.at_wait);
    await_ran(3);
    stage_end(&stage);
}

/* ---- tasks ---- */

static unsigned order[64], ordered;

static void order_fn(void *arg)
{
    order[ordered++] = (unsigned)(uintptr_t)arg;
}

static void resubmit_fn(void *arg)
{
    order_fn((void *)9);
    assert_int_equal(velo_submit(arg, order_fn, (void *)20), 0);
    assert_int_equal(velo_submit_priority(arg, order_fn, (void *)10), 0);
}

/* S5, S6: a turn runs what was there when each lane began; priority comes first. */
static void a_turn_runs_what_was_there_priority_first(void **state)
{
    static const unsigned expected[] = {1, 2, 9, 3, 10, 20};
    struct velo_loop *loop;
    (void)state;
    fake_reset();
    ordered = 0;
    assert_int_equal(velo_loop_create(&loop, NULL), 0);
    assert_int_equal(velo_submit(loop, resubmit_fn, loop), 0);
    assert_int_equal(velo_submit(loop, order_fn, (void *)3), 0);
    assert_int_equal(velo_submit_priority(loop, order_fn, (void *)1), 0);
    assert_int_equal(velo_submit_priority(loop, order_fn, (void *)2), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_NOWAIT), 0);
    assert_int_equal(ordered, 4);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_NOWAIT), 0);
    assert_int_equal(ordered, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(order[i], expected[i]);
    assert_int_equal(velo_loop_destroy(loop), 0);
}

/* ---- the alarm ---- */

static void note_start(void *ctx, const struct velo_timer_audit *audit)
{
    if (audit->event == VELO_TIMER_ARMED)
        *(uint64_t *)ctx = audit->deadline_ns;
}

/* Run until a timer of [delay_ns] has fired. False: the owner came too late to wait for it. */
static bool fire_after(struct velo_loop *loop, uint64_t delay_ns)
{
    const unsigned before = ran;
    fake.waited_ns = 0;
    assert_int_equal(velo_timer_start(loop, delay_ns, 0, count_fn, NULL, NULL), 0);
    while (ran == before)
        assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    return fake.waited_ns != 0;
}

/* T1, T8: to the nanosecond, also where the library counts in milliseconds. */
static void the_alarm_is_set_for_the_deadline_itself(void **state)
{
    uint64_t deadline_ns = 0;
    struct velo_options options = {
        .size = sizeof(options), .ctx = &deadline_ns, .on_timer_audit = note_start};
    struct velo_loop *loop;
    (void)state;
    fake_reset();
    ran = 0;
    assert_int_equal(velo_loop_create(&loop, &options), 0);
    for (unsigned i = 1; i <= 20; i++) {
        uint64_t delay_ns = 300001 * i;
        while (!fire_after(loop, delay_ns)) /* preempted for so long: try a longer one */
            delay_ns *= 2;
        assert_true(fake.alarm_ns == deadline_ns);
        assert_true(fake.waited_ns > 0 && (uint64_t)fake.waited_ns <= delay_ns);
    }
    assert_int_equal(velo_loop_destroy(loop), 0);
}

/* ---- a child ---- */

static void *submit_main(void *arg)
{
    submit(arg);
    return NULL;
}

/* L11: while another thread of the parent rings the library's bell, the child closes what is its
 * own and does not enter the library, which might wait for the end of that ring. */
static void a_child_leaves_a_library_alone_whose_bell_is_being_rung(void **state)
{
    struct stage stage;
    pthread_t ringer;
    int status;
    (void)state;
    stage_start(&stage);
    /* what ends the sleep, as the bell does not come */
    assert_int_equal(velo_timer_start(stage.loop, MS, MS, count_fn, NULL, NULL), 0);
    stage_hold(&stage);
    fake_shut(&fake.at_ring);
    assert_int_equal(pthread_create(&ringer, NULL, submit_main, &stage), 0);
    fake_await(&fake.at_ring);
    fake_open(&fake.at_wait);
    assert_int_equal(velo_loop_close(stage.loop), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(velo_loop_destroy(stage.loop) != 0 || fake.closed != 0);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fake_open(&fake.at_ring);
    pthread_join(ringer, NULL);
    pthread_join(stage.thread, NULL);
    assert_int_equal(velo_loop_destroy(stage.loop), 0);
    assert_int_equal(fake.closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bell_is_rung_once_for_a_sleep),
        cmocka_unit_test(the_bell_is_not_rung_while_the_owner_is_awake),
        cmocka_unit_test(a_bell_that_fails_a_few_times_is_tried_again),
        cmocka_unit_test(after_a_bell_that_failed_the_next_submit_rings),
        cmocka_unit_test(a_turn_runs_what_was_there_priority_first),
        cmocka_unit_test(the_alarm_is_set_for_the_deadline_itself),
        cmocka_unit_test(a_child_leaves_a_library_alone_whose_bell_is_being_rung),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
