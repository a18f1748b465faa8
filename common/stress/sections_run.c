/* SPDX-License-Identifier: MIT */
/* Offloads that are cancelled and cut short (O1 - O4), and runs that end while work comes (A2). */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "stress.h"

/* ---- offload ---- */

enum { THREADS = 3, PER_THREAD = 30 };

struct factory {
    struct host *host;
    uint64_t round;
    bool chatty; /* workers use the loop, too */
};

static void work(void *arg)
{
    struct factory *factory = arg;
    if (factory->chatty)
        host_add(factory->host, KIND_TASK);
    for (volatile unsigned i = 0; i < 200; i++)
        ;
}

static void done(int status, void *arg)
{
    struct factory *factory = arg;
    CHECK(status == 0 || status == -ECANCELED, "status %d", status);
    if (status == 0) /* else its cancel has entered it */
        host_ran(factory->host);
}

static void employ(void *arg, unsigned index)
{
    struct factory *factory = arg;
    struct dice d = dice(factory->round, 10 + index);
    struct velo_loop *loop = factory->host->loop;
    for (unsigned i = 0; i < PER_THREAD; i++) {
        velo_id id = 0;
        host_enter_before(factory->host);
        if (!host_enter_after(factory->host, velo_offload(loop, work, done, factory, &id)))
            continue;
        if (dice_below(&d, 3) != 0)
            continue;
        dice_pause(&d, 20 * NS_PER_US);
        int rc = velo_offload_cancel(loop, id);
        CHECK(rc == 0 || rc == -EBUSY || rc == -ENOENT, "cancel: %s", velo_strerror(rc));
        if (rc == 0)
            atomic_fetch_add(&factory->host->book.cancelled, 1);
    }
}

static void offload_member(void *arg, unsigned index)
{
    struct factory *factory = arg;
    if (index < THREADS) {
        employ(factory, index);
        return;
    }
    struct dice d = dice(factory->round, 30);
    dice_pause(&d, 500 * NS_PER_US);
    switch (dice_below(&d, 3)) {
    case 0:
        velo_loop_shutdown(factory->host->loop, 0);
        break;
    case 1:
        velo_loop_close(factory->host->loop);
        break;
    default:
        break;
    }
}

void round_offload(uint64_t number)
{
    struct dice d = dice(number, 0);
    struct velo_options options = {.size = sizeof options};
    struct factory factory = {.round = number, .chatty = dice_below(&d, 2) == 0};
    struct runner runner;
    struct team team;
    options.workers = 1 + (unsigned)dice_below(&d, 3);
    factory.host = host_open(&d, &options);
    runner_start(&runner, factory.host->loop, VELO_RUN_FOREVER);
    team_start(&team, THREADS + 1, offload_member, &factory);
    team_join(&team);
    int rc = velo_loop_shutdown(factory.host->loop, -1);
    CHECK(rc == 0 || rc == -ESHUTDOWN || rc == -ECANCELED, "shutdown: %s", velo_strerror(rc));
    runner_join(&runner);
    host_end(factory.host);
}

/* ---- idle ---- */

struct rest {
    struct host *host;
    uint64_t round;
    atomic_bool stop;
};

/* Runs again and again; the last run finds everything. */
static void rest_main(struct rest *rest)
{
    bool last = false;
    while (!last) {
        last = atomic_load(&rest->stop);
        int rc = velo_loop_run(rest->host->loop, VELO_RUN_UNTIL_IDLE);
        CHECK(rc == 0, "run: %s", velo_strerror(rc));
    }
}

static void rest_member(void *arg, unsigned index)
{
    struct rest *rest = arg;
    struct dice d = dice(rest->round, 10 + index);
    for (unsigned i = 0; i < 60; i++) {
        host_add(rest->host, (enum kind)dice_below(&d, KINDS));
        dice_pause(&d, 2 * NS_PER_US);
    }
}

static void *rest_thread(void *arg)
{
    rest_main(arg);
    return NULL;
}

void round_idle(uint64_t number)
{
    struct dice d = dice(number, 0);
    struct rest rest = {.host = host_open(&d, NULL), .round = number};
    struct team team;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, rest_thread, &rest) == 0, "no thread");
    team_start(&team, 2, rest_member, &rest);
    team_join(&team);
    atomic_store(&rest.stop, true);
    pthread_join(thread, NULL);
    const struct book *book = &rest.host->book;
    CHECK(atomic_load(&book->accepted) == atomic_load(&book->executed),
          "A2: %llu accepted, %llu executed when UNTIL_IDLE returned",
          atomic_load(&book->accepted),
          atomic_load(&book->executed));
    CHECK(!velo_loop_is_alive(rest.host->loop), "A1: alive after UNTIL_IDLE");
    host_end(rest.host);
}
