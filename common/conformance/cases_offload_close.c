/* SPDX-License-Identifier: MIT */
/*
 * Offloads and the immediate end (O2, L6-L8): the queue is given up at once, what runs is reported
 * when it has ended, and destroy waits for that. Method: held jobs; who is told is noted, with its
 * thread.
 */
#include "../sim/faults.h"
#include "jobs.h"
#include "probes.h"

struct told {
    struct job *job;
    pthread_t thread;
};

/* on_discard calls, in their order; written under a lock, as a worker may be one of those who tell.
 */
struct book {
    pthread_mutex_t lock;
    unsigned count;
    struct told told[8];
    struct conf_count changed;
};

static void book_discard(void *ctx, velo_fn fn, void *arg)
{
    struct book *book = ctx;
    struct job *job = arg;
    CONF_EXPECT(fn == job_work);
    CONF_EXPECT_INT(velo_submit(job->loop, nothing, NULL), -ESHUTDOWN);
    CONF_EXPECT_INT(velo_offload(job->loop, nothing, NULL, NULL, NULL), -ESHUTDOWN);
    CONF_EXPECT_INT(velo_offload_cancel(job->loop, job->id), -ENOENT);
    pthread_mutex_lock(&book->lock);
    if (book->count < 8)
        book->told[book->count++] = (struct told){job, pthread_self()};
    pthread_mutex_unlock(&book->lock);
    conf_count_add(&book->changed, 1);
}

/* One job that has ended, one that runs, two that are queued; nobody runs the loop. */
struct four {
    struct velo_loop *loop;
    struct book book;
    struct job ended, running, queued, last;
};

static void four_start(struct four *four)
{
    struct velo_options options = conf_options();
    options.workers = 1;
    options.ctx = &four->book;
    options.on_discard = book_discard;
    pthread_mutex_init(&four->book.lock, NULL);
    four->book.count = 0;
    conf_count_init(&four->book.changed);
    four->loop = conf_create(&options);
    job_init(&four->ended, four->loop, false);
    job_init(&four->running, four->loop, true);
    job_init(&four->queued, four->loop, false);
    job_init(&four->last, four->loop, false);
}

static void four_begin(struct four *four)
{
    assert_int_equal(job_add(&four->ended), 0);
    job_begin(&four->running);
    assert_int_equal(job_add(&four->queued), 0);
    assert_int_equal(job_add(&four->last), 0);
}

static void told_is(const struct four *four, unsigned index, const struct job *job, pthread_t by)
{
    assert_true(index < four->book.count);
    assert_ptr_equal(four->book.told[index].job, job);
    assert_true(pthread_equal(four->book.told[index].thread, by));
}

/* O2, L6, L7, trap O7: close reports what ended or waits, at once, and does not wait for the rest.
 */
CONF_CASE(close_discards_the_queue_and_does_not_wait_for_work, "O2 L6 L7", VELO_CAP_OFFLOAD)
{
    static struct four four;
    four_start(&four);
    four_begin(&four);
    assert_int_equal(velo_loop_close(four.loop), 0);
    assert_int_equal(velo_loop_state(four.loop), VELO_STATE_TERMINATED);
    assert_int_equal(four.book.count, 3);
    told_is(&four, 0, &four.ended, pthread_self());
    told_is(&four, 1, &four.queued, pthread_self());
    told_is(&four, 2, &four.last, pthread_self());
    assert_int_equal(velo_offload_cancel(four.loop, four.running.id), -EBUSY);
    if (conf_has(VELO_CAP_METRICS)) {
        struct velo_metrics seen = conf_metrics(four.loop);
        assert_int_equal(seen.accepted, 4);
        assert_int_equal(seen.executed + seen.cancelled + seen.discarded, 3);
    }
    job_open(&four.running);
    assert_true(conf_count_wait(&four.book.changed, 4));
    told_is(&four, 3, &four.running, four.running.worker);
    conf_destroy(four.loop);
    job_is(&four.ended, 1, 0, 1);
    job_is(&four.running, 1, 0, 1);
    job_is(&four.queued, 0, 0, 1);
    job_is(&four.last, 0, 0, 1);
}

/* O2, L6: the same when a thread is inside run. */
CONF_CASE(close_of_a_running_loop_does_not_wait_for_work, "O2 L6 L7", VELO_CAP_OFFLOAD)
{
    static struct four four;
    struct conf_runner runner;
    four_start(&four);
    four_begin(&four);
    conf_runner_start(&runner, four.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&four.ended.done, 1));
    assert_int_equal(velo_loop_close(four.loop), 0);
    assert_int_equal(conf_runner_join(&runner), -ECANCELED);
    assert_int_equal(four.book.count, 2);
    told_is(&four, 0, &four.queued, runner.thread);
    told_is(&four, 1, &four.last, runner.thread);
    job_open(&four.running);
    assert_true(conf_count_wait(&four.book.changed, 3));
    told_is(&four, 2, &four.running, four.running.worker);
    conf_destroy(four.loop);
}

/* L7: a cancel that returned 0 is how that offload ended, also if the close spares its callback. */
CONF_CASE(cancelled_offloads_are_not_discarded_by_close, "L7 O1", VELO_CAP_OFFLOAD)
{
    static struct four four;
    four_start(&four);
    four_begin(&four);
    assert_int_equal(velo_offload_cancel(four.loop, four.queued.id), 0);
    assert_int_equal(velo_loop_close(four.loop), 0);
    assert_int_equal(four.book.count, 2);
    told_is(&four, 0, &four.ended, pthread_self());
    told_is(&four, 1, &four.last, pthread_self());
    job_open(&four.running);
    assert_true(conf_count_wait(&four.book.changed, 3));
    if (conf_has(VELO_CAP_METRICS))
        assert_int_equal(conf_metrics(four.loop).cancelled, 1);
    conf_destroy(four.loop);
    job_is(&four.queued, 0, 0, 1);
}

struct destroying {
    struct four *four;
    unsigned told; /* when destroy had returned */
};

static void destroy_and_look(void *arg, unsigned index)
{
    struct destroying *test = arg;
    (void)index;
    CONF_EXPECT_INT(conf_destroy_as_is(test->four->loop), 0);
    test->told = test->four->book.count;
}

/* O2, L8: destroy waits for the work function, and reports it before it returns. */
CONF_CASE(destroy_waits_for_work_functions, "O2 L7 L8", VELO_CAP_OFFLOAD)
{
    static struct four four;
    struct destroying test = {.four = &four};
    struct conf_team team;
    four_start(&four);
    four_begin(&four);
    conf_team_start(&team, 1, destroy_and_look, &test);
    assert_true(conf_count_wait(&four.book.changed, 3));
    conf_wait_state(four.loop, VELO_STATE_TERMINATED); /* it lives while the work function runs */
    assert_int_equal(velo_submit(four.loop, nothing, NULL), -ESHUTDOWN);
    job_open(&four.running);
    conf_team_join(&team);
    assert_int_equal(test.told, 4);
    told_is(&four, 3, &four.running, four.running.worker);
    job_is(&four.queued, 0, 0, 1);
}

static void close_inside(struct job *job)
{
    job->result = velo_loop_close(job->loop);
    CONF_EXPECT_INT(velo_loop_state(job->loop), VELO_STATE_TERMINATED);
    CONF_EXPECT_INT(velo_loop_shutdown(job->loop, -1), -ESHUTDOWN);
    CONF_EXPECT_INT(conf_destroy_as_is(job->loop), -EDEADLK);
}

/* O3, L6, trap O3: a work function closes its loop, which runs or rests; it is reported at the end.
 */
CONF_CASE(close_from_a_work_function_ends_the_loop, "O3 L6 L7", VELO_CAP_OFFLOAD)
{
    for (unsigned way = 0; way < 2; way++) {
        static struct four four;
        struct conf_runner runner;
        four_start(&four);
        four.running.inside = close_inside;
        if (way == 0) {
            conf_runner_start(&runner, four.loop, VELO_RUN_FOREVER);
            conf_wait_running(four.loop);
        }
        job_begin(&four.running);
        conf_wait_state(four.loop, VELO_STATE_TERMINATED);
        if (way == 0)
            assert_int_equal(conf_runner_join(&runner), -ECANCELED);
        job_open(&four.running);
        assert_true(conf_count_wait(&four.book.changed, 1));
        told_is(&four, 0, &four.running, four.running.worker);
        assert_int_equal(four.running.result, 0);
        conf_destroy(four.loop);
        job_is(&four.running, 1, 0, 1);
    }
}

static void offload_until_refused(struct job *job)
{
    int rc = 0;
    while (rc == 0) {
        rc = velo_offload(job->loop, nothing, NULL, NULL, NULL);
        job->result += rc == 0;
    }
    CONF_EXPECT_INT(rc, -ESHUTDOWN);
}

/* Trap O2: the loop never ran, and is closed while a job offloads again and again. */
CONF_CASE(close_while_a_job_offloads_again_does_not_deadlock, "O2 O3 L6", VELO_CAP_OFFLOAD)
{
    for (unsigned round = 0; round < conf_rounds(100); round++) {
        struct velo_options options = conf_options();
        options.workers = 2;
        struct velo_loop *loop = conf_create(&options);
        struct conf_random random = conf_random(round);
        struct job job;
        job_init(&job, loop, false);
        job.inside = offload_until_refused;
        job_begin(&job);
        conf_jitter(&random, 50000);
        assert_int_equal(velo_loop_close(loop), 0);
        assert_int_equal(conf_destroy_as_is(loop), 0);
        assert_int_equal(conf_discarded(loop), (unsigned)job.result + 1);
    }
}

/* L10, O2: a poll that fails gives the offloads up as a close does. */
CONF_CASE(failing_poll_discards_offloads, "L10 O2 L7", VELO_CAP_OFFLOAD | CONF_OWN_MODE)
{
    static struct four four;
    struct conf_runner runner;
    four_start(&four);
    assert_int_equal(velo_fast_path_set(four.loop, VELO_FAST_DISABLED), 0);
    four_begin(&four);
    sim_fault(SIM_POLL_WAIT, 0, UINT64_MAX / 2, EBADF);
    sim_fault(SIM_POLL_LOOK, 0, UINT64_MAX / 2, EBADF);
    conf_runner_start(&runner, four.loop, VELO_RUN_FOREVER);
    assert_int_equal(conf_runner_join(&runner), -EBADF);
    sim_faults_clear();
    job_open(&four.running);
    assert_true(conf_count_wait(&four.book.changed, 3));
    conf_destroy(four.loop);
    job_is(&four.ended, 1, 1, 0);
    job_is(&four.running, 1, 0, 1);
}

/* ---- races ---- */

enum { ITEMS = 4, ROUNDS = 10000 };

/* One round: a partner offloads and cancels while the main thread ends the loop. */
struct race {
    struct velo_loop *loop;
    struct conf_count start, stop;
    struct conf_random random;
    unsigned rounds;
    struct item {
        bool accepted, cancelled;
        atomic_uchar works, completed, told_cancelled, discarded;
    } items[ITEMS];
};

static void item_work(void *arg)
{
    struct item *item = arg;
    atomic_fetch_add(&item->works, 1);
}

static void item_done(int status, void *arg)
{
    struct item *item = arg;
    atomic_fetch_add(status == 0 ? &item->completed : &item->told_cancelled, 1);
}

static void item_discard(void *ctx, velo_fn fn, void *arg)
{
    struct item *item = arg;
    (void)ctx;
    CONF_EXPECT(fn == item_work);
    atomic_fetch_add(&item->discarded, 1);
}

static void race_partner(void *arg, unsigned index)
{
    struct race *race = arg;
    (void)index;
    for (unsigned round = 1; round <= race->rounds; round++) {
        if (!conf_count_wait(&race->start, round))
            return;
        for (unsigned i = 0; i < ITEMS; i++) {
            struct item *item = &race->items[i];
            velo_id id = 0;
            int rc = velo_offload(race->loop, item_work, item_done, item, &id);
            CONF_EXPECT(rc == 0 || rc == -ESHUTDOWN);
            item->accepted = rc == 0;
            if (rc == 0 && i % 2 == 1)
                item->cancelled = velo_offload_cancel(race->loop, id) == 0;
        }
        conf_count_add(&race->stop, 1);
    }
}

static void race_end(struct race *race, unsigned round)
{
    conf_jitter(&race->random, 60000);
    int rc = round % 3 == 0   ? velo_loop_close(race->loop)
             : round % 3 == 1 ? velo_loop_shutdown(race->loop, -1)
                              : velo_loop_shutdown(race->loop, 0);
    CONF_EXPECT_INT(rc, 0);
    conf_count_wait(&race->stop, round + 1); /* a call that has not begun may not meet destroy */
    assert_int_equal(conf_destroy_as_is(race->loop), 0);
}

static void race_check(const struct race *race, bool graceful)
{
    for (unsigned i = 0; i < ITEMS; i++) {
        const struct item *item = &race->items[i];
        int fates = item->completed + item->cancelled + item->discarded;
        bool sound =
            fates == item->accepted && item->works <= item->accepted &&
            item->told_cancelled <= item->cancelled && (item->completed == 0 || item->works == 1) &&
            (!item->cancelled || item->works == 0) &&
            (!graceful || (item->discarded == 0 && item->told_cancelled == item->cancelled));
        if (!sound)
            fail_msg(
                "item %u: accepted %d, ran %d, completed %d, cancelled %d told %d, discarded %d",
                i,
                item->accepted,
                item->works,
                item->completed,
                item->cancelled,
                item->told_cancelled,
                item->discarded);
    }
}

/* L7, O1, O2, trap O1: offloads race the end of the loop; no hang, and one end for each. */
CONF_CASE(offloads_racing_the_end_end_once, "O1 O2 L7", VELO_CAP_OFFLOAD)
{
    struct velo_options options = conf_options();
    static struct race race;
    struct conf_team team;
    options.on_discard = item_discard;
    options.workers = 2;
    conf_count_init(&race.start);
    conf_count_init(&race.stop);
    race.random = conf_random(0);
    race.rounds = conf_rounds(ROUNDS);
    conf_team_start(&team, 1, race_partner, &race);
    for (unsigned round = 0; round < race.rounds; round++) {
        for (unsigned i = 0; i < ITEMS; i++)
            race.items[i] = (struct item){0};
        race.loop = conf_create(&options);
        conf_count_add(&race.start, 1);
        race_end(&race, round);
        race_check(&race, round % 3 != 0);
    }
    conf_team_join(&team);
}
