/* SPDX-License-Identifier: MIT */
/*
 * fd_dispatch.c - what does it cost to deliver the event of a ready descriptor, n of them at a
 * time?
 *
 * n eventfds that stay ready, level-triggered: nothing is read, so each turn asks the kernel once
 * and runs n callbacks. The callback's own system calls would hide what is asked.
 */
#include "../race/clock.h"
#include "cases.h"
#include "solo.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FDS_MAX = 512 };

struct source {
    uint64_t events;
    uint64_t wrong; /* another descriptor than its own, or other events than it asked for */
    velo_id id;
    int fd;
};

static struct {
    struct solo solo;
    struct source sources[FDS_MAX];
    size_t count;
} state;

static void ready(int fd, unsigned events, void *arg)
{
    struct source *source = arg;
    source->events++;
    source->wrong += fd != source->fd || events != VELO_READ;
}

static uint64_t all_events(void)
{
    uint64_t events = 0;
    for (size_t i = 0; i < state.count; i++)
        events += state.sources[i].events;
    return events;
}

static bool watch(struct race *race, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct source *source = &state.sources[i];
        source->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        if (source->fd < 0) {
            race_fail(race, "eventfd: %s", strerror(errno));
            return false;
        }
        state.count++;
        if (!race_check(
                race,
                velo_fd_watch(state.solo.loop, source->fd, VELO_READ, ready, source, &source->id),
                "velo_fd_watch"))
            return false;
    }
    return true;
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    struct race *race = load;
    uint64_t events = all_events();
    uint64_t begin_ns = clock_now_ns();
    state.solo.deadline_ns = begin_ns + duration_ns;
    do {
        for (size_t i = 0; i < MICRO_BATCH; i += state.count)
            solo_turn(&state.solo);
    } while (!solo_is_due(&state.solo) && state.solo.failed == 0);
    lap->elapsed_ns = clock_now_ns() - begin_ns;
    lap->units = all_events() - events;
    race_check(race, state.solo.failed, "velo_loop_run(NOWAIT)");
}

/* Nobody may have been forgotten: all were ready in every turn. */
static void verify_and_unwatch(struct race *race)
{
    uint64_t events = all_events();
    for (size_t i = 0; i < state.count; i++) {
        struct source *source = &state.sources[i];
        if (source->wrong > 0)
            race_fail(race, "%" PRIu64 " events of a wrong kind or descriptor", source->wrong);
        if (source->events * state.count < events / 2)
            race_fail(race,
                      "descriptor %zu of %zu got %" PRIu64 " of %" PRIu64 " events",
                      i,
                      state.count,
                      source->events,
                      events);
        race_check(race, velo_fd_unwatch(state.solo.loop, source->id), "velo_fd_unwatch");
        close(source->fd);
    }
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.load = race, .lap = lap, .stage = &state.solo.stage};
    if (!solo_open(&state.solo, race) || !watch(race, params_integer(&race->params, "n")))
        return;
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
    verify_and_unwatch(race);
    solo_close(&state.solo);
}

static const struct param_spec params[] = {
    {"n", PARAM_INTEGER, 1, FDS_MAX, 1, NULL, "descriptors that are ready in each turn"},
    {.name = NULL},
};
static const struct micro_point points[] = {
    {"n=1", 1, false},
    {"n=64", 64, false},
    {NULL, 0, false},
};

const struct micro_case case_fd_dispatch = {
    .load = {.name = "fd_dispatch",
             .summary = "deliver one event of n ready descriptors",
             .params = params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_FDS,
             .run = run},
    .family = "cpu",
    .points = points,
};
