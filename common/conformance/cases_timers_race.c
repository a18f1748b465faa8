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
    unsigned discarded;    /* whoever terminates the loop */
    unsigned refused;      /* racers: the start was refused */
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

static void raced_discard(void *ctx, velo_fn fn, void *arg)
{
    struct raced_timer *timer = arg;
    (void)ctx;
    if (fn == raced_fn)
        timer->discarded++;
}

static void race_init(struct race *race, unsigned per_racer, unsigned racers)
{
    struct velo_options options = conf_options();
    options.on_discard = raced_discard;
    *race = (struct race){.per_racer = per_racer, .total = per_racer * racers, .jitter_ns = 3000};
    race->spinner.loop = conf_create(&options);
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

/* Every timer that was accepted has ended in exactly one way. */
static void race_check(struct race *race)
{
    unsigned wrong = 0;
    unsigned sums[3] = {0};
    for (unsigned i = 0; i < race->total; i++) {
        const struct raced_timer *timer = &race->timers[i];
        unsigned cancelled = atomic_load(&timer->cancelled);
        wrong += timer->fired + cancelled + timer->discarded + timer->refused != 1;
        wrong += timer->odd + timer->id_wrong;
        sums[0] += timer->fired;
        sums[1] += cancelled;
        sums[2] += timer->discarded;
    }
    print_message("%u timers: %u fired, %u cancelled, %u discarded\n",
                  race->total,
                  sums[0],
                  sums[1],
                  sums[2]);
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
    race_check(&race);
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
    race_check(&crowd.race);
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
    race_check(&race);
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
    race_check(&race);
}

/* ---- the end of the loop ---- */

struct ending {
    struct race race;
    bool graceful;
};

static bool is_late_answer(int rc)
{
    return rc == 0 || rc == -ENOENT || rc == -EALREADY || rc == -ESHUTDOWN;
}

/* One timer: started, perhaps postponed, unreferenced and cancelled, while the loop may end. */
static void live_one(struct velo_loop *loop, struct raced_timer *timer, struct conf_random *random)
{
    uint64_t draw = conf_random_next(random);
    int rc = velo_timer_start(
        loop, draw % 8 == 0 ? CONF_NS_PER_S : draw % 20000, 0, raced_fn, timer, &timer->id);
    timer->refused = rc == -ESHUTDOWN;
    timer->odd += rc != 0 && rc != -ESHUTDOWN;
    if (rc != 0)
        return;
    if ((draw & 0x10000) != 0) {
        rc = velo_timer_restart(loop, timer->id, draw % 10000);
        timer->odd += !is_late_answer(rc);
    }
    if ((draw & 0x20000) != 0) {
        rc = velo_timer_unref(loop, timer->id);
        timer->odd += rc != 0 && rc != -ENOENT;
    }
    if ((draw & 0x40000) != 0)
        note_cancel(timer, velo_timer_cancel(loop, timer->id));
}

static void live_until_the_end_fn(void *arg, unsigned index)
{
    struct ending *ending = arg;
    struct race *race = &ending->race;
    struct velo_loop *loop = race->spinner.loop;
    struct conf_random random = conf_random(index);
    if (index == RACERS) {
        conf_jitter(&random, 300000);
        CONF_EXPECT_INT(ending->graceful ? velo_loop_shutdown(loop, -1) : velo_loop_close(loop), 0);
        return;
    }
    for (unsigned i = 0; i < race->per_racer; i++)
        live_one(loop, &race->timers[index * race->per_racer + i], &random);
}

static void race_with_the_end(bool graceful)
{
    unsigned rounds = conf_rounds(100);
    for (unsigned r = 0; r < rounds; r++) {
        struct ending ending = {.graceful = graceful};
        struct conf_team team;
        race_init(&ending.race, 500, RACERS);
        conf_team_start(&team, RACERS + 1, live_until_the_end_fn, &ending);
        conf_team_join(&team);
        assert_int_equal(conf_runner_join(&ending.race.runner), graceful ? 0 : -ECANCELED);
        race_check(&ending.race);
    }
}

/* T5 L7, trap T5. Starts, restarts, unrefs and cancels meet the close of the loop: none hangs, and
 * every timer is refused, fired, cancelled or discarded, exactly one of them. */
CONF_CASE(foreign_timer_calls_racing_with_close_are_exact, "T5 L6 L7", CAPS_RACE)
{
    race_with_the_end(false);
}

/* T5 L4 L7, traps T5 and L12. The same with a graceful shutdown. */
CONF_CASE(foreign_timer_calls_racing_with_shutdown_are_exact, "T5 L4 L7", CAPS_RACE)
{
    race_with_the_end(true);
}

/* ---- everything at once ---- */

enum { SHARED = 8, MEDDLERS = 3 };

struct shared {
    struct spinner spinner;
    unsigned rounds;
    _Atomic velo_id slots[SHARED]; /* timers that everybody meddles with */
    velo_id *started[MEDDLERS];    /* all that a thread has started */
    unsigned started_count[MEDDLERS];
    struct conf_random random; /* of the owner */
};

/* Any call on any shared timer, whoever started it. */
static int meddle(struct velo_loop *loop, velo_id id, uint64_t draw)
{
    switch (draw & 3) {
    case 0:
        return velo_timer_cancel(loop, id);
    case 1:
        return velo_timer_restart(loop, id, draw >> 8 & 4095);
    case 2:
        return velo_timer_ref(loop, id);
    default:
        return velo_timer_unref(loop, id);
    }
}

static void shared_fn(void *arg)
{
    struct shared *shared = arg;
    uint64_t draw = conf_random_next(&shared->random);
    velo_id id = atomic_load(&shared->slots[draw >> 32 & (SHARED - 1)]);
    CONF_EXPECT(is_late_answer(meddle(shared->spinner.loop, id, draw)));
}

static void meddler_fn(void *arg, unsigned index)
{
    struct shared *shared = arg;
    struct velo_loop *loop = shared->spinner.loop;
    struct conf_random random = conf_random(index);
    for (unsigned i = 0; i < shared->rounds; i++) {
        uint64_t draw = conf_random_next(&random);
        _Atomic velo_id *slot = &shared->slots[draw >> 32 & (SHARED - 1)];
        if ((draw >> 40 & 3) != 0) {
            int rc = meddle(loop, atomic_load(slot), draw);
            CONF_EXPECT(is_late_answer(rc) && rc != -ESHUTDOWN);
            continue;
        }
        velo_id *id = &shared->started[index][shared->started_count[index]++];
        uint64_t period_ns = (draw & 1) == 0 ? 0 : 1000 + (draw >> 4 & 65535);
        CONF_EXPECT_INT(velo_timer_start(loop, draw >> 8 & 4095, period_ns, shared_fn, shared, id),
                        0);
        atomic_store(slot, *id);
    }
}

/* T4 T5 T7 L7. Three threads and the callbacks themselves start, cancel, restart, ref and unref the
 * same timers, one shot and periodic. Then all are cancelled: nothing is armed, nothing is alive,
 * and the ledger balances. */
CONF_CASE(timers_shared_by_all_threads_leave_nothing_behind, "T4 T5 T7 L7 A1", CAPS_RACE)
{
    struct shared shared = {.rounds = conf_rounds(10000), .random = conf_random(77)};
    struct conf_runner runner;
    struct conf_team team;
    struct velo_loop *loop = conf_create(NULL);
    shared.spinner.loop = loop;
    for (unsigned i = 0; i < MEDDLERS; i++) {
        shared.started[i] = calloc(shared.rounds, sizeof(velo_id));
        assert_non_null(shared.started[i]);
    }
    assert_int_equal(velo_submit(loop, spinner_fn, &shared.spinner), 0);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    conf_team_start(&team, MEDDLERS, meddler_fn, &shared);
    conf_team_join(&team);
    for (unsigned i = 0; i < MEDDLERS; i++) {
        for (unsigned n = 0; n < shared.started_count[i]; n++)
            assert_true(is_late_answer(velo_timer_cancel(loop, shared.started[i][n])));
    }
    atomic_store(&shared.spinner.stop, true);
    conf_sync(loop); /* a one shot that was running has ended; it may have restarted itself */
    for (unsigned i = 0; i < MEDDLERS; i++) {
        for (unsigned n = 0; n < shared.started_count[i]; n++)
            velo_timer_cancel(loop, shared.started[i][n]);
        free(shared.started[i]);
    }
    conf_sync(loop);
    assert_false(velo_loop_is_alive(loop));
    if (conf_has(VELO_CAP_METRICS))
        assert_int_equal(conf_metrics(loop).timers_armed, 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(conf_discarded(loop), 0);
    conf_destroy(loop);
}
