/* SPDX-License-Identifier: MIT */
/*
 * The sleep word. First every interleaving of one owner with two wakers is walked, at the grain of
 * the functions of wake.h, with a real eventfd in the place of the sleep: no wake-up may be lost
 * and no sleep may cost two system calls (S8). Then real threads do the same through the futex.
 */
#include "common/parts/wake.h"
#include "common/unit/unit.h"

#include <sys/eventfd.h>

/* ---- all interleavings ---- */

enum { WAKERS = 2, WAKER_STEPS = 3, OWNER_STEPS = 8, STEPS = WAKERS * WAKER_STEPS + OWNER_STEPS };
enum owner_phase { TO_ANNOUNCE, TO_LOOK, ASLEEP, TO_RETRACT };

struct walk {
    struct wake wake;
    bool at_once;       /* the second waker uses wake_if_asleep() */
    unsigned published; /* the queue word of the proof */
    enum owner_phase phase;
    unsigned consumed, sleeps;
    unsigned waker_step[WAKERS];
    uint32_t claimed[WAKERS]; /* announcements */
};

static bool has_signal(const struct walk *walk)
{
    uint64_t value;
    return read(walk->wake.eventfd, &value, sizeof value) == (ssize_t)sizeof value;
}

static void owner_steps(struct walk *walk)
{
    switch (walk->phase) {
    case TO_ANNOUNCE:
        wake_announce(&walk->wake, WAKE_EVENTFD);
        walk->phase = TO_LOOK;
        break;
    case TO_LOOK:
        walk->phase = walk->published > walk->consumed ? TO_RETRACT : ASLEEP;
        walk->sleeps++;
        break;
    case ASLEEP:
        if (has_signal(walk))
            walk->phase = TO_RETRACT;
        break;
    case TO_RETRACT:
        wake_retract(&walk->wake);
        walk->consumed = walk->published;
        walk->phase = TO_ANNOUNCE;
        break;
    }
}

static void waker_steps(struct walk *walk, unsigned waker)
{
    bool at_once = walk->at_once && waker == 1;
    switch (walk->waker_step[waker]++) {
    case 0:
        walk->published++;
        break;
    case 1:
        if (at_once)
            wake_if_asleep(&walk->wake);
        else
            walk->claimed[waker] = wake_claim(&walk->wake);
        break;
    default:
        if (walk->claimed[waker] != WAKE_AWAKE)
            wake_signal(&walk->wake, walk->claimed[waker]);
    }
}

static void run_schedule(const unsigned char *schedule, int eventfd_number, bool at_once)
{
    struct walk walk = {.at_once = at_once};
    walk.wake.eventfd = eventfd_number;
    (void)has_signal(&walk); /* left over by the schedule before */
    for (unsigned i = 0; i < STEPS; i++) {
        if (schedule[i] == WAKERS)
            owner_steps(&walk);
        else
            waker_steps(&walk, schedule[i]);
    }
    bool work = walk.published > walk.consumed;
    bool lost = walk.phase == ASLEEP && work && !has_signal(&walk);
    assert_false(lost);
    /* a call per sleep announced, at most */
    assert_true(shared_counter_get(&walk.wake.calls) <= walk.sleeps + (walk.phase == TO_LOOK));
    wake_retract(&walk.wake);
    wake_wait_done(&walk.wake); /* hangs if claims and their ends do not add up (L9) */
    assert_int_equal(shared_counter_get(&walk.wake.done), counter_get(&walk.wake.claims));
}

/* Put each thread that has steps left at [at], then the rest. */
static unsigned all_schedules(
    unsigned char *schedule, unsigned at, unsigned *left, int eventfd_number, bool at_once)
{
    if (at == STEPS) {
        run_schedule(schedule, eventfd_number, at_once);
        return 1;
    }
    unsigned count = 0;
    for (unsigned who = 0; who <= WAKERS; who++) {
        if (left[who] == 0)
            continue;
        schedule[at] = (unsigned char)who;
        left[who]--;
        count += all_schedules(schedule, at + 1, left, eventfd_number, at_once);
        left[who]++;
    }
    return count;
}

static void no_interleaving_loses_a_wake_up(void **state)
{
    (void)state;
    int number = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_true(number >= 0);
    for (int at_once = 0; at_once <= 1; at_once++) {
        unsigned char schedule[STEPS];
        unsigned left[WAKERS + 1] = {WAKER_STEPS, WAKER_STEPS, OWNER_STEPS};
        assert_int_equal(all_schedules(schedule, 0, left, number, at_once == 1), 60060);
    }
    close(number);
}

/* ---- errors ---- */

static void note_failure(void *ctx, int error)
{
    *(int *)ctx = error;
}

static void a_signal_that_fails_opens_the_claim_again(void **state)
{
    (void)state;
    int told = 0;
    struct wake wake = {.eventfd = -1, .on_failure = note_failure, .ctx = &told};
    wake_announce(&wake, WAKE_EVENTFD);
    uint32_t claim = wake_claim(&wake);
    assert_int_equal(wake_kind_of(claim), WAKE_EVENTFD);
    assert_int_equal(wake_claim(&wake), WAKE_AWAKE); /* claimed: nobody else's business */
    wake_signal(&wake, claim);
    assert_int_equal(told, -EBADF);
    wake.eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    claim = wake_claim(&wake);
    assert_int_equal(wake_kind_of(claim), WAKE_EVENTFD); /* the next submit signals */
    told = 0;
    wake_signal(&wake, claim);
    assert_int_equal(told, 0);
    wake_retract(&wake);
    wake_wait_done(&wake);
    close(wake.eventfd);
}

/* The waker fails for so long that the owner has slept again, in the other primitive, and somebody
 * else has claimed that sleep: his claim stays his, and its kind what it is. */
static void a_late_failure_leaves_the_claim_of_a_later_sleep_alone(void **state)
{
    (void)state;
    int told = 0;
    struct wake wake = {.eventfd = -1, .on_failure = note_failure, .ctx = &told};
    wake_announce(&wake, WAKE_EVENTFD);
    uint32_t late = wake_claim(&wake);
    wake_retract(&wake);
    wake_announce(&wake, WAKE_FUTEX);
    uint32_t claim = wake_claim(&wake);
    assert_int_equal(wake_kind_of(claim), WAKE_FUTEX);
    wake_signal(&wake, late);
    assert_int_equal(told, -EBADF);
    assert_int_equal(wake_claim(&wake), WAKE_AWAKE); /* still claimed */
    wake_signal(&wake, claim);
    wake_retract(&wake);
    wake_wait_done(&wake);
}

static void a_full_eventfd_is_a_wake_up_that_is_pending(void **state)
{
    (void)state;
    int told = 0;
    struct wake wake = {.eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                        .on_failure = note_failure,
                        .ctx = &told};
    uint64_t full = UINT64_MAX - 1;
    assert_int_equal(write(wake.eventfd, &full, sizeof full), sizeof full);
    wake_announce(&wake, WAKE_EVENTFD);
    wake_signal(&wake, wake_claim(&wake));
    assert_int_equal(told, 0);
    wake_retract(&wake);
    wake_wait_done(&wake);
    close(wake.eventfd);
}

/* ---- futex ---- */

static void a_wait_ends_at_its_deadline(void **state)
{
    (void)state;
    struct wake wake = {.eventfd = -1};
    wake_announce(&wake, WAKE_FUTEX);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    assert_int_equal(wake_futex_wait(&wake, 0), 0); /* in the past */
    assert_int_equal(wake_futex_wait(&wake, now_ns + 2000000), 0);
    clock_gettime(CLOCK_MONOTONIC, &now);
    assert_true((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec >= now_ns + 2000000);
}

static void a_wait_does_not_begin_once_claimed(void **state)
{
    (void)state;
    struct wake wake = {.eventfd = -1};
    wake_announce(&wake, WAKE_FUTEX);
    uint32_t claim = wake_claim(&wake);
    assert_int_equal(wake_futex_wait(&wake, UINT64_MAX),
                     0); /* returns at once, or the test hangs */
    wake_signal(&wake, claim);
    wake_retract(&wake);
    wake_wait_done(&wake);
}

enum { THREADS = 3 };

struct rally {
    struct wake wake;
    unsigned per_thread;
    atomic_uint published;
};

static void publish_and_wake(void *arg, unsigned index)
{
    struct rally *rally = arg;
    (void)index;
    for (unsigned i = 0; i < rally->per_thread; i++) {
        atomic_fetch_add(&rally->published, 1);
        wake_if_asleep(&rally->wake);
        if (i % 16 == 0) /* let the owner fall asleep now and then */
            sched_yield();
    }
}

/* The owner sleeps without a deadline: one lost wake-up and the test hangs, which the runner sees.
 */
static void threads_never_leave_the_owner_asleep(void **state)
{
    (void)state;
    struct rally rally = {.per_thread = unit_rounds(100000)};
    struct unit_team team;
    unsigned consumed = 0, total = THREADS * rally.per_thread, sleeps = 0;
    rally.wake.eventfd = -1;
    unit_team_start(&team, THREADS, publish_and_wake, &rally);
    while (consumed < total) {
        wake_announce(&rally.wake, WAKE_FUTEX);
        if (atomic_load(&rally.published) == consumed)
            assert_int_equal(wake_futex_wait(&rally.wake, UINT64_MAX), 0);
        sleeps++;
        wake_retract(&rally.wake);
        consumed = atomic_load(&rally.published);
    }
    unit_team_join(&team);
    wake_wait_done(&rally.wake);
    assert_true(shared_counter_get(&rally.wake.calls) <= sleeps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_interleaving_loses_a_wake_up),
        cmocka_unit_test(a_signal_that_fails_opens_the_claim_again),
        cmocka_unit_test(a_late_failure_leaves_the_claim_of_a_later_sleep_alone),
        cmocka_unit_test(a_full_eventfd_is_a_wake_up_that_is_pending),
        cmocka_unit_test(a_wait_ends_at_its_deadline),
        cmocka_unit_test(a_wait_does_not_begin_once_claimed),
        cmocka_unit_test(threads_never_leave_the_owner_asleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
