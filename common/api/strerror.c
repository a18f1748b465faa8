/* SPDX-License-Identifier: MIT */
/* velo_strerror: what the library means by each of its errors (X1). */
#include "velo.h"

#include <errno.h>

const char *velo_strerror(int result)
{
    switch (result) {
    case 0:
        return "success";
    case -EINVAL:
        return "EINVAL: a wrong argument";
    case -ENOMEM:
        return "ENOMEM: out of memory; nothing was changed";
    case -EAGAIN:
        return "EAGAIN: the queue is full (max_pending), or no thread could be started; try later";
    case -EBUSY:
        return "EBUSY: another thread runs the loop, the work is running, descriptors are in use, "
               "or the rate limit is reached";
    case -EDEADLK:
        return "EDEADLK: not allowed inside a callback or work function of the same loop";
    case -ESHUTDOWN:
        return "ESHUTDOWN: the loop is ending or has ended";
    case -ECANCELED:
        return "ECANCELED: the loop was closed, work was discarded";
    case -ETIMEDOUT:
        return "ETIMEDOUT: the drain goes on";
    case -EALREADY:
        return "EALREADY: too late, its callback is running";
    case -ENOENT:
        return "ENOENT: no such timer, immediate, descriptor or offload (any more)";
    case -EEXIST:
        return "EEXIST: the descriptor is watched already";
    case -EBADF:
        return "EBADF: not an open descriptor";
    case -EPERM:
        return "EPERM: the kernel cannot poll this descriptor, or it is the loop's own";
    case -ENOTSUP:
        return "ENOTSUP: this contestant or mode does not offer that";
    case -ENOSPC:
        return "ENOSPC: the user's limit of epoll watches is reached";
    case -EMFILE:
        return "EMFILE: the process has no descriptor left";
    case -ENFILE:
        return "ENFILE: the system has no descriptor left";
    case -ECHILD:
        return "ECHILD: the loop belongs to the parent process";
    case -ENOSYS:
        return "ENOSYS: this system lacks, or forbids, what this contestant is built on";
    default:
        return "an error of the system that the library passes on";
    }
}
