/* SPDX-License-Identifier: MIT */
/*
 * F1 and F2: what a registration delivers, and what is refused.
 *
 * Idea: socket pairs of our own and one turn at a time, so every turn has a known number of
 * callbacks.
 */
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "conf.h"
#include "probes.h"

/* A loop, a socket pair and a probe on its near end. */
struct bench {
    struct velo_loop *loop;
    struct fd_pair pair;
    struct fd_probe probe;
};

static void bench_init(struct bench *bench, unsigned events)
{
    *bench = (struct bench){.loop = conf_create(NULL), .pair = fd_pair_open()};
    fd_probe_watch(&bench->probe, bench->loop, bench->pair.near, events);
}

static void bench_end(struct bench *bench)
{
    conf_destroy(bench->loop);
    fd_pair_close(&bench->pair);
}

/* Run [turns] and tell how many callbacks they brought. */
static unsigned calls_in(struct bench *bench, unsigned turns)
{
    unsigned before = bench->probe.calls;
    conf_turns(bench->loop, turns);
    return bench->probe.calls - before;
}

/* ---- level ---- */

/* F1. Unread data is reported in every turn; read, it is not; and before it arrives, nothing is. */
CONF_CASE(level_triggered_descriptor_is_reported_until_it_is_read, "F1", VELO_CAP_FDS)
{
    struct bench b;
    bench_init(&b, VELO_READ);
    assert_int_equal(calls_in(&b, 3), 0);
    fd_pair_feed(&b.pair);
    for (int i = 0; i < 5; i++)
        assert_int_equal(calls_in(&b, 1), 1);
    assert_int_equal(b.probe.last, VELO_READ);
    fd_drain(b.pair.near);
    assert_int_equal(calls_in(&b, 3), 0);
    bench_end(&b);
}

/* F1. Readable and writable: one callback a poll with both bits, not two. */
CONF_CASE(read_and_write_come_in_one_callback, "F1", VELO_CAP_FDS)
{
    struct bench b;
    bench_init(&b, VELO_READ | VELO_WRITE);
    assert_int_equal(calls_in(&b, 1), 1);
    assert_int_equal(b.probe.last, VELO_WRITE);
    fd_pair_feed(&b.pair);
    assert_int_equal(calls_in(&b, 1), 1);
    assert_int_equal(b.probe.last, VELO_READ | VELO_WRITE);
    bench_end(&b);
}

/* F1. Only what was asked for: modify turns from reading to writing and to nothing and back. */
CONF_CASE(modify_changes_what_is_reported, "F1 F2", VELO_CAP_FDS)
{
    struct bench b;
    bench_init(&b, VELO_READ);
    fd_pair_feed(&b.pair);
    assert_int_equal(velo_fd_modify(b.loop, b.probe.id, VELO_WRITE), 0);
    assert_int_equal(calls_in(&b, 1), 1);
    assert_int_equal(b.probe.last, VELO_WRITE);
    assert_int_equal(velo_fd_modify(b.loop, b.probe.id, 0), 0);
    assert_int_equal(calls_in(&b, 3), 0);
    assert_int_equal(velo_fd_modify(b.loop, b.probe.id, VELO_READ), 0);
    assert_int_equal(calls_in(&b, 1), 1);
    assert_int_equal(b.probe.last, VELO_READ);
    bench_end(&b);
}

/* F1. A full socket is not writable; when the peer has read, it is. */
CONF_CASE(descriptor_becomes_writable_when_there_is_room, "F1", VELO_CAP_FDS)
{
    static const char block[4096];
    struct bench b;
    bench_init(&b, 0);
    while (write(b.pair.near, block, sizeof(block)) > 0)
        continue;
    assert_int_equal(velo_fd_modify(b.loop, b.probe.id, VELO_WRITE), 0);
    assert_int_equal(calls_in(&b, 3), 0);
    fd_drain(b.pair.far);
    assert_int_equal(calls_in(&b, 1), 1);
    assert_int_equal(b.probe.last, VELO_WRITE);
    bench_end(&b);
}

/* F2. An empty mask is legal, and silent for READ and WRITE; so are flags alone. */
CONF_CASE(empty_mask_is_legal_and_silent, "F2", VELO_CAP_FDS)
{
    struct bench b;
    bench_init(&b, 0);
    fd_pair_feed(&b.pair);
    assert_int_equal(calls_in(&b, 3), 0);
    assert_true(velo_loop_is_alive(b.loop));
    if (conf_has(VELO_CAP_FD_EDGE)) {
        assert_int_equal(velo_fd_modify(b.loop, b.probe.id, VELO_EDGE | VELO_ONESHOT), 0);
        assert_int_equal(calls_in(&b, 3), 0);
    }
    assert_int_equal(velo_fd_unwatch(b.loop, b.probe.id), 0);
    assert_false(velo_loop_is_alive(b.loop));
    bench_end(&b);
}

/* ---- flags ---- */

/* F1. Edge: one callback for a change, none while the data lies there, one for new data. */
CONF_CASE(edge_reports_each_change_once, "F1", VELO_CAP_FDS | VELO_CAP_FD_EDGE)
{
    struct bench b;
    bench_init(&b, VELO_READ | VELO_EDGE);
    assert_int_equal(calls_in(&b, 2), 0);
    for (int i = 0; i < 5; i++) {
        fd_pair_feed(&b.pair);
        assert_int_equal(calls_in(&b, 1), 1);
        assert_int_equal(calls_in(&b, 4), 0);
    }
    assert_int_equal(b.probe.last, VELO_READ);
    bench_end(&b);
}

/* F1. Edge: data that is there already when the registration is made, or modified, is a change. */
CONF_CASE(edge_reports_what_is_ready_at_the_arming, "F1", VELO_CAP_FDS | VELO_CAP_FD_EDGE)
{
    struct bench b;
    bench_init(&b, 0);
    fd_pair_feed(&b.pair);
    assert_int_equal(velo_fd_unwatch(b.loop, b.probe.id), 0);
    fd_probe_watch(&b.probe, b.loop, b.pair.near, VELO_READ | VELO_EDGE);
    assert_int_equal(calls_in(&b, 4), 1);
    assert_int_equal(velo_fd_modify(b.loop, b.probe.id, VELO_READ | VELO_EDGE), 0);
    assert_int_equal(calls_in(&b, 4), 1);
    bench_end(&b);
}

/* F1. One shot: one callback, then silence although the data is unread; modify arms again, also
 * without the flag. */
CONF_CASE(oneshot_disarms_until_it_is_modified, "F1", VELO_CAP_FDS)
{
    struct bench b;
    bench_init(&b, VELO_READ | VELO_ONESHOT);
    fd_pair_feed(&b.pair);
    assert_int_equal(calls_in(&b, 4), 1);
    assert_int_equal(velo_fd_watch(b.loop, b.pair.near, VELO_READ, fd_probe_fn, &b.probe, NULL),
                     -EEXIST);
    fd_pair_feed(&b.pair);
    assert_int_equal(calls_in(&b, 3), 0);
    assert_int_equal(velo_fd_modify(b.loop, b.probe.id, VELO_READ | VELO_ONESHOT), 0);
    assert_int_equal(calls_in(&b, 4), 1);
    assert_int_equal(velo_fd_modify(b.loop, b.probe.id, VELO_READ), 0);
    assert_int_equal(calls_in(&b, 4), 4);
    bench_end(&b);
}

static void arm_again(struct fd_probe *probe)
{
    if (probe->calls < 3)
        CONF_EXPECT_INT(velo_fd_modify(probe->loop, probe->id, VELO_READ | VELO_ONESHOT), 0);
}

/* F1 F4. One shot, armed again in its own callback: the next turn reports it, this one does not. */
CONF_CASE(oneshot_armed_again_in_its_callback_reports_next_turn, "F1 F4", VELO_CAP_FDS)
{
    struct bench b;
    bench_init(&b, VELO_READ | VELO_ONESHOT);
    b.probe.then = arm_again;
    fd_pair_feed(&b.pair);
    for (int i = 0; i < 3; i++)
        assert_int_equal(calls_in(&b, 1), 1);
    assert_int_equal(calls_in(&b, 3), 0);
    bench_end(&b);
}

/* F1 F5. A disarmed one shot is silent about the hang-up too; armed again it tells. */
CONF_CASE(disarmed_oneshot_is_silent_about_the_hangup, "F1 F5", VELO_CAP_FDS)
{
    struct bench b;
    bench_init(&b, VELO_READ | VELO_ONESHOT);
    fd_pair_feed(&b.pair);
    assert_int_equal(calls_in(&b, 2), 1);
    close(b.pair.far);
    b.pair.far = -1;
    assert_int_equal(calls_in(&b, 3), 0);
    assert_int_equal(velo_fd_modify(b.loop, b.probe.id, VELO_READ | VELO_ONESHOT), 0);
    assert_int_equal(calls_in(&b, 1), 1);
    assert_true((b.probe.last & VELO_HANGUP) != 0);
    bench_end(&b);
}

/* ---- F2: refusals ---- */

/* F2, trap F4. A second registration is refused and the first one stays as it was. */
CONF_CASE(second_registration_of_a_descriptor_is_refused, "F2", VELO_CAP_FDS)
{
    struct bench b;
    struct fd_probe second = {.fd = -2};
    velo_id id = 77;
    bench_init(&b, VELO_READ);
    assert_int_equal(velo_fd_watch(b.loop, b.pair.near, VELO_WRITE, fd_probe_fn, &second, &id),
                     -EEXIST);
    assert_int_equal(id, 77);
    fd_pair_feed(&b.pair);
    assert_int_equal(calls_in(&b, 1), 1);
    assert_int_equal(b.probe.last, VELO_READ);
    assert_int_equal(second.calls, 0);
    bench_end(&b);
}

/* F2, trap F3. Negative, closed and absurd numbers: -EBADF; none of them costs memory. */
CONF_CASE(bad_descriptors_are_refused, "F2 F7", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_probe probe = {0};
    struct fd_pair pair = fd_pair_open();
    fd_pair_close(&pair);
    size_t heap = conf_heap_bytes();
    const int bad[] = {-1, -2, INT_MIN, pair.near, 99999999, INT_MAX};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(velo_fd_watch(loop, bad[i], VELO_READ, fd_probe_fn, &probe, NULL), -EBADF);
    assert_false(velo_loop_is_alive(loop));
    if (heap != 0)
        assert_true(conf_heap_bytes() < heap + (1 << 20));
    conf_turns(loop, 1);
    conf_destroy(loop);
}

/* F2. No callback and unknown bits: -EINVAL, in watch and in modify; the registration stays. */
CONF_CASE(watch_without_callback_or_with_unknown_bits_is_refused, "F2 X1", VELO_CAP_FDS)
{
    struct bench b;
    bench_init(&b, VELO_READ);
    struct fd_pair other = fd_pair_open();
    assert_int_equal(velo_fd_watch(b.loop, other.near, VELO_READ, NULL, &b, NULL), -EINVAL);
    assert_int_equal(velo_fd_watch(b.loop, other.near, 1u << 20, fd_probe_fn, &b, NULL), -EINVAL);
    assert_int_equal(velo_fd_modify(b.loop, b.probe.id, VELO_READ | 1u << 20), -EINVAL);
    fd_pair_feed(&b.pair);
    assert_int_equal(calls_in(&b, 1), 1);
    assert_int_equal(velo_fd_unwatch(b.loop, b.probe.id), 0);
    assert_false(velo_loop_is_alive(b.loop));
    fd_pair_close(&other);
    bench_end(&b);
}

/* F2, trap F3. Descriptor 0 is a descriptor. */
CONF_CASE(descriptor_zero_is_valid, "F2", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {0};
    assert_int_equal(dup2(pair.near, 0), 0);
    fd_probe_watch(&probe, loop, 0, VELO_READ);
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* Watch it; if the kernel can poll it, [events] must come, else -EPERM is the answer. */
static void kind_is_handled(const char *kind, int fd, unsigned events, bool pollable)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_probe probe = {.loop = loop, .fd = fd};
    if (fd < 0)
        fail_msg("%s: cannot be opened: %d", kind, errno);
    int rc = velo_fd_watch(loop, fd, events, fd_probe_fn, &probe, &probe.id);
    if (rc == 0)
        conf_turns(loop, 1);
    bool refused = rc == -EPERM && !pollable && !velo_loop_is_alive(loop);
    if (!refused && (rc != 0 || (probe.last & events) != events))
        fail_msg("%s: watch answered %d, events %x", kind, rc, probe.last);
    conf_destroy(loop);
    close(fd);
}

static int expired_timerfd(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec past = {.it_value = {0, 1}};
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL), 0);
    assert_int_equal(poll(&ready, 1, -1), 1);
    return fd;
}

/* An epoll set that holds a readable eventfd, which is left open for as long as the case lives. */
static int ready_epoll_set(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(epoll_ctl(fd, EPOLL_CTL_ADD, eventfd(1, EFD_CLOEXEC), &event), 0);
    return fd;
}

/* F2, trap F12. Regular files, directories and the null device: -EPERM, unless the contestant can
 * and then reports them ready. Pipes, terminals, eventfd, timerfd and a nested epoll set are
 * reported. */
CONF_CASE(every_kind_of_descriptor_has_its_documented_answer, "F2 F7", VELO_CAP_FDS)
{
    char path[] = "/tmp/velo-conformance-XXXXXX";
    int pipe_fds[2];
    int regular = mkstemp(path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pipe(pipe_fds), 0);
    kind_is_handled("regular file", regular, VELO_READ, false);
    kind_is_handled("directory", open("/", O_RDONLY | O_CLOEXEC), VELO_READ, false);
    kind_is_handled("/dev/null", open("/dev/null", O_RDWR | O_CLOEXEC), VELO_READ, false);
    kind_is_handled("pipe", pipe_fds[1], VELO_WRITE, true);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal >= 0) /* a sandbox may have none */
        kind_is_handled("terminal", terminal, VELO_WRITE, true);
    kind_is_handled("eventfd", eventfd(1, EFD_CLOEXEC), VELO_READ | VELO_WRITE, true);
    kind_is_handled("timerfd", expired_timerfd(), VELO_READ, true);
    kind_is_handled("epoll set", ready_epoll_set(), VELO_READ, true);
    close(pipe_fds[0]);
}
