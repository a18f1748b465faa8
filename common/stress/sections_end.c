/* SPDX-License-Identifier: MIT */
/* Short-lived loops: producers against every way to end (L4 - L8). */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "stress.h"

enum { PRODUCERS_MAX = 3, ENDERS_MAX = 3 };
enum ending { BY_SHUTDOWN, BY_MANY_SHUTDOWNS, BY_CLOSE, BY_BOTH, BY_CALLBACK, ENDINGS };

struct storm {
    struct host *host;
    uint64_t round;
    unsigned producers;
    enum ending ending;
    uint64_t delay_ns;
    atomic_uint finals; /* last tasks that have run */
    struct lane lanes[PRODUCERS_MAX];
};

/* ---- end ---- */

static void produce(const struct storm *storm, struct lane *lane, unsigned index)
{
    struct dice d = dice(storm->round, 10 + index);
    unsigned count = (unsigned)dice_below(&d, 150);
    for (unsigned i = 0; i < count; i++) {
        if (velo_loop_state(storm->host->loop) >= VELO_STATE_TERMINATING && i % 4 == 3)
            return; /* it was refused often enough */
        if (dice_below(&d, 2) == 0)
            lane_send(lane);
        else
            host_add(storm->host, (enum kind)dice_below(&d, KINDS));
    }
}

static void shut_down(const struct storm *storm, int64_t timeout_ns)
{
    int rc = velo_loop_shutdown(storm->host->loop, timeout_ns);
    CHECK(rc == 0 || rc == -ETIMEDOUT || rc == -ESHUTDOWN || rc == -ECANCELED,
          "shutdown: %s",
          velo_strerror(rc));
}

static void shut_down_fn(void *arg)
{
    struct storm *storm = arg;
    int rc = velo_loop_shutdown(storm->host->loop, -1);
    host_ran(storm->host);
    CHECK(rc == 0 || rc == -ESHUTDOWN, "shutdown in a callback: %s", velo_strerror(rc));
}

static void end_it(struct storm *storm, unsigned index)
{
    static const int64_t timeouts[] = {-1, 0, 1000, 100000};
    struct dice d = dice(storm->round, 20 + index);
    dice_pause(&d, storm->delay_ns);
    switch (storm->ending) {
    case BY_SHUTDOWN:
        if (index == 0)
            shut_down(storm, -1);
        break;
    case BY_MANY_SHUTDOWNS:
        shut_down(storm, timeouts[dice_below(&d, 4)]);
        break;
    case BY_BOTH:
        if (index % 2 == 0)
            shut_down(storm, timeouts[dice_below(&d, 4)]);
        else
            CHECK(velo_loop_close(storm->host->loop) == 0, "close");
        break;
    case BY_CALLBACK:
        host_enter_before(storm->host);
        host_enter_after(storm->host, velo_submit(storm->host->loop, shut_down_fn, storm));
        break;
    default:
        CHECK(velo_loop_close(storm->host->loop) == 0, "close");
    }
}

static void end_member(void *arg, unsigned index)
{
    struct storm *storm = arg;
    if (index < storm->producers)
        produce(storm, &storm->lanes[index], index);
    else
        end_it(storm, index - storm->producers);
}

static struct storm *storm_new(struct dice *d, uint64_t round)
{
    struct storm *storm = calloc(1, sizeof *storm);
    struct velo_options options = {.size = sizeof options};
    CHECK(storm != NULL, "no memory");
    if (dice_below(d, 4) == 0 && has(VELO_CAP_BOUNDED))
        options.max_pending = 1 + dice_below(d, 30);
    storm->host = host_open(d, &options);
    storm->round = round;
    storm->producers = 1 + (unsigned)dice_below(d, PRODUCERS_MAX);
    storm->ending = (enum ending)dice_below(d, ENDINGS);
    storm->delay_ns = 1 + dice_below(d, 100 * NS_PER_US);
    for (unsigned i = 0; i < PRODUCERS_MAX; i++)
        storm->lanes[i].host = storm->host;
    return storm;
}

void round_end(uint64_t number)
{
    struct dice d = dice(number, 0);
    struct storm *storm = storm_new(&d, number);
    struct runner runner;
    struct team team;
    /* nobody runs it: who shuts it down drains it */
    bool alone = dice_below(&d, 4) == 0 && storm->ending != BY_CALLBACK;
    if (!alone)
        runner_start(&runner, storm->host->loop, VELO_RUN_FOREVER);
    unsigned enders = 1 + (unsigned)dice_below(&d, ENDERS_MAX);
    team_start(&team, storm->producers + enders, end_member, storm);
    team_join(&team);
    if (!alone) {
        if (storm->ending == BY_CALLBACK) /* it may have been refused for max_pending */
            shut_down(storm, -1);
        int rc = runner_join(&runner);
        CHECK(rc == 0 || rc == -ECANCELED || rc == -ESHUTDOWN, "run: %s", velo_strerror(rc));
    }
    host_end(storm->host);
    free(storm);
}

/* ---- destroy ---- */

static void final_fn(void *arg)
{
    struct storm *storm = arg;
    host_ran(storm->host);
    atomic_fetch_add(&storm->finals, 1);
}

/* The last submit may still be inside the library when its task has run (L8). */
static void final_member(void *arg, unsigned index)
{
    struct storm *storm = arg;
    struct dice d = dice(storm->round, 10 + index);
    unsigned count = (unsigned)dice_below(&d, 40);
    for (unsigned i = 0; i < count; i++)
        lane_send(&storm->lanes[index]);
    host_enter_before(storm->host);
    int rc = dice_below(&d, 2) == 0 || !has(VELO_CAP_MICROTASKS)
                 ? velo_submit(storm->host->loop, final_fn, storm)
                 : velo_next_tick(storm->host->loop, final_fn, storm);
    CHECK(rc == 0, "submit: %s", velo_strerror(rc));
}

void round_destroy(uint64_t number)
{
    struct dice d = dice(number, 0);
    struct storm *storm = calloc(1, sizeof *storm);
    struct runner runner;
    struct team team;
    CHECK(storm != NULL, "no memory");
    storm->host = host_open(&d, NULL);
    storm->round = number;
    storm->producers = 1 + (unsigned)dice_below(&d, PRODUCERS_MAX);
    for (unsigned i = 0; i < PRODUCERS_MAX; i++)
        storm->lanes[i].host = storm->host;
    runner_start(&runner, storm->host->loop, VELO_RUN_FOREVER);
    team_start(&team, storm->producers, final_member, storm);
    while (atomic_load(&storm->finals) < storm->producers)
        sched_yield();
    host_hide(storm->host);
    int rc = velo_loop_destroy(storm->host->loop);
    CHECK(rc == 0, "destroy: %s", velo_strerror(rc));
    team_join(&team);
    rc = runner_join(&runner);
    CHECK(rc == -ECANCELED, "run: %s", velo_strerror(rc));
    host_gone(storm->host);
    free(storm);
}

/* ---- one processor ---- */

void round_one_processor(uint64_t number)
{
    struct dice d = dice(number, 99);
    cpu_set_t allowed, one;
    CHECK(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "affinity");
    unsigned nth = (unsigned)dice_below(&d, (uint64_t)CPU_COUNT(&allowed));
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &allowed) || nth-- > 0)
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0, "affinity");
    if (number % 2 == 0)
        round_end(number);
    else
        round_destroy(number);
    CHECK(sched_setaffinity(0, sizeof allowed, &allowed) == 0, "affinity");
}
