/* SPDX-License-Identifier: MIT */
/*
 * The pool without a loop: jobs run once and in order, each ends in the inbox or is handed back,
 * and threads come one by one.
 */
#include "common/parts/pool.h"
#include "common/unit/unit.h"

#include <errno.h>
#include <semaphore.h>

static uint32_t take_own(struct ops *ops)
{
    uint32_t index;
    return ops_take_own(ops, &index) == NULL ? OP_NIL : index;
}

enum { JOBS = 200 };

/* Jobs are found by their arg, their number; those below [held] wait for [gate]. */
struct bench {
    struct pool pool;
    struct ops ops;
    struct inbox inbox;
    uintptr_t held;
    sem_t gate, begun;
    pthread_mutex_t lock; /* guards what follows */
    unsigned runs[JOBS], late, mailed;
    uintptr_t order[JOBS];
    unsigned ran;
};

static uintptr_t number_of(const struct bench *bench, uint32_t job)
{
    return (uintptr_t)ops_at(&bench->ops, job)->arg;
}

static bool on_work(void *ctx, uint32_t job)
{
    struct bench *bench = ctx;
    uintptr_t number = number_of(bench, job);
    pthread_mutex_lock(&bench->lock);
    bench->runs[number]++;
    bench->order[bench->ran++] = number;
    pthread_mutex_unlock(&bench->lock);
    sem_post(&bench->begun);
    if (number < bench->held)
        sem_wait(&bench->gate);
    return true;
}

static void on_mailed(void *ctx)
{
    struct bench *bench = ctx;
    pthread_mutex_lock(&bench->lock);
    bench->mailed++;
    pthread_mutex_unlock(&bench->lock);
}

static void on_late(void *ctx, uint32_t job)
{
    struct bench *bench = ctx;
    (void)job;
    pthread_mutex_lock(&bench->lock);
    bench->late++;
    pthread_mutex_unlock(&bench->lock);
}

static const struct pool_host host = {on_work, on_mailed, on_late};

static void bench_init(struct bench *bench, unsigned max)
{
    *bench = (struct bench){0};
    assert_int_equal(ops_init(&bench->ops), 0);
    sem_init(&bench->gate, 0, 0);
    sem_init(&bench->begun, 0, 0);
    pthread_mutex_init(&bench->lock, NULL);
    bench->pool.host = &host;
    bench->pool.ctx = bench;
    assert_int_equal(pool_init(&bench->pool, &bench->ops, &bench->inbox, max), 0);
}

static velo_id put(struct bench *bench, uintptr_t number)
{
    uint32_t job = take_own(&bench->ops);
    struct velo_op *op = ops_at(&bench->ops, job);
    uint64_t word = op_word_make(op_word(op), OP_OFFLOAD, 0);
    op->arg = (void *)number; // NOLINT(performance-no-int-to-ptr)
    assert_int_equal(pool_prepare(&bench->pool), 0);
    pool_put(&bench->pool, job, word);
    return op_id(word, job);
}

/* End it; returns how many jobs were still queued. */
static unsigned bench_fini(struct bench *bench)
{
    struct op_list left;
    unsigned count = 0;
    pool_end(&bench->pool, &left);
    for (uintptr_t i = 0; i < bench->held; i++)
        sem_post(&bench->gate);
    pool_join(&bench->pool);
    for (uint32_t job = left.first; job != OP_NIL; job = ops_at(&bench->ops, job)->next) {
        assert_int_equal(OP_STATE(op_word(ops_at(&bench->ops, job))), OP_DEAD);
        count++;
    }
    pool_fini(&bench->pool);
    ops_fini(&bench->ops);
    return count;
}

static unsigned take_mail(struct bench *bench, enum op_state state)
{
    unsigned count = 0;
    for (uint32_t job = inbox_take(&bench->inbox, &bench->ops, false); job != OP_NIL;) {
        uint32_t next = ops_at(&bench->ops, job)->next;
        count += OP_STATE(op_word(ops_at(&bench->ops, job))) == state;
        ops_free(&bench->ops, ops_at(&bench->ops, job), job);
        job = next;
    }
    return count;
}

static void a_pool_without_jobs_has_no_thread(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 3);
    assert_null(bench.pool.threads);
    assert_false(pool_wait(&bench.pool, 0));
    assert_false(pool_is_mine(&bench.pool));
    assert_int_equal(pool_cancel(&bench.pool, 17), -ENOENT);
    assert_int_equal(bench_fini(&bench), 0);
}

static void jobs_run_once_and_in_order(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 1);
    for (uintptr_t i = 0; i < JOBS; i++)
        put(&bench, i);
    uint64_t seen = 0;
    while (pool_wait(&bench.pool, seen))
        seen = pool_finished(&bench.pool);
    assert_int_equal(seen, JOBS);
    assert_int_equal(take_mail(&bench, OP_DONE), JOBS);
    for (uintptr_t i = 0; i < JOBS; i++) {
        assert_int_equal(bench.runs[i], 1);
        assert_int_equal(bench.order[i], i);
    }
    assert_int_equal(bench_fini(&bench), 0);
    assert_int_equal(bench.mailed, JOBS);
    assert_int_equal(bench.late, 0);
}

static void threads_come_one_by_one(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 3);
    bench.held = 5;
    for (uintptr_t i = 0; i < 5; i++) {
        put(&bench, i);
        unsigned expected = i < 3 ? (unsigned)i + 1 : 3;
        assert_int_equal(bench.pool.started, expected);
        if (i < 3)
            sem_wait(&bench.begun);
    }
    assert_int_equal(bench_fini(&bench), 2);
    assert_int_equal(bench.late, 3);
    assert_int_equal(bench.mailed, 0);
}

static void a_cancel_takes_queued_jobs_only(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 1);
    bench.held = 1;
    velo_id running = put(&bench, 0);
    sem_wait(&bench.begun);
    velo_id queued = put(&bench, 1);
    velo_id next = put(&bench, 2);
    assert_int_equal(pool_cancel(&bench.pool, running), -EBUSY);
    assert_int_equal(pool_cancel(&bench.pool, queued), 0);
    assert_int_equal(pool_cancel(&bench.pool, queued), -ENOENT);
    assert_int_equal(pool_finished(&bench.pool), 1);
    assert_int_equal(take_mail(&bench, OP_CANCELLED), 1);
    sem_post(&bench.gate);
    sem_wait(&bench.begun); /* the next one: so the first is in the inbox */
    assert_int_equal(pool_cancel(&bench.pool, running), -ENOENT);
    while (pool_wait(&bench.pool, pool_finished(&bench.pool)))
        ;
    assert_int_equal(pool_cancel(&bench.pool, next), -ENOENT);
    assert_int_equal(take_mail(&bench, OP_DONE), 2);
    assert_int_equal(bench.runs[1], 0);
    assert_int_equal(bench_fini(&bench), 0);
}

static void many_put_at_once(void *arg, unsigned index)
{
    struct bench *bench = arg;
    for (unsigned i = 0; i < JOBS / 4; i++) {
        uint32_t job = ops_take_foreign(&bench->ops);
        struct velo_op *op = ops_at(&bench->ops, job);
        uint64_t word = op_word_make(op_word(op), OP_OFFLOAD, OP_FOREIGN);
        op->arg = (void *)(uintptr_t)(index * (JOBS / 4) + i); // NOLINT(performance-no-int-to-ptr)
        if (pool_prepare(&bench->pool) != 0)
            abort();
        pool_put(&bench->pool, job, word);
        if (i % 2 == 0)
            (void)pool_cancel(&bench->pool, op_id(word, job));
    }
}

static void putting_and_cancelling_from_everywhere_loses_nothing(void **state)
{
    (void)state;
    for (unsigned round = 0; round < unit_rounds(50); round++) {
        struct bench bench;
        struct unit_team team;
        bench_init(&bench, 3);
        unit_team_start(&team, 4, many_put_at_once, &bench);
        unit_team_join(&team);
        uint64_t seen = 0;
        while (pool_wait(&bench.pool, seen))
            seen = pool_finished(&bench.pool);
        assert_int_equal(seen, JOBS);
        unsigned ran = 0;
        for (unsigned i = 0; i < JOBS; i++) {
            assert_true(bench.runs[i] <= 1);
            ran += bench.runs[i];
        }
        assert_int_equal(take_mail(&bench, OP_DONE), ran);
        assert_int_equal(bench_fini(&bench), 0);
        assert_int_equal(bench.mailed, ran);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_without_jobs_has_no_thread),
        cmocka_unit_test(jobs_run_once_and_in_order),
        cmocka_unit_test(threads_come_one_by_one),
        cmocka_unit_test(a_cancel_takes_queued_jobs_only),
        cmocka_unit_test(putting_and_cancelling_from_everywhere_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
