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

void quiet_fd_close(struct race *race)
{
    close(quiet.fd);
    if (quiet.events > 0)
        race_fail(race, "%" PRIu64 " events of a descriptor that was never ready", quiet.events);
}
