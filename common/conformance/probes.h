/* SPDX-License-Identifier: MIT */
/*
 * probes.h - what cases of several groups put into a loop: callbacks that do nothing or count, a
 * socket pair, a descriptor callback that takes notes. Each is written by the owner thread and read
 * after the run.
 */
#ifndef CONF_PROBES_H
#define CONF_PROBES_H

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../sim/faults.h"
#include "conf.h"

static inline void nothing(void *arg)
{
    (void)arg;
}

/* How many times has a loop of this program gone to wait in the kernel? */
static inline uint64_t sleeps(void)
{
    return sim_calls(SIM_POLL_WAIT) + sim_calls(SIM_FUTEX_WAIT);
}

/* Count the calls in an unsigned. */
static inline void tally_fn(void *arg)
{
    ++*(unsigned *)arg;
}

/* Keep a loop going round, turn after turn, until told to stop. */
struct spinner {
    struct velo_loop *loop;
    atomic_bool stop;
};

static inline void spinner_fn(void *arg)
{
    struct spinner *spinner = arg;
    if (atomic_load(&spinner->stop))
        return;
    int rc = velo_submit(spinner->loop, spinner_fn, spinner);
    CONF_EXPECT(rc == 0 || rc == -ESHUTDOWN);
}

/* ---- descriptors ---- */

/* Two ends of a stream, non-blocking: [near] is watched, [far] is the test's. */
struct fd_pair {
    int near;
    int far;
};

static inline struct fd_pair fd_pair_open(void)
{
    int fds[2] = {-1, -1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    return (struct fd_pair){fds[0], fds[1]};
}

/* [near] becomes readable. */
static inline void fd_pair_feed(const struct fd_pair *pair)
{
    CONF_EXPECT_INT(write(pair->far, "x", 1), 1);
}

static inline struct fd_pair fd_pair_readable(void)
{
    struct fd_pair pair = fd_pair_open();
    fd_pair_feed(&pair);
    return pair;
}

static inline void fd_pair_close(const struct fd_pair *pair)
{
    close(pair->near);
    close(pair->far);
}

/* Read all that is there; false at the end of the stream or after a reset. */
static inline bool fd_drain(int fd)
{
    char bytes[256];
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof(bytes));
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0)
            return false;
    }
}

/* What a descriptor callback saw. [then] may be NULL. */
struct fd_probe {
    struct velo_loop *loop;
    velo_id id;
    int fd;
    unsigned calls;
    unsigned reads; /* calls with VELO_READ; likewise the next three */
    unsigned writes;
    unsigned hangups;
    unsigned errors;
    unsigned last; /* the bits of the last call */
    bool drain;    /* read everything in the callback */
    void (*then)(struct fd_probe *probe);
    void *more;
};

static inline void fd_probe_fn(int fd, unsigned events, void *arg)
{
    struct fd_probe *probe = arg;
    CONF_EXPECT_INT(fd, probe->fd);
    CONF_EXPECT(events != 0);
    CONF_EXPECT((events & ~(unsigned)(VELO_READ | VELO_WRITE | VELO_HANGUP | VELO_ERROR)) == 0);
    probe->calls++;
    probe->reads += (events & VELO_READ) != 0;
    probe->writes += (events & VELO_WRITE) != 0;
    probe->hangups += (events & VELO_HANGUP) != 0;
    probe->errors += (events & VELO_ERROR) != 0;
    probe->last = events;
    if (probe->drain)
        fd_drain(fd);
    if (probe->then)
        probe->then(probe);
}

/* Watch [fd] with a probe; asserts success. */
static inline void
fd_probe_watch(struct fd_probe *probe, struct velo_loop *loop, int fd, unsigned events)
{
    probe->loop = loop;
    probe->fd = fd;
    assert_int_equal(velo_fd_watch(loop, fd, events, fd_probe_fn, probe, &probe->id), 0);
    assert_true(probe->id != 0);
}

#endif
