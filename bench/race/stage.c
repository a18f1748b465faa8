/* SPDX-License-Identifier: MIT */
/* stage.c - a loop, its thread, and its books. */
#include "stage.h"

#include "blocked.h"
#include "clock.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ASLEEP_PATIENCE_NS (2 * NS_PER_S)

static void count_discard(void *ctx, velo_fn fn, void *arg)
{
    struct stage *stage = ctx;
    (void)fn;
    (void)arg;
    gauge_step(&stage->discarded);
}

void stage_options(struct stage *stage, struct race *race, struct velo_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
    options->ctx = stage;
    options->on_discard = count_discard;
    if (race->variant != NULL && race->variant->apply != NULL)
        race->variant->apply(options);
    if (race->tune != NULL)
        race->tune(options);
}

bool stage_create(struct stage *stage, struct race *race)
{
    struct velo_options options;
    memset(stage, 0, sizeof *stage);
    stage->race = race;
    stage->stat_fd = -1;
    stage_options(stage, race, &options);
    return race_check(race, velo_loop_create(&stage->loop, &options), "velo_loop_create");
}

static void *run_loop(void *arg)
{
    struct stage *stage = arg;
    if (stage->aside)
        placement_enter_generator(&stage->race->cpus, 0);
    else
        placement_enter_loop(&stage->race->cpus);
    stage->tid = gettid();
    stage->run_rc = velo_loop_run(stage->loop, VELO_RUN_FOREVER);
    return NULL;
}

static void say_started(void *arg)
{
    struct stage *stage = arg;
    gauge_set(&stage->started, 1);
}

bool stage_start(struct stage *stage)
{
    int rc = pthread_create(&stage->thread, NULL, run_loop, stage);
    if (rc != 0) {
        race_fail(stage->race, "cannot start the loop's thread: %s", strerror(rc));
        return false;
    }
    if (!race_check(stage->race, velo_submit(stage->loop, say_started, stage), "velo_submit"))
        return false;
    if (!gauge_wait(&stage->started, 1, stage->race->cpus.spins)) {
        race_late(stage->race, "the first task did not run within 5 s");
        return false;
    }
    stage->stat_fd = blocked_open(stage->tid);
    return true;
}

bool stage_open(struct stage *stage, struct race *race)
{
    return stage_create(stage, race) && stage_start(stage);
}

struct call {
    struct stage *stage;
    velo_fn fn;
    void *arg;
};

static void make_call(void *arg)
{
    struct call *call = arg;
    struct stage *stage = call->stage;
    call->fn(call->arg);
    gauge_step(&stage->called);
}

bool stage_call(struct stage *stage, velo_fn fn, void *arg)
{
    struct call call = {stage, fn, arg};
    if (!race_check(stage->race, velo_submit(stage->loop, make_call, &call), "velo_submit"))
        return false;
    if (!gauge_wait(&stage->called, ++stage->calls, stage->race->cpus.spins)) {
        race_late(stage->race, "a task did not run to its end within 5 s");
        return false;
    }
    return true;
}

/* Without /proc the loop's own word has to do. */
static bool thread_is_blocked(const struct stage *stage)
{
    return stage->stat_fd < 0 || blocked_look(stage->stat_fd);
}

bool stage_wait_asleep(struct stage *stage)
{
    uint64_t deadline_ns = clock_now_ns() + ASLEEP_PATIENCE_NS;
    while (velo_loop_state(stage->loop) != VELO_STATE_SLEEPING || !thread_is_blocked(stage)) {
        if (clock_now_ns() > deadline_ns) {
            race_late(stage->race, "the idle loop did not go to sleep within 2 s");
            return false;
        }
        if (stage->race->cpus.spins == 0)
            sched_yield();
        else
            cpu_relax();
    }
    return true;
}

void stage_prove_loss(struct stage *stage, struct gauge *gauge, uint64_t value)
{
    const bool drained = velo_loop_shutdown(stage->loop, (int64_t)GAUGE_PATIENCE_NS) == 0;
    if (drained && gauge_get(gauge) < value)
        stage->race->result.late = false;
}

uint64_t stage_cpu_ns(const struct stage *stage)
{
    clockid_t id;
    if (pthread_getcpuclockid(stage->thread, &id) != 0)
        return 0;
    return clock_read_ns(id);
}

void stage_metrics(const struct stage *stage, struct velo_metrics *out)
{
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    if (velo_impl()->capabilities & VELO_CAP_METRICS)
        race_check(stage->race, velo_metrics_read(stage->loop, out), "velo_metrics_read");
}

void stage_join(struct stage *stage, int expected_rc)
{
    pthread_join(stage->thread, NULL);
    if (stage->stat_fd >= 0)
        close(stage->stat_fd);
    if (stage->run_rc != expected_rc)
        race_fail(stage->race,
                  "velo_loop_run returned %s instead of %s",
                  velo_strerror(stage->run_rc),
                  velo_strerror(expected_rc));
}

void stage_verify_ledger(struct stage *stage)
{
    struct velo_metrics m;
    uint64_t discards = gauge_get(&stage->discarded);
    if (!(velo_impl()->capabilities & VELO_CAP_METRICS))
        return;
    stage_metrics(stage, &m);
    if (m.accepted != m.executed + m.cancelled + m.discarded)
        race_fail(stage->race,
                  "the ledger does not balance: accepted %" PRIu64 ", but executed %" PRIu64
                  " + cancelled %" PRIu64 " + discarded %" PRIu64,
                  m.accepted,
                  m.executed,
                  m.cancelled,
                  m.discarded);
    if (m.discarded != discards)
        race_fail(stage->race,
                  "discarded counts %" PRIu64 ", but on_discard was called %" PRIu64 " times",
                  m.discarded,
                  discards);
}

void stage_destroy(struct stage *stage)
{
    race_check(stage->race, velo_loop_destroy(stage->loop), "velo_loop_destroy");
    stage->loop = NULL;
}

static void check_placement(struct stage *stage)
{
    char reason[200];
    if (stage->aside)
        return;
    if (!placement_holds(&stage->race->cpus, stage->tid, reason, sizeof reason))
        race_late(stage->race, "%s", reason);
}

void stage_close(struct stage *stage)
{
    check_placement(stage);
    if (!stage->race->result.ok)
        return;
    race_check(stage->race, velo_loop_shutdown(stage->loop, -1), "velo_loop_shutdown");
    stage_join(stage, 0);
    stage_verify_ledger(stage);
    stage_destroy(stage);
}
