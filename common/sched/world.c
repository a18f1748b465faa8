/* SPDX-License-Identifier: MIT */
/* See scenario.h. */
#include "scenario.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct world world;

static struct piece *piece_of(velo_fn fn, void *arg)
{
    return fn == piece_fn ? arg : NULL;
}

static void on_discard(void *ctx, velo_fn fn, void *arg)
{
    (void)ctx;
    struct piece *piece = piece_of(fn, arg);
    if (piece == NULL) {
        world.others++;
        return;
    }
    SCHED_CHECK(!piece->ran && !piece->discarded);
    piece->discarded = true;
}

void piece_fn(void *arg)
{
    struct piece *piece = arg;
    SCHED_CHECK(velo_loop_is_owner(world.loop));
    SCHED_CHECK(!piece->ran && !piece->discarded);
    piece->ran = true;
    size_t at = (size_t)(piece - &world.pieces[0][0]);
    for (size_t later = at % TASKS_MAX + 1; later < TASKS_MAX; later++)
        SCHED_CHECK(!world.pieces[at / TASKS_MAX][later].ran); /* S3 */
}

int submit_piece(unsigned producer, unsigned at)
{
    struct piece *piece = &world.pieces[producer][at];
    int rc = velo_submit(world.loop, piece_fn, piece);
    piece->accepted = rc == 0;
    return rc;
}

static bool all_ran(const void *ctx)
{
    (void)ctx;
    const struct piece *piece = &world.pieces[0][0];
    for (size_t i = 0; i < (size_t)PRODUCERS * TASKS_MAX; i++) {
        if (piece[i].accepted && !piece[i].ran)
            return false;
    }
    return true;
}

void wait_for_pieces(void)
{
    sched_at("waiting for the tasks to run");
    sched_block(all_ran, NULL, SCHED_NEVER);
}

static bool has_calls(const void *ctx)
{
    return world.calls >= (uintptr_t)ctx;
}

void wait_for_calls(uintptr_t n)
{
    sched_at("waiting for the callback");
    sched_block(has_calls, (const void *)n, SCHED_NEVER); // NOLINT(performance-no-int-to-ptr)
}

void count_fn(void *arg)
{
    (void)arg;
    SCHED_CHECK(velo_loop_is_owner(world.loop));
    world.calls++;
}

void world_begin(void)
{
    struct velo_options options;
    memset(&world, 0, sizeof(world));
    memset(&options, 0, sizeof(options));
    options.size = sizeof(options);
    options.on_discard = on_discard;
    SCHED_CHECK(velo_loop_create(&world.loop, &options) == 0);
}

static void run_forever(void *arg)
{
    (void)arg;
    world.run_result = velo_loop_run(world.loop, VELO_RUN_FOREVER);
}

void world_run(void)
{
    world.owner = sched_spawn("owner", run_forever, NULL);
}

void world_begin_running(void)
{
    world_begin();
    world_run();
}

void world_check(void)
{
    const struct piece *piece = &world.pieces[0][0];
    unsigned discarded = world.others;
    for (size_t i = 0; i < (size_t)PRODUCERS * TASKS_MAX; i++) {
        SCHED_CHECK(piece[i].accepted == (piece[i].ran || piece[i].discarded)); /* L7 */
        discarded += piece[i].discarded;
    }
    struct velo_metrics metrics = {.size = sizeof(metrics)};
    SCHED_CHECK(velo_metrics_read(world.loop, &metrics) == 0);
    SCHED_CHECK(metrics.accepted == metrics.executed + metrics.cancelled + metrics.discarded);
    SCHED_CHECK(metrics.discarded == discarded);
    SCHED_CHECK(velo_loop_destroy(world.loop) == 0);
    world.loop = NULL;
}

void world_end(void)
{
    int rc = velo_loop_shutdown(world.loop, -1);
    sched_join(world.owner);
    SCHED_CHECK(rc == 0);
    SCHED_CHECK(world.run_result == 0 || world.run_result == -ESHUTDOWN); /* it came too late */
    world_check();
}

void world_report(void)
{
    const struct piece *piece = &world.pieces[0][0];
    unsigned accepted = 0, ran = 0;
    for (size_t i = 0; i < (size_t)PRODUCERS * TASKS_MAX; i++) {
        accepted += piece[i].accepted;
        ran += piece[i].ran;
    }
    printf("  tasks: %u accepted, %u executed; other callbacks: %u\n", accepted, ran, world.calls);
}
