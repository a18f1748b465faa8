/* SPDX-License-Identifier: MIT */
/*
 * What the guests share. A guest runs on the loop of another library, which does three things: it
 * polls the watched descriptors, it is woken by its own bell, and it waits. All that the contract
 * says about order stands in core.h and is added here, so it is part of the guest's cost:
 *
 *   guest.c        making and ending one; the turn; how it sleeps, and until when
 *   guest_tasks.c  the queue of tasks, since bells of a library coalesce; the wake protocol
 *   guest_fds.c    the library's watchers of descriptors, behind fdkernel.h: changes that other
 *                  threads mail
 *   guest_ready.c  what the library has reported, and which bits it stands for
 *   guest_aside.c  what the library cannot watch: hang-up alone, and edges after it
 *   guest_own.c    which descriptors are the library's own
 *
 * A guest's folder holds the seams below and velo_impl(), and names its library in a file
 * [library]. These objects are linked before libcommon.a, so they win over what natives use.
 *
 * The library is never on the stack when user code runs: its callbacks note what happened, and the
 * turn goes on when it has returned. So a callback may fork, end the loop or take away any
 * descriptor, whatever the library thinks of that.
 */
#ifndef VELO_GUEST_H
#define VELO_GUEST_H

#include "common/core.h"
#include "common/parts/fdfile.h"
#include "common/parts/fdkernel.h"
#include "common/parts/lines.h"
#include "common/parts/rate.h"

#include <poll.h>

enum { GUEST_NORMAL = VELO_LANE_TASK, GUEST_PRIORITY = VELO_LANE_PRIORITY, GUEST_LANES };

/*
 * The library's watcher of one descriptor; the first member of the guest's own struct. It lives
 * until the library has let go of it, which may be later than its registration.
 */
struct guest_watcher {
    int fd;             /* constant */
    struct fdfile file; /* constant */
    bool socket;        /* constant */
    bool edge;          /* owner: the library watches for edges */
    /* under the table's lock: what is wanted */
    struct fd_arming want;
    bool changed; /* in the list of changes */
    bool removed; /* its registration is over */
    struct guest_watcher *next_changed;
    /* owner only: what is */
    uint64_t data;   /* of the arming that the library watches */
    unsigned events; /* VELO_*, as that says */
    bool started;    /* the library watches it */
    bool spent;      /* but has to be told again, before it polls */
    bool aside;      /* it stands in the set aside */
    bool noted;      /* in the list of reports */
    bool exact;      /* [got] is what the kernel says, and no guess from it */
    short got;       /* POLL*: reported by the library, not yet told */
    struct guest_watcher *next_noted;
    struct guest_watcher *next_spent;
};

enum { GUEST_OWN = 4 };

struct guest_list {
    struct guest_watcher *first, *last;
};

struct guest {
    struct velo_core core;                      /* first: a loop is a core */
    _Alignas(LINES_BYTES) pthread_mutex_t lock; /* guards the fields up to claims */
    struct ring open[GUEST_LANES];
    uint64_t accepted[GUEST_LANES];
    struct rate rate;
    bool closed;                 /* no task is accepted any more */
    bool armed;                  /* the owner sleeps, and nobody has woken it */
    bool asleep;                 /* between arm and disarm */
    uint64_t claims;             /* wake-ups begun */
    struct shared_counter done;  /* wake-ups ended: the last access of their makers */
    struct shared_counter calls; /* made to wake */
    _Alignas(LINES_BYTES) struct counter begun; /* owner: tasks begun or discarded */
    struct ring running[GUEST_LANES]; /* owner: taken from the open rings, one batch at a time */
    /* descriptors: under the lock of core.fds */
    struct guest_watcher **watchers; /* [watchers_size] by entry */
    size_t watchers_size;
    struct guest_list changes;
    bool strays;                  /* a closed descriptor may still be in the library's set */
    _Atomic uint32_t has_changes; /* the list is not empty, or there are strays */
    /* owner */
    struct guest_list noted;
    struct guest_watcher *clock; /* over alarm_fd, when the guest uses it */
    struct guest_watcher *bell;  /* over bell_fd, when the guest uses it */
    struct guest_watcher *side;  /* over aside_fd */
    int bell_fd;
    int alarm_fd;
    int own[GUEST_OWN];          /* what the library has opened, as far as known; else -1 */
    bool knows_own;              /* all but its set in the kernel; else the kernel is asked once */
    uint64_t alarm_ns;           /* when it rings; UINT64_MAX = not set */
    bool rung;                   /* it has, and is still readable */
    bool refused;                /* the library has refused a change for now: ask again */
    int error;                   /* it cannot go on (L10) */
    bool sleeping;               /* its sleep is announced */
    bool adrift;                 /* core.fds.backend does not watch the library's set yet */
    bool side_rang;              /* the set aside has something to tell */
    struct guest_watcher *spent; /* see guest_spend() */
    int aside_fd;                /* -1 until it is needed; under the lock of core.fds */
    bool opened;                 /* from loop_init to loop_fini: the library's loop exists */
};

LINES_BEGIN(struct guest, lock);
LINES_BEGIN(struct guest, begun);

static inline struct guest *guest_of(struct velo_loop *loop)
{
    return (struct guest *)(void *)loop;
}

static inline struct guest *guest_of_table(struct fdtable *table)
{
    return (struct guest *)(void *)((char *)table - offsetof(struct velo_core, fds));
}

static inline struct velo_loop *guest_loop(struct guest *guest)
{
    return (struct velo_loop *)(void *)guest;
}

/* ---- what a guest provides; all but the bell is for the owner, or for who makes or ends it ----
 */

extern const size_t guest_watcher_size; /* of its own watcher */
extern const bool guest_has_edges;      /* the library can report edges */
extern const bool guest_is_lazy; /* it needs a turn after changes: to tell the kernel, or itself */
extern const bool guest_has_strays; /* what was closed first may stay in its set, see below */

/* Make the library's loop and its bell; set core.fds.epfd if that can be embedded, and own[]. 0 or
 * -errno. */
int guest_open(struct velo_loop *loop);

/* End it; no watcher is started any more. */
void guest_close(struct velo_loop *loop);

/* Let the library make its set in the kernel anew, for it holds strays, or this is a forked child;
 * and set core.fds.epfd again. 0, or -errno and the loop cannot go on. */
int guest_renew(struct velo_loop *loop);

/*
 * Let the library wait until a watcher or the bell has something, at most [timeout_ns] (0 not at
 * all, -1 for ever); it calls guest_note() for each watcher that is ready. 0 or -errno.
 */
int guest_turn(struct velo_loop *loop, int64_t timeout_ns);

/* The bell: let a turn that waits, or the next one, return. Any thread. 0 or -errno. */
int guest_ring(struct velo_loop *loop);

/* So many registrations are coming: what room it takes is made now. Any thread, under the lock of
 * core.fds. 0 or -ENOMEM. */
int guest_expect(struct velo_loop *loop, size_t count);

/* Watch, or watch for other [events]: READ and WRITE, at least one. 0 or -errno. */
int guest_start(struct velo_loop *loop, struct guest_watcher *watcher, unsigned events);

/* Watch no longer; guest_start() may come again. */
void guest_stop(struct velo_loop *loop, struct guest_watcher *watcher);

/*
 * It is unwatched: let the kernel report it no longer. False: it may have stayed in the library's
 * set. Any thread, under the lock of core.fds.
 */
bool guest_take_out(struct velo_loop *loop, struct guest_watcher *watcher);

/* It was started once, and is over: give it back by guest_free() when the library allows it. */
void guest_release(struct velo_loop *loop, struct guest_watcher *watcher);

/* ---- for guests ---- */

/* The library has reported [got] (POLL*). Not [exact]: which of it is true, and hang-up and error,
 * poll(2) will tell. */
void guest_note(struct velo_loop *loop, struct guest_watcher *watcher, int got, bool exact);

/* The library watches it no longer by itself: guest_start() comes before the next turn. */
void guest_spend(struct velo_loop *loop, struct guest_watcher *watcher);

/* Set the alarm, a timerfd that the library watches, to end a wait of [timeout_ns]. 0 or -errno. */
int guest_set_alarm(struct guest *guest, int64_t timeout_ns);

/* Give back a released watcher. */
void guest_free(struct velo_loop *loop, struct guest_watcher *watcher);

/* Make the alarm; it ends by itself. 0 or -errno. */
int guest_alarm_open(struct guest *guest);

/*
 * A bell for libraries whose own one does not tell when it could not be rung (S8): an eventfd under
 * a watcher. Made, and ending, as the alarm; ringing it is 0 or -errno, any thread.
 */
int guest_bell_open(struct guest *guest);
int guest_bell_ring(const struct guest *guest);

/* Both; on failure neither is left. */
int guest_bell_and_alarm_open(struct guest *guest);

/* End bell, alarm and the set aside; also when the guest could not be opened. */
void guest_close_all(struct guest *guest);

/* The library may have opened others in place of its own: ask again when it matters. */
void guest_forget_own(struct guest *guest);

/* The library's set in the kernel, which holds the alarm since the first turn. -1: not found. */
int guest_find_set(const struct guest *guest);

/* ---- among the files of this folder ---- */

/* Wait for at most [timeout_ns]; what is ready is noted. 0 or -errno. */
int guest_poll(struct velo_core *core, int64_t timeout_ns);

/* The same, harvesting nothing, for RUN_ONCE: 1 = a descriptor is ready, 0 = look at everything
 * again, -errno. */
int guest_peek(struct velo_core *core, int64_t timeout_ns);

/* Call what is ready. 0 or -errno of asking for it. */
int guest_run_fds(struct guest *guest);

/* Let the library know of all changes; a lazy one polls then, without waiting. 0 or -errno. */
int guest_apply(struct guest *guest);

/* The same for who is about to sleep; counted as waiting. */
int guest_update(struct velo_core *core);

/* Let a lazy library have a turn before it waits. Owner, or alone. */
void guest_must_apply(struct guest *guest);

/* The library has polled: what it has said about the guest's own watchers. */
void guest_look_after(struct guest *guest);

/* Forget what it was noted for. Owner. */
void guest_unnote(struct guest *guest, struct guest_watcher *watcher);

/* A watcher for [fd], not started. NULL: no memory. */
struct guest_watcher *guest_watcher_new(struct guest *guest, int fd);

/* The library watches it no longer. Owner. */
void guest_watcher_stop(struct guest *guest, struct guest_watcher *watcher);

/* Let the library watch [fd] for the guest itself: sets [own] and [own_fd]. 0, or -errno: then
 * [fd] is closed, and both are as they were. Owner. */
int guest_watch_own(struct guest *guest, int fd, struct guest_watcher **own, int *own_fd);

/* End all watchers; at the end. */
void guest_end_watchers(struct guest *guest);

/* Put the watcher into the set aside, or take it out if it is in there. Under the lock of core.fds.
 * 0 or -errno. */
int guest_put_aside(struct guest *guest, struct guest_watcher *watcher);
void guest_take_back(struct guest *guest, struct guest_watcher *watcher);
void guest_note_aside(struct guest *guest);

/* Is [fd] one that the library has opened for this loop? Under the lock of core.fds. */
bool guest_is_own(struct guest *guest, int fd);

/* In a forked child that may not touch the library: close its descriptors. */
void guest_close_own(struct guest *guest);

/* Tasks and wake-ups, guest_tasks.c. */
int guest_tasks_init(struct guest *guest);
void guest_tasks_fini(struct guest *guest);
bool guest_tasks_forget(struct guest *guest);
int guest_sleep(struct guest *guest,
                int64_t timeout_ns,
                int (*wait)(struct velo_core *core, int64_t timeout_ns));
bool guest_has_tasks(struct guest *guest);

/* Nobody rings when this returns, until the next sleep. Owner, awake; or at the end. */
void guest_wait_bells(struct guest *guest);

#define VELO_EMBEDS_GUEST(type)                                                                    \
    _Static_assert(offsetof(type, guest) == 0, "a guest's loop is a guest");                       \
    size_t loop_size(void)                                                                         \
    {                                                                                              \
        return sizeof(type);                                                                       \
    }                                                                                              \
    _Static_assert(sizeof(type) >= sizeof(struct guest), "by value")

#endif
