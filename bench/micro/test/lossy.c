/* SPDX-License-Identifier: MIT */
/*
 * lossy.c - stands between a measuring program and velo_submit (ld --wrap), and misbehaves once, at
 * call number FAULT_AT, as FAULT says: lose, double, swap; move: the calling thread to all other
 * processors; stall: the caller for 50 ms. With leak it forgets 48 bytes at every call. The tests
 * prove by it that no number is reported for a loop that does these, but for the stall, which is
 * told.
 */
#include "velo.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int __real_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg);
int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg);

/* One thread submits in the cases that are tested, so plain statics do. */
static struct {
    char fault[16];
    long at;
    long calls;
    struct velo_task kept;
} lossy;

static void move_elsewhere(void)
{
    cpu_set_t elsewhere;
    memset(&elsewhere, 0xff, sizeof(elsewhere));
    CPU_CLR((size_t)sched_getcpu(), &elsewhere);
    sched_setaffinity(0, sizeof(elsewhere), &elsewhere);
}

static int misbehave(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (strcmp(lossy.fault, "lose") == 0)
        return 0;
    if (strcmp(lossy.fault, "double") == 0) {
        int rc = __real_velo_submit(loop, fn, arg);
        return rc == 0 ? __real_velo_submit(loop, fn, arg) : rc;
    }
    if (strcmp(lossy.fault, "move") == 0)
        move_elsewhere();
    if (strcmp(lossy.fault, "stall") == 0)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    if (strcmp(lossy.fault, "swap") != 0)
        return __real_velo_submit(loop, fn, arg);
    lossy.kept = (struct velo_task){fn, arg};
    return 0;
}

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (lossy.fault[0] == '\0') {
        const char *at = getenv("FAULT_AT"), *fault = getenv("FAULT");
        snprintf(lossy.fault, sizeof(lossy.fault), "%s", fault ? fault : "none");
        lossy.at = at ? atol(at) : -1;
    }
    if (lossy.fault[0] == 'l' && lossy.fault[1] == 'e') {
        void *forgotten = malloc(48);
        __asm__ volatile("" : : "r"(forgotten)); /* else the compiler sees that nobody needs it */
    }
    if (++lossy.calls == lossy.at) /* NOLINT(clang-analyzer-unix.Malloc): leaks as asked for */
        return misbehave(loop, fn, arg);
    int rc = __real_velo_submit(loop, fn, arg);
    if (rc != 0 || lossy.kept.fn == NULL)
        return rc;
    struct velo_task kept = lossy.kept;
    lossy.kept.fn = NULL;
    return __real_velo_submit(loop, kept.fn, kept.arg);
}
