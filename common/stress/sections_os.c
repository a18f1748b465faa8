/* SPDX-License-Identifier: MIT */
/* What the system does to a process: children (L11) and signals (S8, S9). */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

enum { PRODUCERS = 2 };

struct stream {
    struct host *host;
    uint64_t round;
    atomic_bool stop;
    atomic_bool kill_no_more;
    pthread_t targets[PRODUCERS];
    atomic_uint ready;
    struct lane lanes[PRODUCERS];
};

static struct stream *stream_new(uint64_t round, struct host *host)
{
    struct stream *stream = calloc(1, sizeof *stream);
    CHECK(stream != NULL, "no memory");
    stream->host = host;
    stream->round = round;
    for (unsigned i = 0; i < PRODUCERS; i++)
        stream->lanes[i].host = stream->host;
    return stream;
}

/* All kinds of work until the lane is used up, or it is told to stop. */
static void flow(void *arg, unsigned index)
{
    struct stream *stream = arg;
    struct dice d = dice(stream->round, 10 + index);
    stream->targets[index] = pthread_self();
    atomic_fetch_add(&stream->ready, 1);
    while (!atomic_load(&stream->stop)) {
        host_add(stream->host, (enum kind)dice_below(&d, KINDS));
        if (!lane_send(&stream->lanes[index]))
            sched_yield();
        if (dice_below(&d, 4) == 0)
            host_wait(stream->host); /* it may fall asleep */
    }
    while (!atomic_load(&stream->kill_no_more)) /* no signal for a thread that has ended */
        sched_yield();
}

static void stream_end(struct stream *stream, struct runner *runner)
{
    runner_await(runner);
    CHECK(velo_loop_shutdown(stream->host->loop, -1) == 0, "shutdown");
    CHECK(runner_join(runner) == 0, "run");
    host_end(stream->host);
    free(stream);
}

/* ---- fork ---- */

static void untouched(void *arg)
{
    (void)arg;
}

/* Only what a child may do: ask, destroy, leave. The exit status says what was wrong. */
static _Noreturn void be_a_child(struct velo_loop *loop, bool destroy)
{
    velo_id id = 0;
    if (velo_submit(loop, untouched, NULL) != -ECHILD)
        _exit(2);
    if (velo_timer_start(loop, 0, 0, untouched, NULL, &id) != -ECHILD)
        _exit(3);
    if (velo_loop_wake(loop) != -ECHILD || velo_loop_run(loop, VELO_RUN_NOWAIT) != -ECHILD)
        _exit(4);
    if (velo_loop_shutdown(loop, -1) != -ECHILD || velo_loop_close(loop) != -ECHILD)
        _exit(5);
    if (destroy && velo_loop_destroy(loop) != 0)
        _exit(6);
    _exit(0);
}

void round_fork(uint64_t number)
{
    struct dice d = dice(number, 1);
    struct stream *stream = stream_new(number, host_open(&d, NULL));
    struct runner runner;
    struct team team;
    runner_start(&runner, stream->host->loop, VELO_RUN_FOREVER);
    team_start(&team, PRODUCERS, flow, stream);
    unsigned children = 1 + (unsigned)dice_below(&d, 3);
    for (unsigned i = 0; i < children; i++) {
        dice_pause(&d, 100 * NS_PER_US);
        bool destroy = dice_below(&d, 2) == 0;
        pid_t child = fork();
        if (child == 0)
            be_a_child(stream->host->loop, destroy);
        CHECK(child > 0, "fork");
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child, "waitpid");
        CHECK(status == 0, "L11: the child ended with status %#x", (unsigned)status);
    }
    atomic_store(&stream->stop, true);
    atomic_store(&stream->kill_no_more, true);
    team_join(&team);
    stream_end(stream, &runner);
}

/* ---- signals ---- */

static struct host *_Atomic signalled; /* of the round that goes on */
static atomic_uint handlers;           /* that run now */

static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    atomic_fetch_add(&handlers, 1);
    struct host *host = atomic_load(&signalled);
    if (host != NULL) {
        host_enter_before(host);
        host_enter_after(host, velo_submit(host->loop, host_ran, host));
        velo_loop_wake(host->loop);
    }
    atomic_fetch_sub(&handlers, 1);
    errno = saved;
}

static void storm(struct stream *stream, const struct runner *runner, struct dice *d)
{
    uint64_t until = now_ns() + 3 * NS_PER_MS;
    while (atomic_load(&stream->ready) < PRODUCERS)
        sched_yield();
    while (now_ns() < until) {
        uint64_t at = dice_below(d, PRODUCERS + 1);
        pthread_kill(at < PRODUCERS ? stream->targets[at] : runner->thread, SIGUSR1);
        dice_pause(d, 10 * NS_PER_US);
    }
}

void round_signals(uint64_t number)
{
    struct dice d = dice(number, 1);
    struct stream *stream = stream_new(number, host_open_uncounted(NULL));
    struct sigaction action, before;
    struct runner runner;
    struct team team;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* no SA_RESTART: what blocks is interrupted */
    CHECK(sigaction(SIGUSR1, &action, &before) == 0, "sigaction");
    if (has(VELO_CAP_SIGNAL_SAFE))
        atomic_store(&signalled, stream->host);
    runner_start(&runner, stream->host->loop, VELO_RUN_FOREVER);
    team_start(&team, PRODUCERS, flow, stream);
    storm(stream, &runner, &d);
    atomic_store(&signalled, NULL);
    atomic_store(&stream->stop, true);
    atomic_store(&stream->kill_no_more, true);
    team_join(&team);
    /* a signal may still be on its way to the owner, which is alive until it was shut down */
    while (atomic_load(&handlers) > 0)
        sched_yield();
    stream_end(stream, &runner);
    CHECK(sigaction(SIGUSR1, &before, NULL) == 0, "sigaction");
}
