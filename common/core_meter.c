/* SPDX-License-Identifier: MIT */
/* Measuring callbacks and the owner's time, and publishing it all; see meter.h. */
#include "common/meter.h"

#include "common/parts/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#define ONE_BY_ONE 64u
#define GAP_MASK 63u         /* gaps of 1 to 64 callbacks, 32.5 on average */
#define CPU_EVERY_NS 1000000 /* asking for processor time is a system call */

static uint64_t cpu_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t since(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

static void raise_to(struct counter *max, uint64_t value)
{
    if (value > counter_get(max))
        counter_set(max, value);
}

/* ---- creation and end ---- */

static void report_stuck(void *ctx, const struct watchdog_call *call, uint64_t elapsed_ns)
{
    const struct velo_core *core = ctx;
    core_log(core,
             VELO_LOG_WARN,
             "callback_stuck",
             "elapsed_ns=%" PRIu64 " slow_ns=%" PRIu64,
             elapsed_ns,
             core->opts.slow_ns);
    if (core->opts.on_stuck != NULL)
        core->opts.on_stuck(core->opts.ctx, call->fn, call->arg, elapsed_ns);
}

int core_meter_init(struct velo_core *core)
{
    const struct velo_options *opts = &core->opts;
    core->timed = opts->slow_ns != 0 || opts->metrics || opts->cpu_accounting;
    core->unmeasured = 1;
    if (!opts->metrics && !opts->cpu_accounting && !opts->watchdog)
        return 0;
    struct meter *meter = alloc_zeroed(opts->allocator, sizeof(*meter), _Alignof(struct meter));
    if (meter == NULL)
        return -ENOMEM;
    meter->one_by_one = ONE_BY_ONE;
    meter->weight = 1;
    meter->random = 0x9e3779b9u;
    meter->watchdog.report = report_stuck;
    meter->watchdog.ctx = core;
    meter->watchdog.slow_ns = opts->slow_ns;
    snapshot_close(&meter->snapshot);
    core->meter = meter;
    return 0;
}

void core_meter_fini(struct velo_core *core)
{
    alloc_free(core->opts.allocator, core->meter, sizeof(struct meter), _Alignof(struct meter));
}

int core_watchdog_start(struct velo_core *core)
{
    return core->opts.watchdog ? watchdog_launch(&core->meter->watchdog) : 0;
}

void core_watchdog_stop(struct velo_core *core)
{
    if (core->opts.watchdog)
        watchdog_join(&core->meter->watchdog);
}

bool core_watchdog_is_mine(const struct velo_core *core)
{
    return core->opts.watchdog && pthread_equal(core->meter->watchdog.thread, pthread_self());
}

/* ---- one callback ---- */

void core_span_start(struct velo_core *core, struct core_span *span)
{
    if (core->opts.cpu_accounting)
        span->cpu_ns = cpu_now_ns();
    span->start_ns = clock_now_ns();
    if (core->opts.watchdog)
        watchdog_begin(&core->meter->watchdog, span->fn, span->arg, span->start_ns);
}

/* How many callbacks from here to the next measured one? */
static uint32_t next_gap(const struct velo_core *core, struct meter *meter)
{
    if (core->opts.slow_ns != 0 || core->opts.cpu_accounting)
        return 1;
    if (meter->one_by_one > 0) {
        meter->one_by_one--;
        return 1;
    }
    meter->random ^= meter->random << 13;
    meter->random ^= meter->random >> 17;
    meter->random ^= meter->random << 5;
    return 1 + (meter->random & GAP_MASK);
}

void core_span_stop(struct velo_core *core, const struct core_span *span)
{
    struct meter *meter = core->meter;
    uint64_t elapsed_ns = since(span->start_ns, clock_now_ns());
    if (core->opts.watchdog)
        watchdog_end(&meter->watchdog);
    uint64_t cpu_ns = core->opts.cpu_accounting ? since(span->cpu_ns, cpu_now_ns()) : 0;
    core->unmeasured = 1;
    if (core->opts.metrics) {
        counter_add(&meter->measured, 1);
        histogram_add(&meter->durations, elapsed_ns, meter->weight);
        core->unmeasured = meter->weight = next_gap(core, meter);
    }
    if (core->opts.cpu_accounting) {
        counter_add(&meter->callback_cpu_ns, cpu_ns);
        raise_to(&meter->callback_cpu_max_ns, cpu_ns);
    }
    uint64_t slow_ns = core->opts.slow_ns;
    if (slow_ns != 0 && elapsed_ns >= slow_ns && core->opts.on_slow != NULL)
        core->opts.on_slow(core->opts.ctx, span->fn, span->arg, elapsed_ns);
}

/* ---- the owner's time ---- */

static void ran_until(struct meter *meter, uint64_t now_ns)
{
    uint64_t span_ns = since(meter->mark_ns, now_ns);
    meter->mark_ns = now_ns;
    meter->turn_ns += span_ns;
    counter_add(&meter->running_ns, span_ns);
    raise_to(&meter->turn_max_ns, meter->turn_ns);
}

static void used_until(struct meter *meter, uint64_t now_ns)
{
    uint64_t cpu_ns = cpu_now_ns();
    counter_add(&meter->cpu_ns, since(meter->cpu_mark_ns, cpu_ns));
    meter->cpu_mark_ns = cpu_ns;
    meter->cpu_at_ns = now_ns;
}

void meter_update(struct velo_core *core)
{
    uint64_t now_ns = clock_now_ns();
    ran_until(core->meter, now_ns);
    used_until(core->meter, now_ns);
}

static void publish(struct velo_core *core)
{
    struct meter *meter = core->meter;
    struct velo_metrics all = {0};
    uint64_t words[METER_WORDS];
    counter_set(&core->ledger.next_deadline_ns, timers_next_ns(core->timers));
    meter_collect((struct velo_loop *)(void *)core, &all);
    counter_set(&meter->pending_max, all.pending_max);
    memcpy(words, &all.accepted, sizeof(words));
    snapshot_write(&meter->snapshot, words, METER_WORDS);
}

static bool keeps_time(const struct velo_core *core)
{
    return core->opts.metrics && core->meter->inside;
}

void core_meter_enter(struct velo_core *core)
{
    struct meter *meter = core->meter;
    if (!core->opts.metrics || meter->inside)
        return;
    meter->inside = true;
    meter->waits = 0;
    meter->turn_ns = 0;
    meter->mark_ns = meter->cpu_at_ns = clock_now_ns();
    meter->cpu_mark_ns = cpu_now_ns();
    publish(core);
}

void core_meter_leave(struct velo_core *core)
{
    if (!keeps_time(core))
        return;
    meter_update(core);
    snapshot_close(&core->meter->snapshot);
    core->meter->inside = false;
}

void core_meter_turn(struct velo_core *core, uint64_t now_ns)
{
    struct meter *meter = core->meter;
    if (!keeps_time(core))
        return;
    ran_until(meter, now_ns);
    meter->turn_ns = 0;
    if (since(meter->cpu_at_ns, now_ns) >= CPU_EVERY_NS)
        used_until(meter, now_ns);
    if (!snapshot_is_hurried(&meter->snapshot))
        publish(core);
}

void core_meter_sleep(struct velo_core *core)
{
    if (!keeps_time(core))
        return;
    uint64_t now_ns = clock_now_ns();
    ran_until(core->meter, now_ns);
    if (since(core->meter->cpu_at_ns, now_ns) >= CPU_EVERY_NS)
        used_until(core->meter, now_ns);
    publish(core);
}

void core_meter_wait(struct velo_core *core)
{
    struct meter *meter = core->meter;
    if (keeps_time(core) && meter->waits++ == 0)
        ran_until(meter, clock_now_ns());
}

void core_meter_waited(struct velo_core *core)
{
    struct meter *meter = core->meter;
    if (!keeps_time(core) || --meter->waits != 0)
        return;
    uint64_t now_ns = clock_now_ns();
    counter_add(&meter->polling_ns, since(meter->mark_ns, now_ns));
    meter->mark_ns = now_ns;
}
