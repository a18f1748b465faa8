/* SPDX-License-Identifier: MIT */
/*
 * Fault sweeps over descriptors: see sweep.h. Whatever failed, a registration that was accepted
 * goes on being reported, and one that was refused is not there. And two refusals that another
 * thread would notice, held by a hook in the middle of the call.
 */
#include <poll.h>
#include <sched.h>
#include <string.h>

#include "probes.h"
#include "sweep.h"

enum { PAIRS = 5, WATCHED = 70 };

/* What is watched: the near ends of some pairs, and many duplicates of the first one. */
struct desk {
    struct fd_pair pairs[PAIRS];
    int fds[WATCHED];
    velo_id ids[WATCHED]; /* 0 = not watched */
    unsigned calls[WATCHED];
};

struct seat {
    struct desk *desk;
    unsigned index;
};

static struct desk desk; /* of the one sweep of this process */
static struct seat seats[WATCHED];

static void on_ready(int fd, unsigned events, void *arg)
{
    struct seat *seat = arg;
    CONF_EXPECT_INT(fd, seat->desk->fds[seat->index]);
    CONF_EXPECT((events & VELO_READ) != 0);
    seat->desk->calls[seat->index]++;
}

static void open_desk(void)
{
    for (unsigned i = 0; i < PAIRS; i++)
        desk.pairs[i] = fd_pair_readable();
    for (unsigned i = 0; i < WATCHED; i++) {
        desk.fds[i] = i < PAIRS ? desk.pairs[i].near : dup(desk.pairs[0].near);
        desk.ids[i] = 0;
        seats[i] = (struct seat){&desk, i};
    }
}

static void close_desk(void)
{
    for (unsigned i = PAIRS; i < WATCHED; i++)
        close(desk.fds[i]);
    for (unsigned i = 0; i < PAIRS; i++)
        fd_pair_close(&desk.pairs[i]);
}

static void watch(struct sweep *run, unsigned i)
{
    velo_id id = 0;
    int rc = SWEEP_CALL(run,
                        velo_fd_watch(run->loop, desk.fds[i], VELO_READ, on_ready, &seats[i], &id),
                        -EBADF,
                        -ENOSPC,
                        -ENOMEM);
    CONF_EXPECT((rc == 0) == (id != 0));
    desk.ids[i] = id;
}

/* All that are watched are readable: each is reported by the next turns, the others are not. */
static void all_are_reported(struct sweep *run)
{
    memset(desk.calls, 0, sizeof desk.calls);
    sweep_turns(run, 4);
    if (run->lasting && run->call == SIM_POLL_LOOK && sim_faults_hit(run->call) > 0)
        return; /* no poll tells anything */
    if (run->lasting && run->call == SIM_EPOLL_CTL && sweep_is_hit(run) && conf_refused_later())
        return; /* accepted, then refused to the library, which is asked again */
    for (unsigned i = 0; i < WATCHED && !sweep_has_ended(run); i++)
        conf_record((desk.calls[i] > 0) == (desk.ids[i] != 0),
                    __FILE__,
                    __LINE__,
                    "registration %u, which was %s, was called %u times",
                    i,
                    desk.ids[i] != 0 ? "accepted" : "refused or ended",
                    desk.calls[i]);
}

static void modify(struct sweep *run, unsigned i)
{
    if (desk.ids[i] == 0 || sweep_has_ended(run))
        return;
    /* -ENOSPC is for adding; the sweep does not tell the operations apart */
    SWEEP_CALL(run, velo_fd_modify(run->loop, desk.ids[i], VELO_READ), -EBADF, -ENOMEM, -ENOSPC);
}

static void unwatch(struct sweep *run, unsigned i)
{
    if (desk.ids[i] != 0)
        CONF_EXPECT_INT(velo_fd_unwatch(run->loop, desk.ids[i]),
                        sweep_has_ended(run) ? -ENOENT : 0);
    desk.ids[i] = 0;
}

/* Closed while watched, and a duplicate lives: the stray reports until epoll is made anew. */
static void leave_a_stray(struct sweep *run, unsigned i)
{
    close(desk.fds[i]);
    unwatch(run, i);
    desk.fds[i] = dup(desk.pairs[0].near);
}

static void some_life(struct sweep *run)
{
    for (unsigned i = 0; i < WATCHED; i++)
        watch(run, i);
    all_are_reported(run);
    for (unsigned i = 0; i < WATCHED; i += 5)
        modify(run, i);
    all_are_reported(run);
    for (unsigned i = PAIRS; i < WATCHED; i += 2)
        unwatch(run, i);
    leave_a_stray(run, WATCHED - 1);
    leave_a_stray(run, WATCHED - 2);
    all_are_reported(run);
    for (unsigned i = PAIRS; i < WATCHED; i += 4)
        watch(run, i);
    all_are_reported(run);
}

static void descriptors(struct sweep *run)
{
    open_desk();
    some_life(run);
    if (run->lasting) { /* what has survived is still there once the fault is over */
        sim_faults_clear();
        run->lasting = false;
        all_are_reported(run);
    }
    for (unsigned i = 0; i < WATCHED; i += 3)
        unwatch(run, i);
    close_desk(); /* before the loop ends: closing first is survived */
}

static bool is_readable(int fd)
{
    struct pollfd one = {fd, POLLIN, 0};
    sim_exempt(true);
    int ready = poll(&one, 1, 0);
    sim_exempt(false);
    return ready == 1;
}

/* Embedded: readable while there is something to do, also across a new epoll instance. */
static void embedded(struct sweep *run)
{
    open_desk();
    int fd = SWEEP_CALL(run, velo_loop_backend_fd(run->loop), -EMFILE, -ENFILE, -ENOSPC, -ENOMEM);
    sweep_turns(run, 1);
    int rc = sweep_add(run, KIND_TASK, NULL);
    if (fd >= 0 && rc == 0)
        CONF_EXPECT(is_readable(fd) || sweep_is_hit(run));
    sweep_turns(run, 2);
    watch(run, 1);
    watch(run, WATCHED - 1);
    leave_a_stray(run, WATCHED - 1);
    sweep_turns(run, 3);
    if (run->lasting)
        sim_faults_clear();
    if (fd >= 0 && desk.ids[1] != 0 && !sweep_has_ended(run))
        CONF_EXPECT(is_readable(fd));
    close_desk();
}

/* ---- hang-up alone, which a guest may have to watch by itself ---- */

enum { WARDS = 4 };

struct ward {
    struct fd_pair pair;
    velo_id id; /* 0 = not watched */
    unsigned calls;
};

static void on_hangup(int fd, unsigned events, void *arg)
{
    struct ward *ward = arg;
    CONF_EXPECT_INT(fd, ward->pair.near);
    CONF_EXPECT((events & VELO_HANGUP) != 0);
    ward->calls++;
}

static struct ward wards[WARDS]; /* of the one sweep of this process */

static void watch_wards(struct sweep *run)
{
    for (unsigned i = 0; i < WARDS; i++) {
        wards[i] = (struct ward){.pair = fd_pair_open()};
        SWEEP_CALL(
            run,
            velo_fd_watch(
                run->loop, wards[i].pair.near, VELO_HANGUP, on_hangup, &wards[i], &wards[i].id),
            -EBADF,
            -ENOSPC,
            -ENOMEM);
    }
}

/* Closed while watched, and it reports hang-up for as long as its duplicate lives: what watches it
 * is made anew. Returns the duplicate. */
static int leave_a_hung_up_stray(struct sweep *run, struct ward *ward)
{
    int duplicate = dup(ward->pair.near);
    close(ward->pair.near);
    if (ward->id != 0)
        CONF_EXPECT_INT(velo_fd_unwatch(run->loop, ward->id), sweep_has_ended(run) ? -ENOENT : 0);
    close(ward->pair.far);
    return duplicate;
}

static void hangups(struct sweep *run)
{
    watch_wards(run);
    sweep_turns(run, 2);
    int duplicate = leave_a_hung_up_stray(run, &wards[0]);
    sweep_turns(run, 4);
    if (run->lasting) {
        sim_faults_clear();
        run->lasting = false;
    }
    for (unsigned i = 1; i < WARDS; i++)
        close(wards[i].pair.far);
    sweep_turns(run, 4);
    for (unsigned i = 1; i < WARDS; i++) {
        if (!sweep_has_ended(run))
            CONF_EXPECT((wards[i].calls > 0) == (wards[i].id != 0));
        close(wards[i].pair.near);
    }
    close(duplicate);
}

/* ---- cases ---- */

/* F7: whatever fails, the table is what it was; nothing that was accepted is lost. */
CONF_CASE_FULL(faults_in_descriptors, "X1 F7 F4 L10", VELO_CAP_FDS, NULL, NULL, 120000)
{
    sweep_all("descriptors", NULL, descriptors);
}

/* F5: nobody becomes deaf to a hang-up because what watched it was made anew. */
CONF_CASE(faults_in_hang_ups, "X1 F5", VELO_CAP_FDS)
{
    sweep_all("hang-ups", NULL, hangups);
}

/* A4: embedding survives what fails, or says so. */
CONF_CASE(faults_in_embedding, "X1 A4", VELO_CAP_FDS | VELO_CAP_BACKEND_FD)
{
    sweep_all("embedded", NULL, embedded);
}

struct refusal {
    struct fd_probe probe;
    struct fd_pair pair;
    struct conf_count inside;
    uint64_t looks;
};

/* In the middle of the modify that will be refused: let the owner harvest. */
static void hold_until_harvested(void *arg)
{
    struct refusal *refusal = arg;
    struct conf_random random = conf_random(1);
    conf_count_add(&refusal->inside, 1);
    uint64_t deadline = conf_now_ns() + CONF_PATIENCE_NS;
    while (sim_calls(SIM_POLL_LOOK) == refusal->looks && conf_now_ns() < deadline)
        sched_yield();
    conf_jitter(&random, 50000); /* the call was counted before it was made */
}

static void modify_in_vain(void *arg, unsigned index)
{
    struct refusal *refusal = arg;
    (void)index;
    CONF_EXPECT_INT(velo_fd_modify(refusal->probe.loop, refusal->probe.id, VELO_WRITE | VELO_EDGE),
                    -ENOMEM);
}

/* F7: a modify is refused while the owner holds an event of the arming that was to end. The edge is
 * not lost, and it is told by the mask that stands. */
CONF_CASE(a_refused_modify_loses_no_event, "F7 F1", VELO_CAP_FDS | VELO_CAP_FD_EDGE)
{
    if (conf_refused_later())
        conf_na("the kernel refuses after the call");
    struct velo_loop *loop = conf_create(NULL);
    struct refusal refusal = {.pair = fd_pair_open(), .probe = {.drain = true}};
    conf_count_init(&refusal.inside);
    fd_probe_watch(&refusal.probe, loop, refusal.pair.near, VELO_READ | VELO_EDGE);
    conf_turns(loop, 1);
    sim_fault(SIM_EPOLL_CTL, 0, 1, ENOMEM);
    int rc = velo_fd_modify(loop, refusal.probe.id, VELO_READ | VELO_EDGE);
    if (sim_faults_hit(SIM_EPOLL_CTL) == 0)
        conf_na("does not modify descriptors by epoll_ctl at the call");
    assert_int_equal(rc, -ENOMEM);
    for (unsigned round = 1; round <= conf_rounds(200); round++) {
        struct conf_team team;
        refusal.looks = sim_calls(SIM_POLL_LOOK);
        sim_fault(SIM_EPOLL_CTL, 0, 1, ENOMEM);
        sim_hook(SIM_EPOLL_CTL, hold_until_harvested, &refusal);
        conf_team_start(&team, 1, modify_in_vain, &refusal);
        assert_true(conf_count_wait(&refusal.inside, round));
        fd_pair_feed(&refusal.pair);
        conf_turns(loop, 1);
        conf_team_join(&team);
        sim_faults_clear();
        assert_int_equal(refusal.probe.reads, round);
        assert_int_equal(refusal.probe.writes, 0);
    }
    conf_destroy(loop);
    fd_pair_close(&refusal.pair);
}
