/* SPDX-License-Identifier: MIT */
/*
 * M1, M2, M3, M5: the microtask checkpoint, seen from the owner thread.
 *
 * Idea: callbacks add words to a trace, so a checkpoint shows as the words of ticks and microtasks
 * that stand between the words of two callbacks of the same phase.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "../sim/clock.h"
#include "conf.h"

/* Two callbacks of one kind, each of which queues a microtask and then a tick. */
struct twins {
    struct conf_trace trace;
    struct velo_loop *loop;
    struct conf_step first;
    struct conf_step second;
    struct conf_step tick;
    struct conf_step micro;
};

static void queue_both(struct conf_step *step)
{
    struct twins *twins = step->more;
    CONF_EXPECT_INT(velo_queue_microtask(step->loop, conf_step_fn, &twins->micro), 0);
    CONF_EXPECT_INT(velo_next_tick(step->loop, conf_step_fn, &twins->tick), 0);
}

static struct conf_step step_of(struct twins *twins, const char *word)
{
    return (struct conf_step){.trace = &twins->trace, .word = word, .loop = twins->loop};
}

static void twins_init(struct twins *twins)
{
    conf_trace_init(&twins->trace);
    twins->loop = conf_create(NULL);
    twins->tick = step_of(twins, "tick");
    twins->micro = step_of(twins, "micro");
    twins->first = step_of(twins, "1");
    twins->second = step_of(twins, "2");
    twins->first.then = twins->second.then = queue_both;
    twins->first.more = twins->second.more = twins;
}

static void twins_run(struct twins *twins)
{
    conf_turns(twins->loop, 1);
    conf_trace_is(&twins->trace, "1 tick micro 2 tick micro");
    conf_destroy(twins->loop);
}

/* M1 M2. Two tasks of one snapshot: the checkpoint stands between them. */
CONF_CASE(checkpoint_runs_between_two_tasks, "M1 M2", VELO_CAP_MICROTASKS)
{
    struct twins twins;
    twins_init(&twins);
    assert_int_equal(velo_submit(twins.loop, conf_step_fn, &twins.first), 0);
    assert_int_equal(velo_submit(twins.loop, conf_step_fn, &twins.second), 0);
    twins_run(&twins);
}

/* M1. The same inside one batch: contiguous does not mean without checkpoints. */
CONF_CASE(checkpoint_runs_between_the_tasks_of_a_batch,
          "M1 S4",
          VELO_CAP_MICROTASKS | VELO_CAP_BATCH)
{
    struct twins twins;
    twins_init(&twins);
    const struct velo_task tasks[] = {{conf_step_fn, &twins.first}, {conf_step_fn, &twins.second}};
    assert_int_equal(velo_submit_many(twins.loop, tasks, 2), 0);
    twins_run(&twins);
}

/* M1. The priority lane. */
CONF_CASE(checkpoint_runs_between_two_priority_tasks, "M1", VELO_CAP_MICROTASKS | VELO_CAP_PRIORITY)
{
    struct twins twins;
    twins_init(&twins);
    assert_int_equal(velo_submit_priority(twins.loop, conf_step_fn, &twins.first), 0);
    assert_int_equal(velo_submit_priority(twins.loop, conf_step_fn, &twins.second), 0);
    twins_run(&twins);
}

/* M1. Two timers that are due in the same phase: t1, m1, t2 and not t1, t2, m1. */
CONF_CASE(checkpoint_runs_between_two_due_timers, "M1", VELO_CAP_MICROTASKS | VELO_CAP_TIMERS)
{
    sim_clock_freeze(0);
    struct twins twins;
    twins_init(&twins);
    assert_int_equal(velo_timer_start(twins.loop, 5, 0, conf_step_fn, &twins.first, NULL), 0);
    assert_int_equal(velo_timer_start(twins.loop, 7, 0, conf_step_fn, &twins.second, NULL), 0);
    sim_clock_advance(10);
    twins_run(&twins);
}

/* M1. Two immediates of one phase. */
CONF_CASE(checkpoint_runs_between_two_immediates, "M1", VELO_CAP_MICROTASKS | VELO_CAP_IMMEDIATES)
{
    struct twins twins;
    twins_init(&twins);
    assert_int_equal(velo_set_immediate(twins.loop, conf_step_fn, &twins.first, NULL), 0);
    assert_int_equal(velo_set_immediate(twins.loop, conf_step_fn, &twins.second, NULL), 0);
    twins_run(&twins);
}

/* M1. Two close callbacks of one phase. */
CONF_CASE(checkpoint_runs_between_two_close_callbacks, "M1", VELO_CAP_MICROTASKS)
{
    struct twins twins;
    twins_init(&twins);
    assert_int_equal(velo_defer_close(twins.loop, conf_step_fn, &twins.first), 0);
    assert_int_equal(velo_defer_close(twins.loop, conf_step_fn, &twins.second), 0);
    twins_run(&twins);
}

static void fd_step_fn(int fd, unsigned events, void *arg)
{
    char byte;
    CONF_EXPECT_INT(events, VELO_READ);
    CONF_EXPECT_INT(read(fd, &byte, 1), 1);
    conf_step_fn(arg);
}

/* M1. Two ready descriptors of one poll; which comes first is free, so both carry the same word. */
CONF_CASE(checkpoint_runs_between_two_ready_descriptors, "M1", VELO_CAP_MICROTASKS | VELO_CAP_FDS)
{
    struct twins twins;
    int fds[4];
    twins_init(&twins);
    twins.first.word = twins.second.word = "fd";
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, &fds[0]), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, &fds[2]), 0);
    assert_int_equal(velo_fd_watch(twins.loop, fds[0], VELO_READ, fd_step_fn, &twins.first, NULL),
                     0);
    assert_int_equal(velo_fd_watch(twins.loop, fds[2], VELO_READ, fd_step_fn, &twins.second, NULL),
                     0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(write(fds[3], "x", 1), 1);
    conf_turns(twins.loop, 1);
    conf_trace_is(&twins.trace, "fd tick micro fd tick micro");
    conf_destroy(twins.loop);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

/* M1. The last callback of a phase: its checkpoint comes before the first callback of the next. */
CONF_CASE(checkpoint_runs_before_the_next_phase, "M1 R2", VELO_CAP_MICROTASKS | VELO_CAP_IMMEDIATES)
{
    struct twins twins;
    twins_init(&twins);
    assert_int_equal(velo_set_immediate(twins.loop, conf_step_fn, &twins.second, NULL), 0);
    assert_int_equal(velo_submit(twins.loop, conf_step_fn, &twins.first), 0);
    twins_run(&twins);
}

/* ---- order inside one checkpoint ---- */

/* A step that queues the step behind it, as a tick or as a microtask. */
static void then_tick(struct conf_step *step)
{
    CONF_EXPECT_INT(velo_next_tick(step->loop, conf_step_fn, step->more), 0);
}

static void then_micro(struct conf_step *step)
{
    CONF_EXPECT_INT(velo_queue_microtask(step->loop, conf_step_fn, step->more), 0);
}

/* M2. Ticks added by ticks run in the same round, before the first microtask; microtasks added by
 * microtasks run in the same checkpoint, before the next task. */
CONF_CASE(ticks_of_ticks_run_before_microtasks_of_microtasks, "M2", VELO_CAP_MICROTASKS)
{
    struct twins t;
    twins_init(&t);
    struct conf_step tick_b = step_of(&t, "tick-b");
    struct conf_step tick_a = step_of(&t, "tick-a");
    struct conf_step micro_b = step_of(&t, "micro-b");
    struct conf_step micro_a = step_of(&t, "micro-a");
    struct conf_step task = step_of(&t, "task");
    struct conf_step other = step_of(&t, "other");
    tick_a.then = then_tick;
    tick_a.more = &tick_b;
    micro_a.then = then_micro;
    micro_a.more = &micro_b;
    t.tick = tick_a;
    t.micro = micro_a;
    task.then = queue_both;
    task.more = &t;
    assert_int_equal(velo_submit(t.loop, conf_step_fn, &task), 0);
    assert_int_equal(velo_submit(t.loop, conf_step_fn, &other), 0);
    conf_turns(t.loop, 1);
    conf_trace_is(&t.trace, "task tick-a tick-b micro-a micro-b other");
    conf_destroy(t.loop);
}

static void queue_tick_and_micro_of(struct conf_step *step)
{
    struct conf_step *both = step->more;
    CONF_EXPECT_INT(velo_next_tick(step->loop, conf_step_fn, &both[0]), 0);
    CONF_EXPECT_INT(velo_queue_microtask(step->loop, conf_step_fn, &both[1]), 0);
}

/* M2. micro-1 adds a tick and micro-3 while micro-2 waits: the tick waits for both of them. */
CONF_CASE(tick_added_by_a_microtask_waits_until_microtasks_are_empty, "M2", VELO_CAP_MICROTASKS)
{
    struct twins t;
    twins_init(&t);
    struct conf_step late[2] = {step_of(&t, "tick"), step_of(&t, "micro-3")};
    struct conf_step micro_1 = step_of(&t, "micro-1");
    struct conf_step micro_2 = step_of(&t, "micro-2");
    struct conf_step after = step_of(&t, "micro-after-tick");
    micro_1.then = queue_tick_and_micro_of;
    micro_1.more = late;
    late[0].then = then_micro;
    late[0].more = &after;
    assert_int_equal(velo_queue_microtask(t.loop, conf_step_fn, &micro_1), 0);
    assert_int_equal(velo_queue_microtask(t.loop, conf_step_fn, &micro_2), 0);
    conf_turns(t.loop, 1);
    conf_trace_is(&t.trace, "micro-1 micro-2 micro-3 tick micro-after-tick");
    conf_destroy(t.loop);
}

/* Numbered callbacks of one lane. */
enum { LANE_ITEMS = 10000 };
struct lane {
    unsigned next;
    unsigned wrong;
};
struct lane_item {
    struct lane *lane;
    unsigned number;
};

static void lane_fn(void *arg)
{
    struct lane_item *item = arg;
    item->lane->wrong += item->lane->next != item->number;
    item->lane->next++;
}

/* M3. 10,000 numbered ticks and microtasks, queued alternately: each lane comes out in order. */
CONF_CASE(each_microtask_lane_is_first_in_first_out, "M3", VELO_CAP_MICROTASKS)
{
    static struct lane_item ticks[LANE_ITEMS];
    static struct lane_item micros[LANE_ITEMS];
    struct lane tick_lane = {0};
    struct lane micro_lane = {0};
    struct velo_loop *loop = conf_create(NULL);
    for (unsigned i = 0; i < LANE_ITEMS; i++) {
        ticks[i] = (struct lane_item){&tick_lane, i};
        micros[i] = (struct lane_item){&micro_lane, i};
        assert_int_equal(velo_queue_microtask(loop, lane_fn, &micros[i]), 0);
        assert_int_equal(velo_next_tick(loop, lane_fn, &ticks[i]), 0);
    }
    conf_turns(loop, 1);
    assert_int_equal(tick_lane.next, LANE_ITEMS);
    assert_int_equal(micro_lane.next, LANE_ITEMS);
    assert_int_equal(tick_lane.wrong + micro_lane.wrong, 0);
    conf_destroy(loop);
}

/* M3, traps Q4, Q9. The same for a few at first, so that a lane is not at its beginning when it has
 * to grow. */
CONF_CASE(microtask_lane_that_grows_keeps_its_order, "M3", VELO_CAP_MICROTASKS)
{
    static struct lane_item items[LANE_ITEMS];
    for (unsigned first = 1; first < 80; first += 6) {
        struct velo_loop *loop = conf_create(NULL);
        for (unsigned count = first; count < LANE_ITEMS / 4; count = count * 3 + 1) {
            struct lane lane = {0};
            for (unsigned i = 0; i < count; i++) {
                items[i] = (struct lane_item){&lane, i};
                assert_int_equal(velo_queue_microtask(loop, lane_fn, &items[i]), 0);
            }
            conf_turns(loop, 1);
            assert_int_equal(lane.next, count);
            assert_int_equal(lane.wrong, 0);
        }
        conf_destroy(loop);
    }
}

/* ---- long chains ---- */

/* A callback that queues itself again until [left] is 0, in one lane or alternately in both. */
struct chain {
    struct velo_loop *loop;
    unsigned left;
    unsigned ran;
    bool alternate;
    uintptr_t stack_low;
    uintptr_t stack_high;
};

static void chain_fn(void *arg)
{
    struct chain *chain = arg;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (chain->stack_low == 0 || here < chain->stack_low)
        chain->stack_low = here;
    if (here > chain->stack_high)
        chain->stack_high = here;
    chain->ran++;
    if (chain->left == 0)
        return;
    chain->left--;
    int rc = chain->alternate && chain->left % 2 == 0
                 ? velo_next_tick(chain->loop, chain_fn, chain)
                 : velo_queue_microtask(chain->loop, chain_fn, chain);
    CONF_EXPECT_INT(rc, 0);
}

static void chain_is_complete(const struct chain *chain, unsigned links)
{
    assert_int_equal(chain->ran, links);
    assert_true(chain->stack_high - chain->stack_low < 16384);
}

/* M3 M5, traps M4 and M7. A chain of 100,000 microtasks is not cut: all of it runs in the
 * checkpoint of the task that began it, before the next task, and one warning is logged. */
CONF_CASE(long_microtask_chain_runs_in_one_checkpoint_and_warns_once, "M3", VELO_CAP_MICROTASKS)
{
    struct velo_options options = conf_options();
    options.microtask_warn = 1000;
    struct velo_loop *loop = conf_create(&options);
    struct chain chain = {.loop = loop, .left = 100000};
    struct lane_item other = {&(struct lane){0}, 0};
    assert_int_equal(velo_submit(loop, chain_fn, &chain), 0);
    assert_int_equal(velo_submit(loop, lane_fn, &other), 0);
    uint64_t before = conf_logged(loop, VELO_LOG_WARN);
    conf_turns(loop, 1);
    chain_is_complete(&chain, 100001);
    assert_int_equal(other.lane->next, 1);
    assert_int_equal(conf_logged(loop, VELO_LOG_WARN) - before, 1);
    conf_destroy(loop);
}

static void warns_after(unsigned microtasks, unsigned expected)
{
    struct velo_options options = conf_options();
    options.microtask_warn = 100;
    struct velo_loop *loop = conf_create(&options);
    struct chain chain = {.loop = loop, .left = microtasks};
    assert_int_equal(velo_submit(loop, chain_fn, &chain), 0);
    conf_turns(loop, 1);
    chain_is_complete(&chain, microtasks + 1);
    assert_int_equal(conf_logged(loop, VELO_LOG_WARN), expected);
    conf_destroy(loop);
}

/* M3 X5. The edge of the limit: 100 are silent, 101 warn. */
CONF_CASE(microtask_warning_comes_just_past_the_limit, "M3 X5", VELO_CAP_MICROTASKS)
{
    warns_after(100, 0);
    warns_after(101, 1);
}

static void long_chain(bool alternate, unsigned links)
{
    struct velo_loop *loop = conf_create(NULL);
    struct chain chain = {.loop = loop, .left = links, .alternate = alternate};
    assert_int_equal(velo_queue_microtask(loop, chain_fn, &chain), 0);
    conf_turns(loop, 1);
    chain_is_complete(&chain, links + 1);
    conf_destroy(loop);
}

/* M5. 1,000,000 microtasks, each queued by the one before: the frame address stays the same. */
CONF_CASE(million_microtasks_do_not_grow_the_stack, "M5", VELO_CAP_MICROTASKS)
{
    long_chain(false, conf_rounds(1000000));
}

/* M5 M2, trap M5. A tick and a microtask queue each other 100,000 times in a normal turn. */
CONF_CASE(tick_and_microtask_queue_each_other_without_stack_growth, "M5 M2", VELO_CAP_MICROTASKS)
{
    long_chain(true, 100000);
}

static void chain_starter_fn(void *arg)
{
    struct chain *chain = arg;
    CONF_EXPECT_INT(velo_next_tick(chain->loop, chain_fn, chain), 0);
}

/* M5 L4, trap M5. The same in the terminal drain: the task was accepted before the shutdown, the
 * chain it begins is created while draining. */
CONF_CASE(tick_and_microtask_chain_runs_to_its_end_in_the_drain, "M5 L4", VELO_CAP_MICROTASKS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct chain chain = {.loop = loop, .left = 100000, .alternate = true};
    assert_int_equal(velo_submit(loop, chain_starter_fn, &chain), 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    chain_is_complete(&chain, 100001);
    assert_int_equal(velo_loop_state(loop), VELO_STATE_TERMINATED);
    conf_destroy(loop);
}

/* ---- the poll, and wrong use ---- */

struct guard {
    unsigned ran;
    unsigned guard_ran;
};

static void count_fn(void *arg)
{
    ++*(unsigned *)arg;
}

/* M3 R3, traps M1 and M2. With only a tick, or only a microtask, pending a blocking turn does not
 * wait: a timer of 3 s would end the wait and tell. */
CONF_CASE(pending_tick_or_microtask_makes_the_poll_nonblocking,
          "M3 R3",
          VELO_CAP_MICROTASKS | VELO_CAP_TIMERS)
{
    for (int lane = 0; lane < 2; lane++) {
        struct velo_loop *loop = conf_create(NULL);
        struct guard g = {0};
        assert_int_equal(velo_timer_start(loop, 3 * CONF_NS_PER_S, 0, count_fn, &g.guard_ran, NULL),
                         0);
        int rc = lane == 0 ? velo_next_tick(loop, count_fn, &g.ran)
                           : velo_queue_microtask(loop, count_fn, &g.ran);
        assert_int_equal(rc, 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
        assert_int_equal(g.ran, 1);
        assert_int_equal(g.guard_ran, 0);
        conf_destroy(loop);
    }
}

/* M3, trap Q8. A NULL callback is refused and leaves the lanes as they were. */
CONF_CASE(microtask_without_a_callback_is_refused, "M3 S1", VELO_CAP_MICROTASKS)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned ran = 0;
    assert_int_equal(velo_next_tick(loop, NULL, &ran), -EINVAL);
    assert_int_equal(velo_queue_microtask(loop, NULL, &ran), -EINVAL);
    assert_false(velo_loop_is_alive(loop));
    assert_int_equal(velo_next_tick(loop, count_fn, &ran), 0);
    assert_int_equal(velo_queue_microtask(loop, count_fn, &ran), 0);
    conf_turns(loop, 1);
    assert_int_equal(ran, 2);
    conf_destroy(loop);
}

/* M3 L4. After termination both lanes answer -ESHUTDOWN. */
CONF_CASE(microtasks_are_refused_after_termination, "M3 L4", VELO_CAP_MICROTASKS)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned ran = 0;
    assert_int_equal(velo_loop_close(loop), 0);
    assert_int_equal(velo_next_tick(loop, count_fn, &ran), -ESHUTDOWN);
    assert_int_equal(velo_queue_microtask(loop, count_fn, &ran), -ESHUTDOWN);
    assert_int_equal(ran, 0);
    conf_destroy(loop);
}
