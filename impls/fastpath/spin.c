/* SPDX-License-Identifier: MIT */
/* See spin.h. Pure but for the question how many processors this thread may use. */
#include "spin.h"

#include <sched.h>

#define PARK_FIRST_NS 20000 /* before the first measurement */
#define PARK_LEAST_NS 2000  /* a futex wake-up takes longer than this anywhere */
#define PARK_MOST_NS 100000 /* a longer one was somebody else's time slice */
#define GAP_FACTOR 4        /* gaps are capped at this many parks, so that activity is seen soon */
#define PUNISHMENT 64       /* idle times without spinning after a pre-emption */
#define CHECK_EVERY 1024    /* idle times between looks at the allowed processors */

void spin_init(struct spin *spin, int64_t option_ns)
{
    *spin = (struct spin){.option_ns = option_ns,
                          .park_ns = PARK_FIRST_NS,
                          .gap_ns = PARK_FIRST_NS * GAP_FACTOR,
                          .shared = true};
}

static bool is_confined(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
}

uint64_t spin_budget_ns(struct spin *spin)
{
    if (spin->option_ns < 0)
        return 0;
    if (spin->until_check == 0) {
        spin->confined = is_confined();
        spin->until_check = CHECK_EVERY;
    }
    spin->until_check--;
    if (spin->punished > 0) {
        spin->punished--;
        return 0;
    }
    if ((spin->confined && spin->shared) || spin->gap_ns >= spin->park_ns)
        return 0;
    uint64_t budget = 2 * spin->gap_ns < spin->park_ns ? 2 * spin->gap_ns : spin->park_ns;
    if (budget < PARK_LEAST_NS)
        budget = PARK_LEAST_NS;
    uint64_t cap = (uint64_t)spin->option_ns;
    return cap != 0 && cap < budget ? cap : budget;
}

void spin_note_gap(struct spin *spin, uint64_t gap_ns)
{
    uint64_t most = GAP_FACTOR * spin->park_ns;
    uint64_t gap = gap_ns < most ? gap_ns : most;
    spin->gap_ns = (3 * spin->gap_ns + gap) / 4;
}

void spin_note_park(struct spin *spin, uint64_t park_ns, int waker_cpu)
{
    spin->shared = waker_cpu == sched_getcpu();
    uint64_t park = park_ns < PARK_MOST_NS ? park_ns : PARK_MOST_NS;
    park = park > PARK_LEAST_NS ? park : PARK_LEAST_NS;
    spin->park_ns = (7 * spin->park_ns + park) / 8;
}

void spin_note_spent(struct spin *spin, uint64_t budget_ns, uint64_t spent_ns)
{
    if (spent_ns > 2 * budget_ns + PARK_LEAST_NS)
        spin->punished = PUNISHMENT;
}
