/* SPDX-License-Identifier: MIT */
/*
 * See faults.h. The functions of liburing that enter the kernel, for contestants that use them; the
 * library's own system calls are inline and not seen otherwise. Programs without liburing never
 * come here, and without its header none of it is needed.
 */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>

/* As in faults.c. */
#define NEXT(name_)                                                                                \
    __typeof__(name_) *next;                                                                       \
    *(void **)&next = dlsym(RTLD_NEXT, #name_);

#define SEEN __attribute__((visibility("default")))

static _Atomic unsigned entries_max; /* 0 = as many as asked for */
static _Atomic unsigned hidden;      /* features */

void sim_shrink_rings(unsigned entries)
{
    atomic_store(&entries_max, entries);
}

void sim_hide_ring_features(unsigned features)
{
    atomic_store(&hidden, features);
}

#if __has_include(<liburing.h>)
#include <liburing.h>

static int64_t to_ns(const struct __kernel_timespec *timeout)
{
    return timeout == NULL ? -1 : timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec;
}

SEEN int
io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params)
{
    NEXT(io_uring_queue_init_params)
    int error = sim_enter(SIM_URING_SETUP);
    if (error != 0)
        return -error;
    if (atomic_load(&entries_max) != 0)
        params->cq_entries = entries = atomic_load(&entries_max);
    int rc = next(entries, ring, params);
    params->features &= ~atomic_load(&hidden);
    return rc;
}

SEEN int io_uring_register(unsigned fd, unsigned operation, const void *argument, unsigned count)
{
    NEXT(io_uring_register)
    int error = sim_enter(SIM_URING_ENABLE);
    return error != 0 ? -error : next(fd, operation, argument, count);
}

SEEN int io_uring_register_eventfd(struct io_uring *ring, int fd)
{
    NEXT(io_uring_register_eventfd)
    int error = sim_enter(SIM_URING_ENABLE);
    return error != 0 ? -error : next(ring, fd);
}

SEEN int io_uring_submit_and_get_events(struct io_uring *ring)
{
    NEXT(io_uring_submit_and_get_events)
    int error = sim_enter(SIM_POLL_LOOK);
    return error != 0 ? -error : next(ring);
}

/* Of the library's: for what is there already, so it does not wait. */
SEEN int io_uring_submit_and_wait(struct io_uring *ring, unsigned wanted)
{
    NEXT(io_uring_submit_and_wait)
    int error = sim_enter(SIM_POLL_LOOK);
    return error != 0 ? -error : next(ring, wanted);
}

SEEN int io_uring_submit_and_wait_timeout(struct io_uring *ring,
                                          struct io_uring_cqe **completion,
                                          unsigned wanted,
                                          struct __kernel_timespec *timeout,
                                          sigset_t *mask)
{
    NEXT(io_uring_submit_and_wait_timeout)
    static struct __kernel_timespec at_once;
    int error = sim_enter(SIM_POLL_WAIT);
    if (error != 0)
        return -error;
    if (!sim_is_sleepless())
        return next(ring, completion, wanted, timeout, mask);
    int rc = next(ring, completion, wanted, &at_once, mask);
    if (io_uring_cq_ready(ring) != 0)
        return rc;
    sim_pass(to_ns(timeout));
    return -ETIME;
}

#endif
