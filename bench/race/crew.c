/* SPDX-License-Identifier: MIT */
/* crew.c - see crew.h. */
#include "crew.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct crew crew;

uint64_t crew_delivered(void)
{
    uint64_t total = 0;
    for (int i = 0; i < crew.threads; i++)
        total += gauge_get(&crew.lanes[i].executed);
    return total;
}

static void *work(void *arg)
{
    struct crew_lane *lane = arg;
    placement_enter_generator(&crew.race->cpus, lane->index);
    crew.produce(lane);
    return NULL;
}

bool crew_open(struct race *race, int threads, void (*produce)(struct crew_lane *lane))
{
    crew.race = race;
    crew.threads = threads;
    crew.produce = produce;
    if (!stage_open(&crew.stage, race))
        return false;
    for (int i = 0; i < threads; i++) {
        crew.lanes[i].index = i;
        int rc = pthread_create(&crew.lanes[i].thread, NULL, work, &crew.lanes[i]);
        if (rc != 0) {
            race_fail(race, "cannot start producer %d: %s", i, strerror(rc));
            return false;
        }
    }
    return true;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    (void)load;
    lap_watch(crew_delivered, duration_ns, out);
}

bool crew_run(struct lap *total)
{
    struct window_plan plan = {.lap = lap, .stage = &crew.stage};
    return window_run(crew.race, &plan, total);
}

static void verify_lane(struct race *race, struct crew_lane *lane)
{
    if (lane->rc == -ETIMEDOUT)
        race_late(race, "producer %d: the loop ran none of its tasks for 5 s", lane->index);
    race_check(race, lane->rc, "velo_submit by a producer");
    if (!gauge_wait(&lane->executed, lane->sent, race->cpus.spins)) {
        race_late(race,
                  "producer %d: lost %" PRIu64 " of %" PRIu64 " tasks",
                  lane->index,
                  lane->sent - gauge_get(&lane->executed),
                  lane->sent);
        stage_prove_loss(&crew.stage, &lane->executed, lane->sent);
    }
    if (lane->disorder > 0)
        race_fail(race, "producer %d: %" PRIu64 " tasks out of order", lane->index, lane->disorder);
}

/* Counts and sums again, when no more task can come. */
static void verify_end(struct race *race)
{
    for (int i = 0; i < crew.threads; i++) {
        const struct crew_lane *lane = &crew.lanes[i];
        if (lane->count != lane->sent)
            race_fail(race, "producer %d: a task ran twice", i);
        if (lane->sum != lane->sent_sum)
            race_fail(race, "producer %d: wrong checksum", i);
    }
}

void crew_close(void)
{
    struct race *race = crew.race;
    gauge_set(&crew.stop, 1);
    for (int i = 0; i < crew.threads; i++)
        pthread_join(crew.lanes[i].thread, NULL);
    for (int i = 0; i < crew.threads; i++)
        verify_lane(race, &crew.lanes[i]);
    stage_close(&crew.stage);
    verify_end(race);
}

void crew_report(const struct lap *total)
{
    struct race *race = crew.race;
    double tasks = (double)total->units;
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < crew.threads; i++) {
        least = crew.lanes[i].sent < least ? crew.lanes[i].sent : least;
        most = crew.lanes[i].sent > most ? crew.lanes[i].sent : most;
    }
    race_metric(race, "ns_per_task", (double)total->elapsed_ns / tasks);
    race_metric(race, "tasks_per_s", tasks * 1e9 / (double)total->elapsed_ns);
    race_metric(race, "cpu_ns_per_task", (double)race->result.covariates.cpu_ns / tasks);
    if (least > 0)
        race_metric(race, "unfairness", (double)most / (double)least);
    if (race->result.has_counters)
        race_metric(race, "wakeups_per_task", (double)race->result.counters.wakeups / tasks);
}
