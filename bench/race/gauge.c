/* SPDX-License-Identifier: MIT */
/*
 * gauge.c - how a thread waits for another one. Spinning is what makes a round trip measurable at
 * all on a machine whose cross-processor wake-up costs tens of microseconds; yielding is what keeps
 * the same code alive on one processor; and patience ends, because a lost task must become a
 * message.
 */
#include "gauge.h"

#include "clock.h"

#include <sched.h>

#define LOOKS_PER_CLOCK 4096U
#define RELAXES_PER_LAZY_LOOK 32

bool gauge_wait(struct gauge *gauge, uint64_t value, unsigned spins)
{
    for (unsigned i = 0; i < spins; i++)
        if (gauge_get(gauge) >= value)
            return true;
    uint64_t deadline_ns = clock_now_ns() + GAUGE_PATIENCE_NS;
    for (unsigned looks = 1; gauge_get(gauge) < value; looks++) {
        sched_yield();
        if (looks % LOOKS_PER_CLOCK == 0 && clock_now_ns() > deadline_ns)
            return false;
    }
    return true;
}

static void look_away(unsigned look, unsigned spins)
{
    if (look >= spins / RELAXES_PER_LAZY_LOOK) {
        sched_yield();
        return;
    }
    for (int i = 0; i < RELAXES_PER_LAZY_LOOK; i++)
        cpu_relax();
}

bool gauge_wait_lazy(struct gauge *gauge, uint64_t value, unsigned spins, struct gauge *stop)
{
    uint64_t deadline_ns = clock_now_ns() + GAUGE_PATIENCE_NS;
    for (unsigned look = 0; gauge_get(gauge) < value && gauge_get(stop) == 0; look++) {
        look_away(look, spins);
        if (look % LOOKS_PER_CLOCK == LOOKS_PER_CLOCK - 1 && clock_now_ns() > deadline_ns)
            return false;
    }
    return true;
}
