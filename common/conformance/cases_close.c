/* SPDX-License-Identifier: MIT */
/*
 * The immediate end (L6), destroy (L8), and wake-ups in flight (L9). Method: hooks on the wake-up
 * system calls park a producer inside the library, at the point where it could touch freed memory.
 */
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../sim/faults.h"
#include "conf.h"
#include "kinds.h"
#include "probes.h"

static void must_not_run(void *arg)
{
    (void)arg;
    CONF_EXPECT(!"a discarded callback ran");
}

/* ---- L6 ---- */

enum { PER_KIND = 5 };

struct discard_book {
    struct velo_loop *loop;
    unsigned char items[KINDS][PER_KIND]; /* addresses serve as args, values count reports */
    unsigned strangers;
    pthread_t expected;
};

static void book_discard(void *ctx, velo_fn fn, void *arg)
{
    struct discard_book *book = ctx;
    unsigned char *item = arg;
    bool known = item >= &book->items[0][0] && item < &book->items[0][0] + sizeof book->items;
    if (fn == must_not_run && known)
        ++*item;
    else
        book->strangers++;
    CONF_EXPECT(pthread_equal(pthread_self(), book->expected));
    CONF_EXPECT_INT(velo_submit(book->loop, nothing, NULL), -ESHUTDOWN);
    if (conf_has(VELO_CAP_MICROTASKS))
        CONF_EXPECT_INT(velo_next_tick(book->loop, nothing, NULL), -ESHUTDOWN);
}

/* L6, L7, trap L6: each queued item is reported once, with its fn and arg, and none runs. */
CONF_CASE(close_reports_each_queued_item_once, "L6 L7", 0)
{
    static struct discard_book book;
    struct velo_options options = conf_options();
    options.ctx = &book;
    options.on_discard = book_discard;
    book.loop = conf_create(&options);
    book.expected = pthread_self();
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned i = 0; i < PER_KIND && kind_is_offered(kind); i++)
            assert_int_equal(kind_add(kind, book.loop, must_not_run, &book.items[kind][i], NULL),
                             0);
    assert_int_equal(velo_loop_close(book.loop), 0);
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned i = 0; i < PER_KIND && kind_is_offered(kind); i++)
            assert_int_equal(book.items[kind][i], 1);
    assert_int_equal(book.strangers, 0);
    conf_destroy(book.loop);
}

struct unfinished {
    struct conf_count entered, hold;
    atomic_bool ended;
};

static void end_late(void *arg)
{
    struct unfinished *test = arg;
    conf_count_add(&test->entered, 1);
    conf_count_wait(&test->hold, 1);
    atomic_store(&test->ended, true);
}

struct closing {
    struct velo_loop *loop;
    struct unfinished *test;
    bool destroy;
};

static void close_and_look(void *arg, unsigned index)
{
    struct closing *closing = arg;
    (void)index;
    if (closing->destroy)
        CONF_EXPECT_INT(conf_destroy_as_is(closing->loop), 0);
    else
        CONF_EXPECT_INT(velo_loop_close(closing->loop), 0);
    CONF_EXPECT(atomic_load(&closing->test->ended));
}

/* L6, L8: a callback that runs is waited for, one that has not started is not run. */
CONF_CASE(close_and_destroy_wait_for_the_running_callback, "L6 L8", 0)
{
    for (unsigned way = 0; way < 2; way++) {
        struct unfinished test = {.ended = false};
        struct velo_loop *loop = conf_create(NULL);
        struct closing closing = {loop, &test, way == 1};
        struct conf_runner runner;
        struct conf_team team;
        conf_count_init(&test.entered);
        conf_count_init(&test.hold);
        assert_int_equal(velo_submit(loop, end_late, &test), 0);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        assert_true(conf_count_wait(&test.entered, 1));
        assert_int_equal(velo_submit(loop, must_not_run, NULL), 0);
        conf_team_start(&team, 1, close_and_look, &closing);
        conf_wait_state(loop, VELO_STATE_TERMINATING);
        /* A shutdown that joins the close and runs out of time: so the close was accepted. */
        assert_int_equal(velo_loop_shutdown(loop, 1000000), -ETIMEDOUT);
        conf_count_add(&test.hold, 1);
        conf_team_join(&team);
        assert_int_equal(conf_runner_join(&runner), -ECANCELED);
        assert_int_equal(conf_discarded(loop), 1);
        if (way == 0)
            conf_destroy(loop);
    }
}

/* L6: what stands behind the running callback, in its own phase and in a later one, is given up. */
CONF_CASE(close_discards_the_rest_of_the_phase_that_runs, "L6 L7", 0)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct unfinished test = {.ended = false};
        struct velo_loop *loop = conf_create(NULL);
        struct closing closing = {loop, &test, false};
        struct conf_runner runner;
        struct conf_team team;
        conf_count_init(&test.entered);
        conf_count_init(&test.hold);
        unsigned used = kind_is_offered(kind) ? kind : KIND_TASK;
        assert_int_equal(kind_add(used, loop, end_late, &test, NULL), 0);
        for (unsigned i = 0; i < PER_KIND; i++)
            assert_int_equal(kind_add(used, loop, must_not_run, NULL, NULL), 0);
        assert_int_equal(velo_defer_close(loop, must_not_run, NULL), 0);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        assert_true(conf_count_wait(&test.entered, 1));
        conf_team_start(&team, 1, close_and_look, &closing);
        conf_wait_state(loop, VELO_STATE_TERMINATING);
        assert_int_equal(velo_loop_shutdown(loop, 1000000), -ETIMEDOUT); /* as above: accepted */
        conf_count_add(&test.hold, 1);
        conf_team_join(&team);
        assert_int_equal(conf_runner_join(&runner), -ECANCELED);
        assert_int_equal(conf_discarded(loop), PER_KIND + 1);
        conf_destroy(loop);
    }
}

static void end_from_inside(void *arg)
{
    CONF_EXPECT_INT(velo_loop_close(arg), -EDEADLK);
    CONF_EXPECT_INT(conf_destroy_as_is(arg), -EDEADLK);
    CONF_EXPECT_INT(velo_loop_state(arg), VELO_STATE_RUNNING);
}

/* L6, L8, trap L5: close and destroy from a callback of any kind are refused; nothing changes. */
CONF_CASE(close_and_destroy_from_a_callback_are_edeadlk, "L6 L8", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count ran;
    conf_count_init(&ran);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, loop, end_from_inside, loop, NULL), 0);
        conf_turns(loop, 2);
        assert_int_equal(velo_loop_state(loop), VELO_STATE_AWAKE);
    }
    assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
    conf_turns(loop, 1);
    assert_int_equal(conf_count_get(&ran), 1);
    conf_destroy(loop);
}

/* L6 ruling: close of a terminated loop is 0, however it ended. */
CONF_CASE(close_of_a_terminated_loop_is_0, "L6", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(velo_loop_close(loop), 0);
    assert_int_equal(velo_loop_close(loop), 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), -ESHUTDOWN);
    conf_destroy(loop);
    loop = conf_create(NULL);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(velo_loop_close(loop), 0);
    conf_destroy(loop);
}

struct flood {
    struct velo_loop *loop;
    atomic_bool closed;
    atomic_ullong accepted, ran;
    struct conf_count started;
};

static void not_after_close(void *arg)
{
    struct flood *flood = arg;
    CONF_EXPECT(!atomic_load(&flood->closed));
    atomic_fetch_add(&flood->ran, 1);
}

static void flood_until_refused(void *arg, unsigned index)
{
    struct flood *flood = arg;
    int rc = 0;
    for (unsigned i = 0; rc == 0; i++) {
        if (i == 1)
            conf_count_add(&flood->started, 1);
        rc = (i + index) % 2 != 0 && conf_has(VELO_CAP_PRIORITY)
                 ? velo_submit_priority(flood->loop, not_after_close, flood)
                 : velo_submit(flood->loop, not_after_close, flood);
        if (rc == 0)
            atomic_fetch_add(&flood->accepted, 1);
    }
    CONF_EXPECT_INT(rc, -ESHUTDOWN);
}

/* L6, L7: producers never stop; once close has returned no callback runs, and all is accounted for.
 */
CONF_CASE(no_callback_runs_after_close_returned, "L6 L7", 0)
{
    struct conf_random random = conf_random(0);
    for (unsigned round = 0; round < conf_rounds(40); round++) {
        struct flood flood = {.loop = conf_create(NULL)};
        struct conf_runner runner;
        struct conf_team team;
        conf_count_init(&flood.started);
        conf_runner_start(&runner, flood.loop, VELO_RUN_FOREVER);
        conf_team_start(&team, 3, flood_until_refused, &flood);
        conf_count_wait(&flood.started, 3);
        conf_jitter(&random, 200000);
        assert_int_equal(velo_loop_close(flood.loop), 0);
        atomic_store(&flood.closed, true);
        conf_team_join(&team);
        int rc = conf_runner_join(&runner);
        assert_true(rc == -ECANCELED || rc == -ESHUTDOWN);
        assert_int_equal(flood.accepted, flood.ran + conf_discarded(flood.loop));
        conf_destroy(flood.loop);
    }
}

/* ---- L8 ---- */

/* L8: destroy closes first; whoever runs the loop is told. */
CONF_CASE(destroy_closes_a_running_loop, "L8", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    conf_wait_state(loop, VELO_STATE_SLEEPING);
    assert_int_equal(conf_destroy_as_is(loop), 0);
    assert_int_equal(conf_runner_join(&runner), -ECANCELED);
    assert_int_equal(velo_loop_destroy(NULL), 0);
}

static void no_event(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
}

/* L8, trap L20: destroy in each state with work of every kind alive leaves nothing behind. */
CONF_CASE(destroy_with_everything_alive_leaks_nothing, "L8 L7", 0)
{
    enum { NEVER_RUN, RAN, ASLEEP, SHUT_DOWN, CLOSED, STATES };
    unsigned before = conf_open_fds();
    for (unsigned round = 0; round < 3 * STATES; round++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        int ends[2];
        unsigned state = round % STATES;
        assert_int_equal(pipe(ends), 0);
        if (state == RAN)
            conf_turns(loop, 1);
        if (state == ASLEEP) {
            conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
            conf_wait_state(loop, VELO_STATE_SLEEPING);
        }
        for (unsigned kind = 0; kind < KINDS; kind++)
            if (kind_is_offered(kind))
                assert_int_equal(kind_add(kind, loop, nothing, NULL, NULL), 0);
        if (conf_has(VELO_CAP_TIMERS))
            assert_int_equal(velo_timer_start(loop, CONF_NS_PER_S, 1, nothing, NULL, NULL), 0);
        if (conf_has(VELO_CAP_FDS) && conf_mode() != VELO_FAST_FORCED)
            assert_int_equal(velo_fd_watch(loop, ends[0], VELO_READ, no_event, NULL, NULL), 0);
        if (state == SHUT_DOWN)
            assert_int_equal(velo_loop_shutdown(loop, -1), 0);
        if (state == CLOSED)
            assert_int_equal(velo_loop_close(loop), 0);
        assert_int_equal(conf_destroy_as_is(loop), 0);
        if (state == ASLEEP)
            assert_int_equal(conf_runner_join(&runner), -ECANCELED);
        close(ends[0]);
        close(ends[1]);
    }
    assert_int_equal(conf_open_fds(), before);
}

/* L8, trap F10: descriptors and memory are back where they were after many loops. */
CONF_CASE(a_thousand_loops_leave_nothing_behind, "L8", 0)
{
    unsigned rounds = conf_rounds(1000);
    unsigned fds = conf_open_fds();
    size_t heap = 0;
    for (unsigned round = 0; round < rounds; round++) {
        struct velo_loop *loop = conf_create(NULL);
        assert_int_equal(velo_submit(loop, nothing, NULL), 0);
        conf_turns(loop, 1);
        assert_int_equal(velo_submit(loop, nothing, NULL), 0);
        conf_destroy(loop);
        if (round == rounds / 2)
            heap = conf_heap_bytes();
    }
    assert_int_equal(conf_open_fds(), fds);
    if (heap != 0) /* 0: a sanitizer owns the heap and looks for leaks itself */
        assert_in_range(conf_heap_bytes(), 0, heap + 16384);
}

/* ---- L9: wake-ups in flight ---- */

/* A producer that stands in front of its wake-up system call. */
struct parked {
    struct velo_loop *loop;
    unsigned kind;
    struct conf_count at_call, settled, go, destroyed; /* settled: parked or passed by */
    int added;
};

static _Thread_local bool is_producer;

static void park_producer(void *ctx)
{
    struct parked *parked = ctx;
    if (!is_producer)
        return;
    conf_count_add(&parked->at_call, 1);
    conf_count_add(&parked->settled, 1);
    conf_count_wait(&parked->go, 1);
}

static void produce_one(void *arg, unsigned index)
{
    struct parked *parked = arg;
    (void)index;
    is_producer = true;
    parked->added = kind_add(parked->kind, parked->loop, nothing, NULL, NULL);
    if (conf_count_get(&parked->at_call) == 0)
        conf_count_add(&parked->settled, 1);
}

static void destroy_it(void *arg, unsigned index)
{
    struct parked *parked = arg;
    (void)index;
    CONF_EXPECT_INT(conf_destroy_as_is(parked->loop), 0);
    conf_count_add(&parked->destroyed, 1);
}

/* A timer: end the loop once a producer is parked. */
static void shut_down_if_parked(void *arg)
{
    struct parked *parked = arg;
    if (conf_count_get(&parked->at_call) == 1)
        CONF_EXPECT_INT(velo_loop_shutdown(parked->loop, 0), 0);
}

static void parked_init(struct parked *parked, unsigned kind)
{
    parked->loop = conf_create(NULL);
    parked->kind = kind;
    conf_count_init(&parked->at_call);
    conf_count_init(&parked->settled);
    conf_count_init(&parked->go);
    conf_count_init(&parked->destroyed);
}

/*
 * Let a producer park. One that comes while the loop is still on its way to sleep need not ring, so
 * a few may pass by. False: all did; then there is no call that can be seen.
 */
static bool park_a_producer(struct parked *parked, struct conf_team *producer)
{
    sim_hook(SIM_WAKE_WRITE, park_producer, parked);
    sim_hook(SIM_FUTEX_WAKE, park_producer, parked);
    for (unsigned attempt = 1; attempt <= 50; attempt++) {
        if (!conf_wait_state(parked->loop, VELO_STATE_SLEEPING))
            return false;
        conf_team_start(producer, 1, produce_one, parked);
        conf_count_wait(&parked->settled, attempt);
        if (conf_count_get(&parked->at_call) == 1)
            return true;
        conf_team_join(producer);
    }
    return false;
}

/* Destroy must stay until the producer was let go. */
static void destroy_beside_the_producer(struct parked *parked, struct conf_team *producer)
{
    struct conf_team destroyer;
    conf_team_start(&destroyer, 1, destroy_it, parked);
    assert_false(conf_count_wait_for(&parked->destroyed, 1, 40 * CONF_NS_PER_MS));
    conf_count_add(&parked->go, 1);
    conf_team_join(producer);
    conf_team_join(&destroyer);
    sim_faults_clear();
    assert_int_equal(parked->added, 0);
}

/* L9, L8: destroy does not pass a producer that is about to ring a sleeping loop. */
CONF_CASE(destroy_waits_for_a_wakeup_in_flight, "L9 L8", 0)
{
    struct parked parked;
    struct conf_runner runner;
    struct conf_team producer;
    parked_init(&parked, KIND_TASK);
    conf_runner_start(&runner, parked.loop, VELO_RUN_FOREVER);
    if (!park_a_producer(&parked, &producer)) {
        assert_int_equal(conf_destroy_as_is(parked.loop), 0);
        conf_runner_join(&runner);
        conf_na("wakes up without a system call that can be seen");
    }
    destroy_beside_the_producer(&parked, &producer);
    assert_int_equal(conf_runner_join(&runner), -ECANCELED);
}

/*
 * L9, L8: the same, but the loop has woken by a timer and ended meanwhile: nothing but the ring
 * that is still to come keeps destroy from freeing what it rings. For each kind of work.
 */
CONF_CASE(destroy_waits_for_a_wakeup_that_nobody_needs, "L9 L8", VELO_CAP_TIMERS)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct parked parked;
        struct conf_runner runner;
        struct conf_team producer;
        if (!kind_is_offered(kind))
            continue;
        parked_init(&parked, kind);
        assert_int_equal(
            velo_timer_start(
                parked.loop, 0, 5 * CONF_NS_PER_MS, shut_down_if_parked, &parked, NULL),
            0);
        conf_runner_start(&runner, parked.loop, VELO_RUN_FOREVER);
        if (!park_a_producer(&parked, &producer)) {
            assert_int_equal(conf_destroy_as_is(parked.loop), 0);
            conf_runner_join(&runner);
            conf_na("wakes up without a system call that can be seen");
        }
        uint64_t limit = conf_now_ns() + CONF_PATIENCE_NS;
        while (velo_loop_state(parked.loop) < VELO_STATE_TERMINATING && conf_now_ns() < limit)
            sched_yield();
        destroy_beside_the_producer(&parked, &producer);
        assert_int_equal(conf_runner_join(&runner), 0);
    }
}

struct joining {
    struct velo_loop *loop;
    struct conf_count entered, hold;
};

static void hold_owner(void *arg)
{
    struct joining *joining = arg;
    conf_count_add(&joining->entered, 1);
    conf_count_wait(&joining->hold, 1);
}

static void wait_for_the_end(void *arg, unsigned index)
{
    struct joining *joining = arg;
    (void)index;
    CONF_EXPECT_INT(velo_loop_shutdown(joining->loop, -1), 0);
}

/* L8: a thread waits inside shutdown, and the loop is destroyed as soon as it has ended. */
CONF_CASE(destroy_waits_for_those_who_wait_in_shutdown, "L8 L5", 0)
{
    for (unsigned round = 0; round < conf_rounds(300); round++) {
        struct joining joining = {.loop = conf_create(NULL)};
        struct conf_runner runner;
        struct conf_team team;
        conf_count_init(&joining.entered);
        conf_count_init(&joining.hold);
        assert_int_equal(velo_submit(joining.loop, hold_owner, &joining), 0);
        conf_runner_start(&runner, joining.loop, VELO_RUN_FOREVER);
        assert_true(conf_count_wait(&joining.entered, 1));
        conf_team_start(&team, 1, wait_for_the_end, &joining);
        conf_wait_state(joining.loop, VELO_STATE_TERMINATING); /* so it is inside */
        conf_count_add(&joining.hold, 1);
        assert_int_equal(conf_destroy_as_is(joining.loop), 0);
        conf_team_join(&team);
        assert_int_equal(conf_runner_join(&runner), 0);
    }
}

struct last_call {
    struct velo_loop *loop;
    struct conf_random random;
    uint64_t jitter_ns;
};

static void shut_down(void *arg)
{
    CONF_EXPECT_INT(velo_loop_shutdown(arg, 0), 0);
}

static void submit_the_end(void *arg, unsigned index)
{
    struct last_call *call = arg;
    (void)index;
    conf_jitter(&call->random, call->jitter_ns);
    CONF_EXPECT_INT(velo_submit(call->loop, shut_down, call->loop), 0);
}

/*
 * L8, L9, trap L14: the task of a submit ends the loop, which is destroyed while that very submit
 * may still be ringing. The eventfd opened next gets the freed number: nobody may write to it.
 */
CONF_CASE(a_submit_that_outlives_the_loop_touches_nothing, "L8 L9", 0)
{
    for (unsigned round = 0; round < conf_rounds(1500); round++) {
        struct last_call call = {
            .loop = conf_create(NULL), .random = conf_random(round), .jitter_ns = 40000};
        struct conf_team producer;
        conf_team_start(&producer, 1, submit_the_end, &call);
        assert_int_equal(velo_loop_run(call.loop, VELO_RUN_FOREVER), 0);
        assert_int_equal(conf_destroy_as_is(call.loop), 0);
        int reused[3];
        for (unsigned i = 0; i < 3; i++)
            reused[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        conf_team_join(&producer);
        for (unsigned i = 0; i < 3; i++) {
            uint64_t value;
            assert_int_equal(read(reused[i], &value, sizeof value), -1);
            assert_int_equal(close(reused[i]), 0);
        }
    }
}
