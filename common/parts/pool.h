/* SPDX-License-Identifier: MIT */
/*
 * A pool of threads that run jobs: records of one loop (OP_OFFLOAD), first come, first served.
 *
 * One lock guards the queue and every step of a job, so that its fate is decided once: a worker
 * claims it (PENDING to FIRING), a cancel takes it out (CANCELLED), or the end of the loop does
 * (DEAD). The record's word says the same to everybody else. Jobs are long and the lock is short,
 * so nothing more clever would pay.
 *
 * A job that has ended, or was cancelled, goes into the loop's inbox in the same section in which
 * it is counted as finished: who has seen the count finds the record in the inbox, and after
 * pool_end() no more come. Threads start one by one, when a job finds none free, and not before
 * the first job. They block all signals.
 */
#ifndef VELO_PARTS_POOL_H
#define VELO_PARTS_POOL_H

#include "common/parts/alloc.h"
#include "common/parts/inbox.h"
#include "common/parts/op_list.h"

/* What the loop does for its pool; on the worker's thread, without the lock. */
struct pool_host {
    /* Run its work function. False: this is the child of a fork now, the pool is not ours. */
    bool (*work)(void *ctx, uint32_t job);
    void (*mailed)(void *ctx);             /* the job is in the inbox: wake the owner */
    void (*late)(void *ctx, uint32_t job); /* its work ended after pool_end(): discard it */
};

struct pool {
    const struct pool_host *host; /* constant, as are the next five */
    void *ctx;
    const struct velo_allocator *alloc;
    const struct ops *ops;
    struct inbox *inbox;
    unsigned max; /* threads */
    pthread_mutex_t lock;
    pthread_cond_t work;     /* [queue] or [ended] */
    pthread_cond_t progress; /* [finished] has grown */
    /* under the lock */
    struct op_list queue;
    uint64_t queued;   /* jobs in it */
    uint64_t finished; /* jobs that went into the inbox */
    unsigned started;
    unsigned busy; /* threads that run a job */
    bool ended;
    struct pool_thread *threads;
};

/* No thread yet. 0 or -errno. */
int pool_init(struct pool *pool, const struct ops *ops, struct inbox *inbox, unsigned max);

/* Wait for the threads, after pool_end(). */
void pool_join(struct pool *pool);

/*
 * Free everything. Threads that were not joined do not exist any more: this is the child of a fork,
 * and what they may have held is not touched.
 */
void pool_fini(struct pool *pool);

/* Make sure that there is a thread. 0, -EAGAIN: none could be started, -ENOMEM. Any thread. */
int pool_prepare(struct pool *pool);

/* Publish the record [job] with [word] and queue it, after pool_prepare(). Any thread. */
void pool_put(struct pool *pool, uint32_t job, uint64_t word);

/* Take a queued job back, to the inbox. 0, -EBUSY: it runs, -ENOENT. Any thread. */
int pool_cancel(struct pool *pool, velo_id id);

/* How many jobs have gone into the inbox so far. */
uint64_t pool_finished(struct pool *pool);

/*
 * Block until more than [seen] jobs have finished, or none is left that could. False: none is left,
 * and no more than [seen] have finished. Not for workers of this pool.
 */
bool pool_wait(struct pool *pool, uint64_t seen);

/* No job begins any more; those that were queued are DEAD, and the caller's, in [left]. Once. */
void pool_end(struct pool *pool, struct op_list *left);

/* Is the calling thread one of this pool's? */
bool pool_is_mine(const struct pool *pool);

#endif
