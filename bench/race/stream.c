/* SPDX-License-Identifier: MIT */
/* stream.c - see stream.h. */
#include "stream.h"

#include "clock.h"
#include "word.h"

#include <inttypes.h>

#define SLOTS (sizeof stream.slots / sizeof stream.slots[0])
#define PILOT_CREDIT 512

struct stream stream;

void stream_task(void *arg)
{
    uint64_t number = word_from_arg(arg), now_ns = clock_now_ns();
    uint64_t intended_ns = stream.slots[number % SLOTS].intended_ns;
    uint64_t sent_ns = stream.slots[number % SLOTS].sent_ns;
    stream.disorder += number != stream.arrivals.count;
    if (stream.work != NULL)
        stream.work(number);
    arrivals_deliver(&stream.arrivals, number, now_ns - intended_ns, now_ns - sent_ns);
}

bool stream_send(void *arrivals, uint64_t intended_ns, uint64_t now_ns)
{
    uint64_t number = stream.arrivals.generator.sent;
    if (!arrivals_wait_for_slot(arrivals, SLOTS))
        return false;
    stream.slots[number % SLOTS].intended_ns = intended_ns;
    stream.slots[number % SLOTS].sent_ns = now_ns;
    int rc = velo_submit(stream.stage.loop, stream_task, word_to_arg(number));
    return race_check(stream.race, rc, "velo_submit");
}

bool stream_open(struct race *race, void (*work)(uint64_t number))
{
    stream.race = race;
    stream.work = work;
    arrivals_init(&stream.arrivals, race, stream_send);
    stream.arrivals.unit = "tasks";
    return stage_open(&stream.stage, race);
}

double stream_common_rate(double percent)
{
    if (!arrivals_find_rate(&stream.arrivals, PILOT_CREDIT))
        return 0;
    return stream.race->result.common_rate * percent / 100;
}

bool stream_run(double rate, bool poisson, struct lap *total)
{
    struct arrivals *arrivals = &stream.arrivals;
    bool good = arrivals_run(arrivals, &stream.stage, rate, poisson, total);
    if (!good && stream.race->result.late)
        stage_prove_loss(&stream.stage, &arrivals->done, arrivals->generator.sent);
    return good;
}

void stream_close(void)
{
    struct race *race = stream.race;
    stage_close(&stream.stage);
    if (stream.arrivals.count != stream.arrivals.generator.sent)
        race_fail(race,
                  "%" PRIu64 " tasks ran, %" PRIu64 " were sent",
                  stream.arrivals.count,
                  stream.arrivals.generator.sent);
    if (stream.disorder > 0)
        race_fail(race, "%" PRIu64 " tasks ran out of order", stream.disorder);
}

void stream_report(void)
{
    struct race *race = stream.race;
    const struct result *result = &race->result;
    double tasks = (double)arrivals_in_window(&stream.arrivals);
    arrivals_report(&stream.arrivals);
    race_metric(race, "cpu_ns_per_task", (double)result->covariates.cpu_ns / tasks);
    if (result->has_counters)
        race_metric(race, "wakeups_per_task", (double)result->counters.wakeups / tasks);
}
