/* SPDX-License-Identifier: MIT */
/* Timers started, cancelled and moved by many threads: each answer is exact (T5). */
#include <errno.h>
#include <stdlib.h>

#include "stress.h"

enum { THREADS = 3, PER_THREAD = 60, TIMERS = THREADS * PER_THREAD };
enum fate { ARMED, FIRED, CANCELLED };

struct timer {
    struct host *host;
    atomic_uint fate;
    _Atomic velo_id id; /* 0 = not started yet */
    bool periodic;
};

struct clockwork {
    struct host *host;
    uint64_t round;
    struct timer timers[TIMERS];
};

static void fire(void *arg)
{
    struct timer *timer = arg;
    if (timer->periodic)
        return; /* its one entry ends by a cancel, or is discarded */
    unsigned fate = atomic_exchange(&timer->fate, FIRED);
    CHECK(fate == ARMED, "T5: a timer ran that had %s", fate == FIRED ? "fired" : "been cancelled");
    host_ran(timer->host);
}

static void start(struct timer *timer, struct dice *d)
{
    velo_id id = 0;
    uint64_t period_ns = 0;
    timer->periodic = dice_below(d, 8) == 0;
    if (timer->periodic)
        period_ns = 1 + dice_below(d, 200 * NS_PER_US);
    host_enter_before(timer->host);
    int rc = velo_timer_start(
        timer->host->loop, dice_below(d, 200 * NS_PER_US), period_ns, fire, timer, &id);
    if (host_enter_after(timer->host, rc))
        atomic_store(&timer->id, id);
}

static void note_cancel(struct timer *timer, int rc)
{
    CHECK(rc == 0 || rc == -ENOENT || rc == -EALREADY, "cancel: %s", velo_strerror(rc));
    if (rc != 0)
        return;
    CHECK(atomic_exchange(&timer->fate, CANCELLED) == ARMED, "T5: cancelled, yet it had ended");
    atomic_fetch_add(&timer->host->book.cancelled, 1);
}

static void cancel_some(struct clockwork *clockwork, struct dice *d)
{
    enum { MANY = 5 };
    struct timer *timers[MANY];
    velo_id ids[MANY];
    int results[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        timers[i] = &clockwork->timers[dice_below(d, TIMERS)];
        ids[i] = atomic_load(&timers[i]->id);
    }
    CHECK(velo_timer_cancel_many(clockwork->host->loop, ids, MANY, results) == 0, "cancel_many");
    for (unsigned i = 0; i < MANY; i++) {
        if (ids[i] != 0)
            note_cancel(timers[i], results[i]);
    }
}

static void disturb(struct clockwork *clockwork, struct dice *d)
{
    struct velo_loop *loop = clockwork->host->loop;
    struct timer *timer = &clockwork->timers[dice_below(d, TIMERS)];
    velo_id id = atomic_load(&timer->id);
    int rc = 0;
    if (id == 0)
        return;
    switch (dice_below(d, 4)) {
    case 0:
        note_cancel(timer, velo_timer_cancel(loop, id));
        return;
    case 1:
        cancel_some(clockwork, d);
        return;
    case 2:
        rc = velo_timer_restart(loop, id, dice_below(d, 300 * NS_PER_US));
        break;
    default:
        rc = dice_below(d, 2) == 0 ? velo_timer_ref(loop, id) : velo_timer_unref(loop, id);
    }
    CHECK(rc == 0 || rc == -ENOENT || rc == -EALREADY || rc == -EAGAIN || rc == -ESHUTDOWN,
          "restart or ref: %s",
          velo_strerror(rc));
}

static void member(void *arg, unsigned index)
{
    struct clockwork *clockwork = arg;
    struct dice d = dice(clockwork->round, 10 + index);
    if (index == THREADS) {
        dice_pause(&d, NS_PER_MS);
        if (dice_below(&d, 2) == 0)
            velo_loop_shutdown(clockwork->host->loop, 0);
        return;
    }
    for (unsigned i = 0; i < PER_THREAD; i++) {
        start(&clockwork->timers[index * PER_THREAD + i], &d);
        disturb(clockwork, &d);
        disturb(clockwork, &d);
    }
}

void round_timers(uint64_t number)
{
    struct dice d = dice(number, 0);
    struct clockwork *clockwork = calloc(1, sizeof *clockwork);
    struct runner runner;
    struct team team;
    CHECK(clockwork != NULL, "no memory");
    clockwork->host = host_open(&d, NULL);
    clockwork->round = number;
    for (unsigned i = 0; i < TIMERS; i++)
        clockwork->timers[i].host = clockwork->host;
    runner_start(&runner, clockwork->host->loop, VELO_RUN_FOREVER);
    team_start(&team, THREADS + 1, member, clockwork);
    team_join(&team);
    dice_pause(&d, 200 * NS_PER_US);
    CHECK(velo_loop_close(clockwork->host->loop) == 0, "close");
    runner_join(&runner);
    host_end(clockwork->host);
    free(clockwork);
}
