/* SPDX-License-Identifier: MIT */
/*
 * Submission by one thread (S1, S2, S4, S5, S6). Method: turns on the case's own thread, so that
 * every trace is exact.
 */
#include <stdlib.h>

#include "../sim/faults.h"
#include "conf.h"
#include "kinds.h"
#include "probes.h"

/* ---- S1 ---- */

/* S1, X1, trap Q8: a NULL callback is refused in every lane, and the queue is unharmed. */
CONF_CASE(a_null_callback_is_einval_everywhere, "S1 X1", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count ran;
    conf_count_init(&ran);
    unsigned added = 0;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, loop, conf_count_fn, &ran, NULL), 0);
        assert_int_equal(kind_add(kind, loop, NULL, &ran, NULL), -EINVAL);
        assert_int_equal(kind_add(kind, loop, conf_count_fn, &ran, NULL), 0);
        added += 2;
    }
    conf_turns(loop, 2);
    assert_int_equal(conf_count_get(&ran), added);
    conf_destroy(loop);
}

/* S1, S4: wrong batches are refused as a whole; an empty one is fine. */
CONF_CASE(a_batch_with_a_null_callback_is_einval, "S1 S4 X1", VELO_CAP_BATCH)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count ran;
    conf_count_init(&ran);
    const struct velo_task tasks[] = {{conf_count_fn, &ran}, {NULL, NULL}, {conf_count_fn, &ran}};
    assert_int_equal(velo_submit_many(loop, tasks, 3), -EINVAL);
    assert_int_equal(velo_submit_many(loop, tasks + 1, 1), -EINVAL);
    assert_int_equal(velo_submit_many(loop, NULL, 2), -EINVAL);
    assert_int_equal(velo_submit_many(loop, NULL, 0), 0);
    assert_int_equal(velo_submit_many(loop, tasks, 0), 0);
    conf_turns(loop, 2);
    assert_int_equal(conf_count_get(&ran), 0);
    assert_int_equal(velo_submit_many(loop, tasks, 1), 0);
    conf_turns(loop, 1);
    assert_int_equal(conf_count_get(&ran), 1);
    conf_destroy(loop);
}

/* Ruling "order of errors": wrong arguments, then state, then limits. */
CONF_CASE(wrong_arguments_are_told_before_the_state, "S1 X1", 0)
{
    struct velo_options options = conf_options();
    options.max_pending = conf_has(VELO_CAP_BOUNDED) ? 1 : 0;
    struct velo_loop *loop = conf_create(&options);
    const struct velo_task one = {NULL, NULL};
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_submit(loop, NULL, NULL), -EINVAL);
    if (conf_has(VELO_CAP_BOUNDED))
        assert_int_equal(velo_submit(loop, nothing, NULL), -EAGAIN);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kind_is_offered(kind))
            assert_int_equal(kind_add(kind, loop, NULL, NULL, NULL), -EINVAL);
    assert_int_equal(velo_submit(loop, nothing, NULL), -ESHUTDOWN);
    if (conf_has(VELO_CAP_BATCH))
        assert_int_equal(velo_submit_many(loop, &one, 1), -EINVAL);
    conf_destroy(loop);
}

/* S1, X5, trap Q18: the bound is exact, counts both lanes, and nothing else. */
CONF_CASE(max_pending_is_exact, "S1 X5", VELO_CAP_BOUNDED | VELO_CAP_PRIORITY | VELO_CAP_BATCH)
{
    struct velo_options options = conf_options();
    struct conf_count ran;
    conf_count_init(&ran);
    const struct velo_task batch[4] = {
        {conf_count_fn, &ran}, {conf_count_fn, &ran}, {conf_count_fn, &ran}, {conf_count_fn, &ran}};
    options.max_pending = 3;
    struct velo_loop *loop = conf_create(&options);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(velo_submit_many(loop, batch, 4), -EAGAIN);
        assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
        assert_int_equal(velo_submit_many(loop, batch, 3), -EAGAIN);
        assert_int_equal(velo_submit_priority(loop, conf_count_fn, &ran), 0);
        assert_int_equal(velo_submit_many(loop, batch, 1), 0);
        assert_int_equal(velo_submit(loop, conf_count_fn, &ran), -EAGAIN);
        assert_int_equal(velo_submit_priority(loop, conf_count_fn, &ran), -EAGAIN);
        for (unsigned kind = KIND_TICK; kind < KINDS; kind++)
            if (kind_is_offered(kind))
                assert_int_equal(kind_add(kind, loop, nothing, NULL, NULL), 0);
        conf_turns(loop, 2);
        assert_int_equal(conf_count_get(&ran), 3 * (round + 1));
    }
    conf_destroy(loop);
}

static void submit_into_own_place(void *arg)
{
    struct velo_loop *loop = arg;
    CONF_EXPECT_INT(velo_submit(loop, nothing, NULL), 0);
    CONF_EXPECT_INT(velo_submit(loop, nothing, NULL), -EAGAIN);
}

/* S1 ruling: a task that has begun no longer counts. */
CONF_CASE(max_pending_forgets_a_task_that_has_begun, "S1 X5", VELO_CAP_BOUNDED)
{
    struct velo_options options = conf_options();
    options.max_pending = 1;
    struct velo_loop *loop = conf_create(&options);
    assert_int_equal(velo_submit(loop, submit_into_own_place, loop), 0);
    conf_turns(loop, 2);
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    conf_destroy(loop);
}

struct bounded {
    struct velo_loop *loop;
    atomic_uint accepted;
};

static void fill(void *arg, unsigned index)
{
    struct bounded *bounded = arg;
    for (unsigned i = 0; i < 50; i++) {
        int rc = index % 2 == 0 ? velo_submit(bounded->loop, nothing, NULL)
                                : velo_submit_priority(bounded->loop, nothing, NULL);
        CONF_EXPECT(rc == 0 || rc == -EAGAIN);
        if (rc == 0)
            atomic_fetch_add(&bounded->accepted, 1);
    }
}

/* S1: racing producers fill a bounded queue to its bound and not beyond. */
CONF_CASE(max_pending_is_exact_under_racing_producers,
          "S1 X5",
          VELO_CAP_BOUNDED | VELO_CAP_PRIORITY)
{
    struct velo_options options = conf_options();
    options.max_pending = 16;
    for (unsigned round = 0; round < conf_rounds(200); round++) {
        struct bounded bounded = {.loop = conf_create(&options)};
        struct conf_team team;
        conf_team_start(&team, 4, fill, &bounded);
        conf_team_join(&team);
        assert_int_equal(bounded.accepted, 16);
        conf_turns(bounded.loop, 1);
        assert_int_equal(velo_submit(bounded.loop, nothing, NULL), 0);
        conf_destroy(bounded.loop);
    }
}

/* ---- S2 ---- */

struct inline_check {
    struct velo_loop *loop;
    unsigned kind;
    bool inside;
    unsigned ran;
};

static void must_not_be_inline(void *arg)
{
    struct inline_check *check = arg;
    CONF_EXPECT(!check->inside);
    check->ran++;
}

static void submit_while_inside(void *arg)
{
    struct inline_check *check = arg;
    check->inside = true;
    CONF_EXPECT_INT(kind_add(check->kind, check->loop, must_not_be_inline, check, NULL), 0);
    check->inside = false;
}

/* S2, trap Q1: no lane runs a callback before the call that added it has returned. */
CONF_CASE(nothing_runs_inline, "S2", 0)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        struct inline_check check = {.loop = conf_create(NULL), .kind = kind};
        submit_while_inside(&check);
        conf_turns(check.loop, 2);
        assert_int_equal(velo_submit(check.loop, submit_while_inside, &check), 0);
        conf_turns(check.loop, 3);
        assert_int_equal(check.ran, 2);
        conf_destroy(check.loop);
    }
}

struct chain {
    struct velo_loop *loop;
    unsigned left;
    uintptr_t lowest, highest;
};

static void chain_step(void *arg)
{
    struct chain *chain = arg;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    chain->lowest = here < chain->lowest ? here : chain->lowest;
    chain->highest = here > chain->highest ? here : chain->highest;
    if (--chain->left > 0)
        CONF_EXPECT_INT(velo_submit(chain->loop, chain_step, chain), 0);
}

/* S2, trap Q1: a million tasks, each submitting the next, on a constant stack. */
CONF_CASE(a_chain_of_a_million_tasks_needs_no_stack, "S2", VELO_CAP_UNTIL_IDLE)
{
    struct chain chain = {
        .loop = conf_create(NULL), .left = conf_rounds(1000000), .lowest = UINTPTR_MAX};
    assert_int_equal(velo_submit(chain.loop, chain_step, &chain), 0);
    assert_int_equal(velo_loop_run(chain.loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(chain.left, 0);
    assert_in_range(chain.highest - chain.lowest, 0, 4096);
    conf_destroy(chain.loop);
}

/* ---- S4 ---- */

struct ordered {
    unsigned *next;
    unsigned number;
};

static void check_order(void *arg)
{
    struct ordered *item = arg;
    CONF_EXPECT_INT(*item->next, item->number);
    ++*item->next;
}

/* S4: batches of many sizes among single tasks keep their order. */
CONF_CASE(batches_keep_their_order_among_single_tasks, "S4 S3", VELO_CAP_BATCH)
{
    enum { MOST = 3000 };
    struct conf_random random = conf_random(0);
    struct velo_loop *loop = conf_create(NULL);
    struct ordered *items = calloc(MOST, sizeof *items);
    struct velo_task *tasks = calloc(MOST, sizeof *tasks);
    assert_non_null(items);
    assert_non_null(tasks);
    for (unsigned round = 0; round < conf_rounds(100); round++) {
        unsigned next = 0, added = 0;
        while (added < MOST) {
            uint64_t most = conf_random_below(&random, 8) == 0 ? 1500 : 20;
            unsigned size = 1 + (unsigned)conf_random_below(&random, most);
            size = size < MOST - added ? size : MOST - added;
            for (unsigned i = 0; i < size; i++) {
                items[added + i] = (struct ordered){&next, added + i};
                tasks[i] = (struct velo_task){check_order, &items[added + i]};
            }
            if (size == 1)
                assert_int_equal(velo_submit(loop, check_order, &items[added]), 0);
            else
                assert_int_equal(velo_submit_many(loop, tasks, size), 0);
            added += size;
        }
        conf_turns(loop, 1);
        assert_int_equal(next, MOST);
    }
    conf_destroy(loop);
    free(items);
    free(tasks);
}

/* ---- S5, S6 ---- */

static void add_same_kind(struct conf_step *step)
{
    unsigned kind = *(unsigned *)step->more;
    static struct conf_step nested[KINDS];
    nested[kind] = (struct conf_step){step->trace, "nested", step->loop, NULL, NULL};
    CONF_EXPECT_INT(kind_add(kind, step->loop, conf_step_fn, &nested[kind], NULL), 0);
}

/* S5, S6, trap Q11: a lane runs what was there when its phase began. */
CONF_CASE(a_turn_runs_a_snapshot_of_each_lane, "S5 S6 R2", 0)
{
    static const unsigned kinds[] = {
        KIND_TASK, KIND_PRIORITY, KIND_BATCH, KIND_IMMEDIATE, KIND_CLOSING};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        unsigned kind = kinds[i];
        if (!kind_is_offered(kind))
            continue;
        struct velo_loop *loop = conf_create(NULL);
        struct conf_trace trace;
        conf_trace_init(&trace);
        struct conf_step first = {&trace, "first", loop, add_same_kind, &kind};
        struct conf_step second = {&trace, "second", loop, NULL, NULL};
        assert_int_equal(kind_add(kind, loop, conf_step_fn, &first, NULL), 0);
        assert_int_equal(kind_add(kind, loop, conf_step_fn, &second, NULL), 0);
        conf_turns(loop, 1);
        conf_trace_is(&trace, "first second");
        conf_turns(loop, 1);
        conf_trace_is(&trace, "nested");
        conf_turns(loop, 1);
        conf_trace_is(&trace, "");
        conf_destroy(loop);
    }
}

static void add_priority(struct conf_step *step)
{
    CONF_EXPECT_INT(velo_submit_priority(step->loop, conf_step_fn, step->more), 0);
}

/* S6: priority first, FIFO within; added by a task it waits for the next turn, and is first there.
 */
CONF_CASE(the_priority_lane_runs_first, "S6", VELO_CAP_PRIORITY)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_trace trace;
    conf_trace_init(&trace);
    struct conf_step late = {&trace, "p3", loop, NULL, NULL};
    struct conf_step steps[] = {{&trace, "t1", loop, add_priority, &late},
                                {&trace, "p1", loop, NULL, NULL},
                                {&trace, "t2", loop, NULL, NULL},
                                {&trace, "p2", loop, NULL, NULL}};
    assert_int_equal(velo_submit(loop, conf_step_fn, &steps[0]), 0);
    assert_int_equal(velo_submit_priority(loop, conf_step_fn, &steps[1]), 0);
    assert_int_equal(velo_submit(loop, conf_step_fn, &steps[2]), 0);
    assert_int_equal(velo_submit_priority(loop, conf_step_fn, &steps[3]), 0);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "p1 p2 t1 t2");
    assert_int_equal(velo_submit(loop, conf_step_fn, &steps[2]), 0);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "p3 t2");
    conf_destroy(loop);
}

/* S5, trap Q15: 100,000 tasks queued before a turn run in that turn, in order. */
CONF_CASE(a_turn_takes_all_tasks_that_are_present, "S5 S3", 0)
{
    unsigned count = conf_rounds(100000), next = 0;
    struct velo_loop *loop = conf_create(NULL);
    struct ordered *items = calloc(count, sizeof *items);
    assert_non_null(items);
    for (unsigned i = 0; i < count; i++) {
        items[i] = (struct ordered){&next, i};
        assert_int_equal(velo_submit(loop, check_order, &items[i]), 0);
    }
    conf_turns(loop, 1);
    assert_int_equal(next, count);
    conf_destroy(loop);
    free(items);
}

struct endless {
    struct velo_loop *loop;
    unsigned kind;
    bool stop;
    unsigned long long ran;
};

static void again(void *arg)
{
    struct endless *endless = arg;
    endless->ran++;
    if (!endless->stop)
        CONF_EXPECT_INT(kind_add(endless->kind, endless->loop, again, endless, NULL), 0);
}

/*
 * S5, F8, trap Q12: one lane is endless; each other kind of work is served within two turns, a due
 * timer included. Ticks and microtasks are left out: they may run without end (M2).
 */
CONF_CASE(an_endless_lane_starves_no_other, "S5 S6 R2", 0)
{
    static const unsigned lanes[] = {
        KIND_TASK, KIND_PRIORITY, KIND_IMMEDIATE, KIND_CLOSING, KIND_TIMER};
    for (unsigned i = 0; i < sizeof lanes / sizeof lanes[0]; i++) {
        if (!kind_is_offered(lanes[i]))
            continue;
        struct endless endless = {.loop = conf_create(NULL), .kind = lanes[i]};
        assert_int_equal(kind_add(lanes[i], endless.loop, again, &endless, NULL), 0);
        assert_int_equal(kind_add(lanes[i], endless.loop, again, &endless, NULL), 0);
        conf_turns(endless.loop, 2);
        for (unsigned kind = 0; kind < KINDS; kind++) {
            struct conf_count ran;
            conf_count_init(&ran);
            if (!kind_is_offered(kind))
                continue;
            assert_int_equal(kind_add(kind, endless.loop, conf_count_fn, &ran, NULL), 0);
            conf_turns(endless.loop, 2);
            if (conf_count_get(&ran) != 1)
                fail_msg("endless %s starves %s", kind_name(lanes[i]), kind_name(kind));
        }
        endless.stop = true;
        conf_turns(endless.loop, 2);
        conf_destroy(endless.loop);
    }
}

/* ---- memory and wrap-around ---- */

/* Traps Q4, Q5, Q6: queues of every size fill, spill, empty and wrap; order holds throughout. */
CONF_CASE(bursts_of_every_size_keep_order, "S3 S5", 0)
{
    enum { MOST = 6000 };
    struct conf_random random = conf_random(9);
    struct velo_loop *loop = conf_create(NULL);
    struct ordered *items = calloc(MOST, sizeof *items);
    assert_non_null(items);
    for (unsigned round = 0; round < conf_rounds(400); round++) {
        unsigned shift = (unsigned)conf_random_below(&random, 12);
        unsigned count = (1u << shift) + (unsigned)conf_random_below(&random, 3) + shift;
        unsigned next = 0;
        for (unsigned i = 0; i < count; i++) {
            items[i] = (struct ordered){&next, i};
            assert_int_equal(velo_submit(loop, check_order, &items[i]), 0);
        }
        conf_turns(loop, 1);
        assert_int_equal(next, count);
        assert_false(velo_loop_is_alive(loop));
    }
    conf_destroy(loop);
    free(items);
}

struct own_bursts {
    struct velo_loop *loop;
    struct ordered *items;
    unsigned count;
};

static void submit_burst(void *arg)
{
    struct own_bursts *bursts = arg;
    for (unsigned i = 0; i < bursts->count; i++)
        CONF_EXPECT_INT(velo_submit(bursts->loop, check_order, &bursts->items[i]), 0);
}

/* The same for the owner's own submits, which may go another way; no burst begins at a full one. */
CONF_CASE(bursts_of_the_owner_keep_order, "S3 S5", 0)
{
    enum { MOST = 6000 };
    struct own_bursts bursts = {.items = calloc(MOST, sizeof *bursts.items)};
    assert_non_null(bursts.items);
    for (unsigned first = 1; first < 64; first += 7) {
        bursts.loop = conf_create(NULL);
        for (unsigned size = first; size < MOST; size = size * 2 + first) {
            unsigned next = 0;
            for (unsigned i = 0; i < size; i++)
                bursts.items[i] = (struct ordered){&next, i};
            bursts.count = size;
            assert_int_equal(velo_submit(bursts.loop, submit_burst, &bursts), 0);
            conf_turns(bursts.loop, 2);
            assert_int_equal(next, size);
        }
        conf_destroy(bursts.loop);
    }
    free(bursts.items);
}

/* Trap Q17: after a burst and a rest the memory of the burst is gone. */
CONF_CASE(memory_returns_after_a_burst, "S1", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    conf_turns(loop, 10);
    size_t before = conf_heap_bytes();
    if (before == 0)
        conf_na("the sanitizer owns the heap");
    for (unsigned i = 0; i < 300000; i++)
        assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    size_t full = conf_heap_bytes();
    conf_turns(loop, 100);
    size_t after = conf_heap_bytes();
    if (after > before + (full - before) / 4 + 262144)
        fail_msg("heap: %zu before, %zu full, %zu after", before, full, after);
    conf_destroy(loop);
}

/* S1, trap Q19: memory runs out in each call in turn: -ENOMEM, nothing changed, and it works again.
 */
CONF_CASE(out_of_memory_is_enomem_and_changes_nothing, "S1 L7", 0)
{
    enum { CALLS = 3000 };
    unsigned refused = 0;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        struct velo_loop *loop = conf_create(NULL);
        struct conf_count ran;
        uint64_t accepted = 0;
        conf_count_init(&ran);
        sim_fault(SIM_ALLOC, 0, UINT64_MAX / 2, ENOMEM);
        for (unsigned i = 0; i < CALLS; i++) {
            int rc = kind_add(kind, loop, conf_count_fn, &ran, NULL);
            if (rc != 0 && rc != -ENOMEM) {
                sim_faults_clear();
                fail_msg("%s: %d without memory", kind_name(kind), rc);
            }
            accepted += rc == 0;
            refused += rc != 0;
        }
        sim_faults_clear();
        assert_int_equal(kind_add(kind, loop, conf_count_fn, &ran, NULL), 0);
        conf_turns(loop, 2);
        assert_int_equal(conf_count_get(&ran), accepted + 1);
        conf_destroy(loop);
    }
    if (refused == 0 && sim_faults_hit(SIM_ALLOC) == 0)
        conf_na("takes no memory from the allocator while work is added");
}
