/* SPDX-License-Identifier: MIT */
/*
 * T9: a million timers, cancelled and fired in quantity; memory comes back.
 *
 * Idea: cancel in bit-reversed order, which touches the whole structure, and let the rest fire with
 * a stopped clock, so that the order is known. Memory is what malloc has handed out.
 */
#include <malloc.h>
#include <stdlib.h>

#include "../sim/clock.h"
#include "conf.h"
#include "probes.h"

struct item {
    struct crowd *crowd;
    uint64_t deadline_ns;
    velo_id id;
    unsigned number;
    bool cancelled;
};

struct crowd {
    struct velo_loop *loop;
    struct item *items;
    unsigned count;
    uint64_t period_ns; /* of all */
    unsigned live;
    const struct item *last;
    unsigned fired;
    unsigned wrong;
    uint64_t late_ns; /* the most that one was late by */
};

static void item_fn(void *arg)
{
    struct item *item = arg;
    struct crowd *crowd = item->crowd;
    const struct item *last = crowd->last;
    crowd->wrong += item->cancelled;
    crowd->wrong +=
        last && (last->deadline_ns > item->deadline_ns ||
                 (last->deadline_ns == item->deadline_ns && last->number > item->number));
    crowd->last = item;
    crowd->fired++;
    uint64_t late_ns = velo_loop_now_ns(crowd->loop) - item->deadline_ns;
    crowd->late_ns = late_ns > crowd->late_ns ? late_ns : crowd->late_ns;
}

static size_t heap_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void crowd_init(struct crowd *crowd, unsigned count)
{
    sim_clock_freeze(0);
    *crowd = (struct crowd){.loop = conf_create(NULL), .count = count};
    crowd->items = calloc(count, sizeof(*crowd->items));
    assert_non_null(crowd->items);
}

static void crowd_arm(struct crowd *crowd, uint64_t spread_ns)
{
    struct conf_random random = conf_random(1);
    uint64_t now_ns = sim_clock_advance(0);
    crowd->last = NULL;
    crowd->fired = 0;
    crowd->live = crowd->count;
    for (unsigned i = 0; i < crowd->count; i++) {
        uint64_t delay_ns = 1 + conf_random_below(&random, spread_ns);
        struct item *item = &crowd->items[i];
        *item = (struct item){.crowd = crowd, .deadline_ns = now_ns + delay_ns, .number = i};
        int rc =
            velo_timer_start(crowd->loop, delay_ns, crowd->period_ns, item_fn, item, &item->id);
        if (rc != 0)
            fail_msg("timer %u of %u was refused: %d", i, crowd->count, rc);
    }
}

static unsigned bit_reversed(unsigned value, unsigned bits)
{
    unsigned reversed = 0;
    for (unsigned i = 0; i < bits; i++)
        reversed |= ((value >> i) & 1) << (bits - 1 - i);
    return reversed;
}

/* Cancel all but one in [keep_every], in bit-reversed order. */
static void crowd_cancel(struct crowd *crowd, unsigned keep_every)
{
    unsigned bits = 1;
    while ((1u << bits) < crowd->count)
        bits++;
    for (unsigned n = 0; n < 1u << bits; n++) {
        unsigned i = bit_reversed(n, bits);
        if (i >= crowd->count || (keep_every != 0 && i % keep_every == 0))
            continue;
        int rc = velo_timer_cancel(crowd->loop, crowd->items[i].id);
        if (rc != 0)
            fail_msg("cancel of timer %u answered %d", i, rc);
        crowd->items[i].cancelled = true;
        crowd->live--;
    }
}

static void crowd_fire(struct crowd *crowd, uint64_t spread_ns, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        sim_clock_advance(spread_ns / turns + 1);
        conf_turns(crowd->loop, 1);
    }
    conf_turns(crowd->loop, 1);
    assert_int_equal(crowd->fired, crowd->live);
    assert_int_equal(crowd->wrong, 0);
    assert_false(velo_loop_is_alive(crowd->loop));
}

static void crowd_end(struct crowd *crowd)
{
    conf_destroy(crowd->loop);
    free(crowd->items);
}

/* T9, trap T22. 1,000,000 live timers (release builds), 90 % cancelled in bit-reversed order: the
 * rest fires in order, over 1,000 turns. */
CONF_CASE_FULL(
    million_timers_are_armed_cancelled_and_fired, "T9 T2 T5", VELO_CAP_TIMERS, NULL, NULL, 60000)
{
    struct crowd crowd;
    crowd_init(&crowd, conf_rounds(1000000));
    crowd_arm(&crowd, 60 * CONF_NS_PER_S);
    assert_true(velo_loop_is_alive(crowd.loop));
    if (conf_has(VELO_CAP_METRICS))
        assert_int_equal(conf_metrics(crowd.loop).timers_armed, crowd.count);
    crowd_cancel(&crowd, 10);
    crowd_fire(&crowd, 60 * CONF_NS_PER_S, 1000);
    crowd_end(&crowd);
}

/* T9, trap T22. 100,000 random timers, half of them cancelled, within a millisecond and in one
 * turn. */
CONF_CASE(hundred_thousand_timers_of_one_millisecond_fire_in_order, "T9 T2", VELO_CAP_TIMERS)
{
    struct crowd crowd;
    crowd_init(&crowd, conf_rounds(100000));
    crowd_arm(&crowd, CONF_NS_PER_MS);
    crowd_cancel(&crowd, 2);
    crowd_fire(&crowd, CONF_NS_PER_MS, 1);
    crowd_end(&crowd);
}

/* T8. What the loop takes for its next deadline is never too late, however many timers there are:
 * where time goes from one such deadline to the next, none is late. */
CONF_CASE(next_deadline_of_a_crowd_is_never_too_late, "T8 T9", VELO_CAP_TIMERS | VELO_CAP_METRICS)
{
    struct crowd crowd;
    crowd_init(&crowd, conf_rounds(5000));
    crowd_arm(&crowd, 30 * CONF_NS_PER_S);
    for (unsigned looks = 0; looks < 4 * crowd.count && crowd.fired < crowd.count; looks++) {
        conf_turns(crowd.loop, 1);
        uint64_t now_ns = sim_clock_advance(0);
        uint64_t next_ns = conf_metrics(crowd.loop).next_deadline_ns;
        if (crowd.fired < crowd.count)
            sim_clock_advance(next_ns > now_ns ? next_ns - now_ns : 0);
    }
    assert_int_equal(crowd.fired, crowd.count);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.late_ns, 0);
    crowd_end(&crowd);
}

static void memory_returns(unsigned keep_every, uint64_t period_ns)
{
    struct crowd crowd;
    if (heap_in_use() == 0)
        conf_na("a sanitizer owns the heap; it looks for leaks itself");
    crowd_init(&crowd, conf_rounds(300000));
    crowd.period_ns = period_ns;
    size_t before = heap_in_use();
    crowd_arm(&crowd, 10 * CONF_NS_PER_S);
    size_t peak = heap_in_use();
    crowd_cancel(&crowd, keep_every);
    crowd_fire(&crowd, 10 * CONF_NS_PER_S, 10);
    conf_turns(crowd.loop, 3);
    size_t after = heap_in_use();
    print_message("heap: before %zu, peak %zu, after %zu\n", before, peak, after);
    if (after > before && after - before > (peak - before) / 4)
        fail_msg("%zu of %zu bytes did not return", after - before, peak - before);
    crowd_end(&crowd);
}

/* T9, trap Q17. When 300,000 timers have fired, most of their memory is back, the loop still
 * living. */
CONF_CASE(memory_returns_after_many_timers_fired, "T9", VELO_CAP_TIMERS)
{
    memory_returns(1, 0);
}

/* T9, trap Q17. The same when all of them were cancelled. */
CONF_CASE(memory_returns_after_many_timers_were_cancelled, "T9", VELO_CAP_TIMERS)
{
    memory_returns(0, 0);
}

/* T9. Periodic ones, which take more. */
CONF_CASE(memory_returns_after_many_periodic_timers_were_cancelled, "T9", VELO_CAP_TIMERS)
{
    memory_returns(0, CONF_NS_PER_S);
}

/* T9. Ten waves of 30,000 timers, by turns fired and cancelled, need no more memory than the first.
 */
CONF_CASE(waves_of_timers_reuse_their_memory, "T9", VELO_CAP_TIMERS)
{
    struct crowd crowd;
    size_t first = 0;
    if (heap_in_use() == 0)
        conf_na("a sanitizer owns the heap; it looks for leaks itself");
    crowd_init(&crowd, conf_rounds(30000));
    size_t before = heap_in_use();
    for (unsigned wave = 0; wave < 10; wave++) {
        crowd_arm(&crowd, CONF_NS_PER_S);
        size_t peak = heap_in_use() - before;
        if (wave == 0)
            first = peak;
        assert_true(peak <= first + first / 2);
        crowd_cancel(&crowd, wave % 3);
        crowd_fire(&crowd, CONF_NS_PER_S, 3);
    }
    crowd_end(&crowd);
}
