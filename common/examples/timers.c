/* SPDX-License-Identifier: MIT */
/*
 * Timers: a periodic one that stops itself, a one shot that is cancelled in time, and one in the
 * far future that does not keep the loop alive.
 */
#include <velo.h>

#include <stdio.h>

#define MS UINT64_C(1000000)

struct clockwork {
    struct velo_loop *loop;
    velo_id ticker;
    velo_id alarm;
    uint64_t started_ns;
    int ticks;
    int alarms;
    int cancelled; /* what velo_timer_cancel() said about the alarm */
};

static void on_alarm(void *arg)
{
    struct clockwork *clockwork = arg;
    clockwork->alarms++;
}

static void on_tick(void *arg)
{
    struct clockwork *clockwork = arg;
    uint64_t passed_ns = velo_loop_now_ns(clockwork->loop) - clockwork->started_ns;
    printf("tick %d after %.1f ms\n", ++clockwork->ticks, (double)passed_ns / 1e6);
    if (clockwork->ticks < 3)
        return;
    velo_timer_cancel(clockwork->loop, clockwork->ticker); /* 0 in its callback: not again */
    clockwork->cancelled = velo_timer_cancel(clockwork->loop, clockwork->alarm);
}

static int start(struct clockwork *clockwork)
{
    struct velo_loop *loop = clockwork->loop;
    velo_id distant;
    clockwork->started_ns = velo_loop_now_ns(loop);
    int rc = velo_timer_start(loop, 5 * MS, 5 * MS, on_tick, clockwork, &clockwork->ticker);
    if (rc == 0)
        rc = velo_timer_start(loop, 60000 * MS, 0, on_alarm, clockwork, &clockwork->alarm);
    if (rc == 0)
        rc = velo_timer_start(loop, 60000 * MS, 0, on_alarm, clockwork, &distant);
    if (rc == 0)
        rc = velo_timer_unref(loop, distant);
    return rc;
}

int main(void)
{
    struct clockwork clockwork = {.cancelled = 1};
    int rc = velo_loop_create(&clockwork.loop, NULL);
    if (rc != 0) {
        fprintf(stderr, "create: %s\n", velo_strerror(rc));
        return 1;
    }
    rc = start(&clockwork);
    if (rc == 0)
        rc = velo_loop_run(clockwork.loop, VELO_RUN_UNTIL_IDLE);
    if (rc != 0)
        fprintf(stderr, "timers: %s\n", velo_strerror(rc));

    uint64_t passed_ns = velo_loop_now_ns(clockwork.loop) - clockwork.started_ns;
    velo_loop_destroy(clockwork.loop);
    bool never_early = passed_ns >= 15 * MS;
    bool right = clockwork.ticks == 3 && clockwork.alarms == 0 && clockwork.cancelled == 0;
    return rc == 0 && right && never_early ? 0 : 1;
}
