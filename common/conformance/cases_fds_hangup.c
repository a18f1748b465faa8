/* SPDX-License-Identifier: MIT */
/*
 * F5: hang-up and error, asked for or not, and no busy loop afterwards; closing before unwatching.
 *
 * Idea: let the loop wait for a timer of 20 ms by blocking turns, and count turns, polls and CPU
 * time meanwhile. A loop that is woken again and again by the same event needs thousands of them.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "conf.h"
#include "probes.h"

#define CAPS_CALM (VELO_CAP_FDS | VELO_CAP_TIMERS)

/* Run blocking turns for 20 ms of real time; fail if that took many of them. Returns their
 * processor time. */
static uint64_t wait_calmly(void *arg)
{
    struct velo_loop *loop = arg;
    unsigned over = 0;
    unsigned turns = 0;
    uint64_t polls = conf_metrics(loop).polls;
    uint64_t cpu_ns = conf_cpu_ns();
    assert_int_equal(velo_timer_start(loop, 20 * CONF_NS_PER_MS, 0, tally_fn, &over, NULL), 0);
    for (; over == 0; turns++)
        assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    polls = conf_metrics(loop).polls - polls;
    if (turns > 8 || polls > 16)
        fail_msg("%u turns, %llu polls in 20 ms", turns, (unsigned long long)polls);
    return conf_cpu_ns() - cpu_ns;
}

static void stays_calm(struct velo_loop *loop, const char *when)
{
    print_message("%s\n", when);
    assert_in_range(conf_least(15 * CONF_NS_PER_MS, wait_calmly, loop), 0, 15 * CONF_NS_PER_MS);
}

/* A probe on [fd] whose peer has gone: [bit] comes within two turns, once, unasked; then calm.
 * Modify arms anew: once more. */
static void unasked_bit_comes_once(int fd, unsigned events, unsigned bit, const char *what)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, fd, events);
    for (unsigned arming = 1; arming <= 3; arming++) {
        conf_turns(loop, 2);
        if (probe.calls != arming || (probe.last & bit) == 0)
            fail_msg("%s, arming %u: %u calls, events %x", what, arming, probe.calls, probe.last);
        stays_calm(loop, what);
        assert_int_equal(probe.calls, arming);
        assert_int_equal(velo_fd_modify(loop, probe.id, events), 0);
    }
    assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
    conf_turns(loop, 2);
    assert_int_equal(probe.calls, 3);
    conf_destroy(loop);
}

/* F5 F2, traps F5 and F6. An empty mask, and the peer of the socket is gone: one HANGUP an arming.
 */
CONF_CASE(hangup_of_a_socket_is_delivered_once_without_interest, "F5 F2", CAPS_CALM)
{
    struct fd_pair pair = fd_pair_open();
    close(pair.far);
    unasked_bit_comes_once(pair.near, 0, VELO_HANGUP, "socket, empty mask");
    close(pair.near);
}

/* F5. A pipe whose writer is gone and which is empty: HANGUP is all that there is to tell. */
CONF_CASE(hangup_of_a_pipe_is_delivered_once_without_interest, "F5 F2", CAPS_CALM)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[1]);
    unasked_bit_comes_once(fds[0], 0, VELO_HANGUP, "pipe, empty mask");
    close(fds[0]);
}

/* F5. The writing end of a pipe whose reader is gone: ERROR. */
CONF_CASE(error_of_a_pipe_is_delivered_once_without_interest, "F5 F2", CAPS_CALM)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    unasked_bit_comes_once(fds[1], 0, VELO_ERROR, "pipe for writing, empty mask");
    close(fds[1]);
}

/* F5. Interest in something that does not happen does not help the loop to spin: READ on the
 * writing end of a pipe. */
CONF_CASE(error_is_delivered_once_beside_an_interest_that_is_not_met, "F5", CAPS_CALM)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    unasked_bit_comes_once(fds[1], VELO_READ, VELO_ERROR, "pipe for writing, READ");
    close(fds[1]);
}

/* F5. The hang-up happens while the registration is waiting, not before. */
CONF_CASE(hangup_arrives_while_the_descriptor_is_watched, "F5", CAPS_CALM)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, 0);
    conf_turns(loop, 2);
    assert_int_equal(probe.calls, 0);
    close(pair.far);
    conf_turns(loop, 3);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.last, VELO_HANGUP);
    stays_calm(loop, "after the hang-up");
    assert_int_equal(probe.calls, 1);
    conf_destroy(loop);
    close(pair.near);
}

/* F5. What is asked for stays level-triggered: the end of the stream is READ in every turn, and the
 * first callback has HANGUP with it. */
CONF_CASE(end_of_stream_stays_readable_and_brings_the_hangup, "F5 F1", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    close(pair.far);
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.last, VELO_READ | VELO_HANGUP);
    conf_turns(loop, 4);
    assert_int_equal(probe.reads, 5);
    assert_int_equal(probe.calls, 5);
    conf_destroy(loop);
    close(pair.near);
}

/* F5. Asked for by name, HANGUP is level-triggered like the others. */
CONF_CASE(hangup_asked_for_is_level_triggered, "F5", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_HANGUP);
    conf_turns(loop, 2);
    assert_int_equal(probe.calls, 0);
    close(pair.far);
    conf_turns(loop, 4);
    assert_int_equal(probe.hangups, 4);
    conf_destroy(loop);
    close(pair.near);
}

/* F5. A half-closed peer: the end of the stream is readable, and writing goes on. */
CONF_CASE(half_closed_peer_is_readable_and_still_writable, "F5", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    char byte;
    fd_probe_watch(&probe, loop, pair.near, VELO_READ | VELO_WRITE);
    assert_int_equal(shutdown(pair.far, SHUT_WR), 0);
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.last & (VELO_READ | VELO_WRITE), VELO_READ | VELO_WRITE);
    assert_int_equal(read(pair.near, &byte, 1), 0);
    assert_int_equal(write(pair.near, "y", 1), 1);
    assert_int_equal(read(pair.far, &byte, 1), 1);
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* Two ends of a TCP connection over the loopback; [far] resets when it is closed. */
static struct fd_pair tcp_pair(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct linger reset = {1, 0};
    struct fd_pair pair;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0)
        conf_na("no loopback interface in this sandbox");
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    pair.near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(pair.near, (struct sockaddr *)&address, size), 0);
    pair.far = accept(listener, NULL, NULL);
    assert_true(pair.far >= 0);
    assert_int_equal(setsockopt(pair.far, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(listener);
    return pair;
}

/* F5, trap F5. A reset TCP connection brings ERROR and HANGUP, once, to an empty mask. */
CONF_CASE(reset_connection_brings_error_and_hangup_once, "F5", CAPS_CALM)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = tcp_pair();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, 0);
    close(pair.far);
    while (probe.calls == 0)
        assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    stays_calm(loop, "after the reset");
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.last, VELO_ERROR | VELO_HANGUP);
    conf_destroy(loop);
    close(pair.near);
}

/* F5. Edge registrations get the hang-up as well, once. */
CONF_CASE(edge_registration_gets_the_hangup_once, "F5", CAPS_CALM | VELO_CAP_FD_EDGE)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ | VELO_EDGE);
    conf_turns(loop, 1);
    close(pair.far);
    conf_turns(loop, 3);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.last, VELO_READ | VELO_HANGUP);
    stays_calm(loop, "edge, after the hang-up");
    assert_int_equal(probe.calls, 1);
    conf_destroy(loop);
    close(pair.near);
}

/* A FIFO with one writer, which has gone again: hung up, and not readable. */
static int hung_up_fifo(char *directory, char *path, size_t size)
{
    assert_non_null(mkdtemp(directory));
    snprintf(path, size, "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0 && writer >= 0);
    close(writer);
    return reader;
}

/* F5 F1. A FIFO is hung up, and told so, once. Then a new writer comes: what is asked for is level-
 * triggered as if nothing had been, though the loop had to find a way not to spin. */
CONF_CASE(hung_up_fifo_with_a_new_writer_is_level_triggered_again, "F5 F1", CAPS_CALM)
{
    char directory[] = "/tmp/velo-conformance-XXXXXX";
    char path[64];
    int reader = hung_up_fifo(directory, path, sizeof(path));
    struct velo_loop *loop = conf_create(NULL);
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, reader, VELO_READ);
    conf_turns(loop, 2);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.last, VELO_HANGUP);
    stays_calm(loop, "FIFO without a writer");
    int writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    for (unsigned round = 1; round <= 2; round++) {
        unsigned before = probe.reads;
        assert_int_equal(write(writer, "x", 1), 1);
        conf_turns(loop, 4);
        assert_int_equal(probe.reads - before, 4);
        fd_drain(reader);
        conf_turns(loop, 2);
        assert_int_equal(probe.reads - before, 4);
    }
    conf_destroy(loop);
    close(writer);
    close(reader);
    unlink(path);
    rmdir(directory);
}

/* ---- closed first ---- */

/* F5 F7. The user closes the descriptor and then unwatches: 0, no callback, calm; the number can be
 * used again for another descriptor. */
CONF_CASE(descriptor_closed_before_it_is_unwatched_is_released, "F5 F7 F4", CAPS_CALM)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe old = {0};
    struct fd_probe next = {0};
    fd_probe_watch(&old, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    close(pair.near);
    assert_int_equal(velo_fd_unwatch(loop, old.id), 0);
    assert_int_equal(velo_fd_unwatch(loop, old.id), -ENOENT);
    assert_false(velo_loop_is_alive(loop));
    stays_calm(loop, "closed and unwatched");
    struct fd_pair other = fd_pair_open();
    int number = pair.near;
    if (other.near != number) {
        assert_int_equal(dup2(other.near, number), number);
        close(other.near);
        other.near = number;
    }
    fd_probe_watch(&next, loop, number, VELO_READ);
    conf_turns(loop, 2);
    assert_int_equal(next.calls, 0);
    fd_pair_feed(&other);
    conf_turns(loop, 1);
    assert_int_equal(next.calls, 1);
    assert_int_equal(old.calls, 0);
    conf_destroy(loop);
    fd_pair_close(&other);
    close(pair.far);
}

/* F5 F7. The same while a duplicate keeps the description alive, which the kernel then goes on to
 * report: after the unwatch there is no callback, and no CPU is burnt, although data is there. */
CONF_CASE(closed_descriptor_with_a_living_duplicate_is_silent_after_unwatch, "F5 F7", CAPS_CALM)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    int duplicate = dup(pair.near);
    assert_true(duplicate >= 0);
    close(pair.near);
    assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
    fd_pair_feed(&pair);
    stays_calm(loop, "duplicate alive");
    assert_int_equal(probe.calls, 0);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
    close(duplicate);
    close(pair.far);
}

/* F5 F7 F4. As before, and then the number is used again: the new registration gets its own events,
 * not those of the duplicate. */
CONF_CASE(number_of_a_closed_descriptor_with_a_duplicate_can_be_watched_again,
          "F5 F7 F4",
          CAPS_CALM)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_pair other = fd_pair_open();
    struct fd_probe old = {0};
    struct fd_probe next = {0};
    fd_probe_watch(&old, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    int duplicate = dup(pair.near);
    assert_int_equal(dup2(other.near, pair.near), pair.near); /* closes and reuses the number */
    assert_int_equal(velo_fd_unwatch(loop, old.id), 0);
    fd_probe_watch(&next, loop, pair.near, VELO_READ);
    fd_pair_feed(&pair);
    stays_calm(loop, "number used again");
    assert_int_equal(next.calls, 0);
    fd_pair_feed(&other);
    conf_turns(loop, 1);
    assert_int_equal(next.calls, 1);
    assert_int_equal(old.calls, 0);
    conf_destroy(loop);
    close(duplicate);
    fd_pair_close(&pair);
    fd_pair_close(&other);
}

/* A4 F5. The loop is embedded in an epoll set of ours by its backend_fd. It meets a duplicate as
 * above, which it must not report; afterwards the set still hears of its events. */
CONF_CASE(embedded_loop_survives_a_closed_descriptor_with_a_duplicate,
          "A4 F5",
          VELO_CAP_FDS | VELO_CAP_BACKEND_FD)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_pair other = fd_pair_open();
    struct fd_probe old = {0};
    struct fd_probe next = {.drain = true};
    struct epoll_event event = {.events = EPOLLIN};
    int outer = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(epoll_ctl(outer, EPOLL_CTL_ADD, velo_loop_backend_fd(loop), &event), 0);
    fd_probe_watch(&old, loop, pair.near, VELO_READ);
    fd_probe_watch(&next, loop, other.near, VELO_READ);
    int duplicate = dup(pair.near);
    close(pair.near);
    assert_int_equal(velo_fd_unwatch(loop, old.id), 0);
    fd_pair_feed(&pair);
    conf_turns(loop, 3);
    for (unsigned round = 1; round <= 3; round++) {
        fd_pair_feed(&other);
        assert_int_equal(epoll_wait(outer, &event, 1, 1000), 1);
        conf_turns(loop, 2);
        assert_int_equal(next.calls, round);
    }
    assert_int_equal(old.calls, 0);
    conf_destroy(loop);
    close(outer);
    close(duplicate);
    close(pair.far);
    fd_pair_close(&other);
}
