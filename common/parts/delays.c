/* SPDX-License-Identifier: MIT */
/*
 * The variant `delays` (make V=delays): the compiler calls the two functions below wherever a
 * function of the library begins or ends, and now and then they put the thread to sleep for up to
 * half a millisecond. So what happens on an idle machine once in ten thousand runs, a thread that
 * loses its processor between two steps, happens in every run: for finding tests that take one step
 * for the next, and races of the library itself. Not repeatable: the moments are drawn.
 */
#include <errno.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#ifdef VELO_DELAYS
#define UNSEEN __attribute__((no_instrument_function))

/* A thread is delayed often at first, later so rarely that millions of calls come to an end. */
#define FIRST_CALLS 20000
#define ONE_IN_FIRST 128
#define ONE_IN_LATER 262144
#define LONGEST_NS 500000

UNSEEN static uint64_t draw(void)
{
    static _Thread_local uint64_t state;
    if (state == 0)
        state = (uint64_t)gettid() << 32 | (uint64_t)(uintptr_t)&state;
    state ^= state << 13; /* xorshift64, Marsaglia 2003 */
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 8;
}

UNSEEN static void perhaps_sleep(void)
{
    static _Thread_local uint32_t calls;
    const uint64_t drawn = draw();
    const uint32_t one_in = calls < FIRST_CALLS ? ONE_IN_FIRST : ONE_IN_LATER;
    calls++;
    if (drawn % one_in != 0)
        return;
    const int error = errno;
    const struct timespec nap = {0, (long)(drawn / one_in % LONGEST_NS)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL); /* tests replace no such call */
    errno = error;
}

UNSEEN void __cyg_profile_func_enter(void *function, void *caller);
UNSEEN void __cyg_profile_func_exit(void *function, void *caller);

void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)function;
    (void)caller;
    perhaps_sleep();
}

void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function;
    (void)caller;
    perhaps_sleep();
}
#endif
