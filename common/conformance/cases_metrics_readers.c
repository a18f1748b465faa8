/* SPDX-License-Identifier: MIT */
/*
 * Metrics (X3): who reads them when. Exact on the owner and at rest, and one moment in all numbers
 * for those who read beside a loop. Method: readers that check relations which hold at every
 * moment, beside a loop under load.
 */
#include <sched.h>

#include "kinds.h"
#include "measured.h"
#include "probes.h"

/* ---- who reads when ---- */

static void read_on_owner(void *arg)
{
    struct velo_loop *loop = arg;
    struct velo_metrics seen = conf_metrics(loop);
    CONF_EXPECT_INT(seen.lanes[VELO_LANE_TASK].executed, 2); /* this is the second */
    CONF_EXPECT_INT(seen.pending, 1);
    CONF_EXPECT_INT(velo_submit(loop, nothing, NULL), 0);
    CONF_EXPECT_INT(conf_metrics(loop).accepted, 4);
    CONF_EXPECT(seen.running_ns >= seen.callback_max_ns);
}

/* X3: exact on the owner and at rest. */
CONF_CASE(metrics_are_exact_on_the_owner_and_at_rest, "X3", VELO_CAP_METRICS)
{
    struct velo_loop *loop = measured_loop();
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_submit(loop, read_on_owner, loop), 0);
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(conf_metrics(loop).accepted, 3);
    conf_turns(loop, 1);
    assert_int_equal(conf_metrics(loop).executed, 3);
    assert_int_equal(conf_metrics(loop).pending, 1);
    conf_turns(loop, 1);
    assert_int_equal(conf_metrics(loop).executed, 4);
    conf_destroy(loop);
}

/* X3: who sees the loop asleep sees what it did before. */
CONF_CASE(a_sleeping_loop_has_published_its_counters, "X3", VELO_CAP_METRICS)
{
    struct velo_loop *loop = measured_loop();
    struct conf_runner runner;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 1; i <= conf_rounds(100); i++) {
        conf_sync(loop);
        assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
        struct velo_metrics seen = conf_metrics(loop);
        assert_int_equal(seen.executed, i);
        assert_int_equal(seen.accepted, i);
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

struct beside {
    struct velo_loop *loop;
    atomic_bool stop;
    atomic_uint read;
};

static void check_snapshot(const struct velo_metrics *now, const struct velo_metrics *last)
{
    const struct velo_lane_metrics *lanes = now->lanes;
    uint64_t begun = 0, accepted = 0;
    for (unsigned lane = 0; lane < VELO_LANES; lane++) {
        uint64_t ended = lanes[lane].executed + lanes[lane].cancelled + lanes[lane].discarded;
        CONF_EXPECT(lanes[lane].accepted >= ended);
        CONF_EXPECT(lanes[lane].accepted >= last->lanes[lane].accepted);
        CONF_EXPECT(lanes[lane].executed >= last->lanes[lane].executed);
        accepted += lanes[lane].accepted;
    }
    for (unsigned lane = VELO_LANE_TASK; lane <= VELO_LANE_PRIORITY; lane++)
        begun += lanes[lane].accepted - lanes[lane].executed - lanes[lane].discarded;
    CONF_EXPECT_INT(now->accepted, accepted);
    CONF_EXPECT_INT(now->pending, begun); /* of the same moment */
    CONF_EXPECT(now->pending_max >= now->pending);
    CONF_EXPECT(now->turns >= last->turns && now->running_ns >= last->running_ns);
    CONF_EXPECT(now->polling_ns >= last->polling_ns && now->cpu_ns >= last->cpu_ns);
    CONF_EXPECT(now->turn_max_ns <= now->running_ns);
    CONF_EXPECT(now->callback_p50_ns <= now->callback_p90_ns);
    CONF_EXPECT(now->callback_p90_ns <= now->callback_p99_ns);
    CONF_EXPECT(now->callback_p99_ns <= now->callback_max_ns);
}

static void read_beside(void *arg, unsigned index)
{
    struct beside *test = arg;
    struct velo_metrics last = {.size = sizeof last};
    (void)index;
    while (!atomic_load(&test->stop)) {
        struct velo_metrics now = conf_metrics(test->loop);
        check_snapshot(&now, &last);
        last = now;
        atomic_fetch_add(&test->read, 1);
    }
}

/* Work of all kinds from this thread, some of it taken back. */
static void load(struct velo_loop *loop, unsigned rounds)
{
    struct conf_random random = conf_random(1);
    for (unsigned i = 0; i < rounds; i++) {
        unsigned kind = (unsigned)conf_random_below(&random, KINDS);
        velo_id id = 0;
        if (!kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, loop, nothing, NULL, &id), 0);
        if (kind_has_id(kind) && conf_random_below(&random, 2) == 0) {
            int rc = kind_cancel(kind, loop, id);
            CONF_EXPECT(rc == 0 || rc == -ENOENT || rc == -EALREADY);
        }
    }
}

/* X3, trap X3: all numbers that a reader gets beside a loop under load are of one moment. */
CONF_CASE(snapshots_are_of_one_moment_under_load, "X3 L7", VELO_CAP_METRICS)
{
    struct beside test = {.loop = measured_loop()};
    struct conf_runner runner;
    struct conf_team team;
    conf_team_start(&team, 2, read_beside, &test); /* at rest, while it starts, and beside it */
    load(test.loop, conf_rounds(1000));
    conf_runner_start(&runner, test.loop, VELO_RUN_FOREVER);
    load(test.loop, conf_rounds(20000));
    conf_sync(test.loop);
    atomic_store(&test.stop, true);
    conf_team_join(&team);
    assert_int_equal(velo_loop_shutdown(test.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(test.loop);
}

/* X3: the same while run is entered and left all the time. */
CONF_CASE(snapshots_are_of_one_moment_between_runs, "X3", VELO_CAP_METRICS)
{
    struct beside test = {.loop = measured_loop()};
    struct conf_team team;
    conf_team_start(&team, 1, read_beside, &test);
    for (unsigned i = 0; i < conf_rounds(3000); i++) {
        assert_int_equal(velo_submit(test.loop, nothing, NULL), 0);
        conf_turns(test.loop, 1);
    }
    atomic_store(&test.stop, true);
    conf_team_join(&team);
    conf_destroy(test.loop);
}

/* X3: a reader comes to its end although the owner publishes as fast as it can. */
CONF_CASE(readers_come_to_an_end, "X3", VELO_CAP_METRICS)
{
    struct beside test = {.loop = measured_loop()};
    struct spinner spinner = {.loop = test.loop};
    struct conf_runner runner;
    struct conf_team team;
    spinner_fn(&spinner);
    conf_runner_start(&runner, test.loop, VELO_RUN_FOREVER);
    assert_true(conf_wait_running(test.loop));
    conf_team_start(&team, 3, read_beside, &test);
    uint64_t until = conf_now_ns() + CONF_PATIENCE_NS;
    while (atomic_load(&test.read) < conf_rounds(3000) && conf_now_ns() < until)
        sched_yield();
    CONF_EXPECT(atomic_load(&test.read) >= conf_rounds(3000));
    atomic_store(&test.stop, true);
    atomic_store(&spinner.stop, true);
    conf_team_join(&team);
    assert_int_equal(velo_loop_shutdown(test.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(test.loop);
}

static void shut_down(void *arg, unsigned index)
{
    (void)index;
    CONF_EXPECT_INT(velo_loop_shutdown(arg, -1), 0);
}

/* X3, L4: also beside a drain by a thread that was never inside run. */
CONF_CASE(metrics_are_read_beside_a_drain, "X3 L4", VELO_CAP_METRICS)
{
    struct velo_loop *loop = measured_loop();
    struct conf_team team;
    struct conf_count ran, gate;
    conf_count_init(&ran);
    conf_count_init(&gate);
    assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
    assert_int_equal(velo_submit(loop, conf_hold_fn, &gate), 0);
    conf_team_start(&team, 1, shut_down, loop);
    assert_true(conf_count_wait(&ran, 1));
    struct velo_metrics seen = conf_metrics(loop);
    assert_int_equal(seen.accepted, 2);
    assert_in_range(seen.executed, 0, 2);
    conf_count_add(&gate, 1);
    conf_team_join(&team);
    assert_int_equal(conf_metrics(loop).executed, 2);
    conf_destroy(loop);
}
