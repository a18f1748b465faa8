/* SPDX-License-Identifier: MIT */
/* ready_fds.c - see ready_fds.h. */
#include "ready_fds.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STRIDE 97 /* the ready ones are spread over all: prime to READY_FDS_MANY */

struct source {
    uint64_t events;
    velo_id id;
    int fd;
};

struct ready_fds ready_fds;

const struct param_spec ready_fds_params[] = {
    {"n", PARAM_INTEGER, 1, 1024, 1, NULL, "descriptors that are ready in each turn"},
    {.name = NULL},
};

static struct {
    struct source sources[READY_FDS_MANY];
    uint64_t events;
    uint64_t wrong; /* another descriptor than its own, or other events than it asked for */
    bool failed;    /* a write */
} state;

static void on_ready(int fd, unsigned events, void *arg)
{
    struct source *source = arg;
    source->events++;
    state.events++;
    state.wrong += fd != source->fd || events != VELO_READ;
}

static struct source *ready_source(size_t i)
{
    return &state.sources[ready_fds.count == READY_FDS_MANY ? i * STRIDE % READY_FDS_MANY : i];
}

static bool watch(struct race *race, struct source *source, unsigned events)
{
    source->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (source->fd < 0) {
        race_fail(race, "eventfd: %s", strerror(errno));
        return false;
    }
    int rc = velo_fd_watch(ready_fds.solo.loop, source->fd, events, on_ready, source, &source->id);
    return race_check(race, rc, "velo_fd_watch");
}

bool ready_fds_open(struct race *race, size_t ready, unsigned events)
{
    size_t count = ready <= READY_FDS_ALONE ? ready : READY_FDS_MANY;
    if (!race_allow_descriptors(race, count) || !solo_open(&ready_fds.solo, race))
        return false;
    ready_fds.ready = ready;
    for (ready_fds.count = 0; ready_fds.count < count; ready_fds.count++)
        if (!watch(race, &state.sources[ready_fds.count], events))
            return false;
    return true;
}

void ready_fds_make_ready(void)
{
    const uint64_t one = 1;
    for (size_t i = 0; i < ready_fds.ready; i++)
        state.failed |= write(ready_source(i)->fd, &one, sizeof one) != (ssize_t)sizeof one;
}

uint64_t ready_fds_events(void)
{
    return state.events;
}

static void verify(struct race *race)
{
    uint64_t of_ready = 0;
    for (size_t i = 0; i < ready_fds.ready; i++) {
        uint64_t events = ready_source(i)->events;
        of_ready += events;
        if (events * ready_fds.ready < state.events / 2)
            race_fail(race,
                      "ready descriptor %zu of %zu got %" PRIu64 " of %" PRIu64 " events",
                      i,
                      ready_fds.ready,
                      events,
                      state.events);
    }
    if (state.failed)
        race_fail(race, "cannot write to an eventfd");
    if (state.wrong > 0 || of_ready != state.events)
        race_fail(race, "%" PRIu64 " events of a wrong kind or descriptor", state.wrong);
}

void ready_fds_close(void)
{
    struct race *race = ready_fds.solo.race;
    verify(race);
    for (size_t i = 0; i < ready_fds.count; i++) {
        race_check(
            race, velo_fd_unwatch(ready_fds.solo.loop, state.sources[i].id), "velo_fd_unwatch");
        close(state.sources[i].fd);
    }
    solo_close(&ready_fds.solo);
}
