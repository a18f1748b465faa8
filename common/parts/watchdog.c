/* SPDX-License-Identifier: MIT */
/* See watchdog.h. */
#include "common/parts/watchdog.h"

#include "common/parts/clock.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NAP_MIN_NS 50000 /* a shorter threshold does not make it spin */

/* Sleep while the mood is [mood], at most [timeout_ns]. */
static void sleep_in(struct watchdog *dog, enum watchdog_mood mood, uint64_t timeout_ns)
{
    struct timespec span = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    uintptr_t word = (uintptr_t)&dog->mood;
    syscall(SYS_futex,
            word,
            FUTEX_WAIT_PRIVATE,
            (uint32_t)mood,
            timeout_ns == UINT64_MAX ? NULL : &span,
            NULL,
            0);
}

/* Change the mood; false: it was not [from]. */
static bool change(struct watchdog *dog, enum watchdog_mood from, enum watchdog_mood to)
{
    uint32_t expected = from;
    /* (D3) seq_cst: before the last look at the serial; pairs with (D3) in watchdog_begin() */
    return atomic_compare_exchange_strong_explicit(
        &dog->mood, &expected, to, memory_order_seq_cst, memory_order_seq_cst);
}

void watchdog_wake(struct watchdog *dog)
{
    uintptr_t word = (uintptr_t)&dog->mood;
    if (change(dog, WATCHDOG_PARKED, WATCHDOG_UP))
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void nap(struct watchdog *dog, uint64_t span_ns)
{
    if (!change(dog, WATCHDOG_UP, WATCHDOG_NAPPING))
        return;
    sleep_in(dog, WATCHDOG_NAPPING, span_ns < NAP_MIN_NS ? NAP_MIN_NS : span_ns);
    change(dog, WATCHDOG_NAPPING, WATCHDOG_UP);
}

/* Until a call begins that is not the one of [reported]. */
static void park(struct watchdog *dog, uint64_t reported)
{
    struct watchdog_call call;
    if (!change(dog, WATCHDOG_UP, WATCHDOG_PARKED))
        return;
    if (!watchdog_look(dog, &call) || call.serial == reported)
        sleep_in(dog, WATCHDOG_PARKED, UINT64_MAX);
    change(dog, WATCHDOG_PARKED, WATCHDOG_UP);
}

static void *watch(void *arg)
{
    struct watchdog *dog = arg;
    struct watchdog_call call;
    uint64_t reported = 0; /* serials of calls are odd */
    /* (D3) acquire: pairs with (D3) in watchdog_join() */
    while (atomic_load_explicit(&dog->mood, memory_order_acquire) != WATCHDOG_ENDED) {
        if (!watchdog_look(dog, &call) || call.serial == reported) {
            park(dog, reported);
            continue;
        }
        uint64_t now_ns = clock_now_ns();
        uint64_t elapsed_ns = now_ns > call.start_ns ? now_ns - call.start_ns : 0;
        if (elapsed_ns < dog->slow_ns) {
            nap(dog, dog->slow_ns - elapsed_ns);
            continue;
        }
        struct watchdog_call again;
        reported = call.serial;
        if (watchdog_look(dog, &again) && again.serial == call.serial)
            dog->report(dog->ctx, &call, elapsed_ns);
    }
    return NULL;
}

int watchdog_launch(struct watchdog *dog)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = -pthread_create(&dog->thread, NULL, watch, dog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

void watchdog_join(struct watchdog *dog)
{
    uintptr_t word = (uintptr_t)&dog->mood;
    /* (D3) seq_cst: whatever the thread is about, it sees this; pairs with (D3) in watch() */
    atomic_store_explicit(&dog->mood, WATCHDOG_ENDED, memory_order_seq_cst);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    pthread_join(dog->thread, NULL);
}
