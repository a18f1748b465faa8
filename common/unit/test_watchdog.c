/* SPDX-License-Identifier: MIT */
/* The watchdog: once for each call that is too long, never for others, asleep when there is none.
 */
#include "common/parts/watchdog.h"

#include "common/parts/clock.h"
#include "common/unit/unit.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

#define MS UINT64_C(1000000)

struct log {
    struct watchdog dog;
    _Atomic unsigned reports;
    _Atomic unsigned wrong;
    _Atomic uintptr_t arg;
    sigset_t blocked;
};

static void nothing(void *arg)
{
    (void)arg;
}

static void note(void *ctx, const struct watchdog_call *call, uint64_t elapsed_ns)
{
    struct log *log = ctx;
    if (call->fn != nothing || elapsed_ns < log->dog.slow_ns ||
        clock_now_ns() < call->start_ns + elapsed_ns)
        atomic_fetch_add(&log->wrong, 1);
    atomic_store(&log->arg, (uintptr_t)call->arg);
    pthread_sigmask(SIG_SETMASK, NULL, &log->blocked);
    atomic_fetch_add(&log->reports, 1);
}

static void begin(struct log *log, uint64_t slow_ns)
{
    memset(log, 0, sizeof *log);
    log->dog.report = note;
    log->dog.ctx = log;
    log->dog.slow_ns = slow_ns;
    assert_int_equal(watchdog_launch(&log->dog), 0);
}

static void call(struct log *log, uintptr_t number)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a number
    watchdog_begin(&log->dog, nothing, (void *)number, clock_now_ns());
}

/* False after 10 s. */
static bool wait_reports(struct log *log, unsigned count)
{
    uint64_t end_ns = clock_now_ns() + 10000 * MS;
    while (atomic_load(&log->reports) < count && clock_now_ns() < end_ns)
        sched_yield();
    return atomic_load(&log->reports) >= count;
}

static bool wait_parked(struct log *log)
{
    uint64_t end_ns = clock_now_ns() + 10000 * MS;
    while (atomic_load(&log->dog.mood) != WATCHDOG_PARKED && clock_now_ns() < end_ns)
        sched_yield();
    return atomic_load(&log->dog.mood) == WATCHDOG_PARKED;
}

/* X4: reported while it runs, once, then not looked at again; signals are blocked there. */
static void a_long_call_is_reported_once_while_it_runs(void **state)
{
    (void)state;
    static struct log log;
    begin(&log, MS);
    for (unsigned i = 1; i <= 20; i++) {
        call(&log, i);
        assert_true(wait_reports(&log, i));
        assert_int_equal(atomic_load(&log.arg), i);
        assert_true(wait_parked(&log)); /* it does not tick while that call goes on */
        assert_int_equal(atomic_load(&log.reports), i);
        watchdog_end(&log.dog);
    }
    watchdog_join(&log.dog);
    assert_int_equal(atomic_load(&log.wrong), 0);
    assert_true(sigismember(&log.blocked, SIGINT) && sigismember(&log.blocked, SIGUSR1));
}

/* X4: short calls are never reported, however many; after the last one it parks. */
static void short_calls_are_not_reported(void **state)
{
    (void)state;
    static struct log log;
    begin(&log, 3600000 * MS);
    for (unsigned i = 0; i < unit_rounds(100000); i++) {
        call(&log, i);
        watchdog_end(&log.dog);
    }
    watchdog_join(&log.dog); /* at once, although it naps for an hour */
    assert_int_equal(atomic_load(&log.reports), 0);
}

/* The race of parking and beginning: each call here begins when the watchdog is about to park. */
static void no_begin_is_overlooked(void **state)
{
    (void)state;
    static struct log log;
    uint64_t seed = unit_seed();
    begin(&log, 1);
    for (unsigned i = 1; i <= unit_rounds(3000); i++) {
        call(&log, i);
        if (!wait_reports(&log, i))
            fail_msg("call %u was overlooked", i);
        for (uint64_t spins = unit_below(&seed, 200); spins > 0; spins--)
            clock_now_ns();
        watchdog_end(&log.dog);
    }
    watchdog_join(&log.dog);
    assert_int_equal(atomic_load(&log.wrong), 0);
}

static void ends_whatever_it_does(void **state)
{
    (void)state;
    static struct log log;
    for (unsigned i = 0; i < 50; i++) {
        begin(&log, i % 2 == 0 ? 1 : 3600000 * MS);
        if (i % 3 == 0)
            call(&log, i);
        watchdog_join(&log.dog);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_call_is_reported_once_while_it_runs),
        cmocka_unit_test(short_calls_are_not_reported),
        cmocka_unit_test(no_begin_is_overlooked),
        cmocka_unit_test(ends_whatever_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
