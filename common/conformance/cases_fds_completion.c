/* SPDX-License-Identifier: MIT */
/*
 * What a loop can get wrong whose kernel interface reports completions, belongs to one thread and
 * holds the files that it watches, as io_uring does; trap F13. Most of it holds for every loop.
 */
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "../available.h"
#include "../sim/faults.h"
#include "conf.h"
#include "probes.h"

/* ---- F1: nothing is reported that is over ---- */

static void flicker_fn(void *arg)
{
    const struct fd_pair *pair = arg;
    fd_pair_feed(pair);
    CONF_EXPECT(fd_drain(pair->near));
}

/* F1: a task makes a descriptor readable and empties it again: the poll after it has nothing to
 * report, as a level or as an edge. What is there to stay is reported. */
CONF_CASE(what_came_and_went_between_two_polls_is_not_reported, "F1", VELO_CAP_FDS)
{
    for (unsigned edge = 0; edge <= (conf_has(VELO_CAP_FD_EDGE) ? 1 : 0); edge++) {
        struct velo_loop *loop = conf_create(NULL);
        struct fd_pair pair = fd_pair_open();
        struct fd_probe probe = {.drain = true};
        fd_probe_watch(&probe, loop, pair.near, VELO_READ | (edge != 0 ? VELO_EDGE : 0));
        conf_turns(loop, 1);
        for (unsigned round = 1; round <= 10; round++) {
            assert_int_equal(velo_submit(loop, flicker_fn, &pair), 0);
            conf_turns(loop, 2);
            assert_int_equal(probe.calls, round - 1);
            fd_pair_feed(&pair);
            conf_turns(loop, 2);
            assert_int_equal(probe.calls, round);
        }
        conf_destroy(loop);
        fd_pair_close(&pair);
    }
}

/* ---- F3: what is unwatched is let go ---- */

struct letting_go {
    struct velo_loop *loop;
    struct fd_pair pair;
    velo_id id;
};

static void letting_go_watch(struct letting_go *one)
{
    one->pair = fd_pair_open();
    assert_int_equal(
        velo_fd_watch(one->loop, one->pair.near, VELO_READ, fd_probe_fn, NULL, &one->id), 0);
}

static void let_go_fn(void *arg)
{
    const struct letting_go *one = arg;
    CONF_EXPECT_INT(velo_fd_unwatch(one->loop, one->id), 0);
    CONF_EXPECT_INT(close(one->pair.near), 0);
}

static void let_go_by_thread(void *arg, unsigned index)
{
    (void)index;
    let_go_fn(arg);
}

/* Does this end see the end of the stream? Then closes it. */
static void sees_the_end(int far)
{
    char byte;
    struct pollfd look = {.fd = far, .events = POLLIN};
    assert_int_equal(poll(&look, 1, (int)(CONF_PATIENCE_NS / CONF_NS_PER_MS)), 1);
    assert_int_equal(read(far, &byte, 1), 0);
    close(far);
}

static void peer_sees_the_end(const struct letting_go *one)
{
    sees_the_end(one->pair.far);
}

/* F3: unwatched and then closed, a descriptor is closed: its peer sees the end. By the owner, in a
 * turn; at rest, by the thread that has run the loop and by another one; while the loop sleeps. */
CONF_CASE(what_was_unwatched_and_closed_is_closed_for_its_peer, "F3", VELO_CAP_FDS)
{
    struct letting_go one = {.loop = conf_create(NULL)};
    struct conf_team team;
    struct conf_runner runner;
    letting_go_watch(&one);
    conf_turns(one.loop, 1);
    assert_int_equal(velo_submit(one.loop, let_go_fn, &one), 0);
    conf_turns(one.loop, 1);
    peer_sees_the_end(&one);
    letting_go_watch(&one);
    conf_turns(one.loop, 1);
    let_go_fn(&one);
    peer_sees_the_end(&one);
    letting_go_watch(&one);
    conf_turns(one.loop, 1);
    conf_team_start(&team, 1, let_go_by_thread, &one);
    conf_team_join(&team);
    peer_sees_the_end(&one);
    conf_runner_start(&runner, one.loop, VELO_RUN_FOREVER);
    conf_sync(one.loop);
    letting_go_watch(&one);
    assert_true(conf_wait_state(one.loop, VELO_STATE_SLEEPING));
    let_go_fn(&one);
    peer_sees_the_end(&one);
    assert_int_equal(velo_loop_shutdown(one.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(one.loop);
}

/* F3: a closed loop, too, holds nothing. */
CONF_CASE(descriptors_of_a_closed_loop_are_let_go, "F3 L6", VELO_CAP_FDS)
{
    struct letting_go one = {.loop = conf_create(NULL)};
    letting_go_watch(&one);
    conf_turns(one.loop, 1);
    assert_int_equal(velo_loop_close(one.loop), 0);
    close(one.pair.near);
    peer_sees_the_end(&one);
    conf_destroy(one.loop);
}

/* ---- F4: numbers and files ---- */

/* Close the near end, and let its number name that of another pair, which becomes readable. */
static struct fd_pair take_number(struct fd_pair *pair)
{
    struct fd_pair other = fd_pair_open();
    assert_int_equal(close(pair->near), 0);
    assert_int_equal(dup2(other.near, pair->near), pair->near);
    close(other.near);
    other.near = pair->near;
    fd_pair_feed(&other);
    return other;
}

/* F4 F3: whose user has closed a descriptor before he unwatched it, and opened its number again,
 * hears nothing of the new file by the old registration: not if the loop has not run since, and not
 * if it goes to another thread. That can still be unwatched, and the new one watched. */
CONF_CASE(a_number_closed_and_opened_again_is_not_watched, "F4 F3", VELO_CAP_FDS)
{
    for (unsigned turns = 0; turns <= 1; turns++) {
        struct velo_loop *loop = conf_create(NULL);
        struct fd_pair pair = fd_pair_open();
        struct fd_probe probe = {.drain = true};
        struct conf_runner runner;
        fd_probe_watch(&probe, loop, pair.near, VELO_READ);
        conf_turns(loop, turns);
        struct fd_pair other = take_number(&pair);
        conf_runner_start(&runner, loop, VELO_RUN_NOWAIT);
        assert_int_equal(conf_runner_join(&runner), 0);
        conf_turns(loop, 2);
        assert_int_equal(probe.calls, 0);
        assert_int_equal(velo_fd_modify(loop, probe.id, VELO_READ), -EBADF);
        assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
        fd_probe_watch(&probe, loop, other.near, VELO_READ);
        conf_turns(loop, 2);
        assert_int_equal(probe.calls, 1);
        conf_destroy(loop);
        fd_pair_close(&other);
        close(pair.far);
    }
}

/* ---- L3: another thread runs the loop ---- */

/* L3 F1: descriptors go with the loop from thread to thread, of which each is gone when the next
 * one comes; what is ready is reported, also by those that were silent before, or were watched in
 * between. */
CONF_CASE(descriptors_go_with_the_loop_from_thread_to_thread, "L3 F1", VELO_CAP_FDS)
{
    enum { COUNT = 8 };
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pairs[COUNT];
    struct fd_probe probes[COUNT] = {{.calls = 0}};
    unsigned fed[COUNT] = {0};
    for (unsigned round = 0; round < COUNT; round++) {
        struct conf_runner runner;
        pairs[round] = fd_pair_open();
        probes[round].drain = true;
        fd_probe_watch(&probes[round], loop, pairs[round].near, VELO_READ);
        for (unsigned i = round % 2; i <= round; i += 2) {
            fd_pair_feed(&pairs[i]);
            fed[i]++;
        }
        conf_runner_start(&runner, loop, VELO_RUN_ONCE);
        assert_int_equal(conf_runner_join(&runner), 0);
        for (unsigned i = 0; i <= round; i++)
            assert_int_equal(probes[i].calls, fed[i]);
    }
    conf_destroy(loop);
    for (unsigned i = 0; i < COUNT; i++)
        fd_pair_close(&pairs[i]);
}

/* ---- rings ---- */

/* A loop whose ring is made as [call] says; n/a if it makes none. */
static struct velo_loop *with_ring(void (*call)(void))
{
    uint64_t before = sim_calls(SIM_URING_SETUP);
    call();
    struct velo_loop *loop = conf_create(NULL);
    sim_faults_clear();
    if (sim_calls(SIM_URING_SETUP) == before)
        conf_na("makes no io_uring");
    return loop;
}

static void small(void)
{
    sim_shrink_rings(8);
}

/* As on any kernel. */
static void usual(void)
{
}

/* As on a kernel that does not know how to defer task work. */
static void plain(void)
{
    sim_fault(SIM_URING_SETUP, 0, 1, EINVAL);
}

/* As on a kernel that tells of no feature at all. */
static void featureless(void)
{
    sim_hide_ring_features(UINT_MAX);
}

/* As on a kernel that does all work that is pending at once, and not in portions. */
static void without_portions(void)
{
    sim_hide_ring_features(1U << 16); /* IORING_FEAT_RW_ATTR, which came with them in Linux 6.14 */
}

/* Many descriptors become ready round after round; none is forgotten, none is told twice. In the
 * end all are let go. */
static void feed_and_count(struct velo_loop *loop)
{
    enum { COUNT = 100 };
    static struct fd_pair pairs[COUNT];
    static struct fd_probe probes[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        pairs[i] = fd_pair_open();
        probes[i] = (struct fd_probe){.drain = true};
        fd_probe_watch(&probes[i], loop, pairs[i].near, VELO_READ | (i % 2 != 0 ? VELO_EDGE : 0));
    }
    for (unsigned round = 1; round <= conf_rounds(100); round++) {
        for (unsigned i = 0; i < COUNT; i++)
            fd_pair_feed(&pairs[i]);
        conf_turns(loop, 4);
        for (unsigned i = 0; i < COUNT; i++)
            assert_int_equal(probes[i].calls, round);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(velo_fd_unwatch(loop, probes[i].id), 0);
        close(pairs[i].near);
    }
    conf_turns(loop, 1);
    for (unsigned i = 0; i < COUNT; i++)
        sees_the_end(pairs[i].far);
}

/* Tasks of this thread wake the loop, which sleeps on another one. */
static void wake_and_count(struct velo_loop *loop)
{
    struct conf_runner runner;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < conf_rounds(1000); i++) {
        if (i % 8 == 0)
            conf_wait_state(loop, VELO_STATE_SLEEPING);
        conf_sync(loop);
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
}

/* F8 S8 F3, trap F13: completions for which there is no room are not lost. */
CONF_CASE(a_small_completion_queue_loses_nothing, "F8 S8 F1 F3", VELO_CAP_FDS | VELO_CAP_FD_EDGE)
{
    struct velo_loop *loop = with_ring(small);
    feed_and_count(loop);
    wake_and_count(loop);
    sim_shrink_rings(0);
    conf_destroy(loop);
}

/* F8 F1: what the kernel says it has lost, for want of memory, is asked for anew. */
CONF_CASE(what_the_kernel_has_lost_is_asked_for_anew, "F8 F1", VELO_CAP_FDS)
{
    struct velo_loop *loop = with_ring(usual);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {.drain = true};
    uint64_t rings = sim_calls(SIM_URING_SETUP);
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    fd_pair_feed(&pair);
    sim_fault(SIM_POLL_LOOK, 0, 1, EBADR);
    conf_turns(loop, 3);
    assert_int_equal(probe.calls, 1);
    assert_true(sim_calls(SIM_URING_SETUP) > rings);
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* F1 S8: without deferred task work all is the same, and without portions of it. */
CONF_CASE(a_ring_of_an_older_kernel_serves_as_well, "F1 F8 S8", VELO_CAP_FDS | VELO_CAP_FD_EDGE)
{
    static void (*const older[])(void) = {plain, without_portions};
    for (unsigned i = 0; i < sizeof older / sizeof older[0]; i++) {
        struct velo_loop *loop = with_ring(older[i]);
        feed_and_count(loop);
        wake_and_count(loop);
        sim_hide_ring_features(0);
        conf_destroy(loop);
    }
}

/* X1, trap F13: where io_uring is forbidden or absent there is no loop, but a reason. */
CONF_CASE(a_loop_that_gets_no_ring_says_why, "X1 F7", VELO_CAP_FDS)
{
    static const int errors[] = {EPERM, EACCES, ENOSYS, EINVAL};
    char reason[AVAILABLE_REASON_MAX];
    assert_int_equal(available_ask(reason), 0); /* what is opened only once is there now */
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        unsigned fds = conf_open_fds();
        sim_fault(SIM_URING_SETUP, 0, UINT64_MAX / 2, errors[i]);
        int rc = available_ask(reason);
        bool hit = sim_faults_hit(SIM_URING_SETUP) != 0;
        sim_faults_clear();
        if (!hit)
            conf_na("makes no io_uring");
        assert_int_equal(rc, -ENOSYS);
        assert_non_null(strstr(reason, "io_uring="));
        assert_int_equal(conf_open_fds(), fds);
    }
    unsigned fds = conf_open_fds();
    featureless();
    assert_int_equal(available_ask(reason), -ENOSYS);
    sim_hide_ring_features(0);
    assert_non_null(strstr(reason, "too old"));
    assert_int_equal(conf_open_fds(), fds);
}

/* F2, trap F13: whether a file can be polled is asked with a descriptor, and there may be none. */
CONF_CASE(a_watch_that_cannot_ask_whether_is_refused, "F2", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    unsigned fds = conf_open_fds();
    velo_id id = 4711;
    assert_true(null >= 0);
    sim_fault(SIM_EPOLL_CREATE, 0, 1, EMFILE);
    int rc = velo_fd_watch(loop, null, VELO_READ, fd_probe_fn, NULL, &id);
    bool hit = sim_faults_hit(SIM_EPOLL_CREATE) != 0;
    sim_faults_clear();
    if (!hit)
        conf_na("asks without a descriptor of its own");
    assert_int_equal(rc, -ENOMEM);
    assert_int_equal(id, 4711);
    assert_int_equal(conf_open_fds(), fds);
    assert_int_equal(velo_fd_watch(loop, null, VELO_READ, fd_probe_fn, NULL, &id), -EPERM);
    conf_destroy(loop);
    close(null);
}
