/* SPDX-License-Identifier: MIT */
/* The smallest parts: saturating time, counters, credit, the gate, the lag, the table of legal
 * moves. */
#include "common/lifecycle.h"
#include "common/parts/clock.h"
#include "common/parts/counter.h"
#include "common/parts/credit.h"
#include "common/parts/gate.h"
#include "common/parts/lag.h"
#include "common/unit/unit.h"

enum { THREADS = 4 };

/* ---- clock ---- */

static void sums_of_time_saturate(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
    assert_true(clock_add_ns(2, 3) == 5);
    assert_true(clock_add_ns(UINT64_MAX - 1, 1) == UINT64_MAX);
    assert_true(clock_add_ns(UINT64_MAX - 1, 2) == UINT64_MAX);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(clock_add_ns(values[i], UINT64_MAX) == UINT64_MAX);
        assert_true(clock_add_ns(0, values[i]) == values[i]);
        assert_true(clock_add_ns(values[i], 1) == clock_add_ns(1, values[i]));
    }
}

static void the_clock_never_goes_back(void **state)
{
    (void)state;
    uint64_t last = clock_now_ns();
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t now = clock_now_ns();
        assert_true(now >= last);
        last = now;
    }
}

/* ---- counters ---- */

static void add_many(void *arg, unsigned index)
{
    struct shared_counter *counter = arg;
    for (unsigned i = 0; i < 10000; i++)
        shared_counter_add(counter, index + 1);
}

static void a_shared_counter_loses_nothing(void **state)
{
    (void)state;
    struct shared_counter counter = {0};
    struct unit_team team;
    unit_team_start(&team, THREADS, add_many, &counter);
    unit_team_join(&team);
    assert_int_equal(shared_counter_get(&counter), 10000 * (1 + 2 + 3 + 4));
}

static void a_counter_is_monotone_to_its_reader(void *arg, unsigned index)
{
    struct counter *counter = arg;
    uint64_t last = 0;
    for (unsigned i = 0; i < 20000; i++) {
        if (index == 0) {
            counter_add(counter, 3);
        } else {
            uint64_t now = counter_get(counter);
            if (now < last)
                abort();
            last = now;
        }
    }
}

static void a_counter_has_one_writer_and_readers(void **state)
{
    (void)state;
    struct counter counter = {0};
    struct unit_team team;
    unit_team_start(&team, 2, a_counter_is_monotone_to_its_reader, &counter);
    unit_team_join(&team);
    assert_int_equal(counter_get(&counter), 60000);
}

/* ---- credit ---- */

/* All small bounds and requests: a refusal takes nothing. */
static void credit_is_exact_at_its_edge(void **state)
{
    (void)state;
    for (size_t max = 1; max <= 6; max++) {
        for (size_t first = 0; first <= 7; first++) {
            for (size_t second = 0; second <= 7; second++) {
                struct credit credit = {.max = max};
                bool one = credit_take(&credit, first);
                assert_int_equal(one, first <= max);
                size_t used = one ? first : 0;
                assert_int_equal(credit_take(&credit, second), second <= max - used);
            }
        }
    }
}

static void a_huge_request_does_not_wrap_around(void **state)
{
    (void)state;
    struct credit credit = {.max = 10};
    assert_true(credit_take(&credit, 5));
    assert_false(credit_take(&credit, SIZE_MAX));
    assert_false(credit_take(&credit, SIZE_MAX - 4));
    assert_true(credit_take(&credit, 5));
    credit_give(&credit, 10);
    assert_true(credit_take(&credit, 10));
}

struct credit_race {
    struct credit credit;
    atomic_size_t inside; /* by the account of the threads themselves */
    atomic_bool exceeded;
};

static void take_and_give(void *arg, unsigned index)
{
    struct credit_race *race = arg;
    for (unsigned i = 0; i < 20000; i++) {
        size_t n = 1 + (index + i) % 3;
        if (!credit_take(&race->credit, n))
            continue;
        if (atomic_fetch_add(&race->inside, n) + n > race->credit.max)
            atomic_store(&race->exceeded, true);
        atomic_fetch_sub(&race->inside, n);
        credit_give(&race->credit, n);
    }
}

static void credit_holds_among_threads(void **state)
{
    (void)state;
    struct credit_race race = {.credit = {.max = 4}};
    struct unit_team team;
    unit_team_start(&team, THREADS, take_and_give, &race);
    unit_team_join(&team);
    assert_false(race.exceeded);
    assert_int_equal(race.credit.used, 0);
}

/* ---- gate ---- */

static void a_closed_gate_lets_nobody_in(void **state)
{
    (void)state;
    struct gate gate = {0};
    assert_true(gate_is_empty(&gate));
    assert_true(gate_enter(&gate));
    assert_true(gate_enter(&gate));
    gate_close(&gate);
    gate_close(&gate);
    assert_false(gate_enter(&gate));
    assert_false(gate_is_empty(&gate)); /* two are inside yet */
    gate_leave(&gate);
    gate_leave(&gate);
    assert_true(gate_is_empty(&gate));
    gate_wait_empty(&gate);
    assert_false(gate_enter(&gate));
    assert_true(gate_is_empty(&gate));
}

struct gate_race {
    struct gate gate;
    atomic_bool over; /* set once the gate was seen empty after the closing */
    atomic_bool trespassed;
    atomic_uint entries;
    uint64_t shared; /* plain: who is inside may read it; written after everybody left */
    atomic_ullong sum;
};

static void enter_until_closed(void *arg, unsigned index)
{
    struct gate_race *race = arg;
    (void)index;
    while (gate_enter(&race->gate)) {
        if (atomic_load(&race->over))
            atomic_store(&race->trespassed, true);
        atomic_fetch_add(&race->sum, race->shared); /* TSan: a race if the wait is too short */
        atomic_fetch_add(&race->entries, 1);
        gate_leave(&race->gate);
    }
}

/* L8: after the closing and the wait nobody is inside, and what they did happens before. */
static void waiting_for_an_empty_gate_excludes_everybody(void **state)
{
    (void)state;
    for (unsigned round = 0; round < unit_rounds(200); round++) {
        struct gate_race race = {.shared = 1};
        struct unit_team team;
        unit_team_start(&team, THREADS, enter_until_closed, &race);
        while (atomic_load(&race.entries) < 50)
            sched_yield();
        gate_close(&race.gate);
        gate_wait_empty(&race.gate);
        atomic_store(&race.over, true);
        race.shared = 0;
        unit_team_join(&team);
        assert_false(race.trespassed);
        assert_int_equal(race.sum, race.entries);
    }
}

/* ---- lag ---- */

/* A queue into which [rate] tasks come between two looks. */
struct inflow {
    uint64_t waiting, rate;
    unsigned looks;
};

static uint64_t look(const void *queue)
{
    struct inflow *inflow = (struct inflow *)(uintptr_t)queue; /* the fake of a queue may change */
    uint64_t waiting = inflow->waiting;
    inflow->waiting += inflow->rate;
    inflow->looks++;
    return waiting;
}

/* How often does a turn look? Once more than it holds back. */
static unsigned looks_of_turn(struct lag *lag, uint64_t waiting, uint64_t rate)
{
    struct inflow inflow = {.waiting = waiting, .rate = rate};
    lag_hold(lag, look, &inflow);
    return inflow.looks;
}

static void nothing_holds_back_from_none_or_a_full_batch(void **state)
{
    (void)state;
    struct lag lag = {0};
    assert_int_equal(looks_of_turn(&lag, 0, 100), 1);
    assert_int_equal(looks_of_turn(&lag, 1024, 100), 1);
    assert_int_equal(looks_of_turn(&lag, 1, 100), 6); /* neither was a failure */
}

static void the_more_come_the_longer_is_held_back(void **state)
{
    (void)state;
    static const struct {
        uint64_t waiting, rate;
        unsigned looks;
    } turns[] = {{1, 8, 4}, {1, 16, 5}, {1, 32, 6}, {1, 64, 6}, {1, 512, 3}, {1, 1023, 2}};
    struct lag lag = {0};
    for (unsigned i = 0; i < sizeof(turns) / sizeof(*turns); i++)
        assert_int_equal(looks_of_turn(&lag, turns[i].waiting, turns[i].rate), turns[i].looks);
}

static void where_it_does_not_pay_it_is_tried_ever_less(void **state)
{
    (void)state;
    struct lag lag = {0};
    for (unsigned skip = 16; skip <= 4096; skip *= 2) {
        assert_int_equal(looks_of_turn(&lag, 1, 7), 2);
        for (unsigned i = 0; i < skip; i++)
            assert_int_equal(looks_of_turn(&lag, 1, 100), 0);
    }
    assert_int_equal(looks_of_turn(&lag, 1, 7), 2);
    for (unsigned i = 0; i < 4096; i++) /* the most */
        assert_int_equal(looks_of_turn(&lag, 1, 100), 0);
    assert_int_equal(looks_of_turn(&lag, 1, 100), 6); /* a flood forgives all failures */
    assert_int_equal(looks_of_turn(&lag, 1, 7), 2);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(looks_of_turn(&lag, 1, 100), 0);
    assert_int_equal(looks_of_turn(&lag, 1, 100), 6);
}

/* ---- lifecycle ---- */

/* L1: exactly the moves of the contract, out of all pairs. */
static void only_the_legal_moves_are_legal(void **state)
{
    (void)state;
    static const bool legal[5][5] = {
        [VELO_STATE_AWAKE] = {[VELO_STATE_RUNNING] = true, [VELO_STATE_TERMINATING] = true},
        [VELO_STATE_RUNNING] = {[VELO_STATE_AWAKE] = true,
                                [VELO_STATE_SLEEPING] = true,
                                [VELO_STATE_TERMINATING] = true},
        [VELO_STATE_SLEEPING] = {[VELO_STATE_RUNNING] = true, [VELO_STATE_TERMINATING] = true},
        [VELO_STATE_TERMINATING] = {[VELO_STATE_TERMINATED] = true},
    };
    for (unsigned from = 0; from < 5; from++)
        for (unsigned to = 0; to < 5; to++)
            assert_int_equal(lifecycle_is_legal((enum velo_state)from, (enum velo_state)to),
                             legal[from][to]);
}

struct move_race {
    struct lifecycle life;
    atomic_uint winners;
};

static void try_to_terminate(void *arg, unsigned index)
{
    struct move_race *race = arg;
    (void)index;
    if (lifecycle_move(&race->life, VELO_STATE_AWAKE, VELO_STATE_TERMINATING))
        atomic_fetch_add(&race->winners, 1);
}

static void a_move_has_exactly_one_winner(void **state)
{
    (void)state;
    for (unsigned round = 0; round < unit_rounds(300); round++) {
        struct move_race race = {.life = {.state = VELO_STATE_AWAKE}};
        struct unit_team team;
        unit_team_start(&team, THREADS, try_to_terminate, &race);
        unit_team_join(&team);
        assert_int_equal(race.winners, 1);
        assert_int_equal(lifecycle_state(&race.life), VELO_STATE_TERMINATING);
    }
}

static void keep_own_name(void *arg, unsigned index)
{
    const void **names = arg;
    names[index] = thread_self();
    if (names[index] != thread_self())
        abort();
}

static void threads_that_live_have_different_names(void **state)
{
    (void)state;
    const void *names[THREADS + 1] = {[THREADS] = thread_self()};
    struct unit_team team;
    unit_team_start(&team, THREADS, keep_own_name, names);
    unit_team_join(&team);
    for (unsigned i = 0; i < THREADS; i++)
        assert_ptr_not_equal(names[i], names[THREADS]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_time_saturate),
        cmocka_unit_test(the_clock_never_goes_back),
        cmocka_unit_test(a_shared_counter_loses_nothing),
        cmocka_unit_test(a_counter_has_one_writer_and_readers),
        cmocka_unit_test(credit_is_exact_at_its_edge),
        cmocka_unit_test(a_huge_request_does_not_wrap_around),
        cmocka_unit_test(credit_holds_among_threads),
        cmocka_unit_test(a_closed_gate_lets_nobody_in),
        cmocka_unit_test(waiting_for_an_empty_gate_excludes_everybody),
        cmocka_unit_test(nothing_holds_back_from_none_or_a_full_batch),
        cmocka_unit_test(the_more_come_the_longer_is_held_back),
        cmocka_unit_test(where_it_does_not_pay_it_is_tried_ever_less),
        cmocka_unit_test(only_the_legal_moves_are_legal),
        cmocka_unit_test(a_move_has_exactly_one_winner),
        cmocka_unit_test(threads_that_live_have_different_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
