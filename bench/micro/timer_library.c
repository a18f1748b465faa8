/* SPDX-License-Identifier: MIT */
/*
 * timer_library.c - the same question as in timer_arm_cancel, put to the library that a guest
 * stands for: what does a time-out cost that never happens, with n others pending?
 *
 * A guest runs its library's own timers, bare (timer_library.h): handles that were allocated
 * before, no adapter. Everybody else runs velo.h's, with all that the contract promises of them.
 */
#include "timer_library.h"

#include "batch.h"
#include "cases.h"
#include "timer_population.h"

#include <errno.h>
#include <stdlib.h>

enum { IN_FLIGHT = 64 };

static struct {
    const struct timer_library *library;
    struct timer_population delays;
    velo_id *ids; /* of velo.h's */
    size_t others;
    size_t next;
} state;

static void never(void *arg)
{
    (void)arg;
    batch_note(-EALREADY);
}

static int velo_open(size_t count)
{
    state.ids = calloc(count, sizeof *state.ids);
    return state.ids == NULL ? -ENOMEM : 0;
}

static int velo_start(size_t slot, uint64_t delay_ns)
{
    return velo_timer_start(batch.solo.loop, delay_ns, 0, never, NULL, &state.ids[slot]);
}

static int velo_stop(size_t slot)
{
    return velo_timer_cancel(batch.solo.loop, state.ids[slot]);
}

static void velo_close(void)
{
    free(state.ids);
}

static void start(size_t slot)
{
    batch_note(state.library->start(slot, timer_population_delay_ns(&state.delays)));
}

static void cancel_and_arm(void)
{
    const size_t slot = state.others + state.next++ % IN_FLIGHT;
    batch_note(state.library->stop(slot));
    start(slot);
}

static void run(struct race *race)
{
    static const struct timer_library velo = {velo_open, velo_start, velo_stop, velo_close};
    state.library = timer_library != NULL ? timer_library() : &velo;
    state.others = params_integer(&race->params, "n");
    const size_t count = state.others + IN_FLIGHT;
    state.delays = (struct timer_population){.random = {race->seed}};
    if (!batch_open(race) || !race_check(race, state.library->open(count), "the table of timers"))
        return;
    for (size_t slot = 0; slot < count; slot++)
        start(slot);
    solo_turn(&batch.solo);
    batch_measure(cancel_and_arm);
    for (size_t slot = 0; slot < count; slot++)
        batch_note(state.library->stop(slot));
    state.library->close();
    batch_close();
}

static const struct micro_point points[] = {
    {"n=1000", 1e3, false},
    {"n=1000000", 1e6, false},
    {NULL, 0, false},
};

const struct micro_case case_timer_library = {
    .load = {.name = "timer_library",
             .summary = "as timer_arm_cancel, but guests run their library's own timers, bare",
             .params = timer_population_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_TIMERS,
             .run = run},
    .family = "cpu",
    .points = points,
};
