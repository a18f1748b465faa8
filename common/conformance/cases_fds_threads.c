/* SPDX-License-Identifier: MIT */
/*
 * F6 and F3 across threads: registrations change while the loop sleeps, or runs their callback.
 *
 * Idea: the only wake-up that could help is the one that the call itself must cause. Guarantees
 * about callbacks that start too late are checked by counting starts before and after the call
 * returned.
 */
#include <sched.h>
#include <stdlib.h>

#include "conf.h"
#include "probes.h"

/* A loop that runs on another thread, a pair, and a counter of callbacks. */
struct remote {
    struct velo_loop *loop;
    struct conf_runner runner;
    struct fd_pair pair;
    struct conf_count calls;
    velo_id id;
    int published; /* plain memory, written before the watch */
    bool drain;
};

static void remote_fn(int fd, unsigned events, void *arg)
{
    struct remote *remote = arg;
    CONF_EXPECT((events & VELO_READ) != 0);
    CONF_EXPECT_INT(remote->published, 42);
    CONF_EXPECT(remote->id != 0); /* T6 */
    if (remote->drain)
        fd_drain(fd);
    conf_count_add(&remote->calls, 1);
}

static void remote_init(struct remote *remote)
{
    *remote = (struct remote){.loop = conf_create(NULL), .pair = fd_pair_open(), .drain = true};
    conf_count_init(&remote->calls);
    conf_runner_start(&remote->runner, remote->loop, VELO_RUN_FOREVER);
}

static int remote_watch(struct remote *remote, unsigned events)
{
    remote->published = 42;
    return velo_fd_watch(remote->loop, remote->pair.near, events, remote_fn, remote, &remote->id);
}

static void remote_end(struct remote *remote)
{
    assert_int_equal(velo_loop_shutdown(remote->loop, -1), 0);
    assert_int_equal(conf_runner_join(&remote->runner), 0);
    conf_destroy(remote->loop);
    fd_pair_close(&remote->pair);
}

/* F6, traps F8 and F9. The loop sleeps with nothing to watch; another thread registers a descriptor
 * that is ready: it is served, and what was written before is visible, the id included. */
CONF_CASE(foreign_watch_takes_effect_while_the_loop_sleeps, "F6 S7 T6", VELO_CAP_FDS)
{
    struct remote r;
    unsigned rounds = conf_rounds(200);
    remote_init(&r);
    for (unsigned i = 1; i <= rounds; i++) {
        r.published = 0;
        r.id = 0;
        fd_pair_feed(&r.pair);
        assert_true(conf_wait_state(r.loop, VELO_STATE_SLEEPING));
        assert_int_equal(remote_watch(&r, VELO_READ), 0);
        assert_true(conf_count_wait_for(&r.calls, i, CONF_NS_PER_S));
        assert_int_equal(velo_fd_unwatch(r.loop, r.id), 0);
        conf_sync(r.loop);
        assert_int_equal(conf_count_get(&r.calls), i);
    }
    remote_end(&r);
}

/* F6. The registration is silent and the loop sleeps; another thread asks for READ, data is there.
 */
CONF_CASE(foreign_modify_takes_effect_while_the_loop_sleeps, "F6", VELO_CAP_FDS)
{
    struct remote r;
    unsigned rounds = conf_rounds(200);
    remote_init(&r);
    assert_int_equal(remote_watch(&r, 0), 0);
    for (unsigned i = 1; i <= rounds; i++) {
        fd_pair_feed(&r.pair);
        conf_sync(r.loop);
        assert_true(conf_wait_state(r.loop, VELO_STATE_SLEEPING));
        assert_int_equal(conf_count_get(&r.calls), i - 1);
        assert_int_equal(velo_fd_modify(r.loop, r.id, VELO_READ), 0);
        assert_true(conf_count_wait_for(&r.calls, i, CONF_NS_PER_S));
        assert_int_equal(velo_fd_modify(r.loop, r.id, 0), 0);
    }
    remote_end(&r);
}

/* F6 F3. Unwatched while the loop sleeps: data that comes afterwards reaches nobody. */
CONF_CASE(foreign_unwatch_takes_effect_while_the_loop_sleeps, "F6 F3", VELO_CAP_FDS)
{
    struct remote r;
    unsigned rounds = conf_rounds(200);
    remote_init(&r);
    for (unsigned i = 0; i < rounds; i++) {
        fd_drain(r.pair.near);
        assert_int_equal(remote_watch(&r, VELO_READ), 0);
        assert_true(conf_wait_state(r.loop, VELO_STATE_SLEEPING));
        assert_int_equal(velo_fd_unwatch(r.loop, r.id), 0);
        fd_pair_feed(&r.pair);
        conf_sync(r.loop);
        assert_int_equal(conf_count_get(&r.calls), 0);
    }
    remote_end(&r);
}

/* F6 A2. Unwatching the last descriptor from another thread ends RUN_UNTIL_IDLE. */
CONF_CASE(foreign_unwatch_of_the_last_descriptor_ends_run_until_idle,
          "F6 A2",
          VELO_CAP_FDS | VELO_CAP_UNTIL_IDLE)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    unsigned rounds = conf_rounds(50);
    for (unsigned i = 0; i < rounds; i++) {
        struct conf_runner runner;
        struct fd_probe probe = {0};
        fd_probe_watch(&probe, loop, pair.near, VELO_READ);
        conf_runner_start(&runner, loop, VELO_RUN_UNTIL_IDLE);
        assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
        assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        assert_int_equal(probe.calls, 0);
    }
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* ---- F3: never waits ---- */

struct held_fd {
    struct conf_count entered;
    struct conf_count gate;
    atomic_uint calls;
};

static void held_fd_fn(int fd, unsigned events, void *arg)
{
    struct held_fd *held = arg;
    (void)fd;
    (void)events;
    atomic_fetch_add(&held->calls, 1);
    conf_count_add(&held->entered, 1);
    conf_count_wait(&held->gate, 1);
}

/* F3, trap F1. The callback runs and waits for this thread, which unwatches: the call returns
 * without waiting for the callback's end, and there is no second callback. */
CONF_CASE(foreign_unwatch_does_not_wait_for_a_running_callback, "F3", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_readable();
    struct conf_runner runner;
    struct held_fd held = {0};
    velo_id id;
    conf_count_init(&held.entered);
    conf_count_init(&held.gate);
    assert_int_equal(velo_fd_watch(loop, pair.near, VELO_READ, held_fd_fn, &held, &id), 0);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&held.entered, 1));
    assert_int_equal(velo_fd_unwatch(loop, id), 0);
    assert_int_equal(velo_fd_unwatch(loop, id), -ENOENT);
    conf_count_add(&held.gate, 1);
    conf_sync(loop);
    assert_int_equal(atomic_load(&held.calls), 1);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* Two descriptors are ready in one batch; while the first callback runs, this thread changes both.
 */
static void foreign_change_inside_a_batch(bool modify)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pairs[2] = {fd_pair_readable(), fd_pair_readable()};
    struct held_fd held[2] = {{.calls = 0}, {.calls = 0}};
    struct conf_runner runner;
    velo_id ids[2];
    for (int i = 0; i < 2; i++) {
        conf_count_init(&held[i].entered);
        conf_count_init(&held[i].gate);
        assert_int_equal(
            velo_fd_watch(loop, pairs[i].near, VELO_READ, held_fd_fn, &held[i], &ids[i]), 0);
    }
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    while (atomic_load(&held[0].calls) + atomic_load(&held[1].calls) == 0)
        sched_yield();
    int first = atomic_load(&held[0].calls) != 0 ? 0 : 1;
    int other = 1 - first;
    assert_int_equal(
        modify ? velo_fd_modify(loop, ids[other], 0) : velo_fd_unwatch(loop, ids[other]), 0);
    assert_int_equal(velo_fd_unwatch(loop, ids[first]), 0);
    conf_count_add(&held[first].gate, 1);
    conf_sync(loop);
    conf_sync(loop);
    assert_int_equal(atomic_load(&held[first].calls), 1);
    assert_int_equal(atomic_load(&held[other].calls), 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
    fd_pair_close(&pairs[0]);
    fd_pair_close(&pairs[1]);
}

/* F3 F4. The other registration is unwatched: its callback, due in this batch, is prevented. */
CONF_CASE(foreign_unwatch_inside_a_batch_prevents_the_callback, "F3 F4", VELO_CAP_FDS)
{
    foreign_change_inside_a_batch(false);
}

/* F4 F6. The other registration is modified: nothing more comes from this batch. */
CONF_CASE(foreign_modify_inside_a_batch_prevents_the_callback, "F4 F6", VELO_CAP_FDS)
{
    foreign_change_inside_a_batch(true);
}

/* ---- races ---- */

/* One registration of a race; each round has its own. */
struct round {
    int fd;
    atomic_uint started;
    unsigned at_return; /* callbacks started when unwatch had returned */
    int result;
};

static void round_fn(int fd, unsigned events, void *arg)
{
    struct round *round = arg;
    atomic_fetch_add(&round->started, 1);
    CONF_EXPECT_INT(fd, round->fd);
    CONF_EXPECT_INT(events, VELO_READ);
}

struct fd_race {
    struct velo_loop *loop;
    unsigned rounds;
    struct round *items;
};

static void watch_and_unwatch_fn(void *arg, unsigned index)
{
    struct fd_race *race = arg;
    struct conf_random random = conf_random(index);
    int fds[2] = {-1, -1};
    CONF_EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    CONF_EXPECT_INT(write(fds[1], "x", 1), 1);
    for (unsigned i = 0; i < race->rounds; i++) {
        struct round *round = &race->items[index * race->rounds + i];
        velo_id id = 0;
        round->fd = fds[0];
        CONF_EXPECT_INT(velo_fd_watch(race->loop, fds[0], VELO_READ, round_fn, round, &id), 0);
        conf_jitter(&random, 20000);
        round->result = velo_fd_unwatch(race->loop, id);
        round->at_return = atomic_load(&round->started);
    }
    close(fds[0]);
    close(fds[1]);
}

/* F3 F6. Two threads register and remove descriptors that are always ready, beside a sleepless
 * loop. When unwatch has returned, the callback in flight may still show up, and none after it. */
CONF_CASE(foreign_unwatch_racing_with_the_poll_lets_nothing_start_afterwards, "F3 F6", VELO_CAP_FDS)
{
    enum { RACERS = 2 };
    struct fd_race race = {.loop = conf_create(NULL), .rounds = conf_rounds(5000)};
    struct conf_runner runner;
    struct conf_team team;
    unsigned wrong = 0;
    uint64_t served = 0;
    race.items = calloc(RACERS * race.rounds, sizeof(*race.items));
    assert_non_null(race.items);
    conf_runner_start(&runner, race.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, RACERS, watch_and_unwatch_fn, &race);
    conf_team_join(&team);
    conf_sync(race.loop);
    assert_false(velo_loop_is_alive(race.loop));
    assert_int_equal(velo_loop_shutdown(race.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    for (unsigned i = 0; i < RACERS * race.rounds; i++) {
        unsigned started = atomic_load(&race.items[i].started);
        wrong += race.items[i].result != 0 || started > race.items[i].at_return + 1;
        served += started;
    }
    print_message(
        "%u registrations, %llu callbacks\n", RACERS * race.rounds, (unsigned long long)served);
    assert_int_equal(wrong, 0);
    conf_destroy(race.loop);
    free(race.items);
}

/* F4 F3. From another thread: a ready descriptor is unwatched, closed, and its number given to a
 * silent one, which is watched. The silent one never hears of its predecessor. */
CONF_CASE(number_reused_by_another_thread_gets_no_old_event, "F4 F3 F6", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_random random = conf_random(9);
    unsigned rounds = conf_rounds(2000);
    struct fd_pair loud = fd_pair_readable();
    struct fd_pair silent = fd_pair_open();
    struct round noisy = {.fd = 0};
    struct round quiet = {.fd = 0};
    int number = dup(loud.near);
    noisy.fd = quiet.fd = number;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < rounds; i++) {
        velo_id id = 0;
        assert_int_equal(dup2(loud.near, number), number);
        assert_int_equal(velo_fd_watch(loop, number, VELO_READ, round_fn, &noisy, &id), 0);
        conf_jitter(&random, 10000);
        assert_int_equal(velo_fd_unwatch(loop, id), 0);
        assert_int_equal(dup2(silent.near, number), number);
        assert_int_equal(velo_fd_watch(loop, number, VELO_READ, round_fn, &quiet, &id), 0);
        conf_jitter(&random, 10000);
        assert_int_equal(velo_fd_unwatch(loop, id), 0);
    }
    conf_sync(loop);
    assert_int_equal(atomic_load(&quiet.started), 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
    close(number);
    fd_pair_close(&loud);
    fd_pair_close(&silent);
}

static void echo_fn(int fd, unsigned events, void *arg)
{
    char bytes[64];
    (void)arg;
    if ((events & VELO_READ) == 0)
        return;
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n > 0)
        CONF_EXPECT_INT(write(fd, bytes, (size_t)n), n);
}

static void ping_fn(void *arg, unsigned index)
{
    struct fd_race *race = arg;
    struct conf_random random = conf_random(index);
    int fds[2] = {-1, -1};
    CONF_EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    velo_id id = 0;
    CONF_EXPECT_INT(velo_fd_watch(race->loop, fds[0], VELO_READ, echo_fn, NULL, &id), 0);
    for (unsigned i = 0; i < race->rounds; i++) {
        char byte = (char)i;
        CONF_EXPECT_INT(write(fds[1], &byte, 1), 1);
        conf_jitter(&random, 30000);
        CONF_EXPECT_INT(read(fds[1], &byte, 1), 1); /* a lost event blocks here: the watchdog */
        CONF_EXPECT_INT(byte, (char)i);
    }
    CONF_EXPECT_INT(velo_fd_unwatch(race->loop, id), 0);
    close(fds[0]);
    close(fds[1]);
}

/* F1 F6. Four threads play ping-pong through descriptors of one loop: no event is lost. */
CONF_CASE(no_readiness_is_lost_in_a_ping_pong, "F1 F6", VELO_CAP_FDS)
{
    struct fd_race race = {.loop = conf_create(NULL), .rounds = conf_rounds(1500)};
    struct conf_runner runner;
    struct conf_team team;
    conf_runner_start(&runner, race.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, 4, ping_fn, &race);
    conf_team_join(&team);
    conf_sync(race.loop);
    assert_false(velo_loop_is_alive(race.loop));
    assert_int_equal(velo_loop_shutdown(race.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(race.loop);
}
