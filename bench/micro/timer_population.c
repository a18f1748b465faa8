/* SPDX-License-Identifier: MIT */
/* timer_population.c - see timer_population.h. */
#include "timer_population.h"

#include "../race/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

const struct param_spec timer_population_params[] = {
    {"n", PARAM_INTEGER, 0, 10000000, 1000, NULL, "timers pending meanwhile"},
    {.name = NULL},
};

uint64_t timer_population_delay_ns(struct timer_population *population)
{
    return 60 * NS_PER_S + random_below(&population->random, 3600 * NS_PER_S);
}

void timer_population_fire(void *arg)
{
    struct timer_population *population = arg;
    population->fired++;
}

bool timer_population_arm(struct timer_population *population, struct solo *solo, size_t count)
{
    struct race *race = solo->race;
    *population = (struct timer_population){.random = {race->seed}};
    population->ids = calloc(count + 1, sizeof *population->ids);
    if (!population->ids)
        return race_check(race, -ENOMEM, "the table of timers");
    for (; population->count < count && race->result.ok; population->count++)
        race_check(race,
                   velo_timer_start(solo->loop,
                                    timer_population_delay_ns(population),
                                    0,
                                    timer_population_fire,
                                    population,
                                    &population->ids[population->count]),
                   "velo_timer_start");
    solo_turn(solo);
    return race->result.ok;
}

void timer_population_cancel(struct timer_population *population, struct solo *solo)
{
    struct race *race = solo->race;
    for (size_t i = 0; i < population->count && race->result.ok; i++)
        race_check(race, velo_timer_cancel(solo->loop, population->ids[i]), "velo_timer_cancel");
    if (population->fired != 0)
        race_fail(race, "%" PRIu64 " timers fired a minute early", population->fired);
    free(population->ids);
}
