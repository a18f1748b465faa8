/* SPDX-License-Identifier: MIT */
/*
 * jobs.h - an offload that takes notes: which thread ran it, how often, and what its callback got.
 * A held one stays inside its work function until the case opens its gate, so that "queued" and
 * "running" are certain. A job lives until its loop was destroyed.
 */
#ifndef CONF_JOBS_H
#define CONF_JOBS_H

#include "conf.h"

struct job {
    struct velo_loop *loop;
    velo_id id;
    bool held;                       /* the work function waits for [gate] */
    void (*inside)(struct job *job); /* called by the work function, before it waits; or NULL */
    void (*after)(struct job *job);  /* called by the callback; or NULL */
    struct conf_trace *trace;        /* or NULL: the callback adds [word] */
    const char *word;
    void *more;
    struct conf_count began, gate, done;
    pthread_t worker;
    int status;
    int result; /* what [inside] has found out */
    atomic_uint discards;
};

static inline void job_init(struct job *job, struct velo_loop *loop, bool held)
{
    *job = (struct job){.loop = loop, .held = held, .status = 1};
    conf_count_init(&job->began);
    conf_count_init(&job->gate);
    conf_count_init(&job->done);
}

static inline void job_work(void *arg)
{
    struct job *job = arg;
    CONF_EXPECT(!velo_loop_is_owner(job->loop));
    job->worker = pthread_self();
    conf_count_add(&job->began, 1);
    if (job->inside != NULL)
        job->inside(job);
    if (job->held)
        conf_count_wait(&job->gate, 1);
}

static inline void job_done(int status, void *arg)
{
    struct job *job = arg;
    CONF_EXPECT(velo_loop_is_owner(job->loop));
    job->status = status;
    if (job->trace != NULL)
        conf_trace_add(job->trace, "%s", job->word);
    if (job->after != NULL)
        job->after(job);
    conf_count_add(&job->done, 1);
}

static inline int job_add(struct job *job)
{
    return velo_offload(job->loop, job_work, job_done, job, &job->id);
}

/* Add it, and wait until a worker has it. */
static inline void job_begin(struct job *job)
{
    assert_int_equal(job_add(job), 0);
    assert_true(conf_count_wait(&job->began, 1));
}

static inline void job_open(struct job *job)
{
    conf_count_add(&job->gate, 1);
}

/* How it must have ended: the work function ran [works] times, the callback [dones] times. */
#define job_is(job_, works_, dones_, status_)                                                      \
    do {                                                                                           \
        assert_int_equal(conf_count_get(&(job_)->began), works_);                                  \
        assert_int_equal(conf_count_get(&(job_)->done), dones_);                                   \
        assert_int_equal((job_)->status, status_);                                                 \
    } while (0)

/* A hook for on_discard, for loops that hold jobs only. */
static inline void job_discard(void *ctx, velo_fn fn, void *arg)
{
    struct job *job = arg;
    (void)ctx;
    CONF_EXPECT(fn == job_work);
    atomic_fetch_add(&job->discards, 1);
}

static inline struct velo_loop *job_loop(unsigned workers)
{
    struct velo_options options = conf_options();
    options.workers = workers;
    options.on_discard = job_discard;
    return conf_create(&options);
}

#endif
