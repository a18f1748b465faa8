/* SPDX-License-Identifier: MIT */
/* timer_churn.c - see timer_churn.h. */
#include "timer_churn.h"

#include <errno.h>
#include <stdlib.h>

struct timer_churn timer_churn;

void timer_churn_never(void *arg)
{
    (void)arg;
    batch_note(-EALREADY);
}

static int velo_open(size_t count)
{
    timer_churn.ids = calloc(count, sizeof *timer_churn.ids);
    return timer_churn.ids == NULL ? -ENOMEM : 0;
}

static void velo_close(void)
{
    free(timer_churn.ids);
}

const struct timer_library timer_churn_velo = {
    velo_open, timer_churn_start, timer_churn_stop, velo_close};

void timer_churn_run(struct race *race, const struct timer_library *timers, void (*operation)(void))
{
    timer_churn.others = params_integer(&race->params, "n");
    timer_churn.delays = (struct timer_population){.random = {race->seed}};
    const size_t count = timer_churn.others + TIMER_CHURN_IN_FLIGHT;
    if (!batch_open(race) || !race_check(race, timers->open(count), "the table of timers"))
        return;
    for (size_t slot = 0; slot < count; slot++)
        batch_note(timers->start(slot, timer_churn_delay_ns()));
    solo_turn(&batch.solo);
    batch_measure(operation);
    for (size_t slot = 0; slot < count; slot++)
        batch_note(timers->stop(slot));
    timers->close();
    batch_close();
}
