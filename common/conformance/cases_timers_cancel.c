/* SPDX-License-Identifier: MIT */
/*
 * T5: cancelling is exact. Here on one thread; cases_timers_race.c has the races.
 *
 * Idea: every answer of velo_timer_cancel is compared with what then really runs.
 */
#include <stdlib.h>

#include "../sim/clock.h"
#include "conf.h"
#include "probes.h"

static struct velo_loop *frozen_loop(void)
{
    sim_clock_freeze(0);
    return conf_create(NULL);
}

/* T5, trap T6. Before the first run: 0, then -ENOENT, and it never fires. */
CONF_CASE(timer_cancelled_before_the_first_run_never_fires, "T5", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = frozen_loop();
    unsigned fired = 0;
    velo_id id = 0;
    assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &fired, &id), 0);
    assert_true(id != 0);
    assert_true(velo_loop_is_alive(loop));
    assert_int_equal(velo_timer_cancel(loop, id), 0);
    assert_int_equal(velo_timer_cancel(loop, id), -ENOENT);
    assert_false(velo_loop_is_alive(loop));
    conf_turns(loop, 3);
    assert_int_equal(fired, 0);
    conf_destroy(loop);
}

/* T5. Fired: -ENOENT. Unknown ids: -ENOENT, and nothing that is armed is hit. */
CONF_CASE(cancel_of_a_fired_or_unknown_timer_finds_nothing, "T5", VELO_CAP_TIMERS)
{
    static const velo_id unknown[] = {
        0, 1, 2, 12345, UINT64_C(1) << 32, UINT64_MAX - 1, UINT64_MAX};
    struct velo_loop *loop = frozen_loop();
    unsigned fired = 0;
    unsigned pending = 0;
    velo_id id;
    velo_id other;
    assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &fired, &id), 0);
    assert_int_equal(velo_timer_start(loop, 100, 0, tally_fn, &pending, &other), 0);
    conf_turns(loop, 1);
    assert_int_equal(velo_timer_cancel(loop, id), -ENOENT);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        if (unknown[i] != other)
            assert_int_equal(velo_timer_cancel(loop, unknown[i]), -ENOENT);
    }
    sim_clock_advance(100);
    conf_turns(loop, 1);
    assert_int_equal(fired, 1);
    assert_int_equal(pending, 1);
    conf_destroy(loop);
}

/* ---- in the phase ---- */

struct sniper {
    struct velo_loop *loop;
    velo_id ids[8];
    size_t count;
    int results[8];
    bool many;
};

static void sniper_fn(void *arg)
{
    struct sniper *s = arg;
    if (s->many) {
        CONF_EXPECT_INT(velo_timer_cancel_many(s->loop, s->ids, s->count, s->results), 0);
        return;
    }
    for (size_t i = 0; i < s->count; i++)
        s->results[i] = velo_timer_cancel(s->loop, s->ids[i]);
}

static void cancel_siblings(bool many)
{
    struct sniper s = {.loop = frozen_loop(), .count = 3, .many = many};
    unsigned fired[4] = {0};
    assert_int_equal(velo_timer_start(s.loop, 1, 0, sniper_fn, &s, NULL), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(velo_timer_start(s.loop, 2 + i, i == 1, tally_fn, &fired[i], &s.ids[i]),
                         0);
    sim_clock_advance(10);
    conf_turns(s.loop, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(s.results[i], 0);
        assert_int_equal(fired[i], 0);
        assert_int_equal(velo_timer_cancel(s.loop, s.ids[i]), -ENOENT);
    }
    assert_int_equal(fired[3], 1);
    conf_destroy(s.loop);
}

/* T5, trap T4. The first due timer cancels the next three, one of them periodic: they stay silent,
 * the fourth fires. */
CONF_CASE(cancelling_a_due_sibling_suppresses_it, "T5", VELO_CAP_TIMERS)
{
    cancel_siblings(false);
}

/* T5. The same with velo_timer_cancel_many. */
CONF_CASE(cancelling_due_siblings_at_once_suppresses_them, "T5", VELO_CAP_TIMERS)
{
    cancel_siblings(true);
}

struct checkpoint {
    struct velo_loop *loop;
    velo_id id;
    int cancel_result;
    int restart_result;
};

static void after_callback_fn(void *arg)
{
    struct checkpoint *c = arg;
    c->cancel_result = velo_timer_cancel(c->loop, c->id);
    c->restart_result = velo_timer_restart(c->loop, c->id, 0);
}

static void queue_after_fn(void *arg)
{
    struct checkpoint *c = arg;
    CONF_EXPECT_INT(velo_queue_microtask(c->loop, after_callback_fn, c), 0);
}

/* T5 T4. In the checkpoint behind its callback a one shot is over: it has fired and runs no more.
 */
CONF_CASE(one_shot_is_gone_in_the_checkpoint_after_its_callback,
          "T5 T4",
          VELO_CAP_TIMERS | VELO_CAP_MICROTASKS)
{
    struct checkpoint c = {.loop = frozen_loop(), .cancel_result = 1, .restart_result = 1};
    assert_int_equal(velo_timer_start(c.loop, 0, 0, queue_after_fn, &c, &c.id), 0);
    conf_turns(c.loop, 3);
    assert_int_equal(c.cancel_result, -ENOENT);
    assert_int_equal(c.restart_result, -ENOENT);
    assert_false(velo_loop_is_alive(c.loop));
    conf_destroy(c.loop);
}

/* T5, trap T13. A task cancels a timer while a descriptor is watched: no deadlock with oneself. */
CONF_CASE(callback_cancels_a_timer_while_a_descriptor_is_watched,
          "T5",
          VELO_CAP_TIMERS | VELO_CAP_FDS)
{
    struct sniper s = {.loop = frozen_loop(), .count = 1};
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    unsigned fired = 0;
    fd_probe_watch(&probe, s.loop, pair.near, VELO_READ);
    assert_int_equal(velo_timer_start(s.loop, 5, 0, tally_fn, &fired, &s.ids[0]), 0);
    assert_int_equal(velo_submit(s.loop, sniper_fn, &s), 0);
    sim_clock_advance(4);
    conf_turns(s.loop, 1);
    sim_clock_advance(4);
    conf_turns(s.loop, 1);
    assert_int_equal(s.results[0], 0);
    assert_int_equal(fired, 0);
    conf_destroy(s.loop);
    fd_pair_close(&pair);
}

/* ---- cancel_many ---- */

/* T5. Live, twice, fired, unknown: each result is what velo_timer_cancel would have said. */
CONF_CASE(cancel_many_answers_for_each_id, "T5", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = frozen_loop();
    unsigned fired = 0;
    velo_id ids[6] = {0};
    int results[6] = {1, 1, 1, 1, 1, 1};
    assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &fired, &ids[3]), 0);
    conf_turns(loop, 1);
    assert_int_equal(velo_timer_start(loop, 9, 0, tally_fn, &fired, &ids[0]), 0);
    assert_int_equal(velo_timer_start(loop, 9, 9, tally_fn, &fired, &ids[1]), 0);
    ids[2] = ids[0];
    ids[4] = 0;
    ids[5] = UINT64_MAX;
    assert_int_equal(velo_timer_cancel_many(loop, ids, 6, results), 0);
    static const int expected[6] = {0, 0, -ENOENT, -ENOENT, -ENOENT, -ENOENT};
    for (int i = 0; i < 6; i++)
        assert_int_equal(results[i], expected[i]);
    sim_clock_advance(100);
    conf_turns(loop, 2);
    assert_int_equal(fired, 1);
    conf_destroy(loop);
}

/* T5. No results wanted, nothing to do, and a count without ids. */
CONF_CASE(cancel_many_takes_no_results_and_refuses_a_count_without_ids, "T5 X1", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = frozen_loop();
    unsigned fired = 0;
    velo_id ids[2];
    int result = 7;
    for (int i = 0; i < 2; i++)
        assert_int_equal(velo_timer_start(loop, 5, 0, tally_fn, &fired, &ids[i]), 0);
    assert_int_equal(velo_timer_cancel_many(loop, NULL, 0, NULL), 0);
    assert_int_equal(velo_timer_cancel_many(loop, ids, 0, &result), 0);
    assert_int_equal(velo_timer_cancel_many(loop, NULL, 2, NULL), -EINVAL);
    assert_int_equal(result, 7);
    assert_int_equal(velo_timer_cancel_many(loop, ids, 2, NULL), 0);
    sim_clock_advance(10);
    conf_turns(loop, 2);
    assert_int_equal(fired, 0);
    conf_destroy(loop);
}

/* ---- ids ---- */

/* T5, trap T17. One record, reused by arming and cancelling: the first id comes never again and
 * hits nobody, past every boundary of 2^8, 2^16 and (release builds) 2^20 reuses. */
CONF_CASE(stale_id_of_a_cancelled_timer_never_hits_another, "T5", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = frozen_loop();
    unsigned rounds = conf_rounds((1u << 20) + 1000);
    unsigned fired = 0;
    velo_id first;
    assert_int_equal(velo_timer_start(loop, 5, 0, tally_fn, &fired, &first), 0);
    assert_int_equal(velo_timer_cancel(loop, first), 0);
    conf_turns(loop, 1);
    for (unsigned i = 1; i <= rounds; i++) {
        velo_id id;
        assert_int_equal(velo_timer_start(loop, 5, 0, tally_fn, &fired, &id), 0);
        if (id == first || velo_timer_cancel(loop, first) != -ENOENT)
            fail_msg("the id of the first timer came back in round %u", i);
        assert_int_equal(velo_timer_cancel(loop, id), 0);
        if (i % 64 == 0)
            conf_turns(loop, 1);
    }
    assert_int_equal(fired, 0);
    conf_destroy(loop);
}

/* T5, trap T17. One record, reused by firing, past 2^16 reuses: cancel, restart, ref and unref with
 * the first id find nothing, and the timer that has the record now fires. */
CONF_CASE(stale_id_of_a_fired_timer_never_hits_another, "T5 T7", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = frozen_loop();
    unsigned rounds = conf_rounds((1u << 17) + 1000);
    unsigned fired = 0;
    velo_id first;
    assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &fired, &first), 0);
    conf_turns(loop, 1);
    for (unsigned i = 1; i <= rounds; i++) {
        velo_id id;
        assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &fired, &id), 0);
        bool stale = id != first && velo_timer_cancel(loop, first) == -ENOENT &&
                     velo_timer_restart(loop, first, 5) == -ENOENT &&
                     velo_timer_ref(loop, first) == -ENOENT &&
                     velo_timer_unref(loop, first) == -ENOENT;
        if (!stale)
            fail_msg("the id of the first timer came back in round %u", i);
        conf_turns(loop, 1);
        if (fired != i + 1)
            fail_msg("the timer of round %u did not fire", i);
    }
    conf_destroy(loop);
}

/* T5, trap T7. Ids of immediates, descriptors and timers do not reach into each other's tables. */
CONF_CASE(ids_of_one_kind_do_not_hit_another_kind, "T5 R6", VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES)
{
    struct velo_loop *loop = frozen_loop();
    unsigned timers = 0;
    unsigned immediates = 0;
    velo_id timer_ids[64];
    velo_id immediate_ids[64];
    for (int i = 0; i < 64; i++) {
        assert_int_equal(velo_timer_start(loop, 5, 0, tally_fn, &timers, &timer_ids[i]), 0);
        assert_int_equal(velo_set_immediate(loop, tally_fn, &immediates, &immediate_ids[i]), 0);
    }
    for (int i = 0; i < 64; i++) {
        assert_int_equal(velo_timer_cancel(loop, immediate_ids[i]), -ENOENT);
        assert_int_equal(velo_timer_restart(loop, immediate_ids[i], 0), -ENOENT);
        assert_int_equal(velo_clear_immediate(loop, timer_ids[i]), -ENOENT);
        assert_int_equal(velo_fd_unwatch(loop, timer_ids[i]), -ENOENT);
    }
    sim_clock_advance(5);
    conf_turns(loop, 1);
    assert_int_equal(timers, 64);
    assert_int_equal(immediates, 64);
    conf_destroy(loop);
}

/* T5. Ids of another loop are unknown here, even if both loops look alike. */
CONF_CASE(cancel_in_one_loop_leaves_the_other_loop_alone, "T5", VELO_CAP_TIMERS)
{
    struct velo_loop *loops[2] = {frozen_loop(), conf_create(NULL)};
    unsigned fired[2] = {0};
    velo_id ids[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(velo_timer_start(loops[i], 5, 0, tally_fn, &fired[i], &ids[i]), 0);
    assert_int_equal(velo_timer_cancel(loops[0], ids[0]), 0);
    sim_clock_advance(5);
    for (int i = 0; i < 2; i++) {
        conf_turns(loops[i], 1);
        assert_int_equal(fired[i], i);
        conf_destroy(loops[i]);
    }
}

/* ---- the end of the loop ---- */

static void after_end(bool graceful)
{
    struct velo_loop *loop = frozen_loop();
    unsigned fired = 0;
    velo_id ids[2];
    int results[2] = {1, 1};
    for (int i = 0; i < 2; i++)
        assert_int_equal(velo_timer_start(loop, 0, (uint64_t)i, tally_fn, &fired, &ids[i]), 0);
    assert_int_equal(graceful ? velo_loop_shutdown(loop, -1) : velo_loop_close(loop), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(velo_timer_cancel(loop, ids[i]), -ENOENT);
        assert_int_equal(velo_timer_restart(loop, ids[i], 0), -ENOENT);
        assert_int_equal(velo_timer_ref(loop, ids[i]), -ENOENT);
        assert_int_equal(velo_timer_unref(loop, ids[i]), -ENOENT);
    }
    assert_int_equal(velo_timer_cancel_many(loop, ids, 2, results), 0);
    assert_int_equal(results[0], -ENOENT);
    assert_int_equal(results[1], -ENOENT);
    assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &fired, NULL), -ESHUTDOWN);
    assert_int_equal(fired, 0);
    assert_int_equal(conf_discarded(loop), 2);
    conf_destroy(loop);
}

/* T5 L4 L7, trap L12. After either end every id is unknown, and both timers were discarded,
 * unfired. */
CONF_CASE(after_termination_every_timer_id_is_unknown, "T5 L4 L7", VELO_CAP_TIMERS)
{
    after_end(true);
    after_end(false);
}
