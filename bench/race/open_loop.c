/* SPDX-License-Identifier: MIT */
/* open_loop.c - the schedule, and the thread that keeps it. */
#include "open_loop.h"

#include "clock.h"
#include "gauge.h"
#include "random.h"

#include <math.h>
#include <sched.h>

#define SPIN_BELOW_NS (80 * NS_PER_US)  /* a sleep this short may end too late */
#define SLEEP_EARLY_NS (60 * NS_PER_US) /* wake up so much before the time, then spin */
#define LATE_MAX_NS (2 * NS_PER_S)
#define PILOT_WARMUP_NS (25 * NS_PER_MS)
#define PILOT_NS (75 * NS_PER_MS)
#define PILOT_DELIVERED_MIN 10000

void open_loop_schedule(struct open_loop *loop, double rate, bool poisson, uint64_t seed)
{
    struct random random = {seed};
    double sum = 0;
    for (size_t i = 0; i < GAPS; i++) {
        loop->gaps_ns[i] = poisson ? -log(random_unit(&random)) : 1.0;
        sum += loop->gaps_ns[i];
    }
    double scale = 1e9 / rate * (double)GAPS / sum;
    for (size_t i = 0; i < GAPS; i++)
        loop->gaps_ns[i] *= scale;
    recorder_init(&loop->slip);
}

void open_loop_start(struct open_loop *loop)
{
    loop->stopped_ns = clock_now_ns();
    loop->next_ns = (double)loop->stopped_ns + loop->gaps_ns[loop->sent % GAPS];
}

/* Returns the time at which the waiting ended. */
static uint64_t wait_until(const struct open_loop *loop, uint64_t time_ns)
{
    bool shared = loop->race->cpus.spins == 0;
    for (;;) {
        uint64_t now_ns = clock_now_ns();
        if (now_ns >= time_ns)
            return now_ns;
        if (loop->pacing == PACING_SLEEP)
            clock_sleep_until(time_ns);
        else if (time_ns - now_ns > SPIN_BELOW_NS)
            clock_sleep_until(time_ns - (shared ? 0 : SLEEP_EARLY_NS));
        else if (shared)
            sched_yield();
        else
            cpu_relax();
    }
}

void open_loop_run(struct open_loop *loop, uint64_t duration_ns)
{
    double end_ns = loop->next_ns + (double)duration_ns;
    uint64_t sent_min = loop->sent + loop->arrivals_min;
    while (loop->next_ns < end_ns || loop->sent < sent_min) {
        uint64_t intended_ns = (uint64_t)loop->next_ns;
        uint64_t now_ns = wait_until(loop, intended_ns);
        recorder_add(&loop->slip, now_ns - intended_ns);
        if (now_ns - intended_ns > LATE_MAX_NS) {
            loop->race->result.overload = loop->race->result.ok;
            race_late(loop->race, "the generator is 2 s late: the rate is beyond the capacity");
            return;
        }
        if (!loop->send(loop->load, intended_ns, now_ns))
            return;
        loop->sent++;
        loop->next_ns += loop->gaps_ns[loop->sent % GAPS];
    }
    loop->stopped_ns = clock_now_ns();
}

void open_loop_resume(struct open_loop *loop)
{
    loop->next_ns += (double)(clock_now_ns() - loop->stopped_ns);
}

double open_loop_pilot(struct open_loop *loop, uint64_t (*done)(void *load), uint64_t credit)
{
    uint64_t start_ns = clock_now_ns(), now_ns = start_ns, progress_ns = start_ns;
    uint64_t warm_ns = 0, warm_done = 0, delivered = 0;
    /* so many, too: a loop that lost its processor for the whole time has not shown its capacity */
    while (warm_ns == 0 || now_ns - warm_ns < PILOT_NS ||
           delivered - warm_done < PILOT_DELIVERED_MIN) {
        delivered = done(loop->load);
        now_ns = clock_now_ns();
        if (warm_ns == 0 && now_ns - start_ns >= PILOT_WARMUP_NS) {
            warm_ns = now_ns;
            warm_done = delivered;
        }
        if (loop->sent - delivered < credit) {
            progress_ns = now_ns;
            if (!loop->send(loop->load, now_ns, now_ns))
                return 0;
            loop->sent++;
        } else if (now_ns - progress_ns > GAUGE_PATIENCE_NS) {
            race_late(loop->race, "pilot: nothing was delivered for 5 s");
            return 0;
        } else if (loop->race->cpus.spins == 0) {
            sched_yield();
        } else {
            cpu_relax();
        }
    }
    double rate = (double)(done(loop->load) - warm_done) * 1e9 / (double)(now_ns - warm_ns);
    return fmax(rate, 1); /* a schedule needs one */
}
