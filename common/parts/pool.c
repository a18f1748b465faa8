/* SPDX-License-Identifier: MIT */
/* See pool.h. */
#include "common/parts/pool.h"

#include "common/parts/point.h"

#include <errno.h>
#include <signal.h>

struct pool_thread {
    struct pool *pool;
    pthread_t thread;
    struct pool_thread *next;
};

/* The pool whose worker this thread is; initial-exec as in thread.h */
static _Thread_local const struct pool *working_for __attribute__((tls_model("initial-exec")));

bool pool_is_mine(const struct pool *pool)
{
    return working_for == pool;
}

int pool_init(struct pool *pool, const struct ops *ops, struct inbox *inbox, unsigned max)
{
    pool->ops = ops;
    pool->inbox = inbox;
    pool->max = max;
    pool->queue = (struct op_list){OP_NIL, OP_NIL};
    int rc = -pthread_mutex_init(&pool->lock, NULL);
    if (rc != 0)
        return rc;
    rc = -pthread_cond_init(&pool->work, NULL);
    if (rc != 0)
        goto fail_work;
    rc = -pthread_cond_init(&pool->progress, NULL);
    if (rc == 0)
        return 0;
    pthread_cond_destroy(&pool->work);
fail_work:
    pthread_mutex_destroy(&pool->lock);
    return rc;
}

static struct pool_thread *thread_new(const struct pool *pool)
{
    return alloc_new(pool->alloc, sizeof(struct pool_thread), _Alignof(struct pool_thread));
}

static void thread_free(const struct pool *pool, struct pool_thread *thread)
{
    alloc_free(pool->alloc, thread, sizeof(*thread), _Alignof(struct pool_thread));
}

/* Take the newest thread off the list, which is free of the lock now: no more are started. */
static struct pool_thread *shift(struct pool *pool)
{
    struct pool_thread *thread = pool->threads;
    if (thread != NULL)
        pool->threads = thread->next;
    return thread;
}

void pool_join(struct pool *pool)
{
    for (struct pool_thread *thread = shift(pool); thread != NULL; thread = shift(pool)) {
        pthread_join(thread->thread, NULL);
        thread_free(pool, thread);
    }
}

void pool_fini(struct pool *pool)
{
    bool lost = pool->threads != NULL;
    for (struct pool_thread *thread = shift(pool); thread != NULL; thread = shift(pool))
        thread_free(pool, thread);
    if (lost)
        return; /* destroying a condition waits for its waiters, who are gone */
    pthread_cond_destroy(&pool->progress);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
}

/* ---- jobs; all under the lock ---- */

/* Move the word of [job], which only the holder of the lock moves. */
static void set_state(struct pool *pool, uint32_t job, enum op_state state)
{
    struct velo_op *op = ops_at(pool->ops, job);
    op_publish(op, op_with_state(op_word(op), state));
}

/* The job is over: to the owner. */
static void mail(struct pool *pool, uint32_t job, enum op_state state)
{
    set_state(pool, job, state);
    inbox_push(pool->inbox, ops_at(pool->ops, job), job, false);
    pool->finished++;
    pthread_cond_broadcast(&pool->progress);
}

static void unqueue(struct pool *pool, uint32_t job)
{
    op_list_remove(pool->ops, &pool->queue, ops_at(pool->ops, job));
    pool->queued--;
}

/* Run one job; returns with the lock held again. False, without it: see pool_host.work. */
static bool run_one(struct pool *pool)
{
    uint32_t job = pool->queue.first;
    unqueue(pool, job);
    set_state(pool, job, OP_FIRING);
    pool->busy++;
    pthread_mutex_unlock(&pool->lock);
    VELO_POINT(JOB_CLAIMED);
    if (!pool->host->work(pool->ctx, job))
        return false;
    VELO_POINT(JOB_DONE);
    pthread_mutex_lock(&pool->lock);
    pool->busy--;
    bool late = pool->ended;
    if (late)
        set_state(pool, job, OP_DEAD);
    else
        mail(pool, job, OP_DONE); /* and with that it is the owner's */
    pthread_mutex_unlock(&pool->lock);
    if (late)
        pool->host->late(pool->ctx, job);
    else
        pool->host->mailed(pool->ctx);
    pthread_mutex_lock(&pool->lock);
    return true;
}

static void *thread_main(void *arg)
{
    struct pool *pool = ((struct pool_thread *)arg)->pool;
    working_for = pool;
    pthread_mutex_lock(&pool->lock);
    while (!pool->ended) {
        if (pool->queued == 0)
            pthread_cond_wait(&pool->work, &pool->lock);
        else if (!run_one(pool))
            return NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- threads ---- */

/* pthread_create with all signals blocked in the new thread: they are for the user's threads. */
static int create(struct pool_thread *thread)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread->thread, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0 : -EAGAIN;
}

/* One more thread. Under the lock. 0, -EAGAIN, -ENOMEM. */
static int start_one(struct pool *pool)
{
    struct pool_thread *thread = thread_new(pool);
    if (thread == NULL)
        return -ENOMEM;
    thread->pool = pool;
    int rc = create(thread);
    if (rc != 0) {
        thread_free(pool, thread);
        return rc;
    }
    thread->next = pool->threads;
    pool->threads = thread;
    pool->started++;
    return 0;
}

int pool_prepare(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    int rc = pool->started == 0 ? start_one(pool) : 0;
    pthread_mutex_unlock(&pool->lock);
    return rc;
}

void pool_put(struct pool *pool, uint32_t job, uint64_t word)
{
    struct velo_op *op = ops_at(pool->ops, job);
    pthread_mutex_lock(&pool->lock);
    op_publish(op, word);
    op_list_append(pool->ops, &pool->queue, op, job);
    pool->queued++;
    if (pool->queued > pool->started - pool->busy && pool->started < pool->max)
        (void)start_one(pool); /* else those that are there get to it later */
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

int pool_cancel(struct pool *pool, velo_id id)
{
    uint32_t job;
    uint64_t word;
    int rc = -ENOENT;
    pthread_mutex_lock(&pool->lock);
    const struct velo_op *op = ops_find(pool->ops, id, OP_OFFLOAD, &job, &word);
    if (op != NULL && OP_STATE(word) == OP_FIRING) {
        rc = -EBUSY;
    } else if (op != NULL && OP_STATE(word) == OP_PENDING) {
        unqueue(pool, job);
        mail(pool, job, OP_CANCELLED);
        rc = 0;
    }
    pthread_mutex_unlock(&pool->lock);
    return rc;
}

uint64_t pool_finished(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    uint64_t finished = pool->finished;
    pthread_mutex_unlock(&pool->lock);
    return finished;
}

bool pool_wait(struct pool *pool, uint64_t seen)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->finished == seen && pool->queued + pool->busy != 0)
        pthread_cond_wait(&pool->progress, &pool->lock);
    bool more = pool->finished != seen;
    pthread_mutex_unlock(&pool->lock);
    return more;
}

void pool_end(struct pool *pool, struct op_list *left)
{
    pthread_mutex_lock(&pool->lock);
    pool->ended = true;
    *left = pool->queue;
    for (uint32_t job = left->first; job != OP_NIL; job = ops_at(pool->ops, job)->next)
        set_state(pool, job, OP_DEAD);
    pool->queue = (struct op_list){OP_NIL, OP_NIL};
    pool->queued = 0;
    pthread_cond_broadcast(&pool->work);
    pthread_cond_broadcast(&pool->progress);
    pthread_mutex_unlock(&pool->lock);
}
