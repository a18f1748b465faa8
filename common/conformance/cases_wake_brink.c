/* SPDX-License-Identifier: MIT */
/*
 * Work that meets a loop on its way to sleep (S8, P3): the lost wake-up, hunted in two ways. A
 * chase adds the next piece within microseconds after the last one ran. A hook holds the owner at a
 * chosen point, in front of the native wait or at a reading of the clock before it, while the case
 * acts.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../sim/clock.h"
#include "../sim/faults.h"
#include "conf.h"
#include "kinds.h"
#include "probes.h"

/* ---- the chase ---- */

struct chase {
    struct velo_loop *loop;
    atomic_uint ran;
    struct conf_random random; /* owner */
};

#define LONGEST_NS (8 * CONF_NS_PER_S) /* of a case that takes a second where it is alone */

static void chase_ran(void *arg)
{
    struct chase *chase = arg;
    atomic_fetch_add(&chase->ran, 1);
    conf_jitter(&chase->random, 2500); /* so that neither side is always the faster one */
}

/* Spin until the callback has run, so that we go on while its owner is on its way to sleep. */
static bool spin_until(struct chase *chase, unsigned target)
{
    uint64_t limit = conf_now_ns() + CONF_PATIENCE_NS;
    for (unsigned spins = 1; atomic_load(&chase->ran) != target; spins++) {
        if (spins % 20000 == 0)
            sched_yield(); /* one processor: let the owner run */
        if (spins % 20000 == 0 && conf_now_ns() > limit)
            return false;
    }
    return true;
}

/*
 * S8, traps W1, W2: the next piece of work comes within microseconds after the last one ran, just
 * while the loop decides to sleep: the distance is swept through the whole way to sleep.
 */
CONF_CASE(work_that_meets_a_loop_falling_asleep_is_never_lost, "S8 M4", 0)
{
    struct conf_random random = conf_random(60);
    struct chase chase = {.loop = conf_create(NULL), .random = conf_random(61)};
    struct conf_runner runner;
    uint64_t end = conf_now_ns() + LONGEST_NS; /* a machine may have much else to do */
    conf_runner_start(&runner, chase.loop, VELO_RUN_FOREVER);
    for (unsigned i = 1; i <= conf_rounds(80000) && conf_now_ns() < end; i++) {
        unsigned kind = (unsigned)conf_random_below(&random, KINDS);
        kind = kind_is_offered(kind) ? kind : KIND_TASK;
        assert_int_equal(kind_add(kind, chase.loop, chase_ran, &chase, NULL), 0);
        if (!spin_until(&chase, i))
            fail_msg("a %s is lost (round %u)", kind_name(kind), i);
        conf_jitter(&random, 2500);
    }
    assert_int_equal(velo_loop_shutdown(chase.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(chase.loop);
}

/* ---- the moment before the sleep ---- */

/*
 * Holds the owner at the [skip]-th of the places where the hook is called, once per round, while
 * the case adds work. [round] is what the case waits for and lets go of.
 */
struct brink {
    struct velo_loop *loop;
    atomic_int skip; /* below 0: not armed */
    struct conf_count at_brink, go, ran;
    uint64_t rounds;
    int ends[2]; /* a pipe, for WATCH */
    velo_id watch;
};

enum { WATCH = KINDS }; /* one more kind of work: a descriptor that is readable */

static void on_readable(int fd, unsigned events, void *arg)
{
    char byte;
    (void)events;
    if (read(fd, &byte, 1) == 1)
        conf_count_add(arg, 1);
}

static int brink_add(struct brink *brink, unsigned kind)
{
    if (kind != WATCH)
        return kind_add(kind, brink->loop, conf_count_fn, &brink->ran, NULL);
    CONF_EXPECT_INT(write(brink->ends[1], "x", 1), 1);
    return velo_fd_watch(
        brink->loop, brink->ends[0], VELO_READ, on_readable, &brink->ran, &brink->watch);
}

static void stop_at_brink(void *ctx)
{
    struct brink *brink = ctx;
    if (!velo_loop_is_owner(brink->loop) || atomic_load(&brink->skip) < 0)
        return;
    if (atomic_fetch_sub(&brink->skip, 1) != 0)
        return;
    conf_count_add(&brink->at_brink, 1);
    conf_count_wait(&brink->go, conf_count_get(&brink->at_brink));
}

static void
brink_start(struct brink *brink, const struct velo_options *options, struct conf_runner *runner)
{
    atomic_init(&brink->skip, -1);
    brink->loop = conf_create(options);
    conf_count_init(&brink->at_brink);
    conf_count_init(&brink->go);
    conf_count_init(&brink->ran);
    conf_runner_start(runner, brink->loop, VELO_RUN_FOREVER);
    conf_sync(brink->loop);
}

static void brink_end(struct brink *brink, struct conf_runner *runner)
{
    sim_faults_clear();
    sim_clock_hook(NULL, NULL);
    assert_int_equal(velo_loop_shutdown(brink->loop, -1), 0);
    assert_int_equal(conf_runner_join(runner), 0);
    conf_destroy(brink->loop);
}

/* One round; false: the owner never came by, as it does not do [skip] such calls in a turn. */
static bool add_at_brink(struct brink *brink, unsigned kind, int skip, uint64_t patience_ns)
{
    conf_wait_state(brink->loop, VELO_STATE_SLEEPING);
    atomic_store(&brink->skip, skip);
    assert_int_equal(velo_loop_wake(brink->loop), 0); /* a turn, and then a new sleep */
    if (!conf_count_wait_for(&brink->at_brink, brink->rounds + 1, patience_ns)) {
        if (atomic_exchange(&brink->skip, -1) >= 0)
            return false;
        conf_count_wait(&brink->at_brink, brink->rounds + 1); /* it came at the last moment */
    }
    brink->rounds++;
    uint64_t before = conf_count_get(&brink->ran);
    assert_int_equal(brink_add(brink, kind), 0);
    conf_count_add(&brink->go, 1);
    if (!conf_count_wait(&brink->ran, before + 1))
        fail_msg("a %s is lost at the brink of sleep (%d)",
                 kind == WATCH ? "descriptor" : kind_name(kind),
                 skip);
    return true;
}

/*
 * S8, trap W1: the work falls between the last look at the queues and the sleep. The owner stands
 * in front of the wait call when it happens; that wait must end at once.
 */
CONF_CASE(work_added_at_the_brink_of_sleep_is_not_lost, "S8", 0)
{
    struct brink brink = {.rounds = 0};
    struct conf_runner runner;
    brink_start(&brink, NULL, &runner);
    sim_hook(SIM_POLL_WAIT, stop_at_brink, &brink);
    sim_hook(SIM_FUTEX_WAIT, stop_at_brink, &brink);
    for (unsigned i = 0; i < 5 * KINDS; i++) {
        unsigned kind = i % KINDS;
        if (kind_is_offered(kind) && !add_at_brink(&brink, kind, 0, CONF_PATIENCE_NS / 2)) {
            assert_int_equal(sleeps(), 0); /* seen sleeping, but never stopped: we are wrong */
            assert_int_equal(velo_loop_close(brink.loop), 0);
            conf_na("sleeps without a system call that can be seen");
        }
    }
    brink_end(&brink, &runner);
}

/*
 * S8, traps W1, P2: the same a little earlier: before the loop announces its sleep. A far timer
 * makes it read the clock for its time-out there; it is held at each reading of a turn in turn.
 */
CONF_CASE(work_added_before_the_sleep_is_announced_is_not_lost, "S8 R3", VELO_CAP_TIMERS)
{
    struct brink brink = {.rounds = 0};
    struct conf_runner runner;
    brink_start(&brink, NULL, &runner);
    assert_int_equal(velo_timer_start(brink.loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, NULL), 0);
    conf_sync(brink.loop);
    sim_clock_hook(stop_at_brink, &brink);
    int readings = 4; /* of a turn, found out by the first kind */
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (int skip = 0; skip < readings && kind_is_offered(kind); skip++)
            if (!add_at_brink(&brink, kind, skip, 300 * CONF_NS_PER_MS))
                readings = skip;
    brink_end(&brink, &runner);
}

enum { CROWD = 5000 };

/* The loop's allocator: as the C library, but that giving a block back may be the brink. */
static void *resize_at_brink(void *ctx, void *block, size_t was, size_t size, size_t alignment)
{
    struct brink *brink = ctx;
    void *fresh = NULL;
    if (size == 0 && block != NULL && atomic_load(&brink->skip) >= 0)
        stop_at_brink(brink);
    if (size != 0) {
        fresh = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
        if (fresh == NULL)
            return NULL;
        if (block != NULL)
            memcpy(fresh, block, was < size ? was : size);
    }
    free(block);
    return fresh;
}

/* Leave records behind that the loop gives back, at its leisure: on its way to the next sleep. */
static void crowd_then_arm(void *arg)
{
    struct brink *brink = arg;
    for (unsigned i = 0; i < CROWD; i++)
        CONF_EXPECT_INT(velo_set_immediate(brink->loop, nothing, NULL, NULL), 0);
    atomic_store(&brink->skip, 0);
}

/*
 * S8, trap W1: the same after the time-out was worked out and before the sleep is announced, where
 * no clock is read: the loop gives memory back there.
 */
CONF_CASE(work_added_while_the_loop_gives_memory_back_is_not_lost, "S8", VELO_CAP_IMMEDIATES)
{
    static struct brink brink;
    struct conf_runner runner;
    struct velo_allocator allocator = {resize_at_brink, &brink};
    struct velo_options options = conf_options();
    options.allocator = &allocator;
    brink_start(&brink, &options, &runner);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        conf_wait_state(brink.loop, VELO_STATE_SLEEPING);
        assert_int_equal(velo_submit(brink.loop, crowd_then_arm, &brink), 0);
        if (!conf_count_wait_for(&brink.at_brink, brink.rounds + 1, CONF_PATIENCE_NS / 2)) {
            atomic_store(&brink.skip, -1);
            brink_end(&brink, &runner);
            conf_na("gives no memory back");
        }
        brink.rounds++;
        unsigned used = kind_is_offered(kind) ? kind : KIND_TASK;
        assert_int_equal(brink_add(&brink, used), 0);
        conf_count_add(&brink.go, 1);
        if (!conf_count_wait(&brink.ran, kind + 1))
            fail_msg("a %s is lost", kind_name(used));
    }
    brink_end(&brink, &runner);
}

/*
 * P3, F6: the first descriptor comes while the loop is on its way to a sleep in which it would not
 * see descriptors; again at each reading of the clock, and in front of the wait.
 */
CONF_CASE(a_descriptor_watched_at_the_brink_of_sleep_is_seen,
          "P3 F6",
          VELO_CAP_TIMERS | VELO_CAP_FDS)
{
    struct brink brink = {.rounds = 0};
    struct conf_runner runner;
    brink_start(&brink, NULL, &runner);
    assert_int_equal(pipe(brink.ends), 0);
    assert_int_equal(velo_timer_start(brink.loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, NULL), 0);
    conf_sync(brink.loop);
    for (unsigned round = 0; round < 2; round++) {
        sim_clock_hook(round == 0 ? stop_at_brink : NULL, &brink);
        sim_hook(SIM_POLL_WAIT, round == 1 ? stop_at_brink : NULL, &brink);
        sim_hook(SIM_FUTEX_WAIT, round == 1 ? stop_at_brink : NULL, &brink);
        for (int skip = 0; skip < 8; skip++) {
            if (!add_at_brink(&brink, WATCH, skip, 300 * CONF_NS_PER_MS))
                break;
            assert_int_equal(velo_fd_unwatch(brink.loop, brink.watch), 0);
        }
    }
    brink_end(&brink, &runner);
    close(brink.ends[0]);
    close(brink.ends[1]);
}
