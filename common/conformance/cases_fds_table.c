/* SPDX-License-Identifier: MIT */
/*
 * F7 and F8: failing system calls, the library's own descriptors, and fairness among many.
 *
 * Idea: epoll_ctl and the allocator are made to fail for one call of the API. A contestant that
 * needs neither there simply succeeds, which is n/a.
 */
#include <sys/resource.h>

#include "../sim/faults.h"
#include "conf.h"
#include "probes.h"

/* ---- F7: failing system calls ---- */

/* F7, trap F2. Adding is refused by the kernel: the error comes back, the table does not know the
 * descriptor, the loop is not alive, and descriptors work as ever. */
CONF_CASE(failed_watch_leaves_the_table_as_it_was, "F7", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {.fd = pair.near};
    velo_id id = 77;
    for (int i = 0; i < 2; i++) { /* the second answer must not be -EEXIST */
        sim_fault(SIM_EPOLL_CTL, 0, 1, ENOMEM);
        int rc = velo_fd_watch(loop, pair.near, VELO_READ, fd_probe_fn, &probe, &id);
        uint64_t hit = sim_faults_hit(SIM_EPOLL_CTL);
        sim_faults_clear();
        if (rc == 0 && hit == 0)
            conf_na("does not add descriptors by epoll_ctl at the call");
        assert_int_equal(rc, -ENOMEM);
    }
    assert_int_equal(id, 77);
    assert_false(velo_loop_is_alive(loop));
    if (conf_has(VELO_CAP_METRICS))
        assert_int_equal(conf_metrics(loop).descriptors, 0);
    conf_turns(loop, 2);
    assert_int_equal(probe.calls, 0);
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* F7, trap F2. A modification is refused by the kernel: the old mask still works, for writing not.
 */
CONF_CASE(failed_modify_leaves_the_registration_as_it_was, "F7", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 0);
    sim_fault(SIM_EPOLL_CTL, 0, 1, ENOMEM);
    int rc = velo_fd_modify(loop, probe.id, VELO_WRITE);
    uint64_t hit = sim_faults_hit(SIM_EPOLL_CTL);
    sim_faults_clear();
    if (rc == 0 && hit == 0)
        conf_na("does not modify descriptors by epoll_ctl at the call");
    assert_int_equal(rc, -ENOMEM);
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 0);
    fd_pair_feed(&pair);
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.last, VELO_READ);
    assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* F7 F3, trap F2. Removing fails in the kernel: the registration is released all the same, and the
 * descriptor, still known to the kernel, is silent and can be watched again. */
CONF_CASE(failed_removal_in_the_kernel_still_releases_the_registration, "F7 F3", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {0};
    struct fd_probe next = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 1);
    sim_fault(SIM_EPOLL_CTL, 0, 1, ENOMEM);
    assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
    sim_faults_clear();
    assert_false(velo_loop_is_alive(loop));
    conf_turns(loop, 3);
    fd_probe_watch(&next, loop, pair.near, VELO_READ);
    conf_turns(loop, 2);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(next.calls, 2);
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* F7, trap Q19. 200 registrations while the allocator refuses: each is accepted or answers -ENOMEM,
 * and exactly the accepted ones are watched; with memory the others are accepted too. */
CONF_CASE(watch_without_memory_is_refused_and_changes_nothing, "F7 S1", VELO_CAP_FDS)
{
    enum { COUNT = 200 };
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pairs[COUNT];
    struct fd_probe probes[COUNT] = {{.calls = 0}};
    int results[COUNT];
    for (int i = 0; i < COUNT; i++)
        pairs[i] = fd_pair_readable();
    sim_fault(SIM_ALLOC, 0, UINT64_MAX / 2, ENOMEM);
    for (int i = 0; i < COUNT; i++) {
        probes[i].fd = pairs[i].near;
        results[i] = velo_fd_watch(loop, pairs[i].near, VELO_READ, fd_probe_fn, &probes[i], NULL);
    }
    sim_faults_clear();
    conf_turns(loop, 1);
    for (int i = 0; i < COUNT; i++) {
        assert_true(results[i] == 0 || results[i] == -ENOMEM);
        assert_int_equal(probes[i].calls, results[i] == 0);
        if (results[i] != 0)
            fd_probe_watch(&probes[i], loop, pairs[i].near, VELO_READ);
    }
    conf_turns(loop, 1);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(probes[i].calls, 1 + (results[i] == 0));
    conf_destroy(loop);
    for (int i = 0; i < COUNT; i++)
        fd_pair_close(&pairs[i]);
}

/* F7. Modifying a descriptor that the user has closed is an error and keeps the registration, which
 * can then be released. */
CONF_CASE(modify_of_a_closed_descriptor_fails_and_unwatch_still_works, "F7 F5", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    close(pair.near);
    assert_int_equal(velo_fd_modify(loop, probe.id, VELO_WRITE), -EBADF);
    assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
    assert_int_equal(probe.calls, 0);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
    close(pair.far);
}

/* ---- F7: the library's own descriptors ---- */

enum { NUMBERS = 256 };

static void note_open(bool open_now[NUMBERS])
{
    for (int fd = 0; fd < NUMBERS; fd++)
        open_now[fd] = fcntl(fd, F_GETFD) != -1;
}

/* F7. Every descriptor that a loop opens, also once it has run and watched, is closed on exec,
 * cannot be watched, and is gone after destroy. */
CONF_CASE(own_descriptors_are_cloexec_and_cannot_be_watched, "F7 L9", VELO_CAP_FDS)
{
    bool before[NUMBERS];
    bool now[NUMBERS];
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {0};
    note_open(before);
    struct velo_loop *loop = conf_create(NULL);
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    note_open(now);
    for (int fd = 0; fd < NUMBERS; fd++) {
        if (!now[fd] || before[fd])
            continue;
        int rc = velo_fd_watch(loop, fd, VELO_READ, fd_probe_fn, &probe, NULL);
        if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0 || rc != -EPERM)
            fail_msg("descriptor %d of the loop: watch answered %d", fd, rc);
    }
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 2);
    conf_destroy(loop);
    note_open(now);
    assert_memory_equal(before, now, sizeof(before));
    fd_pair_close(&pair);
}

/* F7, trap F10. 300 loops, each with a registration left alive at the end: no descriptor leaks. */
CONF_CASE(loops_with_living_registrations_leak_no_descriptor, "F7 L8", VELO_CAP_FDS)
{
    struct fd_pair pair = fd_pair_readable();
    unsigned rounds = conf_rounds(300);
    unsigned before = conf_open_fds();
    for (unsigned i = 0; i < rounds; i++) {
        struct fd_probe probe = {0};
        struct velo_loop *loop = conf_create(NULL);
        fd_probe_watch(&probe, loop, pair.near, VELO_READ);
        conf_turns(loop, i % 3);
        assert_int_equal(probe.calls, i % 3);
        conf_destroy(loop);
    }
    assert_int_equal(conf_open_fds(), before);
    fd_pair_close(&pair);
}

/* ---- F8: many ---- */

enum { MANY = 400 };

struct many {
    struct velo_loop *loop;
    struct fd_pair pairs[MANY];
    struct fd_probe probes[MANY];
    unsigned timers;
    unsigned tasks;
};

static void many_task_fn(void *arg)
{
    struct many *many = arg;
    many->tasks++;
    CONF_EXPECT_INT(velo_submit(many->loop, many_task_fn, many), 0);
}

static void many_timer_fn(void *arg)
{
    struct many *many = arg;
    many->timers++;
    CONF_EXPECT_INT(velo_timer_start(many->loop, 0, 0, many_timer_fn, many, NULL), 0);
}

static void many_init(struct many *many, bool drain)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 2 * MANY + 64 && limit.rlim_max >= 2 * MANY + 64) {
        limit.rlim_cur = 2 * MANY + 64;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    if (limit.rlim_cur < 2 * MANY + 64)
        conf_na("only %llu descriptors are allowed here", (unsigned long long)limit.rlim_cur);
    many->loop = conf_create(NULL);
    for (int i = 0; i < MANY; i++) {
        many->pairs[i] = fd_pair_readable();
        many->probes[i].drain = drain;
        fd_probe_watch(&many->probes[i], many->loop, many->pairs[i].near, VELO_READ);
    }
}

static void many_end(struct many *many)
{
    conf_destroy(many->loop);
    for (int i = 0; i < MANY; i++)
        fd_pair_close(&many->pairs[i]);
}

/* F8 F1, trap F11. 400 descriptors become ready at once, each with one byte: all are served, once,
 * within a few turns, however many one poll returns. */
CONF_CASE(more_ready_descriptors_than_a_poll_returns_are_all_served, "F8 F1", VELO_CAP_FDS)
{
    static struct many many;
    many_init(&many, true);
    conf_turns(many.loop, 5);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(many.probes[i].calls, 1);
    many_end(&many);
}

/* F8, trap F11. 400 descriptors stay ready for ever, a timer and a task renew themselves: in 20
 * turns the timer and the task run 20 times and every descriptor at least five times. */
CONF_CASE(unread_descriptors_starve_neither_timers_nor_tasks_nor_each_other,
          "F8 F1",
          VELO_CAP_FDS | VELO_CAP_TIMERS)
{
    static struct many many;
    many_init(&many, false);
    assert_int_equal(velo_timer_start(many.loop, 0, 0, many_timer_fn, &many, NULL), 0);
    assert_int_equal(velo_submit(many.loop, many_task_fn, &many), 0);
    conf_turns(many.loop, 20);
    assert_int_equal(many.timers, 20);
    assert_int_equal(many.tasks, 20);
    for (int i = 0; i < MANY; i++) {
        if (many.probes[i].calls < 5)
            fail_msg("descriptor %d of %d: %u calls", i, (int)MANY, many.probes[i].calls);
    }
    many_end(&many);
}

static void many_feed_fn(void *arg)
{
    const struct many *many = arg;
    for (int i = 0; i < MANY; i++)
        fd_pair_feed(&many->pairs[i]);
}

/* F8, trap F11. 400 descriptors get a byte in each turn, in the same order, before the poll: those
 * at the end, too, are served at least five times in 20 turns. */
CONF_CASE(descriptors_fed_in_one_order_do_not_starve_each_other, "F8", VELO_CAP_FDS)
{
    static struct many many;
    many_init(&many, true);
    for (int turn = 0; turn < 20; turn++) {
        assert_int_equal(velo_submit(many.loop, many_feed_fn, &many), 0);
        conf_turns(many.loop, 1);
    }
    for (int i = 0; i < MANY; i++) {
        if (many.probes[i].calls < 5)
            fail_msg("descriptor %d of %d: %u calls", i, (int)MANY, many.probes[i].calls);
    }
    many_end(&many);
}

struct late {
    struct velo_loop *loop;
    uint64_t armed_ns;
    uint64_t worst_ns;
    unsigned fired;
};

static void late_fn(void *arg)
{
    struct late *late = arg;
    uint64_t waited_ns = conf_now_ns() - late->armed_ns;
    if (waited_ns > late->worst_ns)
        late->worst_ns = waited_ns;
    late->fired++;
    late->armed_ns = conf_now_ns();
    if (late->fired < 10)
        CONF_EXPECT_INT(velo_timer_start(late->loop, CONF_NS_PER_MS, 0, late_fn, late, NULL), 0);
}

/* F8, traps F11 and Q13. One level-triggered descriptor is never read: timers of 1 ms keep time
 * beside it, by the real clock and a generous bound, and a descriptor that gets a byte now is
 * served. */
CONF_CASE(unread_descriptor_does_not_delay_timers_or_other_descriptors,
          "F8 T8",
          VELO_CAP_FDS | VELO_CAP_TIMERS)
{
    struct late late = {.loop = conf_create(NULL)};
    struct fd_pair pairs[2] = {fd_pair_readable(), fd_pair_open()};
    struct fd_probe loud = {0};
    struct fd_probe late_one = {.drain = true};
    fd_probe_watch(&loud, late.loop, pairs[0].near, VELO_READ);
    fd_probe_watch(&late_one, late.loop, pairs[1].near, VELO_READ);
    bool fed = false;
    unsigned turns = 0;
    late.armed_ns = conf_now_ns();
    assert_int_equal(velo_timer_start(late.loop, CONF_NS_PER_MS, 0, late_fn, &late, NULL), 0);
    while (late.fired < 10) {
        assert_int_equal(velo_loop_run(late.loop, VELO_RUN_ONCE), 0);
        turns++;
        if (late.fired >= 5 && !fed) {
            fed = true;
            fd_pair_feed(&pairs[1]);
        }
    }
    assert_true(late.worst_ns < CONF_NS_PER_S);
    assert_int_equal(late_one.calls, 1);
    assert_int_equal(loud.calls, turns);
    conf_destroy(late.loop);
    fd_pair_close(&pairs[0]);
    fd_pair_close(&pairs[1]);
}
