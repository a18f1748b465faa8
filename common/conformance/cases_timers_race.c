/* SPDX-License-Identifier: MIT */
/*
 * T5 across threads: cancel and restart race with firing and with the end of the loop.
 *
 * Idea: count. For every timer exactly one of "cancelled with 0" and "fired" must be true in the
 * end. A task that resubmits itself keeps the loop going round, so the races meet every stage.
 */
#include <stdlib.h>

#include "conf.h"
#include "probes.h"

#define CAPS_RACE (VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)

enum { RACERS = 2 };

struct raced_timer {
    velo_id id;            /* racer's thread, written by velo_timer_start (T6) */
    unsigned fired;        /* owner */
    unsigned id_wrong;     /* owner: fired before its id was written */
    atomic_uint cancelled; /* racers: cancels that returned 0 */
    unsigned odd;          /* racers: an answer that is not allowed */
};

struct race {
    struct spinner spinner;
    struct conf_runner runner;
    unsigned total;
    unsigned per_racer;
    uint64_t jitter_ns;
    struct raced_timer *timers;
};

static void raced_fn(void *arg)
{
    struct raced_timer *timer = arg;
    timer->fired++;
    timer->id_wrong += timer->id == 0;
}

static void race_init(struct race *race, unsigned per_racer, unsigned racers)
{
    *race = (struct race){.per_racer = per_racer, .total = per_racer * racers, .jitter_ns = 3000};
    race->spinner.loop = conf_create(NULL);
    race->timers = calloc(race->total + 1, sizeof(*race->timers));
    assert_non_null(race->timers);
    assert_int_equal(velo_submit(race->spinner.loop, spinner_fn, &race->spinner), 0);
    conf_runner_start(&race->runner, race->spinner.loop, VELO_RUN_FOREVER);
    conf_sync(race->spinner.loop);
}

static void race_stop(struct race *race)
{
    atomic_store(&race->spinner.stop, true);
    conf_sync(race->spinner.loop);
    assert_int_equal(velo_loop_shutdown(race->spinner.loop, -1), 0);
    assert_int_equal(conf_runner_join(&race->runner), 0);
}

/* Every timer ended in exactly one way. [discards]: unfired ones may have been discarded instead.
 */
static void race_check(struct race *race, bool discards)
{
    unsigned wrong = 0;
    unsigned fired = 0;
    unsigned cancelled = 0;
    for (unsigned i = 0; i < race->total; i++) {
        const struct raced_timer *timer = &race->timers[i];
        unsigned ends = timer->fired + atomic_load(&timer->cancelled);
        wrong += discards ? ends > 1 : ends != 1;
        wrong += timer->odd + timer->id_wrong;
        fired += timer->fired;
        cancelled += atomic_load(&timer->cancelled);
    }
    print_message("%u timers: %u fired, %u cancelled\n", race->total, fired, cancelled);
    assert_int_equal(wrong, 0);
    conf_destroy(race->spinner.loop);
    free(race->timers);
}

static void note_cancel(struct raced_timer *timer, int rc)
{
    if (rc == 0)
        atomic_fetch_add(&timer->cancelled, 1);
    else if (rc != -ENOENT && rc != -EALREADY)
        timer->odd++;
}

static void start_and_cancel_fn(void *arg, unsigned index)
{
    struct race *race = arg;
    struct velo_loop *loop = race->spinner.loop;
    struct conf_random random = conf_random(index);
    for (unsigned i = 0; i < race->per_racer; i++) {
        struct raced_timer *timer = &race->timers[index * race->per_racer + i];
        uint64_t delay_ns = conf_random_below(&random, 2000);
        CONF_EXPECT_INT(velo_timer_start(loop, delay_ns, 0, raced_fn, timer, &timer->id), 0);
        if (i % 8 != 0)
            conf_jitter(&random, race->jitter_ns);
        note_cancel(timer, velo_timer_cancel(loop, timer->id));
    }
}

/* T5 T6 L7. Two threads start and cancel 100,000 timers with delays below 2 us while the owner
 * fires them: cancelled(0) + fired = started, timer by timer. */
CONF_CASE(foreign_cancel_racing_with_firing_is_exact, "T5 T6 L7", CAPS_RACE)
{
    struct race race;
    struct conf_team team;
    race_init(&race, conf_rounds(50000), RACERS);
    conf_team_start(&team, RACERS, start_and_cancel_fn, &race);
    conf_team_join(&team);
    race_stop(&race);
    race_check(&race, false);
}

/* ---- several cancellers, one timer ---- */

struct crowd {
    struct race race;
    pthread_barrier_t turn;
};

static void crowd_fn(void *arg, unsigned index)
{
    struct crowd *crowd = arg;
    struct velo_loop *loop = crowd->race.spinner.loop;
    struct conf_random random = conf_random(index);
    for (unsigned i = 0; i < crowd->race.total; i++) {
        struct raced_timer *timer = &crowd->race.timers[i];
        if (index == 0)
            CONF_EXPECT_INT(velo_timer_start(loop, 1000, 0, raced_fn, timer, &timer->id), 0);
        pthread_barrier_wait(&crowd->turn);
        conf_jitter(&random, 2000);
        int rc = velo_timer_cancel(loop, timer->id);
        if (rc == 0)
            atomic_fetch_add(&timer->cancelled, 1);
        else
            CONF_EXPECT(rc == -ENOENT || rc == -EALREADY);
    }
}

/* T5. Two threads cancel the same timer while it becomes due: one of them or nobody gets the 0. */
CONF_CASE(two_cancellers_of_one_timer_have_one_winner, "T5", CAPS_RACE)
{
    struct crowd crowd;
    struct conf_team team;
    race_init(&crowd.race, conf_rounds(5000), 1);
    pthread_barrier_init(&crowd.turn, NULL, RACERS);
    conf_team_start(&team, RACERS, crowd_fn, &crowd);
    conf_team_join(&team);
    pthread_barrier_destroy(&crowd.turn);
    race_stop(&crowd.race);
    race_check(&crowd.race, false);
}

/* ---- periodic ---- */

struct beat {
    struct velo_loop *loop;
    atomic_uint started;
    unsigned at_cancel;
    int result;
};

static void beat_fn(void *arg)
{
    struct beat *beat = arg;
    atomic_fetch_add(&beat->started, 1);
}

/* T5 T4, trap T11. A periodic timer of 1 us is cancelled from another thread, 3,000 times over:
 * always 0, and after it at most the call in flight appears, never another. */
CONF_CASE(foreign_cancel_of_a_periodic_timer_stops_it, "T5 T4", CAPS_RACE)
{
    struct race race;
    struct conf_random random = conf_random(3);
    unsigned rounds = conf_rounds(3000);
    struct beat *beats = calloc(rounds, sizeof(*beats));
    assert_non_null(beats);
    race_init(&race, 0, 1); /* only its loop */
    for (unsigned i = 0; i < rounds; i++) {
        velo_id id;
        assert_int_equal(velo_timer_start(race.spinner.loop, 0, 1000, beat_fn, &beats[i], &id), 0);
        conf_jitter(&random, 20000);
        beats[i].result = velo_timer_cancel(race.spinner.loop, id);
        beats[i].at_cancel = atomic_load(&beats[i].started);
        assert_int_equal(velo_timer_cancel(race.spinner.loop, id), -ENOENT);
    }
    race_stop(&race);
    for (unsigned i = 0; i < rounds; i++) {
        assert_int_equal(beats[i].result, 0);
        assert_true(atomic_load(&beats[i].started) <= beats[i].at_cancel + 1);
    }
    race_check(&race, false);
    free(beats);
}

/* ---- restart ---- */

static void start_and_restart_fn(void *arg, unsigned index)
{
    struct race *race = arg;
    struct velo_loop *loop = race->spinner.loop;
    struct conf_random random = conf_random(index);
    for (unsigned i = 0; i < race->per_racer; i++) {
        struct raced_timer *timer = &race->timers[index * race->per_racer + i];
        CONF_EXPECT_INT(velo_timer_start(loop, 1500, 0, raced_fn, timer, &timer->id), 0);
        for (unsigned n = 0; n < 3; n++) {
            conf_jitter(&random, 1500);
            int rc = velo_timer_restart(loop, timer->id, conf_random_below(&random, 2000));
            timer->odd += rc != 0 && rc != -ENOENT && rc != -EALREADY;
        }
        if (i % 2 == 0)
            note_cancel(timer, velo_timer_cancel(loop, timer->id));
    }
}

/* Wait until all timers are over: those that were not cancelled fire by themselves. */
static void last_timers_fn(void *arg)
{
    conf_count_add(arg, 1);
}

/* T4 T5 L7. Restarts race with firing: a timer that was told 0 fires once all the same, unless it
 * was cancelled, and no restart revives one that is over. */
CONF_CASE(foreign_restart_racing_with_firing_is_exact, "T4 T5 L7", CAPS_RACE)
{
    struct race race;
    struct conf_team team;
    struct conf_count last;
    race_init(&race, conf_rounds(20000), RACERS);
    conf_team_start(&team, RACERS, start_and_restart_fn, &race);
    conf_team_join(&team);
    conf_count_init(&last);
    assert_int_equal(
        velo_timer_start(race.spinner.loop, CONF_NS_PER_MS, 0, last_timers_fn, &last, NULL), 0);
    assert_true(conf_count_wait(&last, 1));
    race_stop(&race);
    race_check(&race, false);
}

/* ---- the end of the loop ---- */

static void cancel_until_the_end_fn(void *arg, unsigned index)
{
    struct race *race = arg;
    struct velo_loop *loop = race->spinner.loop;
    if (index == RACERS) {
        struct conf_random random = conf_random(index);
        conf_jitter(&random, 200000);
        CONF_EXPECT_INT(velo_loop_close(loop), 0);
        return;
    }
    for (unsigned i = 0; i < race->per_racer; i++) {
        struct raced_timer *timer = &race->timers[index * race->per_racer + i];
        note_cancel(timer, velo_timer_cancel(loop, timer->id));
    }
}

/* T5 L7, trap T5. Cancels meet the close of the loop: none hangs, and every timer is fired,
 * cancelled or discarded, once (conf_destroy checks the sum). */
CONF_CASE(foreign_cancel_racing_with_close_is_exact, "T5 L6 L7", CAPS_RACE)
{
    unsigned rounds = conf_rounds(100);
    for (unsigned r = 0; r < rounds; r++) {
        struct race race;
        struct conf_team team;
        race_init(&race, 500, RACERS);
        for (unsigned i = 0; i < race.total; i++) {
            struct raced_timer *timer = &race.timers[i];
            assert_int_equal(
                velo_timer_start(
                    race.spinner.loop, i * UINT64_C(300), 0, raced_fn, timer, &timer->id),
                0);
        }
        conf_team_start(&team, RACERS + 1, cancel_until_the_end_fn, &race);
        conf_team_join(&team);
        assert_int_equal(conf_runner_join(&race.runner), -ECANCELED);
        race_check(&race, true);
    }
}
