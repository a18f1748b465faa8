/* SPDX-License-Identifier: MIT */
/* Descriptors that come and go under a running loop (F3, F4), and the path it sleeps in (P3). */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

enum { THREADS = 3, PER_THREAD = 24, SLOTS = THREADS * PER_THREAD };

struct slot {
    struct churn *churn;
    int fd; /* as it was watched; its number may belong to another by now */
    velo_id id;
    atomic_uint calls;
    atomic_bool gone; /* unwatched, and the owner has gone on since */
};

struct churn {
    struct host *host;
    uint64_t round;
    struct slot slots[SLOTS];
};

static void on_ready(int fd, unsigned events, void *arg)
{
    struct slot *slot = arg;
    CHECK(fd == slot->fd, "F4: number %d for a registration of %d", fd, slot->fd);
    CHECK(events != 0, "an event without bits");
    CHECK(!atomic_load(&slot->gone), "F3: called after it was unwatched");
    unsigned calls = atomic_fetch_add(&slot->calls, 1);
    if (calls == 20) { /* nobody reads: that is enough */
        int rc = velo_fd_unwatch(slot->churn->host->loop, slot->id);
        CHECK(rc == 0 || rc == -ENOENT, "unwatch: %s", velo_strerror(rc));
    }
}

/* Closing while it is watched is legal, and the loop may be using the number at that very moment.
 * ThreadSanitizer takes that for a race, so it does not see these descriptors come and go. */
static void open_pair(int *fds)
{
    int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    CHECK(syscall(SYS_socketpair, AF_UNIX, type, 0, fds) == 0, "socketpair: %d", errno);
}

static void close_end(int fd)
{
    CHECK(syscall(SYS_close, fd) == 0, "close: %d", errno);
}

/* The owner has begun and ended a callback since: so nothing that began before still runs. */
static void pass_owner(struct host *host)
{
    if (host_add(host, KIND_TASK))
        host_wait(host);
}

static void unwatch(struct slot *slot)
{
    int rc = velo_fd_unwatch(slot->churn->host->loop, slot->id);
    CHECK(rc == 0 || rc == -ENOENT, "unwatch: %s", velo_strerror(rc));
}

/* May another thread close a descriptor that is watched? A guest whose library does not bear that
 * at any moment says so. */
static bool may_close_first(void)
{
    const struct velo_deviation *deviation = velo_impl()->deviations;
    for (; deviation != NULL && deviation->clause != NULL; deviation++)
        if (strcmp(deviation->clause, "F3") == 0)
            return false;
    return true;
}

/* One descriptor: watched, fed, changed, and gone in one of two orders. */
static void live(struct slot *slot, struct dice *d)
{
    static const unsigned flags[] = {0, VELO_EDGE, VELO_ONESHOT};
    struct velo_loop *loop = slot->churn->host->loop;
    int ends[2];
    open_pair(ends);
    slot->fd = ends[0];
    unsigned events = VELO_READ | flags[dice_below(d, has(VELO_CAP_FD_EDGE) ? 3 : 1)];
    int rc = velo_fd_watch(loop, slot->fd, events, on_ready, slot, &slot->id);
    /* its number may be that of one whose user has closed it and not unwatched it yet */
    CHECK(rc == 0 || rc == -EEXIST, "watch: %s", velo_strerror(rc));
    if (rc == 0) {
        CHECK(write(ends[1], "x", 1) == 1, "write");
        dice_pause(d, 20 * NS_PER_US);
        if (dice_below(d, 3) == 0) {
            rc = velo_fd_modify(loop, slot->id, VELO_READ | VELO_WRITE);
            CHECK(rc == 0 || rc == -ENOENT, "modify: %s", velo_strerror(rc));
        }
        bool close_first = dice_below(d, 2) == 0 && may_close_first();
        if (close_first)
            close_end(slot->fd);
        unwatch(slot);
        if (!close_first)
            close_end(slot->fd);
        if (dice_below(d, 4) == 0) {
            pass_owner(slot->churn->host);
            atomic_store(&slot->gone, true);
        }
    } else {
        close_end(slot->fd);
    }
    close_end(ends[1]);
}

static void churn_member(void *arg, unsigned index)
{
    struct churn *churn = arg;
    struct dice d = dice(churn->round, 10 + index);
    for (unsigned i = 0; i < PER_THREAD; i++)
        live(&churn->slots[index * PER_THREAD + i], &d);
}

void round_descriptors(uint64_t number)
{
    struct dice d = dice(number, 0);
    struct churn *churn = calloc(1, sizeof *churn);
    struct runner runner;
    struct team team;
    CHECK(churn != NULL, "no memory");
    churn->host = host_open(&d, NULL);
    churn->round = number;
    for (unsigned i = 0; i < SLOTS; i++)
        churn->slots[i].churn = churn;
    runner_start(&runner, churn->host->loop, VELO_RUN_FOREVER);
    team_start(&team, THREADS, churn_member, churn);
    team_join(&team);
    runner_await(&runner);
    CHECK(velo_loop_shutdown(churn->host->loop, -1) == 0, "shutdown");
    CHECK(runner_join(&runner) == 0, "run");
    host_end(churn->host);
    free(churn);
}

/* ---- path ---- */

enum { FLIPS = 40, PINGS = 60 };

struct maze {
    struct host *host;
    uint64_t round;
    atomic_uint pongs[2];
};

struct ping {
    struct maze *maze;
    unsigned index;
};

static void pong(void *arg)
{
    struct ping *ping = arg;
    host_ran(ping->maze->host);
    atomic_fetch_add(&ping->maze->pongs[ping->index], 1);
}

/* Each task is waited for: one that is left behind hangs (P3). */
static void send_pings(struct maze *maze, unsigned index)
{
    struct dice d = dice(maze->round, 10 + index);
    struct ping ping = {maze, index};
    for (unsigned i = 1; i <= PINGS; i++) {
        host_enter_before(maze->host);
        bool sent = host_enter_after(maze->host, velo_submit(maze->host->loop, pong, &ping));
        CHECK(sent, "refused by a loop that runs");
        while (atomic_load(&maze->pongs[index]) < i)
            sched_yield();
        if (i % 8 == 0)
            dice_pause(&d, 30 * NS_PER_US);
    }
}

static void never_ready(int fd, unsigned events, void *arg)
{
    (void)arg;
    CHECK(false, "descriptor %d, which nobody feeds, has events %u", fd, events);
}

static void flip(struct maze *maze, struct dice *d, const int *ends)
{
    static const enum velo_fast_path modes[] = {
        VELO_FAST_AUTO, VELO_FAST_FORCED, VELO_FAST_DISABLED};
    velo_id id = 0;
    int rc = velo_fast_path_set(maze->host->loop, modes[dice_below(d, 3)]);
    CHECK(rc == 0 || rc == -ENOTSUP || rc == -EBUSY, "fast path: %s", velo_strerror(rc));
    if (!has(VELO_CAP_FDS) || dice_below(d, 2) == 0)
        return;
    rc = velo_fd_watch(maze->host->loop, ends[0], VELO_READ, never_ready, NULL, &id);
    CHECK(rc == 0 || rc == -ENOTSUP, "watch: %s", velo_strerror(rc));
    dice_pause(d, 20 * NS_PER_US);
    if (rc == 0)
        CHECK(velo_fd_unwatch(maze->host->loop, id) == 0, "unwatch");
}

static void maze_member(void *arg, unsigned index)
{
    struct maze *maze = arg;
    if (index < 2) {
        send_pings(maze, index);
        return;
    }
    struct dice d = dice(maze->round, 20);
    int ends[2];
    open_pair(ends);
    for (unsigned i = 0; i < FLIPS; i++) {
        flip(maze, &d, ends);
        dice_pause(&d, 10 * NS_PER_US);
    }
    close_end(ends[0]);
    close_end(ends[1]);
}

void round_path(uint64_t number)
{
    struct dice d = dice(number, 0);
    struct maze maze = {.host = host_open(&d, NULL), .round = number};
    struct runner runner;
    struct team team;
    runner_start(&runner, maze.host->loop, VELO_RUN_FOREVER);
    team_start(&team, 3, maze_member, &maze);
    team_join(&team);
    runner_await(&runner);
    CHECK(velo_loop_shutdown(maze.host->loop, -1) == 0, "shutdown");
    CHECK(runner_join(&runner) == 0, "run");
    host_end(maze.host);
}
