/* SPDX-License-Identifier: MIT */
/* Loops and their books; see stress.h. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

struct sums sums;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list */
static struct host *living;

bool has(uint64_t capabilities)
{
    return (velo_impl()->capabilities & capabilities) == capabilities;
}

/* ---- hooks ---- */

static void on_discard(void *ctx, velo_fn fn, void *arg)
{
    struct host *host = ctx;
    (void)fn;
    (void)arg;
    atomic_fetch_add(&host->book.discarded, 1);
}

static void *resize(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment)
{
    struct host *host = ctx;
    void *fresh = NULL;
    if (new_size != 0) {
        fresh = aligned_alloc(alignment, (new_size + alignment - 1) & ~(alignment - 1));
        if (fresh == NULL)
            return NULL;
        if (block != NULL)
            memcpy(fresh, block, old_size < new_size ? old_size : new_size);
    }
    free(block);
    atomic_fetch_add(&host->bytes, (long long)new_size - (long long)old_size);
    return fresh;
}

/* ---- making and ending ---- */

static struct host *open_with(bool counted, const struct velo_options *options)
{
    struct velo_options all = {.size = sizeof all};
    struct host *host = calloc(1, sizeof *host);
    CHECK(host != NULL, "no memory");
    const struct velo_allocator memory = {resize, host};
    if (options != NULL)
        all = *options;
    all.ctx = host;
    all.on_discard = on_discard;
    if (counted)
        all.allocator = &memory;
    int rc = velo_loop_create(&host->loop, &all);
    CHECK(rc == 0, "create: %s", velo_strerror(rc));
    pthread_mutex_lock(&lock);
    host->next = living;
    living = host;
    pthread_mutex_unlock(&lock);
    return host;
}

struct host *host_open(struct dice *dice, const struct velo_options *options)
{
    return open_with(dice_below(dice, 2) == 0, options);
}

struct host *host_open_uncounted(const struct velo_options *options)
{
    return open_with(false, options);
}

void host_hide(struct host *host)
{
    pthread_mutex_lock(&lock);
    struct host **link = &living;
    while (*link != host)
        link = &(*link)->next;
    *link = host->next;
    pthread_mutex_unlock(&lock);
}

static uint64_t ended(const struct host *host)
{
    return atomic_load(&host->book.executed) + atomic_load(&host->book.cancelled) +
           atomic_load(&host->book.discarded);
}

static void check_books(const struct host *host)
{
    const struct book *book = &host->book;
    CHECK(atomic_load(&book->accepted) == ended(host),
          "L7: accepted %llu, executed %llu, cancelled %llu, discarded %llu",
          atomic_load(&book->accepted),
          atomic_load(&book->executed),
          atomic_load(&book->cancelled),
          atomic_load(&book->discarded));
    sums.loops++;
    sums.accepted += atomic_load(&book->accepted);
    sums.executed += atomic_load(&book->executed);
    sums.cancelled += atomic_load(&book->cancelled);
    sums.discarded += atomic_load(&book->discarded);
    sums.refused += atomic_load(&book->refused);
    watch_progress();
}

/* A work function may outlive the close: its discard comes when it has ended (O2). */
static void compare(const struct host *host)
{
    struct velo_metrics seen = {.size = sizeof seen};
    const struct book *book = &host->book;
    host_wait(host);
    do {
        CHECK(velo_metrics_read(host->loop, &seen) == 0, "metrics after the end");
    } while (seen.discarded != atomic_load(&book->discarded) && sched_yield() == 0);
    CHECK(seen.accepted == atomic_load(&book->accepted) &&
              seen.executed == atomic_load(&book->executed) &&
              seen.cancelled == atomic_load(&book->cancelled),
          "L7: the loop says accepted %llu, executed %llu, cancelled %llu, discarded %llu; its "
          "users %llu, %llu, %llu, %llu",
          (unsigned long long)seen.accepted,
          (unsigned long long)seen.executed,
          (unsigned long long)seen.cancelled,
          (unsigned long long)seen.discarded,
          atomic_load(&book->accepted),
          atomic_load(&book->executed),
          atomic_load(&book->cancelled),
          atomic_load(&book->discarded));
}

void host_end(struct host *host)
{
    int rc = velo_loop_close(host->loop);
    CHECK(rc == 0, "close: %s", velo_strerror(rc));
    enum velo_state state = velo_loop_state(host->loop);
    CHECK(state == VELO_STATE_TERMINATED, "state %d after close", (int)state);
    if (has(VELO_CAP_METRICS))
        compare(host);
    host_hide(host);
    rc = velo_loop_destroy(host->loop);
    CHECK(rc == 0, "destroy: %s", velo_strerror(rc));
    host_gone(host);
}

void host_gone(struct host *host)
{
    check_books(host);
    CHECK(atomic_load(&host->bytes) == 0, "%lld bytes not given back", atomic_load(&host->bytes));
    free(host);
}

void host_wait(const struct host *host)
{
    while (atomic_load(&host->book.accepted) != ended(host))
        sched_yield(); /* the watchdog ends it if this does not */
}

void host_dump(void)
{
    for (const struct host *host = living; host != NULL; host = host->next) {
        struct velo_metrics seen = {.size = sizeof seen};
        fprintf(stderr,
                "loop %p: state %d; users: accepted %llu executed %llu cancelled %llu discarded "
                "%llu refused %llu\n",
                (void *)host->loop,
                (int)velo_loop_state(host->loop),
                atomic_load(&host->book.accepted),
                atomic_load(&host->book.executed),
                atomic_load(&host->book.cancelled),
                atomic_load(&host->book.discarded),
                atomic_load(&host->book.refused));
        if (velo_metrics_read(host->loop, &seen) == 0)
            fprintf(stderr,
                    "    its own: accepted %llu executed %llu cancelled %llu discarded %llu "
                    "pending %llu turns %llu polls %llu parks %llu wakeups %llu\n",
                    (unsigned long long)seen.accepted,
                    (unsigned long long)seen.executed,
                    (unsigned long long)seen.cancelled,
                    (unsigned long long)seen.discarded,
                    (unsigned long long)seen.pending,
                    (unsigned long long)seen.turns,
                    (unsigned long long)seen.polls,
                    (unsigned long long)seen.parks,
                    (unsigned long long)seen.wakeups);
    }
}

/* ---- adding work ---- */

void host_enter_before(struct host *host)
{
    atomic_fetch_add(&host->book.accepted, 1);
}

bool host_enter_after(struct host *host, int result)
{
    CHECK(result == 0 || result == -ESHUTDOWN || result == -EAGAIN,
          "a call that adds work: %s",
          velo_strerror(result));
    if (result == 0)
        return true;
    atomic_fetch_sub(&host->book.accepted, 1);
    atomic_fetch_add(&host->book.refused, 1);
    return false;
}

void host_ran(void *arg)
{
    struct host *host = arg;
    atomic_fetch_add(&host->book.executed, 1);
}

static int add(struct host *host, enum kind kind)
{
    const struct velo_task task = {host_ran, host};
    switch (kind) {
    case KIND_PRIORITY:
        return velo_submit_priority(host->loop, host_ran, host);
    case KIND_TICK:
        return velo_next_tick(host->loop, host_ran, host);
    case KIND_MICROTASK:
        return velo_queue_microtask(host->loop, host_ran, host);
    case KIND_IMMEDIATE:
        return velo_set_immediate(host->loop, host_ran, host, NULL);
    case KIND_CLOSING:
        return velo_defer_close(host->loop, host_ran, host);
    case KIND_TIMER:
        return velo_timer_start(host->loop, 0, 0, host_ran, host, NULL);
    case KIND_BATCH:
        return velo_submit_many(host->loop, &task, 1);
    default:
        return velo_submit(host->loop, host_ran, host);
    }
}

bool host_add(struct host *host, enum kind kind)
{
    static const uint64_t needs[KINDS] = {[KIND_PRIORITY] = VELO_CAP_PRIORITY,
                                          [KIND_TICK] = VELO_CAP_MICROTASKS,
                                          [KIND_MICROTASK] = VELO_CAP_MICROTASKS,
                                          [KIND_IMMEDIATE] = VELO_CAP_IMMEDIATES,
                                          [KIND_CLOSING] = VELO_CAP_IMMEDIATES,
                                          [KIND_TIMER] = VELO_CAP_TIMER_ANY_THREAD,
                                          [KIND_BATCH] = VELO_CAP_BATCH};
    host_enter_before(host);
    return host_enter_after(host, add(host, has(needs[kind]) ? kind : KIND_TASK));
}

/* ---- order ---- */

static void receive(void *arg)
{
    struct parcel *parcel = arg;
    struct lane *lane = parcel->lane;
    CHECK(parcel->number == lane->seen + 1,
          "S3: task %llu of a producer after its task %llu",
          (unsigned long long)parcel->number,
          (unsigned long long)lane->seen);
    lane->seen = parcel->number;
    host_ran(lane->host);
}

bool lane_send(struct lane *lane)
{
    if (lane->sent == PARCELS)
        return false;
    struct parcel *parcel = &lane->parcels[lane->sent];
    *parcel = (struct parcel){lane, lane->sent + 1};
    host_enter_before(lane->host);
    if (!host_enter_after(lane->host, velo_submit(lane->host->loop, receive, parcel)))
        return false;
    lane->sent++;
    return true;
}
