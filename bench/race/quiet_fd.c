/* SPDX-License-Identifier: MIT */
/* quiet_fd.c - see quiet_fd.h. */
#include "quiet_fd.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct {
    int fd;
    uint64_t events;
} quiet;

static void never(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
    quiet.events++;
}

bool quiet_fd_open(struct race *race)
{
    quiet.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (quiet.fd < 0)
        race_fail(race, "eventfd: %s", strerror(errno));
    return quiet.fd >= 0;
}

int quiet_fd_watch(struct velo_loop *loop, velo_id *id)
{
    return velo_fd_watch(loop, quiet.fd, VELO_READ, never, NULL, id);
}

static void check_silence(struct race *race)
{
    if (quiet.events > 0)
        race_fail(race, "%" PRIu64 " events of a descriptor that was never ready", quiet.events);
}

bool quiet_fd_feed(struct race *race)
{
    const uint64_t one = 1;
    check_silence(race);
    if (write(quiet.fd, &one, sizeof one) != (ssize_t)sizeof one)
        race_fail(race, "write to an eventfd: %s", strerror(errno));
    return race->result.ok;
}

uint64_t quiet_fd_take(void)
{
    uint64_t events = quiet.events;
    quiet.events = 0;
    return events;
}

void quiet_fd_close(struct race *race)
{
    close(quiet.fd);
    check_silence(race);
}
