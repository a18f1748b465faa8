/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of a guest: the library's watchers in the place of epoll; see fdkernel.h.
 *
 * Few libraries let other threads touch their watchers, so a registration is a wish, under the
 * table's lock, and a list of changed ones; the owner carries it out before the library polls
 * again. The caller gets the answer of fstat(2), or of an epoll made for the question; if the
 * library then refuses for want of memory, it is asked again.
 *
 * A descriptor that is unwatched leaves the library's set in the kernel at once, for its user may
 * close it then. One that was closed before is kept in there by a duplicate, and would be reported
 * for ever: then the set is made anew. Some libraries tell the kernel of a new one only when they
 * poll. They do so under the lock, too: a number cannot come to mean another file meanwhile.
 */
#include "common/guest/guest.h"

#include "common/parts/alloc.h"

#include <errno.h>
#include <sys/stat.h>

#define READINESS ((unsigned)VELO_READ | (unsigned)VELO_WRITE)

/* ---- watchers ---- */

struct guest_watcher *guest_watcher_new(struct guest *guest, int fd)
{
    struct guest_watcher *watcher =
        alloc_zeroed(guest->core.opts.allocator, guest_watcher_size, _Alignof(max_align_t));
    if (watcher != NULL)
        watcher->fd = fd;
    return watcher;
}

void guest_free(struct velo_loop *loop, struct guest_watcher *watcher)
{
    alloc_free(core_of(loop)->opts.allocator, watcher, guest_watcher_size, _Alignof(max_align_t));
}

void guest_watcher_stop(struct guest *guest, struct guest_watcher *watcher)
{
    if (watcher->started)
        guest_stop(guest_loop(guest), watcher);
    watcher->started = false;
}

/* The owner lets go of a watcher; before its number is watched again, as some libraries end a
 * watcher by its number. */
static void let_go(struct guest *guest, struct guest_watcher *watcher)
{
    guest_watcher_stop(guest, watcher);
    guest_unnote(guest, watcher);
    guest_release(guest_loop(guest), watcher);
}

/* ---- changes ---- */

bool core_has_changes(const struct velo_core *core)
{
    const struct guest *guest = (const struct guest *)(const void *)core;
    /* (G1) seq_cst: looked at after the sleep was announced; pairs with (G1) in mark_changes() */
    return atomic_load_explicit(&guest->has_changes, memory_order_seq_cst) != 0;
}

static void mark_changes(struct guest *guest, bool any)
{
    /* (G1) seq_cst: before the look whether the owner sleeps; under the lock, and true by the owner
     */
    atomic_store_explicit(&guest->has_changes, any, memory_order_seq_cst);
}

/* Each turn of an embedded guest has told it all by its end, see make_ready(). */
bool core_settle(struct velo_core *core)
{
    (void)core;
    return false;
}

void guest_must_apply(struct guest *guest)
{
    mark_changes(guest, true);
}

static void add_change(struct guest *guest, struct guest_watcher *watcher)
{
    if (watcher->changed)
        return;
    watcher->changed = true;
    watcher->next_changed = NULL;
    if (guest->changes.first == NULL)
        guest->changes.first = watcher;
    else
        guest->changes.last->next_changed = watcher;
    guest->changes.last = watcher;
    mark_changes(guest, true);
}

/* Watch as it is wanted. Under the lock. 0 or -errno. */
static int watch_as_wanted(struct guest *guest, struct guest_watcher *watcher)
{
    unsigned events = watcher->want.events & READINESS;
    bool edge = (watcher->want.events & VELO_EDGE) != 0;
    int rc = 0;
    /* its user has closed it: there is nothing to watch */
    if (!fdfile_is(watcher->fd, &watcher->file))
        return -EBADF;
    if (watcher->want.hushed || events == 0) {
        guest_watcher_stop(guest, watcher);
        return guest_put_aside(guest, watcher);
    }
    guest_take_back(guest, watcher);
    if (!watcher->started || watcher->spent || edge || edge != watcher->edge ||
        events != (watcher->events & READINESS)) {
        watcher->edge = edge;
        rc = guest_start(guest_loop(guest), watcher, events);
        watcher->started = rc == 0;
        watcher->spent = false;
    }
    return rc;
}

static bool is_for_now(int rc)
{
    return rc == -ENOMEM || rc == -ENOSPC || rc == -EMFILE || rc == -ENFILE;
}

/* 0, or why the library refuses. */
static int apply_one(struct guest *guest, struct guest_watcher *watcher)
{
    watcher->changed = false;
    if (watcher->removed) {
        let_go(guest, watcher);
        return 0;
    }
    if (watcher->data != watcher->want.data)
        watcher->got = 0; /* of an arming that is over */
    int rc = watch_as_wanted(guest, watcher);
    watcher->data = watcher->want.data;
    watcher->events = watcher->want.events;
    return rc;
}

/* Under the lock. */
static void apply_all(struct guest *guest)
{
    struct guest_watcher *next = guest->changes.first;
    guest->changes = (struct guest_list){NULL, NULL};
    guest->refused = false;
    mark_changes(guest, false);
    while (next != NULL) {
        struct guest_watcher *watcher = next;
        next = watcher->next_changed;
        if (is_for_now(apply_one(guest, watcher))) {
            guest->refused = true;
            add_change(guest, watcher);
        }
    }
}

/* What the library has given up by itself is told to it again. Under the lock. */
static void apply_spent(struct guest *guest)
{
    while (guest->spent != NULL) {
        struct guest_watcher *watcher = guest->spent;
        guest->spent = watcher->next_spent;
        if (watcher != guest->bell && watcher != guest->clock && watcher != guest->side) {
            add_change(guest, watcher);
            continue;
        }
        watcher->spent = false;
        (void)guest_start(guest_loop(guest), watcher, VELO_READ);
        mark_changes(guest, true);
    }
}

/*
 * The set of the library will be made anew, and its bell may get another descriptor: nobody may be
 * about to write to the old one (L9), and what was rung has to be heard, for uv_loop_fork() leaves
 * the mark of an unheard bell, so that it would never be rung again (S8). This comes before new
 * watchers are started: a stray that reports here must find its number as it was.
 */
static int hear_bells(struct guest *guest)
{
    if (!guest->strays)
        return 0;
    guest_wait_bells(guest);
    counter_add(&guest->core.ledger.polls, 1);
    int rc = guest_turn(guest_loop(guest), 0);
    apply_spent(guest); /* while all of them live */
    return rc;
}

/* The library's set may hold what nobody has registered, and would report it for ever: make it
 * anew. */
static int renew(struct guest *guest)
{
    if (!guest->strays)
        return 0;
    guest->strays = false;
    int rc = guest_renew(guest_loop(guest));
    guest->adrift = rc == 0 && guest->core.fds.backend >= 0;
    return rc;
}

/* The descriptor for embedding watches the set that was made anew. */
static void embed_again(struct guest *guest)
{
    int rc = fdtable_embed(&guest->core.fds, guest->core.fds.epfd);
    guest->adrift = rc != 0 && rc != -EEXIST;
    if (!guest->adrift)
        return;
    guest->refused = true;
    mark_changes(guest, true);
}

void guest_look_after(struct guest *guest)
{
    if (guest->spent != NULL) {
        pthread_mutex_lock(&guest->core.fds.lock);
        apply_spent(guest);
        pthread_mutex_unlock(&guest->core.fds.lock);
    }
    if (guest->side_rang)
        guest_note_aside(guest);
}

int guest_apply(struct guest *guest)
{
    if (guest->error != 0 || !core_has_changes(&guest->core))
        return guest->error;
    pthread_mutex_lock(&guest->core.fds.lock);
    int rc = hear_bells(guest);
    apply_all(guest);
    if (rc == 0)
        rc = guest->error = renew(guest);
    else
        guest_must_apply(guest); /* the bells are still to be heard, and the set to be made anew */
    if (guest->adrift)
        embed_again(guest);
    if (rc == 0 && guest_is_lazy) { /* while nobody can register another file by a number */
        counter_add(&guest->core.ledger.polls, 1);
        rc = guest_turn(guest_loop(guest), 0);
    }
    pthread_mutex_unlock(&guest->core.fds.lock);
    guest_look_after(guest);
    return rc;
}

void guest_spend(struct velo_loop *loop, struct guest_watcher *watcher)
{
    struct guest *guest = guest_of(loop);
    if (watcher->spent)
        return;
    watcher->spent = true;
    watcher->next_spent = guest->spent;
    guest->spent = watcher;
}

/* ---- what the table asks for ---- */

/* Room for entry [index]. */
static int reserve(struct guest *guest, uint32_t index)
{
    size_t size = guest->watchers_size == 0 ? 64 : guest->watchers_size;
    const size_t one = sizeof(struct guest_watcher *);
    while (size <= index)
        size *= 2;
    if (size == guest->watchers_size)
        return 0;
    struct guest_watcher **watchers = alloc_resize(guest->core.opts.allocator,
                                                   guest->watchers,
                                                   guest->watchers_size * one,
                                                   size * one,
                                                   _Alignof(struct guest_watcher *));
    if (watchers == NULL)
        return -ENOMEM;
    memset(watchers + guest->watchers_size, 0, (size - guest->watchers_size) * one);
    guest->watchers = watchers;
    guest->watchers_size = size;
    return 0;
}

bool fdkernel_owns(struct fdtable *table, int fd)
{
    struct fd_arming arming;
    if (fd >= 0 && fdtable_arming(table, (size_t)fd, &arming))
        return false;
    return guest_is_own(guest_of_table(table), fd);
}

int fdkernel_add(struct fdtable *table, const struct fd_arming *arming)
{
    struct guest *guest = guest_of_table(table);
    struct fdfile file;
    mode_t kind;
    if ((arming->events & VELO_EDGE) != 0 && !guest_has_edges)
        return -ENOTSUP;
    int rc = fdfile_of(arming->fd, &file, &kind);
    if (rc == 0 && kind != S_IFIFO && kind != S_IFSOCK)
        rc = fdfile_ask_epoll(arming->fd);
    if (rc == 0)
        rc = reserve(guest, arming->index);
    if (rc == 0)
        rc = guest_expect(guest_loop(guest), fdtable_count(table));
    if (rc != 0)
        return rc;
    struct guest_watcher *watcher = guest_watcher_new(guest, arming->fd);
    if (watcher == NULL)
        return -ENOMEM;
    watcher->file = file;
    watcher->socket = kind == S_IFSOCK;
    watcher->want = *arming;
    guest->watchers[arming->index] = watcher;
    add_change(guest, watcher);
    return 0;
}

int fdkernel_change(struct fdtable *table, const struct fd_arming *arming)
{
    struct guest *guest = guest_of_table(table);
    struct guest_watcher *watcher = guest->watchers[arming->index];
    if ((arming->events & VELO_EDGE) != 0 && !guest_has_edges)
        return -ENOTSUP;
    if (!fdfile_is(watcher->fd, &watcher->file)) /* its user has closed it */
        return -EBADF;
    watcher->want = *arming;
    add_change(guest, watcher);
    return 0;
}

void fdkernel_remove(struct fdtable *table, uint32_t index, int fd)
{
    struct guest *guest = guest_of_table(table);
    struct guest_watcher *watcher = guest->watchers[index];
    (void)fd;
    guest->watchers[index] = NULL;
    watcher->removed = true;
    guest_take_back(guest, watcher);
    /* now, as its user may close it next; what was closed before is kept there by a duplicate */
    if (!guest_take_out(guest_loop(guest), watcher) || !fdfile_is(watcher->fd, &watcher->file))
        guest->strays = guest_has_strays;
    add_change(guest, watcher);
}

/* The table never asks: strays are seen when they are made. */
void fdkernel_rebuild(struct fdtable *table)
{
    (void)table;
}

void guest_end_watchers(struct guest *guest)
{
    for (struct guest_watcher *one = guest->noted.first; one != NULL; one = one->next_noted)
        one->noted = false;
    guest->noted = (struct guest_list){NULL, NULL};
    guest->spent = NULL;
    for (size_t i = 0; i < guest->watchers_size; i++) {
        if (guest->watchers[i] == NULL)
            continue;
        guest->watchers[i]->removed = true;
        add_change(guest, guest->watchers[i]);
    }
    apply_all(guest);
    alloc_free(guest->core.opts.allocator,
               guest->watchers,
               guest->watchers_size * sizeof(struct guest_watcher *),
               _Alignof(struct guest_watcher *));
    guest_close_all(guest);
}
