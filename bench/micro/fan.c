/* SPDX-License-Identifier: MIT */
/* fan.c - see fan.h. */
#include "fan.h"

#include "../race/clock.h"

/* One fan at a time: its callbacks get a number as their argument, not a pointer. */
static struct {
    struct solo solo;
    struct tally tally;
    fan_add add;
} fan;

static void worker(void *arg)
{
    tally_receive(&fan.tally, arg);
}

static void leader(void *arg)
{
    tally_receive(&fan.tally, arg);
    if (solo_is_due(&fan.solo)) {
        solo_end(&fan.solo);
        return;
    }
    struct velo_loop *loop = fan.solo.loop;
    for (int i = 1; i < MICRO_BATCH; i++)
        solo_note(&fan.solo, fan.add(loop, worker, tally_next(&fan.tally)));
    solo_note(&fan.solo, fan.add(loop, leader, tally_next(&fan.tally)));
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    (void)load;
    uint64_t received = fan.tally.received;
    uint64_t begin_ns = clock_now_ns();
    fan.solo.deadline_ns = begin_ns + duration_ns;
    solo_note(&fan.solo, fan.add(fan.solo.loop, leader, tally_next(&fan.tally)));
    solo_turn_until_end(&fan.solo);
    lap->elapsed_ns = clock_now_ns() - begin_ns;
    lap->units = fan.tally.received - received;
}

void fan_run(struct race *race, fan_add add)
{
    fan.add = add;
    solo_run(&fan.solo, race, lap, NULL);
    tally_verify(&fan.tally, race);
}
