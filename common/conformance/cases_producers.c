/* SPDX-License-Identifier: MIT */
/*
 * Submission by many threads (S3, S4, S7). Method: producers number their tasks; the owner checks
 * the numbers; the loop sleeps in between because producers pause at random.
 */
#include <sched.h>
#include <stdlib.h>

#include "conf.h"
#include "kinds.h"

/* Written plainly by the producer, read plainly by the callback: TSan sees a missing edge (S7). */
struct letter {
    struct post *post;
    unsigned producer, number;
    uint64_t payload[4];
};

enum { POST_PRODUCERS = 8 };

struct post {
    struct velo_loop *loop;
    unsigned per_producer;
    struct letter *letters; /* [POST_PRODUCERS][per_producer] */
    unsigned next[POST_PRODUCERS];
    unsigned kind;
};

static void receive(void *arg)
{
    struct letter *letter = arg;
    CONF_EXPECT_INT(letter->post->next[letter->producer], letter->number);
    letter->post->next[letter->producer] = letter->number + 1;
    for (unsigned i = 0; i < 4; i++)
        CONF_EXPECT(letter->payload[i] == (uint64_t)letter->number * 7 + i);
}

static void send_all(void *arg, unsigned index)
{
    struct post *post = arg;
    struct conf_random random = conf_random(index);
    for (unsigned n = 0; n < post->per_producer; n++) {
        struct letter *letter = &post->letters[index * post->per_producer + n];
        letter->post = post;
        letter->producer = index;
        letter->number = n;
        for (unsigned i = 0; i < 4; i++)
            letter->payload[i] = (uint64_t)n * 7 + i;
        if (!CONF_EXPECT_INT(kind_add(post->kind, post->loop, receive, letter, NULL), 0))
            return;
        if (conf_random_below(&random, 512) == 0)
            conf_jitter(&random, 100000); /* lets the loop fall asleep now and then */
    }
}

static void post_all(unsigned kind, unsigned per_producer)
{
    struct post post = {.loop = conf_create(NULL), .per_producer = per_producer, .kind = kind};
    struct conf_runner runner;
    struct conf_team team;
    post.letters = calloc((size_t)POST_PRODUCERS * per_producer, sizeof *post.letters);
    assert_non_null(post.letters);
    conf_runner_start(&runner, post.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, POST_PRODUCERS, send_all, &post);
    conf_team_join(&team);
    conf_sync(post.loop);
    assert_int_equal(velo_loop_shutdown(post.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    for (unsigned i = 0; i < POST_PRODUCERS; i++)
        assert_int_equal(post.next[i], per_producer);
    conf_destroy(post.loop);
    free(post.letters);
}

/* S3, S7, traps Q2, Q3: 8 producers; exact multiset, order per producer, payload visible. */
CONF_CASE(eight_producers_keep_their_order, "S3 S7", 0)
{
    post_all(KIND_TASK, conf_rounds(25000));
}

/* S6, S7: the same in the priority lane. */
CONF_CASE(eight_producers_keep_their_order_with_priority, "S6 S3 S7", VELO_CAP_PRIORITY)
{
    post_all(KIND_PRIORITY, conf_rounds(15000));
}

/* S7: what was written before any other kind of call is visible too, and in order. */
CONF_CASE(eight_producers_of_every_other_kind, "S7 M3 M4", 0)
{
    static const unsigned kinds[] = {KIND_TICK, KIND_MICROTASK, KIND_IMMEDIATE, KIND_CLOSING};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kind_is_offered(kinds[i]))
            post_all(kinds[i], conf_rounds(4000));
}

/* ---- S3: global order ---- */

enum { RELAY_RUNNERS = 4 };

struct baton {
    struct relay *relay;
    unsigned number;
};

struct relay {
    struct velo_loop *loop;
    struct baton *batons;
    unsigned laps;
    atomic_uint turn; /* whose submit is next: one returns before the next begins */
    unsigned received;
};

static void receive_baton(void *arg)
{
    struct baton *baton = arg;
    CONF_EXPECT_INT(baton->relay->received, baton->number);
    baton->relay->received++;
}

static void run_relay(void *arg, unsigned index)
{
    struct relay *relay = arg;
    for (unsigned number = index; number < relay->laps * RELAY_RUNNERS; number += RELAY_RUNNERS) {
        while (atomic_load(&relay->turn) != number)
            sched_yield();
        relay->batons[number] = (struct baton){relay, number};
        CONF_EXPECT_INT(velo_submit(relay->loop, receive_baton, &relay->batons[number]), 0);
        atomic_store(&relay->turn, number + 1);
    }
}

/* S3, trap Q14: if a submit returned before another one began, on any thread, it runs first. */
CONF_CASE(submits_run_in_the_order_of_their_calls, "S3", VELO_CAP_GLOBAL_FIFO)
{
    struct relay relay = {.loop = conf_create(NULL), .laps = conf_rounds(4000)};
    struct conf_runner runner;
    struct conf_team team;
    relay.batons = calloc((size_t)relay.laps * RELAY_RUNNERS, sizeof *relay.batons);
    assert_non_null(relay.batons);
    conf_runner_start(&runner, relay.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, RELAY_RUNNERS, run_relay, &relay);
    conf_team_join(&team);
    conf_sync(relay.loop);
    assert_int_equal(velo_loop_shutdown(relay.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(relay.received, relay.laps * RELAY_RUNNERS);
    conf_destroy(relay.loop);
    free(relay.batons);
}

/* The owner's leg of the relay: a task that comes again until the last lap is over. */
static void run_own_leg(void *arg)
{
    struct relay *relay = arg;
    unsigned number = atomic_load(&relay->turn);
    if (number >= relay->laps * RELAY_RUNNERS)
        return;
    if (number % RELAY_RUNNERS == 0) {
        relay->batons[number] = (struct baton){relay, number};
        CONF_EXPECT_INT(velo_submit(relay->loop, receive_baton, &relay->batons[number]), 0);
        atomic_store(&relay->turn, number + 1);
    } else {
        sched_yield(); /* another runner's turn, and perhaps there is one processor */
    }
    CONF_EXPECT_INT(velo_submit(relay->loop, run_own_leg, relay), 0);
}

static void run_foreign_leg(void *arg, unsigned index)
{
    run_relay(arg, index + 1); /* leg 0 is the owner's */
}

/* S3, trap Q14: the same with the owner among the runners, whose submits may take another way. */
CONF_CASE(submits_of_owner_and_others_run_in_the_order_of_calls, "S3", VELO_CAP_GLOBAL_FIFO)
{
    struct relay relay = {.loop = conf_create(NULL), .laps = conf_rounds(1500)};
    struct conf_runner runner;
    struct conf_team team;
    relay.batons = calloc((size_t)relay.laps * RELAY_RUNNERS, sizeof *relay.batons);
    assert_non_null(relay.batons);
    assert_int_equal(velo_submit(relay.loop, run_own_leg, &relay), 0);
    conf_runner_start(&runner, relay.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, RELAY_RUNNERS - 1, run_foreign_leg, &relay);
    conf_team_join(&team);
    conf_sync(relay.loop);
    assert_int_equal(velo_loop_shutdown(relay.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(relay.received, relay.laps * RELAY_RUNNERS);
    conf_destroy(relay.loop);
    free(relay.batons);
}

struct two_sides {
    struct velo_loop *loop;
    struct conf_trace trace;
    struct conf_step foreign, own;
    struct conf_count entered, submitted, ran;
};

static void note_one_side(struct conf_step *step)
{
    conf_count_add(step->more, 1);
}

static void submit_after_the_foreigner(void *arg)
{
    struct two_sides *sides = arg;
    conf_count_add(&sides->entered, 1);
    if (conf_count_wait(&sides->submitted, 1))
        CONF_EXPECT_INT(velo_submit(sides->loop, conf_step_fn, &sides->own), 0);
}

/* S3, trap Q14: a foreign submit that returned comes before a later one of the owner. */
CONF_CASE(a_foreign_submit_precedes_a_later_one_of_the_owner, "S3", VELO_CAP_GLOBAL_FIFO)
{
    static struct two_sides sides;
    struct conf_runner runner;
    sides.loop = conf_create(NULL);
    conf_trace_init(&sides.trace);
    conf_count_init(&sides.entered);
    conf_count_init(&sides.submitted);
    conf_count_init(&sides.ran);
    sides.foreign =
        (struct conf_step){&sides.trace, "foreign", sides.loop, note_one_side, &sides.ran};
    sides.own = (struct conf_step){&sides.trace, "own", sides.loop, note_one_side, &sides.ran};
    assert_int_equal(velo_submit(sides.loop, submit_after_the_foreigner, &sides), 0);
    conf_runner_start(&runner, sides.loop, VELO_RUN_FOREVER);
    conf_count_wait(&sides.entered, 1);
    assert_int_equal(velo_submit(sides.loop, conf_step_fn, &sides.foreign), 0);
    conf_count_add(&sides.submitted, 1);
    conf_count_wait(&sides.ran, 2);
    conf_trace_is(&sides.trace, "foreign own");
    assert_int_equal(velo_loop_shutdown(sides.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(sides.loop);
}

/* ---- S4 ---- */

enum { BATCH = 7, CROWD = 4 };

struct crowd {
    struct velo_loop *loop;
    unsigned batches;
    struct member *members;    /* [CROWD][batches][BATCH] */
    const struct member *last; /* owner */
    atomic_uint ran;
};

struct member {
    struct crowd *crowd;
    unsigned producer, batch, place;
};

static void check_member(void *arg)
{
    const struct member *member = arg;
    const struct member *last = member->crowd->last;
    if (member->place > 0)
        CONF_EXPECT(last == member - 1);
    else
        CONF_EXPECT(last == NULL || last->place == BATCH - 1);
    member->crowd->last = member;
    atomic_fetch_add(&member->crowd->ran, 1);
}

static void send_batches(void *arg, unsigned index)
{
    struct crowd *crowd = arg;
    for (unsigned batch = 0; batch < crowd->batches; batch++) {
        struct velo_task tasks[BATCH];
        struct member *members = &crowd->members[(index * crowd->batches + batch) * BATCH];
        for (unsigned place = 0; place < BATCH; place++) {
            members[place] = (struct member){crowd, index, batch, place};
            tasks[place] = (struct velo_task){check_member, &members[place]};
        }
        CONF_EXPECT_INT(velo_submit_many(crowd->loop, tasks, BATCH), 0);
    }
}

/* S4: batches of racing producers are never mixed. */
CONF_CASE(batches_of_racing_producers_stay_contiguous, "S4", VELO_CAP_BATCH)
{
    struct crowd crowd = {.loop = conf_create(NULL), .batches = conf_rounds(4000)};
    struct conf_runner runner;
    struct conf_team team;
    crowd.members = calloc((size_t)CROWD * crowd.batches * BATCH, sizeof *crowd.members);
    assert_non_null(crowd.members);
    conf_runner_start(&runner, crowd.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, CROWD, send_batches, &crowd);
    conf_team_join(&team);
    assert_true(conf_wait_running(crowd.loop));
    assert_int_equal(velo_loop_shutdown(crowd.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(crowd.ran, CROWD * crowd.batches * BATCH);
    conf_destroy(crowd.loop);
    free(crowd.members);
}

/* ---- S5: a foreign producer never stops ---- */

struct pressure {
    struct velo_loop *loop;
    atomic_bool stop;
    atomic_uint pending;
};

static void relieve(void *arg)
{
    struct pressure *pressure = arg;
    atomic_fetch_sub(&pressure->pending, 1);
}

static void press(void *arg, unsigned index)
{
    struct pressure *pressure = arg;
    (void)index;
    while (!atomic_load(&pressure->stop)) {
        if (atomic_load(&pressure->pending) > 10000) {
            sched_yield();
            continue;
        }
        atomic_fetch_add(&pressure->pending, 1);
        CONF_EXPECT_INT(velo_submit(pressure->loop, relieve, pressure), 0);
    }
}

/* S5, trap Q13: timers keep firing while another thread submits without pause. */
CONF_CASE(a_producer_that_never_stops_does_not_starve_timers, "S5", VELO_CAP_TIMERS)
{
    struct pressure pressure = {.loop = conf_create(NULL)};
    struct conf_runner runner;
    struct conf_team team;
    struct conf_count fired;
    conf_count_init(&fired);
    assert_int_equal(
        velo_timer_start(
            pressure.loop, CONF_NS_PER_MS, CONF_NS_PER_MS, conf_count_fn, &fired, NULL),
        0);
    conf_runner_start(&runner, pressure.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, 1, press, &pressure);
    assert_true(conf_count_wait(&fired, 50));
    atomic_store(&pressure.stop, true);
    conf_team_join(&team);
    assert_int_equal(velo_loop_shutdown(pressure.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(pressure.loop);
}
