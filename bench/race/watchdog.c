/* SPDX-License-Identifier: MIT */
/* watchdog.c - one detached thread, asleep until the deadline. */
#include "watchdog.h"

#include "clock.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static struct {
    uint64_t deadline_ns;
    void (*bark)(void *ctx);
    void *ctx;
} watch; /* one run per process; written before the thread starts */

static void *wait_and_bark(void *arg)
{
    (void)arg;
    clock_sleep_until(watch.deadline_ns);
    watch.bark(watch.ctx);
    _exit(1);
}

void watchdog_start(uint64_t limit_ns, void (*bark)(void *ctx), void *ctx)
{
    pthread_t thread;
    watch.deadline_ns = clock_now_ns() + limit_ns;
    watch.bark = bark;
    watch.ctx = ctx;
    if (pthread_create(&thread, NULL, wait_and_bark, NULL) != 0) {
        fprintf(stderr, "race: warning: no watchdog: cannot start a thread\n");
        return;
    }
    pthread_detach(thread);
}
