/* SPDX-License-Identifier: MIT */
/*
 * The allocator of the user (X5): every byte of a loop comes from it and goes back to it with its
 * true size and alignment, and when it refuses, whichever call it is, nothing has changed (S1).
 *
 * Method: an allocator that keeps books of its blocks, with guard bytes behind each.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/faults.h"
#include "conf.h"
#include "kinds.h"
#include "probes.h"

enum { BLOCKS_MAX = 4096, GUARD = 32, GUARD_BYTE = 0xa5 };

struct block {
    unsigned char *at;
    size_t size;
    size_t alignment;
};

struct book {
    pthread_mutex_t lock;
    unsigned count;        /* blocks now */
    size_t bytes;          /* in them */
    size_t peak;           /* bytes at most */
    unsigned long calls;   /* that asked for memory */
    unsigned long refused; /* of these */
    unsigned long fail_from, fail_until;
    unsigned wrong; /* calls that break the rules */
    struct block blocks[BLOCKS_MAX];
};

static void book_open(struct book *book)
{
    memset(book, 0, sizeof *book);
    pthread_mutex_init(&book->lock, NULL);
}

static struct block *book_find(struct book *book, const void *at)
{
    for (unsigned i = 0; i < book->count; i++) {
        if (book->blocks[i].at == at)
            return &book->blocks[i];
    }
    return NULL;
}

static bool is_intact(const struct block *block)
{
    for (unsigned i = 0; i < GUARD; i++) {
        if (block->at[block->size + i] != GUARD_BYTE)
            return false;
    }
    return true;
}

/* Is what the library says about its block true? */
static bool is_right(struct book *book, const void *at, size_t old_size, size_t alignment)
{
    if (at == NULL)
        return old_size == 0;
    const struct block *block = book_find(book, at);
    return block != NULL && block->size == old_size && block->alignment == alignment &&
           is_intact(block);
}

static void *block_add(struct book *book, size_t size, size_t alignment)
{
    unsigned long number = book->calls++;
    void *at = NULL;
    if (number >= book->fail_from && number < book->fail_until) {
        book->refused++;
        return NULL;
    }
    size_t least = alignment < sizeof(void *) ? sizeof(void *) : alignment;
    if (book->count == BLOCKS_MAX || posix_memalign(&at, least, size + GUARD) != 0)
        return NULL;
    memset(at, 0x5a, size); /* a block comes with anything in it */
    memset((unsigned char *)at + size, GUARD_BYTE, GUARD);
    book->blocks[book->count++] = (struct block){at, size, alignment};
    book->bytes += size;
    if (book->bytes > book->peak)
        book->peak = book->bytes;
    return at;
}

static void block_drop(struct book *book, void *at)
{
    struct block *block = book_find(book, at);
    if (block == NULL)
        return;
    memset(at, 0x5a, block->size);
    book->bytes -= block->size;
    *block = book->blocks[--book->count];
    free(at);
}

static void *book_resize(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment)
{
    struct book *book = ctx;
    void *at = NULL;
    pthread_mutex_lock(&book->lock);
    bool power = alignment != 0 && (alignment & (alignment - 1)) == 0;
    if (!power || (block == NULL && new_size == 0) || !is_right(book, block, old_size, alignment))
        book->wrong++;
    if (new_size != 0)
        at = block_add(book, new_size, alignment);
    if (block != NULL && at != NULL)
        memcpy(at, block, old_size < new_size ? old_size : new_size);
    if (block != NULL && (at != NULL || new_size == 0))
        block_drop(book, block);
    pthread_mutex_unlock(&book->lock);
    return at;
}

/* Nothing was wrong, and nothing is left. */
static void book_balances(struct book *book)
{
    assert_int_equal(book->wrong, 0);
    assert_int_equal(book->count, 0);
    assert_int_equal(book->bytes, 0);
}

/* ---- every byte ---- */

static void ignore_fd(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
}

static void turns(struct velo_loop *loop, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CONF_EXPECT_INT(velo_loop_run(loop, VELO_RUN_NOWAIT), 0);
}

/* Make everything in a loop grow that can. */
static void grow_all(struct velo_loop *loop, int fd)
{
    enum { MANY = 3000, BATCH = 1000 };
    static struct velo_task batch[BATCH];
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; kind_is_offered(kind) && i < MANY; i++)
            assert_int_equal(kind_add(kind, loop, nothing, NULL, NULL), 0);
    }
    for (unsigned i = 0; i < BATCH; i++)
        batch[i].fn = nothing;
    if (conf_has(VELO_CAP_BATCH))
        assert_int_equal(velo_submit_many(loop, batch, BATCH), 0);
    for (unsigned i = 0; conf_has(VELO_CAP_TIMERS) && i < MANY; i++)
        assert_int_equal(velo_timer_start(loop, i * CONF_NS_PER_S, 0, nothing, NULL, NULL), 0);
    velo_id id = 0;
    if (fd >= 0)
        assert_int_equal(velo_fd_watch(loop, fd, VELO_READ, ignore_fd, NULL, &id), 0);
    turns(loop, 3);
    if (fd >= 0)
        assert_int_equal(velo_fd_unwatch(loop, id), 0);
}

/* X5: no call of the library reaches malloc or mmap; the books balance; the struct was copied. */
CONF_CASE(every_byte_of_a_loop_comes_from_its_allocator, "X5 L8", CONF_OWN_MODE)
{
    static struct book book;
    struct velo_allocator allocator = {.resize = book_resize, .ctx = &book};
    struct velo_options options = conf_options();
    struct velo_loop *loop = NULL;
    struct fd_pair pair = fd_pair_open();
    bool fds = conf_has(VELO_CAP_FDS) && conf_mode() != VELO_FAST_FORCED;
    book_open(&book);
    options.allocator = &allocator;
    sim_fault(SIM_ALLOC, 0, 0, ENOMEM); /* none fails, but the calls of this thread are counted */
    uint64_t before = sim_calls(SIM_ALLOC);
    assert_int_equal(velo_loop_create(&loop, &options), 0);
    allocator = (struct velo_allocator){NULL, NULL};
    options.allocator = NULL;
    grow_all(loop, fds ? pair.near : -1);
    assert_int_equal(velo_loop_close(loop), 0);
    assert_int_equal(velo_loop_destroy(loop), 0);
    uint64_t calls = sim_calls(SIM_ALLOC) - before;
    sim_faults_clear();
    assert_int_equal(calls, book.calls); /* its own, one each: see block_add() */
    assert_true(book.calls > 0);
    book_balances(&book);
    fd_pair_close(&pair);
}

/* S1, trap Q17: what a burst took goes back to the allocator when the burst is over. */
CONF_CASE(the_memory_of_a_burst_goes_back_to_the_allocator, "X5 S1", 0)
{
    static struct book book;
    const struct velo_allocator allocator = {.resize = book_resize, .ctx = &book};
    struct velo_options options = conf_options();
    options.allocator = &allocator;
    book_open(&book);
    struct velo_loop *loop = conf_create(&options);
    for (unsigned round = 0; round < 3; round++) {
        size_t before = book.bytes;
        for (unsigned i = 0; i < 300000; i++)
            assert_int_equal(velo_submit(loop, nothing, NULL), 0);
        size_t full = book.bytes;
        assert_in_range(full - before, 300000 * 8, 300000 * 40);
        conf_turns(loop, round == 0 ? 100 : 1); /* also before a sleep that may last */
        if (book.bytes > before + (full - before) / 4 + 262144)
            fail_msg("bytes: %zu before, %zu full, %zu after", before, full, book.bytes);
    }
    conf_destroy(loop);
    book_balances(&book);
}

/* X1: an allocator without its function is a wrong argument. */
CONF_CASE(an_allocator_without_resize_is_refused, "X5 X1", 0)
{
    const struct velo_allocator allocator = {NULL, NULL};
    struct velo_options options = conf_options();
    struct velo_loop *const untouched = (struct velo_loop *)&options;
    struct velo_loop *loop = untouched;
    options.allocator = &allocator;
    assert_int_equal(velo_loop_create(&loop, &options), -EINVAL);
    assert_ptr_equal(loop, untouched);
    options.size = offsetof(struct velo_options, allocator); /* who does not know it has none */
    assert_int_equal(velo_loop_create(&loop, &options), 0);
    assert_int_equal(velo_loop_destroy(loop), 0);
}

/* ---- it refuses ---- */

struct tally {
    uint64_t accepted;
    uint64_t refused;
    unsigned ran;
};

static void note(struct tally *tally, int rc)
{
    if (rc != 0)
        CONF_EXPECT_INT(rc, -ENOMEM);
    tally->accepted += rc == 0;
    tally->refused += rc != 0;
}

/* A program that asks for memory in each of its calls now and then. */
static void small_program(struct velo_loop *loop, struct tally *tally, int fd)
{
    enum { SOME = 600, BATCH = 300 };
    static struct velo_task batch[BATCH];
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; kind_is_offered(kind) && i < SOME; i++)
            note(tally, kind_add(kind, loop, tally_fn, &tally->ran, NULL));
    }
    for (unsigned i = 0; i < BATCH; i++)
        batch[i] = (struct velo_task){tally_fn, &tally->ran};
    if (conf_has(VELO_CAP_BATCH)) {
        int rc = velo_submit_many(loop, batch, BATCH);
        note(tally, rc);
        tally->accepted += rc == 0 ? BATCH - 1 : 0;
    }
    if (fd >= 0) {
        velo_id id = 0;
        int rc = velo_fd_watch(loop, fd, VELO_READ, ignore_fd, NULL, &id);
        CONF_EXPECT(rc == 0 || rc == -ENOMEM);
        CONF_EXPECT_INT(velo_fd_unwatch(loop, id), rc == 0 ? 0 : -ENOENT);
    }
    turns(loop, 2);
}

/* The program, with the allocator refusing calls [from, until). True: it has refused one. */
static bool refuse_and_check(struct book *book, unsigned long from, unsigned long until, int fd)
{
    const struct velo_allocator allocator = {.resize = book_resize, .ctx = book};
    struct velo_options options = conf_options();
    struct velo_loop *const untouched = (struct velo_loop *)book;
    struct velo_loop *loop = untouched;
    struct tally tally = {0};
    book_open(book);
    book->fail_from = from;
    book->fail_until = until;
    options.allocator = &allocator;
    int rc = velo_loop_create(&loop, &options);
    if (rc != 0) {
        assert_int_equal(rc, -ENOMEM);
        assert_ptr_equal(loop, untouched);
        assert_true(book->refused > 0);
        book_balances(book);
        return true;
    }
    small_program(loop, &tally, fd);
    book->fail_until = 0;
    for (unsigned i = 0; tally.ran < tally.accepted && i < 1000; i++) {
        conf_elapse_ns(CONF_NS_PER_MS); /* what found no memory is tried again soon */
        turns(loop, 1);
    }
    assert_int_equal(tally.ran, tally.accepted);
    note(&tally, velo_submit(loop, tally_fn, &tally.ran));
    turns(loop, 2);
    assert_int_equal(tally.ran, tally.accepted);
    assert_int_equal(velo_loop_destroy(loop), 0);
    book_balances(book);
    return book->refused > 0;
}

/* S1, X1, X5, trap Q19: each call of the allocator in turn fails, alone and with all later ones. */
CONF_CASE(an_allocator_that_refuses_changes_nothing, "X5 S1 X1 L7", CONF_OWN_MODE)
{
    static struct book book;
    struct fd_pair pair = fd_pair_open();
    bool fds = conf_has(VELO_CAP_FDS) && conf_mode() != VELO_FAST_FORCED;
    unsigned long steps = 0;
    unsigned fds_open = conf_open_fds();
    while (refuse_and_check(&book, steps, steps + 1, fds ? pair.near : -1))
        steps++;
    assert_true(steps > 5);
    for (unsigned long from = 0; from <= steps; from++)
        refuse_and_check(&book, from, ULONG_MAX, fds ? pair.near : -1);
    assert_int_equal(conf_open_fds(), fds_open);
    fd_pair_close(&pair);
}

/* ---- several loops, several threads ---- */

enum { LOOPS = 3, CALLERS = 4 };

struct shared {
    struct velo_loop *loops[LOOPS];
    struct conf_count ran[LOOPS];
    atomic_uint accepted[LOOPS];
    unsigned each;
};

static void call_all(void *arg, unsigned index)
{
    struct shared *shared = arg;
    for (unsigned i = 0; i < shared->each; i++) {
        unsigned which = (i + index) % LOOPS;
        unsigned kind = i % KINDS;
        if (!kind_is_offered(kind))
            kind = KIND_TASK;
        CONF_EXPECT_INT(
            kind_add(kind, shared->loops[which], conf_count_fn, &shared->ran[which], NULL), 0);
        atomic_fetch_add(&shared->accepted[which], 1);
    }
}

/* X5: one allocator, called for several loops by their owners and by foreign threads at once. */
CONF_CASE(an_allocator_serves_loops_and_threads_at_once, "X5 L7", 0)
{
    static struct book book;
    static struct shared shared;
    const struct velo_allocator allocator = {.resize = book_resize, .ctx = &book};
    struct velo_options options = conf_options();
    struct conf_runner runners[LOOPS];
    struct conf_team team;
    options.allocator = &allocator;
    book_open(&book);
    shared.each = conf_rounds(20000);
    for (unsigned i = 0; i < LOOPS; i++) {
        conf_count_init(&shared.ran[i]);
        shared.loops[i] = conf_create(&options);
        conf_runner_start(&runners[i], shared.loops[i], VELO_RUN_FOREVER);
    }
    conf_team_start(&team, CALLERS, call_all, &shared);
    conf_team_join(&team);
    for (unsigned i = 0; i < LOOPS; i++) {
        assert_true(conf_count_wait(&shared.ran[i], atomic_load(&shared.accepted[i])));
        assert_int_equal(velo_loop_shutdown(shared.loops[i], -1), 0);
        assert_int_equal(conf_runner_join(&runners[i]), 0);
        conf_destroy(shared.loops[i]);
    }
    book_balances(&book);
}

/* ---- what is not there by default ---- */

static void done(int result, void *arg)
{
    CONF_EXPECT_INT(result, 0);
    conf_count_fn(arg);
}

/* X5: the same with workers, measurements and a watchdog. */
CONF_CASE(the_books_balance_with_workers_and_measurements, "X5", VELO_CAP_OFFLOAD)
{
    static struct book book;
    const struct velo_allocator allocator = {.resize = book_resize, .ctx = &book};
    struct velo_options options = conf_options();
    struct conf_runner runner;
    struct conf_count ended;
    conf_count_init(&ended);
    options.allocator = &allocator;
    options.metrics = true;
    options.cpu_accounting = true;
    options.watchdog = true;
    options.slow_ns = 3600 * CONF_NS_PER_S;
    options.workers = 3;
    book_open(&book);
    struct velo_loop *loop = conf_create(&options);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(velo_offload(loop, nothing, done, &ended, NULL), 0);
    assert_true(conf_count_wait(&ended, 300));
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
    book_balances(&book);
}
