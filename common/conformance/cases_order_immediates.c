/* SPDX-License-Identifier: MIT */
/*
 * R6 and T6: ids of immediates. Clearing one is exact, from any thread.
 *
 * Idea: 0 from velo_clear_immediate and a run exclude each other, and one of them happens.
 */
#include <stdlib.h>

#include "conf.h"

struct victim {
    struct velo_loop *loop;
    velo_id ids[3];
    int results[3];
};

static void count_fn(void *arg)
{
    ++*(unsigned *)arg;
}

static void clear_siblings_fn(void *arg)
{
    struct victim *v = arg;
    v->results[0] = velo_clear_immediate(v->loop, v->ids[0]); /* itself: it runs */
    v->results[1] = velo_clear_immediate(v->loop, v->ids[1]); /* due in this phase */
    v->results[2] = velo_clear_immediate(v->loop, v->ids[1]); /* again */
}

/* R6. The first of three due immediates clears the second: that one stays silent, the third runs.
 */
CONF_CASE(clearing_an_immediate_due_in_the_same_phase_suppresses_it, "R6", VELO_CAP_IMMEDIATES)
{
    struct victim v = {.loop = conf_create(NULL)};
    unsigned second = 0;
    unsigned third = 0;
    assert_int_equal(velo_set_immediate(v.loop, clear_siblings_fn, &v, &v.ids[0]), 0);
    assert_int_equal(velo_set_immediate(v.loop, count_fn, &second, &v.ids[1]), 0);
    assert_int_equal(velo_set_immediate(v.loop, count_fn, &third, &v.ids[2]), 0);
    conf_turns(v.loop, 2);
    assert_int_equal(v.results[0], -ENOENT);
    assert_int_equal(v.results[1], 0);
    assert_int_equal(v.results[2], -ENOENT);
    assert_int_equal(second, 0);
    assert_int_equal(third, 1);
    conf_destroy(v.loop);
}

/* R6. Cleared twice, cleared after it ran, and ids that never were: -ENOENT, nothing else happens.
 */
CONF_CASE(clearing_an_immediate_a_second_time_finds_nothing, "R6", VELO_CAP_IMMEDIATES)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned cleared = 0;
    unsigned kept = 0;
    velo_id ids[2];
    static const velo_id unknown[] = {0, 1, 12345, UINT64_MAX, UINT64_C(1) << 63};
    assert_int_equal(velo_set_immediate(loop, count_fn, &cleared, &ids[0]), 0);
    assert_int_equal(velo_set_immediate(loop, count_fn, &kept, &ids[1]), 0);
    assert_true(ids[0] != 0 && ids[1] != 0 && ids[0] != ids[1]);
    assert_int_equal(velo_clear_immediate(loop, ids[0]), 0);
    assert_int_equal(velo_clear_immediate(loop, ids[0]), -ENOENT);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        if (unknown[i] != ids[1])
            assert_int_equal(velo_clear_immediate(loop, unknown[i]), -ENOENT);
    }
    conf_turns(loop, 1);
    assert_int_equal(velo_clear_immediate(loop, ids[1]), -ENOENT);
    assert_int_equal(cleared, 0);
    assert_int_equal(kept, 1);
    conf_destroy(loop);
}

/* R6 A1. A cleared immediate keeps nothing alive, and RUN_UNTIL_IDLE does not wait for it. */
CONF_CASE(cleared_immediate_does_not_keep_the_loop_alive, "R6 A1", VELO_CAP_IMMEDIATES)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned ran = 0;
    velo_id id;
    assert_int_equal(velo_set_immediate(loop, count_fn, &ran, &id), 0);
    assert_true(velo_loop_is_alive(loop));
    assert_int_equal(velo_clear_immediate(loop, id), 0);
    assert_false(velo_loop_is_alive(loop));
    if (conf_has(VELO_CAP_UNTIL_IDLE))
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(ran, 0);
    conf_destroy(loop);
}

/* R6 T5, trap T17. The record of an immediate is reused many times: no id comes twice, and the
 * first id never hits a later one. */
CONF_CASE(stale_immediate_id_never_hits_another, "R6 T5", VELO_CAP_IMMEDIATES)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned ran = 0;
    unsigned rounds = conf_rounds(200000);
    unsigned kept = 0;
    velo_id first;
    assert_int_equal(velo_set_immediate(loop, count_fn, &ran, &first), 0);
    assert_int_equal(velo_clear_immediate(loop, first), 0);
    for (unsigned i = 0; i < rounds; i++) {
        velo_id id;
        assert_int_equal(velo_set_immediate(loop, count_fn, &ran, &id), 0);
        assert_true(id != first);
        assert_int_equal(velo_clear_immediate(loop, first), -ENOENT);
        if (i % 2 == 0) {
            assert_int_equal(velo_clear_immediate(loop, id), 0);
        } else {
            kept++;
            conf_turns(loop, 1);
            assert_int_equal(velo_clear_immediate(loop, id), -ENOENT);
        }
    }
    assert_int_equal(ran, kept);
    conf_destroy(loop);
}

/* R2 S1, trap Q8. Without a callback nothing is accepted; without an id pointer it works. */
CONF_CASE(immediate_without_callback_is_refused_and_without_id_accepted,
          "R2 S1 T6",
          VELO_CAP_IMMEDIATES)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned ran = 0;
    velo_id id = 77;
    assert_int_equal(velo_set_immediate(loop, NULL, &ran, &id), -EINVAL);
    assert_int_equal(velo_defer_close(loop, NULL, &ran), -EINVAL);
    assert_int_equal(id, 77);
    assert_false(velo_loop_is_alive(loop));
    assert_int_equal(velo_set_immediate(loop, count_fn, &ran, NULL), 0);
    conf_turns(loop, 1);
    assert_int_equal(ran, 1);
    conf_destroy(loop);
}

/* ---- races ---- */

struct raced {
    velo_id id;        /* written by set_immediate on the racer's thread */
    unsigned ran;      /* owner */
    unsigned id_wrong; /* owner: the id was not there yet */
    int cleared;       /* racer */
};
struct race {
    struct velo_loop *loop;
    unsigned per_racer;
    struct raced *items;
    atomic_bool stop;
};

static void raced_fn(void *arg)
{
    struct raced *item = arg;
    item->ran++;
    item->id_wrong += item->id == 0;
}

/* Keeps turns going round, so that immediates are met in every stage. */
static void spin_fn(void *arg)
{
    struct race *race = arg;
    if (!atomic_load(&race->stop))
        CONF_EXPECT_INT(velo_submit(race->loop, spin_fn, race), 0);
}

static void racer_fn(void *arg, unsigned index)
{
    struct race *race = arg;
    struct raced *items = &race->items[index * race->per_racer];
    struct conf_random random = conf_random(index);
    for (unsigned i = 0; i < race->per_racer; i++) {
        struct raced *item = &items[i];
        velo_id id;
        CONF_EXPECT_INT(velo_set_immediate(race->loop, raced_fn, item, &item->id), 0);
        id = item->id;
        if (i % 4 != 0)
            conf_jitter(&random, 2000);
        item->cleared = velo_clear_immediate(race->loop, id);
    }
}

/* R6 T6 L7. Two threads set and clear immediates beside a busy loop: each one either ran once or
 * was cleared with 0, and its id was written before it ran. */
CONF_CASE(clearing_immediates_from_other_threads_is_exact, "R6 T6 L7", VELO_CAP_IMMEDIATES)
{
    enum { RACERS = 2 };
    struct race race = {.loop = conf_create(NULL), .per_racer = conf_rounds(50000)};
    struct conf_runner runner;
    struct conf_team team;
    unsigned wrong = 0;
    unsigned total = RACERS * race.per_racer;
    race.items = calloc(total, sizeof(*race.items));
    assert_non_null(race.items);
    assert_int_equal(velo_submit(race.loop, spin_fn, &race), 0);
    conf_runner_start(&runner, race.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, RACERS, racer_fn, &race);
    conf_team_join(&team);
    atomic_store(&race.stop, true);
    conf_sync(race.loop);
    assert_int_equal(velo_loop_shutdown(race.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    for (unsigned i = 0; i < total; i++) {
        const struct raced *item = &race.items[i];
        unsigned cleared = item->cleared == 0;
        wrong += item->cleared != 0 && item->cleared != -ENOENT;
        wrong += item->ran + cleared != 1;
        wrong += item->id_wrong;
    }
    assert_int_equal(wrong, 0);
    conf_destroy(race.loop);
    free(race.items);
}
