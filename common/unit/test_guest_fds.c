/* SPDX-License-Identifier: MIT */
/*
 * What guests share, over a library that counts: which changes of registrations it is told and how
 * often, what it refuses, what it reports and what of that is true, what it cannot watch, and which
 * descriptors are its own.
 */
#include "common/unit/guest_fake.h"
#include "common/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct probe {
    unsigned calls;
    unsigned events; /* of the last call */
};

static void on_fd(int fd, unsigned events, void *arg)
{
    struct probe *probe = arg;
    (void)fd;
    probe->calls++;
    probe->events = events;
}

struct desk {
    struct velo_loop *loop;
    int near, far; /* of a pipe: the end to read, the end to write */
    struct probe probe;
    velo_id id;
};

static void desk_open(struct desk *desk)
{
    int ends[2];
    fake_reset();
    *desk = (struct desk){.near = -1};
    assert_int_equal(velo_loop_create(&desk->loop, NULL), 0);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    desk->near = ends[0];
    desk->far = ends[1];
    fake.starts = fake.turns = 0; /* those of the library's own watchers are over */
}

static void desk_close(struct desk *desk)
{
    assert_int_equal(velo_loop_destroy(desk->loop), 0);
    assert_int_equal(fake.closed, 1);
    close(desk->near);
    close(desk->far);
}

static void watch(struct desk *desk, unsigned events)
{
    assert_int_equal(velo_fd_watch(desk->loop, desk->near, events, on_fd, &desk->probe, &desk->id),
                     0);
}

static void unwatch(struct desk *desk)
{
    assert_int_equal(velo_fd_unwatch(desk->loop, desk->id), 0);
}

static void turn(struct desk *desk)
{
    assert_int_equal(velo_loop_run(desk->loop, VELO_RUN_NOWAIT), 0);
}

static void put_byte(struct desk *desk)
{
    assert_int_equal(write(desk->far, "x", 1), 1);
}

/* ---- what the library is told ---- */

static void the_library_is_told_the_last_of_many_wishes(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    watch(&desk, VELO_READ);
    assert_int_equal(velo_fd_modify(desk.loop, desk.id, VELO_WRITE), 0);
    assert_int_equal(velo_fd_modify(desk.loop, desk.id, VELO_READ), 0);
    assert_int_equal(fake.starts, 0);
    turn(&desk);
    assert_int_equal(fake.starts, 1);
    put_byte(&desk);
    turn(&desk);
    assert_int_equal(desk.probe.calls, 1);
    assert_int_equal(desk.probe.events, VELO_READ);
    turn(&desk); /* nothing has changed: it is not told again */
    assert_int_equal(fake.starts, 1);
    desk_close(&desk);
}

static void a_wish_that_is_taken_back_in_time_never_reaches_the_library(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    put_byte(&desk);
    watch(&desk, VELO_READ);
    unwatch(&desk);
    turn(&desk);
    assert_int_equal(fake.starts, 0);
    assert_int_equal(fake.released, 1);
    assert_int_equal(desk.probe.calls, 0);
    desk_close(&desk);
}

/* F7: what was accepted is asked for again until the library can. */
static void what_is_refused_for_want_of_memory_is_asked_again(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    fake.refuse = 2;
    fake.refusal = -ENOMEM;
    put_byte(&desk);
    watch(&desk, VELO_READ);
    turn(&desk);
    turn(&desk);
    assert_int_equal(desk.probe.calls, 0);
    turn(&desk);
    assert_int_equal(fake.starts, 3);
    assert_int_equal(desk.probe.calls, 1);
    turn(&desk);
    assert_int_equal(fake.starts, 3);
    desk_close(&desk);
}

static void a_loop_that_was_refused_something_sleeps_a_millisecond_at_most(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    fake.refuse = 3;
    fake.refusal = -ENOMEM;
    put_byte(&desk);
    watch(&desk, VELO_READ);
    while (desk.probe.calls == 0) {
        assert_int_equal(velo_loop_run(desk.loop, VELO_RUN_ONCE), 0);
        assert_true(fake.refuse == 0 || (fake.waited_ns > 0 && fake.waited_ns <= 1000000));
    }
    assert_int_equal(fake.starts, 4);
    desk_close(&desk);
}

static void what_is_refused_for_good_is_not_asked_again(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    fake.refuse = 1;
    fake.refusal = -EPERM;
    watch(&desk, VELO_READ);
    for (unsigned i = 0; i < 3; i++)
        turn(&desk);
    assert_int_equal(fake.starts, 1);
    unwatch(&desk);
    desk_close(&desk);
}

static void what_the_library_has_given_up_is_told_to_it_again(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    watch(&desk, VELO_READ);
    turn(&desk);
    fake.give_up = desk.near;
    put_byte(&desk);
    turn(&desk);
    assert_int_equal(desk.probe.calls, 1);
    turn(&desk);
    turn(&desk);
    assert_true(desk.probe.calls >= 2); /* the byte is still there */
    assert_int_equal(fake.starts, 2);
    desk_close(&desk);
}

/* ---- what was closed before it was unwatched ---- */

static void only_a_stray_makes_the_set_anew(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    watch(&desk, VELO_READ);
    turn(&desk);
    unwatch(&desk);
    turn(&desk);
    assert_int_equal(fake.taken_out, 1);
    assert_int_equal(fake.renewed, 0);
    watch(&desk, VELO_READ);
    turn(&desk);
    const int duplicate = dup(desk.near);
    close(desk.near);
    unwatch(&desk);
    turn(&desk);
    assert_int_equal(fake.renewed, 1);
    turn(&desk);
    assert_int_equal(fake.renewed, 1);
    desk.near = duplicate;
    desk_close(&desk);
}

/* F4: the number names another file when the owner comes to carry out the wish. */
static void a_number_that_was_reused_in_between_is_not_watched(void **state)
{
    struct desk desk;
    int other[2];
    (void)state;
    desk_open(&desk);
    assert_int_equal(pipe2(other, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(write(other[1], "x", 1), 1);
    watch(&desk, VELO_READ);
    assert_int_equal(dup3(other[0], desk.near, O_CLOEXEC), desk.near);
    turn(&desk);
    turn(&desk);
    assert_int_equal(fake.starts, 0);
    assert_int_equal(desk.probe.calls, 0);
    unwatch(&desk);
    desk_close(&desk);
    close(other[0]);
    close(other[1]);
}

/* ---- L9: the bell is not replaced while it is rung ---- */

static _Atomic bool unwatched;

static void unwatch_fn(void *arg)
{
    unwatch(arg);
    unwatched = true;
}

static void *submit_main(void *arg)
{
    struct desk *desk = arg;
    assert_int_equal(velo_submit(desk->loop, unwatch_fn, desk), 0);
    return NULL;
}

static void *run_main(void *arg)
{
    assert_int_equal(velo_loop_run(arg, VELO_RUN_FOREVER), 0);
    return NULL;
}

static void tick_fn(void *arg)
{
    (void)arg;
}

static void the_set_is_not_made_anew_while_a_bell_is_rung(void **state)
{
    const struct timespec moment = {0, 20000000};
    struct desk desk;
    pthread_t owner, ringer;
    (void)state;
    desk_open(&desk);
    unwatched = false;
    watch(&desk, VELO_READ);
    /* what ends the sleep, as the bell does not come */
    assert_int_equal(velo_timer_start(desk.loop, 1000000, 1000000, tick_fn, NULL, NULL), 0);
    turn(&desk);
    const int duplicate = dup(desk.near);
    close(desk.near);
    fake_shut(&fake.at_wait);
    assert_int_equal(pthread_create(&owner, NULL, run_main, desk.loop), 0);
    fake_await(&fake.at_wait);
    fake_shut(&fake.at_ring);
    assert_int_equal(pthread_create(&ringer, NULL, submit_main, &desk), 0);
    fake_await(&fake.at_ring);
    fake_open(&fake.at_wait);
    while (!unwatched)
        sched_yield();
    nanosleep(&moment, NULL); /* time to do it all the same */
    assert_int_equal(fake_count(&fake.renewed), 0);
    fake_open(&fake.at_ring);
    pthread_join(ringer, NULL);
    while (fake_count(&fake.renewed) == 0)
        sched_yield();
    assert_int_equal(fake.renewed_in_ring, 0);
    assert_int_equal(velo_loop_shutdown(desk.loop, -1), 0);
    pthread_join(owner, NULL);
    desk.near = duplicate;
    desk_close(&desk);
}

/* ---- what is reported, and what is true ---- */

/* F5: most libraries say readable; the kernel says hang-up. */
static void a_hang_up_that_was_reported_as_readable_has_its_bit(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    watch(&desk, VELO_READ);
    turn(&desk);
    close(desk.far);
    desk.far = -1;
    turn(&desk);
    assert_int_equal(desk.probe.calls, 1);
    assert_true((desk.probe.events & VELO_HANGUP) != 0);
    for (unsigned i = 0; i < 3; i++)
        turn(&desk); /* and it is told once */
    assert_int_equal(desk.probe.calls, 1);
    desk_close(&desk);
}

static void a_report_that_is_not_true_is_not_told(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    watch(&desk, VELO_READ);
    turn(&desk);
    fake.lies_about = desk.near;
    turn(&desk);
    assert_int_equal(desk.probe.calls, 0);
    put_byte(&desk);
    turn(&desk);
    assert_int_equal(desk.probe.calls, 1);
    desk_close(&desk);
}

static uint64_t polls_of(struct desk *desk)
{
    struct velo_metrics metrics = {.size = sizeof(metrics)};
    assert_int_equal(velo_metrics_read(desk->loop, &metrics), 0);
    return metrics.polls;
}

/* All that is ready is called in one turn (R4), and costs one question of poll(2) per batch; where
 * the library's bits are exact, none. */
static void all_that_is_ready_is_called_for_one_question_a_batch(void **state)
{
    enum { MANY = 600 };
    static struct probe probes[MANY];
    int fds[MANY];
    (void)state;
    for (unsigned exact = 0; exact < 2; exact++) {
        struct desk desk;
        desk_open(&desk);
        put_byte(&desk);
        fake.exact = exact != 0;
        for (unsigned i = 0; i < MANY; i++) {
            probes[i] = (struct probe){0};
            fds[i] = dup(desk.near);
            assert_true(fds[i] >= 0);
            assert_int_equal(velo_fd_watch(desk.loop, fds[i], VELO_READ, on_fd, &probes[i], NULL),
                             0);
        }
        const uint64_t before = polls_of(&desk);
        turn(&desk);
        for (unsigned i = 0; i < MANY; i++)
            assert_int_equal(probes[i].calls, 1);
        const unsigned batches = (MANY + FD_BATCH - 1) / FD_BATCH;
        assert_int_equal(polls_of(&desk) - before, 1 + (exact ? 0 : batches));
        for (unsigned i = 0; i < MANY; i++)
            close(fds[i]);
        desk_close(&desk);
    }
}

/* ---- what the library cannot watch ---- */

static void hang_up_alone_stands_in_the_set_aside(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    watch(&desk, VELO_HANGUP);
    put_byte(&desk);
    turn(&desk);
    turn(&desk);
    assert_int_equal(fake.starts, 1); /* of the set */
    assert_int_equal(desk.probe.calls, 0);
    close(desk.far);
    desk.far = -1;
    turn(&desk);
    assert_int_equal(desk.probe.calls, 1);
    assert_true((desk.probe.events & VELO_HANGUP) != 0);
    unwatch(&desk);
    turn(&desk);
    assert_int_equal(desk.probe.calls, 1);
    desk_close(&desk);
}

static void what_comes_back_from_the_set_aside_is_started_again(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    watch(&desk, VELO_READ);
    turn(&desk);
    assert_int_equal(velo_fd_modify(desk.loop, desk.id, VELO_HANGUP), 0);
    turn(&desk);
    assert_int_equal(fake.stops, 1);
    put_byte(&desk);
    turn(&desk);
    assert_int_equal(desk.probe.calls, 0);
    assert_int_equal(velo_fd_modify(desk.loop, desk.id, VELO_READ), 0);
    turn(&desk);
    turn(&desk);
    assert_true(desk.probe.calls > 0);
    desk_close(&desk);
}

/* A stray that has hung up reports from the set aside until that is made anew; when the library
 * refuses the new one, the old one stays, and it is tried again. */
static void the_set_aside_is_made_anew_as_a_whole_or_not_at_all(void **state)
{
    struct desk desk;
    struct probe other = {0};
    int ends[2];
    (void)state;
    desk_open(&desk);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(velo_fd_watch(desk.loop, ends[0], VELO_HANGUP, on_fd, &other, NULL), 0);
    watch(&desk, VELO_HANGUP);
    turn(&desk);
    assert_int_equal(fake.starts, 1);
    const int duplicate = dup(desk.near);
    close(desk.near);
    unwatch(&desk);
    close(desk.far);
    desk.far = -1;
    fake.refuse = 1;
    fake.refusal = -ENOMEM;
    turn(&desk);
    assert_int_equal(fake.starts, 2);
    assert_int_equal(fake.released, 2); /* of the stray, and of the set that was refused */
    for (unsigned i = 0; i < 3; i++)
        turn(&desk);
    assert_int_equal(fake.starts, 3); /* and then the stray is gone */
    assert_int_equal(fake.released, 3);
    close(ends[1]);
    turn(&desk);
    assert_int_equal(other.calls, 1);
    desk.near = duplicate;
    desk_close(&desk);
    close(ends[0]);
}

static void edges_are_refused_where_the_library_has_none(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk);
    assert_int_equal(
        velo_fd_watch(desk.loop, desk.near, VELO_READ | VELO_EDGE, on_fd, &desk.probe, NULL),
        -ENOTSUP);
    watch(&desk, VELO_READ);
    assert_int_equal(velo_fd_modify(desk.loop, desk.id, VELO_READ | VELO_EDGE), -ENOTSUP);
    put_byte(&desk);
    turn(&desk);
    turn(&desk);
    assert_true(desk.probe.calls > 0); /* the old arming stands */
    desk_close(&desk);
}

/* ---- whose descriptors ---- */

/* F7: what the guest has opened cannot be watched, nor what stands in the library's set of which it
 * tells nobody. */
static void what_the_library_has_opened_cannot_be_watched(void **state)
{
    struct desk desk;
    struct epoll_event event = {.events = EPOLLIN};
    (void)state;
    desk_open(&desk);
    const struct guest *guest = guest_of(desk.loop);
    const int set = epoll_create1(EPOLL_CLOEXEC);
    const int hidden = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int mine = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, guest->alarm_fd, &event), 0);
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, hidden, &event), 0);
    const int own[] = {guest->bell_fd, guest->alarm_fd, set, hidden};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(velo_fd_watch(desk.loop, own[i], VELO_READ, on_fd, &desk.probe, NULL),
                         -EPERM);
    assert_int_equal(velo_fd_watch(desk.loop, mine, VELO_READ, on_fd, &desk.probe, NULL), 0);
    desk_close(&desk);
    close(set);
    close(hidden);
    close(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_is_told_the_last_of_many_wishes),
        cmocka_unit_test(a_wish_that_is_taken_back_in_time_never_reaches_the_library),
        cmocka_unit_test(what_is_refused_for_want_of_memory_is_asked_again),
        cmocka_unit_test(a_loop_that_was_refused_something_sleeps_a_millisecond_at_most),
        cmocka_unit_test(what_is_refused_for_good_is_not_asked_again),
        cmocka_unit_test(what_the_library_has_given_up_is_told_to_it_again),
        cmocka_unit_test(only_a_stray_makes_the_set_anew),
        cmocka_unit_test(a_number_that_was_reused_in_between_is_not_watched),
        cmocka_unit_test(the_set_is_not_made_anew_while_a_bell_is_rung),
        cmocka_unit_test(a_hang_up_that_was_reported_as_readable_has_its_bit),
        cmocka_unit_test(a_report_that_is_not_true_is_not_told),
        cmocka_unit_test(all_that_is_ready_is_called_for_one_question_a_batch),
        cmocka_unit_test(hang_up_alone_stands_in_the_set_aside),
        cmocka_unit_test(what_comes_back_from_the_set_aside_is_started_again),
        cmocka_unit_test(the_set_aside_is_made_anew_as_a_whole_or_not_at_all),
        cmocka_unit_test(edges_are_refused_where_the_library_has_none),
        cmocka_unit_test(what_the_library_has_opened_cannot_be_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
