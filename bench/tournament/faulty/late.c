/* SPDX-License-Identifier: MIT */
/* late.c - a contestant that delivers one task 20 ms after it was accepted; see faulty.h. */
#include "faulty.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

/* The one late task; written before its thread starts. */
static struct {
    struct velo_loop *loop;
    struct velo_task task;
} late;

static void *deliver(void *unused)
{
    (void)unused;
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    __real_velo_submit(late.loop, late.task.fn, late.task.arg);
    return NULL;
}

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    pthread_t thread;
    if (!faulty_now())
        return __real_velo_submit(loop, fn, arg);
    late.loop = loop;
    late.task = (struct velo_task){fn, arg};
    return -pthread_create(&thread, NULL, deliver, NULL);
}
