/* SPDX-License-Identifier: MIT */
/* The descriptor table; see fdtable.h. First the entries, then the calls, then the dispatch. What
 * is asked of the kernel stands behind fdkernel.h. */
#include "common/parts/fdtable.h"

#include "common/parts/alloc.h"
#include "common/parts/doubling.h"
#include "common/parts/fdkernel.h"
#include "common/parts/point.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The word: serial (38 bits) | events asked for (6) | hushed | error seen | hang-up seen | state
 * (2).
 */
enum { STATE_FREE, STATE_ARMED, STATE_DISARMED };
#define STATE_MASK UINT64_C(3)
#define UNASKED (VELO_HANGUP | VELO_ERROR) /* in the word: seen in this arming */
#define HUSHED (UINT64_C(1) << 4)
#define EVENTS_SHIFT 5
#define SERIAL_SHIFT 11
#define SERIAL_MASK ((UINT64_C(1) << 38) - 1)
#define INDEX_MASK ((UINT64_C(1) << FD_INDEX_BITS) - 1)
#define ID_KIND (UINT64_C(3) << 62)
#define GENERATION_MAX ((UINT64_C(1) << 36) - 1)
#define EVENTS_MASK UINT64_C(63)
#define ALL_BITS (VELO_READ | VELO_WRITE | VELO_HANGUP | VELO_ERROR | VELO_EDGE | VELO_ONESHOT)

static uint64_t serial_of(uint64_t word)
{
    return (word >> SERIAL_SHIFT) & SERIAL_MASK;
}

static unsigned events_of(uint64_t word)
{
    return (unsigned)((word >> EVENTS_SHIFT) & EVENTS_MASK);
}

/* The word of the next arming, for [events]; or of a free entry. */
static uint64_t next_word(uint64_t word, unsigned events, uint64_t state)
{
    uint64_t serial = (serial_of(word) + 1) & SERIAL_MASK;
    return (serial << SERIAL_SHIFT) | ((uint64_t)events << EVENTS_SHIFT) | state;
}

static bool is_arming(uint64_t word, uint64_t serial)
{
    return serial_of(word) == serial && (word & STATE_MASK) == STATE_ARMED;
}

static uint64_t entry_word(const struct fd_entry *entry)
{
    /* (F1) acquire: the fields written before the entry was armed; pairs with (F2) */
    return atomic_load_explicit(&entry->word, memory_order_acquire);
}

static void entry_set(struct fd_entry *entry, uint64_t word)
{
    /* (F2) release: publishes the fields; pairs with (F1) */
    atomic_store_explicit(&entry->word, word, memory_order_release);
}

/* An entry that was taken once. */
static struct fd_entry *entry_at(const struct fdtable *table, uint32_t index)
{
    uint32_t place, at = doubling_chunk(index, &place);
    /* (F3) acquire: pairs with (F3) in grow(); the owner looks without the lock */
    struct fd_entry *chunk = atomic_load_explicit(&table->chunks[at], memory_order_acquire);
    return &chunk[place];
}

static int entry_fd(const struct fd_entry *entry)
{
    /* (F4) acquire: before the claim, which validates it; pairs with (F4) in watch_locked() */
    return atomic_load_explicit(&entry->fd, memory_order_acquire);
}

static void count_add(struct fdtable *table, uint32_t n)
{
    /* (F9) seq_cst: see fdtable_count() */
    atomic_fetch_add_explicit(&table->count, n, memory_order_seq_cst);
}

/* What chunk [chunk] takes. */
static size_t chunk_bytes(uint32_t chunk)
{
    return doubling_size(chunk) * sizeof(struct fd_entry);
}

static bool grow(struct fdtable *table)
{
    uint32_t place, chunk = doubling_chunk(table->capacity, &place); /* the first of the next */
    if (chunk == FD_CHUNKS)
        return false;
    struct fd_entry *entries =
        alloc_zeroed(table->alloc, chunk_bytes(chunk), _Alignof(struct fd_entry));
    if (entries == NULL)
        return false;
    /* (F3) release: publishes the zeroed entries; pairs with (F3) in entry_at() */
    atomic_store_explicit(&table->chunks[chunk], entries, memory_order_release);
    table->capacity = doubling_start(chunk + 1);
    return true;
}

static uint32_t entry_take(struct fdtable *table)
{
    uint32_t index = table->free;
    if (index != FD_NIL) {
        table->free = entry_at(table, index)->next_free;
        return index;
    }
    if (table->fresh == table->capacity && !grow(table))
        return FD_NIL;
    return table->fresh++;
}

static void entry_release(struct fdtable *table, uint32_t index)
{
    struct fd_entry *entry = entry_at(table, index);
    entry_set(entry, next_word(entry_word(entry), 0, STATE_FREE));
    if (++entry->generation > GENERATION_MAX)
        return; /* never used again: its ids may not come back */
    entry->next_free = table->free;
    table->free = index;
}

/* The entry that [id] names, under the lock, or FD_NIL. */
static uint32_t entry_find(const struct fdtable *table, velo_id id)
{
    uint32_t index = (uint32_t)(id & INDEX_MASK);
    if ((id & ID_KIND) != ID_KIND || index >= table->fresh)
        return FD_NIL;
    const struct fd_entry *entry = entry_at(table, index);
    bool same = ((id & ~ID_KIND) >> 26) == entry->generation;
    return same && (entry_word(entry) & STATE_MASK) != STATE_FREE ? index : FD_NIL;
}

static int by_fd_reserve(struct fdtable *table, int fd)
{
    size_t size = table->by_fd_size == 0 ? 64 : table->by_fd_size;
    while (size <= (size_t)fd)
        size *= 2;
    if (size == table->by_fd_size)
        return 0;
    uint32_t *by_fd = alloc_resize(table->alloc,
                                   table->by_fd,
                                   table->by_fd_size * sizeof(*by_fd),
                                   size * sizeof(*by_fd),
                                   _Alignof(uint32_t));
    if (by_fd == NULL)
        return -ENOMEM;
    memset(by_fd + table->by_fd_size, 0, (size - table->by_fd_size) * sizeof(*by_fd));
    table->by_fd = by_fd;
    table->by_fd_size = size;
    return 0;
}

int fdtable_init(struct fdtable *table)
{
    table->free = FD_NIL;
    table->backend = -1;
    int rc = -pthread_mutex_init(&table->lock, NULL);
    if (rc != 0)
        return rc;
    rc = fdkernel_init(table);
    if (rc != 0)
        pthread_mutex_destroy(&table->lock);
    return rc;
}

void fdtable_fini(struct fdtable *table)
{
    for (uint32_t i = 0; i < FD_CHUNKS; i++) {
        /* (F3) relaxed: alone now */
        struct fd_entry *chunk = atomic_load_explicit(&table->chunks[i], memory_order_relaxed);
        alloc_free(table->alloc, chunk, chunk_bytes(i), _Alignof(struct fd_entry));
    }
    size_t size = table->by_fd_size * sizeof(*table->by_fd);
    alloc_free(table->alloc, table->by_fd, size, _Alignof(uint32_t));
    fdtable_abandon(table);
    pthread_mutex_destroy(&table->lock);
}

/* What the kernel is told of entry [index]. */
static struct fd_arming arming_of(const struct fdtable *table, uint32_t index)
{
    const struct fd_entry *entry = entry_at(table, index);
    uint64_t word = entry_word(entry);
    return (struct fd_arming){.fd = entry_fd(entry),
                              .index = index,
                              .data = (serial_of(word) << FD_INDEX_BITS) | index,
                              .events = events_of(word),
                              .hushed = (word & HUSHED) != 0};
}

bool fdtable_arming(const struct fdtable *table, size_t fd, struct fd_arming *arming)
{
    if (fd >= table->by_fd_size || table->by_fd[fd] == 0)
        return false;
    *arming = arming_of(table, table->by_fd[fd] - 1);
    return true;
}

/* Tell the kernel about entry [index] as it is now, by [call]. */
static int tell_kernel(struct fdtable *table,
                       uint32_t index,
                       int (*call)(struct fdtable *, const struct fd_arming *))
{
    const struct fd_arming arming = arming_of(table, index);
    return call(table, &arming);
}

void fdtable_abandon(struct fdtable *table)
{
    if (table->backend >= 0)
        close(table->backend);
    fdkernel_close(table);
}

static int watch_check(struct fdtable *table, int fd)
{
    if (fd == table->backend || fdkernel_owns(table, fd))
        return -EPERM;
    if (fdtable_mode(table) == VELO_FAST_FORCED)
        return -ENOTSUP;
    if ((size_t)fd < table->by_fd_size && table->by_fd[fd] != 0)
        return -EEXIST;
    return 0;
}

static int
watch_locked(struct fdtable *table, int fd, unsigned events, velo_fd_fn fn, void *arg, velo_id *id)
{
    int rc = watch_check(table, fd);
    if (rc != 0)
        return rc;
    if (fcntl(fd, F_GETFD) < 0) /* before memory grows with a number that is far out */
        return -errno;
    rc = by_fd_reserve(table, fd);
    uint32_t index = rc == 0 ? entry_take(table) : FD_NIL;
    if (index == FD_NIL)
        return -ENOMEM;
    struct fd_entry *entry = entry_at(table, index);
    /* (F4) release: who reads one of these sees that the arming before has ended; pairs with (F4)
     * in fdtable_claim() */
    atomic_store_explicit(&entry->fn, fn, memory_order_release);
    atomic_store_explicit(&entry->arg, arg, memory_order_release); /* (F4) */
    atomic_store_explicit(&entry->fd, fd, memory_order_release);   /* (F4) */
    entry_set(entry, next_word(entry_word(entry), events, STATE_ARMED));
    velo_id before = id != NULL ? *id : 0;
    if (id != NULL) /* T6: before the kernel can report */
        *id = ID_KIND | (entry->generation << 26) | index;
    table->by_fd[fd] = index + 1;
    count_add(table, 1);
    rc = tell_kernel(table, index, fdkernel_add);
    if (rc == 0)
        return 0;
    table->by_fd[fd] = 0;
    count_add(table, UINT32_MAX);
    entry_release(table, index);
    if (id != NULL)
        *id = before;
    return rc;
}

int fdtable_watch(
    struct fdtable *table, int fd, unsigned events, velo_fd_fn fn, void *arg, velo_id *id)
{
    if (fn == NULL || (events & ~(unsigned)ALL_BITS) != 0)
        return -EINVAL;
    if (fd < 0)
        return -EBADF;
    pthread_mutex_lock(&table->lock);
    int rc = watch_locked(table, fd, events, fn, arg, id);
    pthread_mutex_unlock(&table->lock);
    return rc;
}

static int modify_locked(struct fdtable *table, velo_id id, unsigned events)
{
    uint32_t index = entry_find(table, id);
    if (index == FD_NIL)
        return -ENOENT;
    struct fd_entry *entry = entry_at(table, index);
    uint64_t next = next_word(entry_word(entry), events, STATE_ARMED);
    /* The old serial ends first, so that nothing of it is taken for the new one; an event that the
     * owner finds meanwhile waits for the outcome, see word_after_calls(). */
    /* (F5) acq_rel: a claim comes before or not at all; a refusal puts back what it left */
    uint64_t before = atomic_exchange_explicit(&entry->word, next, memory_order_acq_rel);
    int rc = tell_kernel(table, index, fdkernel_change);
    if (rc != 0)
        entry_set(entry, before);
    return rc;
}

int fdtable_modify(struct fdtable *table, velo_id id, unsigned events)
{
    if ((events & ~(unsigned)ALL_BITS) != 0)
        return -EINVAL;
    pthread_mutex_lock(&table->lock);
    int rc = modify_locked(table, id, events);
    pthread_mutex_unlock(&table->lock);
    return rc;
}

int fdtable_unwatch(struct fdtable *table, velo_id id)
{
    pthread_mutex_lock(&table->lock);
    uint32_t index = entry_find(table, id);
    if (index != FD_NIL) {
        int fd = entry_fd(entry_at(table, index));
        entry_release(table, index); /* from here on no claim succeeds (F3) */
        fdkernel_remove(table, index, fd);
        table->by_fd[fd] = 0;
        count_add(table, UINT32_MAX);
    }
    pthread_mutex_unlock(&table->lock);
    return index == FD_NIL ? -ENOENT : 0;
}

int fdtable_set_mode(struct fdtable *table, enum velo_fast_path mode)
{
    int rc = 0;
    pthread_mutex_lock(&table->lock);
    if (mode == VELO_FAST_FORCED && (fdtable_count(table) > 0 || fdtable_is_pinned(table)))
        rc = -EBUSY;
    else /* (F11) seq_cst: see fdtable_mode() */
        atomic_store_explicit(&table->mode, mode, memory_order_seq_cst);
    pthread_mutex_unlock(&table->lock);
    return rc;
}

int fdtable_embed(const struct fdtable *table, int epfd)
{
    struct epoll_event event = {0};
    event.events = EPOLLIN;
    return epoll_ctl(table->backend, EPOLL_CTL_ADD, epfd, &event) == 0 ? 0 : -errno;
}

static int backend_create(struct fdtable *table)
{
    table->backend = epoll_create1(EPOLL_CLOEXEC);
    if (table->backend < 0)
        return -errno;
    int rc = fdtable_embed(table, table->epfd);
    if (rc != 0) {
        close(table->backend);
        table->backend = -1;
    }
    return rc;
}

int fdtable_pin(struct fdtable *table)
{
    int rc = 0;
    pthread_mutex_lock(&table->lock);
    if (fdtable_mode(table) == VELO_FAST_FORCED || table->epfd < 0)
        rc = -ENOTSUP;
    else if (table->backend < 0)
        rc = backend_create(table);
    if (rc == 0) {
        rc = table->backend;
        /* (F10) seq_cst: see fdtable_is_pinned() */
        atomic_store_explicit(&table->pinned, 1, memory_order_seq_cst);
    }
    pthread_mutex_unlock(&table->lock);
    return rc;
}

void fdtable_clear(struct fdtable *table)
{
    pthread_mutex_lock(&table->lock);
    for (size_t fd = 0; fd < table->by_fd_size; fd++) {
        if (table->by_fd[fd] == 0)
            continue;
        entry_release(table, table->by_fd[fd] - 1);
        fdkernel_remove(table, table->by_fd[fd] - 1, (int)fd);
        table->by_fd[fd] = 0;
        count_add(table, UINT32_MAX);
    }
    table->ready = 0;
    pthread_mutex_unlock(&table->lock);
}

/* Change between level and edge for the present arming, if it still is that one. */
static void hush(struct fdtable *table, uint32_t index, uint64_t serial, bool hushed)
{
    pthread_mutex_lock(&table->lock);
    struct fd_entry *entry = entry_at(table, index);
    uint64_t word = entry_word(entry);
    if (is_arming(word, serial)) {
        entry_set(entry, hushed ? word | HUSHED : word & ~HUSHED);
        if (tell_kernel(table, index, fdkernel_change) != 0)
            entry_set(entry, word); /* the next report tries again */
    }
    pthread_mutex_unlock(&table->lock);
}

/*
 * An event came whose arming is not the present one. A modify that is in the middle of its call may
 * yet be refused, and the arming stand again: ask once more after it. Otherwise it is old, or a
 * stray that must not go on reporting.
 */
static uint64_t word_after_calls(struct fdtable *table, struct fd_entry *entry, uint64_t serial)
{
    pthread_mutex_lock(&table->lock);
    uint64_t word = entry_word(entry);
    if (!is_arming(word, serial) && table->strays > 0)
        fdkernel_rebuild(table);
    pthread_mutex_unlock(&table->lock);
    return word;
}

/* The bit [from] of [events] as the bit [to]; a shift, once inlined. */
static inline unsigned bit_as(uint32_t events, uint32_t from, unsigned to)
{
    return (events & from) / from * to;
}

/* What epoll, or poll, has reported; Linux has the same bits in both. */
static unsigned from_kernel(uint32_t events)
{
    return bit_as(events, EPOLLIN, VELO_READ) | bit_as(events, EPOLLOUT, VELO_WRITE) |
           bit_as(events, EPOLLHUP, VELO_HANGUP) | bit_as(events, EPOLLERR, VELO_ERROR);
}

/* What of [got] is news to an arming that asked for [asked]. */
static unsigned news(unsigned got, unsigned asked, uint64_t word)
{
    unsigned unseen = UNASKED & ~(unsigned)word;
    return got & (asked | unseen);
}

static uint64_t word_after(uint64_t word, unsigned events, unsigned asked)
{
    word |= events & UNASKED;
    return (asked & VELO_ONESHOT) != 0 ? (word & ~STATE_MASK) | STATE_DISARMED : word;
}

/*
 * The callback counts as started, unless the arming has ended (F3, F4): one moment at which the
 * word was still [word], after the fields were read. Mostly there is nothing to note in it, and a
 * look does; a locked instruction would also hold up the fetch of the next entry.
 */
static bool claim(struct fd_entry *entry, uint64_t word, uint64_t next)
{
    if (next == word) /* (F5) acquire: that moment; the fields were read before, by (F4) */
        return entry_word(entry) == word;
    /* (F5) acq_rel: that moment, and what a modify must not overwrite; pairs with (F2) */
    return atomic_compare_exchange_strong_explicit(
        &entry->word, &word, next, memory_order_acq_rel, memory_order_relaxed);
}

bool fdtable_claim(struct fdtable *table, int i, struct fd_call *call)
{
    uint64_t data = table->batch[i].data.u64;
    if (data == FD_DATA_WAKE)
        return false;
    uint32_t index = (uint32_t)(data & INDEX_MASK);
    uint64_t serial = data >> FD_INDEX_BITS;
    struct fd_entry *entry = entry_at(table, index);
    uint64_t word = entry_word(entry);
    if (!is_arming(word, serial)) {
        word = word_after_calls(table, entry, serial);
        if (!is_arming(word, serial))
            return false;
    }
    /* (F4) acquire: if one belongs to a later arming, the claim sees that; pairs with (F4) in
     * watch_locked() */
    call->fn = atomic_load_explicit(&entry->fn, memory_order_acquire);
    call->arg = atomic_load_explicit(&entry->arg, memory_order_acquire); /* (F4) */
    call->fd = entry_fd(entry);
    unsigned asked = events_of(word);
    unsigned got = from_kernel(table->batch[i].events);
    call->events = news(got, asked, word);
    bool edge = (asked & VELO_EDGE) != 0;
    if (call->events == 0) {
        if (!edge && (word & HUSHED) == 0)
            hush(table, index, serial, true);
        return false;
    }
    VELO_POINT(FD_READ);
    if (!claim(entry, word, word_after(word, call->events, asked)))
        return false;
    if (!edge && (word & HUSHED) != 0 && (got & asked) != 0)
        hush(table, index, serial, false);
    return true;
}
