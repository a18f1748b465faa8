/* SPDX-License-Identifier: MIT */
/*
 * R1, R2, R4, R5, R7: the phases of one turn and their snapshots.
 *
 * Idea: the clock stands still and each turn is run by hand, so the trace of a turn is exact.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "../sim/clock.h"
#include "conf.h"

#define CAPS_ALL_PHASES                                                                            \
    (VELO_CAP_MICROTASKS | VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_PRIORITY)

struct scene {
    struct conf_trace trace;
    struct velo_loop *loop;
};

static void scene_init(struct scene *scene)
{
    sim_clock_freeze(0);
    conf_trace_init(&scene->trace);
    scene->loop = conf_create(NULL);
}

static struct conf_step step_of(struct scene *scene, const char *word)
{
    return (struct conf_step){.trace = &scene->trace, .word = word, .loop = scene->loop};
}

static void fd_step_fn(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    conf_step_fn(arg);
}

/* A socket that is readable for as long as nobody reads it. */
static void open_readable(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
}

/* The steps of the table "what runs in one turn", added in the reverse of the order they run in. */
static void add_all_phases(struct scene *scene, struct conf_step steps[5])
{
    static const char *const words[5] = {"timer", "priority", "task", "immediate", "close"};
    for (int i = 0; i < 5; i++)
        steps[i] = step_of(scene, words[i]);
    assert_int_equal(velo_defer_close(scene->loop, conf_step_fn, &steps[4]), 0);
    assert_int_equal(velo_set_immediate(scene->loop, conf_step_fn, &steps[3], NULL), 0);
    assert_int_equal(velo_submit(scene->loop, conf_step_fn, &steps[2]), 0);
    assert_int_equal(velo_submit_priority(scene->loop, conf_step_fn, &steps[1]), 0);
    assert_int_equal(velo_timer_start(scene->loop, 0, 0, conf_step_fn, &steps[0], NULL), 0);
}

/* R4 S6. Everything is pending when the turn begins; added in reverse order. */
CONF_CASE(phases_of_a_turn_run_in_the_documented_order, "R4 S6", CAPS_ALL_PHASES)
{
    struct scene s;
    struct conf_step steps[5];
    scene_init(&s);
    add_all_phases(&s, steps);
    conf_turns(s.loop, 1);
    conf_trace_is(&s.trace, "timer priority task immediate close");
    conf_destroy(s.loop);
}

/* R4. The same with a ready descriptor: it comes after the tasks and before the immediates. */
CONF_CASE(descriptors_come_between_tasks_and_immediates, "R4", CAPS_ALL_PHASES | VELO_CAP_FDS)
{
    struct scene s;
    struct conf_step steps[5];
    int fds[2];
    scene_init(&s);
    struct conf_step descriptor = step_of(&s, "descriptor");
    open_readable(fds);
    assert_int_equal(velo_fd_watch(s.loop, fds[0], VELO_READ, fd_step_fn, &descriptor, NULL), 0);
    add_all_phases(&s, steps);
    conf_turns(s.loop, 1);
    conf_trace_is(&s.trace, "timer priority task descriptor immediate close");
    conf_destroy(s.loop);
}

static void advance_and_set_immediate(struct conf_step *step)
{
    sim_clock_advance(2 * CONF_NS_PER_MS);
    CONF_EXPECT_INT(velo_set_immediate(step->loop, conf_step_fn, step->more, NULL), 0);
}

/* R1. The descriptor callback makes a timer due and then sets an immediate: the immediate wins. */
CONF_CASE(immediate_set_by_a_descriptor_beats_a_due_timer,
          "R1",
          VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_FDS)
{
    struct scene s;
    velo_id id = 0;
    int fds[2];
    scene_init(&s);
    struct conf_step immediate = step_of(&s, "immediate");
    struct conf_step timer = step_of(&s, "timer");
    struct conf_step descriptor = step_of(&s, "descriptor");
    descriptor.then = advance_and_set_immediate;
    descriptor.more = &immediate;
    open_readable(fds);
    assert_int_equal(
        velo_fd_watch(s.loop, fds[0], VELO_READ | VELO_ONESHOT, fd_step_fn, &descriptor, &id), 0);
    assert_int_equal(velo_timer_start(s.loop, CONF_NS_PER_MS, 0, conf_step_fn, &timer, NULL), 0);
    conf_turns(s.loop, 2);
    conf_trace_is(&s.trace, "descriptor immediate timer");
    conf_destroy(s.loop);
}

/* ---- snapshots ---- */

static void set_immediate_then_timer(struct conf_step *step)
{
    struct conf_step *more = step->more;
    CONF_EXPECT_INT(velo_set_immediate(step->loop, conf_step_fn, &more[0], NULL), 0);
    CONF_EXPECT_INT(velo_timer_start(step->loop, 0, 0, conf_step_fn, &more[1], NULL), 0);
}

/* R2. An immediate sets another one and a timer: the phase ends without it, the timer is first. */
CONF_CASE(nested_immediate_waits_a_turn_and_timers_come_between,
          "R2",
          VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS)
{
    struct scene s;
    scene_init(&s);
    struct conf_step more[2] = {step_of(&s, "nested"), step_of(&s, "timer")};
    struct conf_step outer = step_of(&s, "outer");
    struct conf_step other = step_of(&s, "other");
    outer.then = set_immediate_then_timer;
    outer.more = more;
    assert_int_equal(velo_set_immediate(s.loop, conf_step_fn, &outer, NULL), 0);
    assert_int_equal(velo_set_immediate(s.loop, conf_step_fn, &other, NULL), 0);
    conf_turns(s.loop, 1);
    conf_trace_is(&s.trace, "outer other");
    conf_turns(s.loop, 1);
    conf_trace_is(&s.trace, "timer nested");
    conf_destroy(s.loop);
}

static void defer_then_timer(struct conf_step *step)
{
    struct conf_step *more = step->more;
    CONF_EXPECT_INT(velo_defer_close(step->loop, conf_step_fn, &more[0]), 0);
    CONF_EXPECT_INT(velo_timer_start(step->loop, 0, 0, conf_step_fn, &more[1], NULL), 0);
}

/* R2. The same for close callbacks. */
CONF_CASE(nested_close_callback_waits_a_turn_and_timers_come_between, "R2", VELO_CAP_TIMERS)
{
    struct scene s;
    scene_init(&s);
    struct conf_step more[2] = {step_of(&s, "nested"), step_of(&s, "timer")};
    struct conf_step outer = step_of(&s, "outer");
    struct conf_step other = step_of(&s, "other");
    outer.then = defer_then_timer;
    outer.more = more;
    assert_int_equal(velo_defer_close(s.loop, conf_step_fn, &outer), 0);
    assert_int_equal(velo_defer_close(s.loop, conf_step_fn, &other), 0);
    conf_turns(s.loop, 1);
    conf_trace_is(&s.trace, "outer other");
    conf_turns(s.loop, 1);
    conf_trace_is(&s.trace, "timer nested");
    conf_destroy(s.loop);
}

static void then_defer(struct conf_step *step)
{
    CONF_EXPECT_INT(velo_defer_close(step->loop, conf_step_fn, step->more), 0);
}

static void then_immediate(struct conf_step *step)
{
    CONF_EXPECT_INT(velo_set_immediate(step->loop, conf_step_fn, step->more, NULL), 0);
}

static void then_submit(struct conf_step *step)
{
    CONF_EXPECT_INT(velo_submit(step->loop, conf_step_fn, step->more), 0);
}

/* R2 S5. task -> immediate -> close is one turn downhill; close -> immediate needs the next one, as
 * does immediate -> task. */
CONF_CASE(work_for_a_later_phase_joins_this_turn_and_for_an_earlier_one_the_next,
          "R2 S5",
          VELO_CAP_IMMEDIATES)
{
    struct scene s;
    scene_init(&s);
    struct conf_step last = step_of(&s, "task-2");
    struct conf_step immediate_2 = step_of(&s, "immediate-2");
    struct conf_step closing = step_of(&s, "close");
    struct conf_step immediate_1 = step_of(&s, "immediate-1");
    struct conf_step task = step_of(&s, "task-1");
    immediate_2.then = then_submit;
    immediate_2.more = &last;
    closing.then = then_immediate;
    closing.more = &immediate_2;
    immediate_1.then = then_defer;
    immediate_1.more = &closing;
    task.then = then_immediate;
    task.more = &immediate_1;
    assert_int_equal(velo_submit(s.loop, conf_step_fn, &task), 0);
    conf_turns(s.loop, 1);
    conf_trace_is(&s.trace, "task-1 immediate-1 close");
    conf_turns(s.loop, 1);
    conf_trace_is(&s.trace, "immediate-2");
    conf_turns(s.loop, 1);
    conf_trace_is(&s.trace, "task-2");
    conf_destroy(s.loop);
}

/* ---- R4: all of a poll before the first immediate ---- */

enum { READY = 64 };
struct poll_scene {
    struct velo_loop *loop;
    unsigned called;
    unsigned called_at_immediate;
    int fds[READY][2];
};

static void note_called_fn(void *arg)
{
    struct poll_scene *scene = arg;
    scene->called_at_immediate = scene->called;
}

static void ready_fn(int fd, unsigned events, void *arg)
{
    struct poll_scene *scene = arg;
    (void)fd;
    CONF_EXPECT_INT(events, VELO_READ);
    if (scene->called++ == 0)
        CONF_EXPECT_INT(velo_set_immediate(scene->loop, note_called_fn, scene, NULL), 0);
}

/* R4. 64 descriptors are ready; the first callback sets an immediate, which finds all 64 done. */
CONF_CASE(all_ready_descriptors_run_before_the_first_immediate,
          "R4",
          VELO_CAP_IMMEDIATES | VELO_CAP_FDS)
{
    struct poll_scene scene = {.loop = conf_create(NULL)};
    for (int i = 0; i < READY; i++) {
        open_readable(scene.fds[i]);
        assert_int_equal(
            velo_fd_watch(scene.loop, scene.fds[i][0], VELO_READ, ready_fn, &scene, NULL), 0);
    }
    conf_turns(scene.loop, 1);
    assert_int_equal(scene.called, READY);
    assert_int_equal(scene.called_at_immediate, READY);
    conf_destroy(scene.loop);
}

/* ---- R5 ---- */

enum { CLOSERS = 1000 };
struct closer {
    unsigned *next;
    unsigned *wrong;
    unsigned number;
};

static void closer_fn(void *arg)
{
    struct closer *closer = arg;
    *closer->wrong += *closer->next != closer->number;
    ++*closer->next;
}

/* R5, trap L19. 1,000 numbered close callbacks; others have run them in reverse. */
CONF_CASE(close_callbacks_are_first_in_first_out, "R5", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct closer closers[CLOSERS];
    unsigned next = 0;
    unsigned wrong = 0;
    for (unsigned i = 0; i < CLOSERS; i++) {
        closers[i] = (struct closer){&next, &wrong, i};
        assert_int_equal(velo_defer_close(loop, closer_fn, &closers[i]), 0);
    }
    conf_turns(loop, 1);
    assert_int_equal(next, CLOSERS);
    assert_int_equal(wrong, 0);
    conf_destroy(loop);
}

/* R2. Immediates are in order too. */
CONF_CASE(immediates_are_first_in_first_out, "R2", VELO_CAP_IMMEDIATES)
{
    struct velo_loop *loop = conf_create(NULL);
    struct closer items[CLOSERS];
    unsigned next = 0;
    unsigned wrong = 0;
    for (unsigned i = 0; i < CLOSERS; i++) {
        items[i] = (struct closer){&next, &wrong, i};
        assert_int_equal(velo_set_immediate(loop, closer_fn, &items[i], NULL), 0);
    }
    conf_turns(loop, 1);
    assert_int_equal(next, CLOSERS);
    assert_int_equal(wrong, 0);
    conf_destroy(loop);
}

/* ---- R7 ---- */

static void begin_hook(void *ctx)
{
    struct conf_trace *trace = ctx;
    conf_trace_add(trace, "(");
}

static void end_hook(void *ctx)
{
    struct conf_trace *trace = ctx;
    conf_trace_add(trace, ")");
}

/* R7. The hooks enclose all phases of a turn, once each, in NOWAIT, ONCE and UNTIL_IDLE. */
CONF_CASE(turn_hooks_enclose_exactly_the_phases_of_a_turn, "R7", CAPS_ALL_PHASES)
{
    struct scene s;
    struct conf_step steps[5];
    struct velo_options options = conf_options();
    sim_clock_freeze(0);
    conf_trace_init(&s.trace);
    options.ctx = &s.trace;
    options.on_turn_begin = begin_hook;
    options.on_turn_end = end_hook;
    s.loop = conf_create(&options);
    static const enum velo_run_mode modes[2] = {VELO_RUN_NOWAIT, VELO_RUN_ONCE};
    for (int i = 0; i < 2; i++) {
        add_all_phases(&s, steps);
        assert_int_equal(velo_loop_run(s.loop, modes[i]), 0);
        conf_trace_is(&s.trace, "( timer priority task immediate close )");
    }
    conf_turns(s.loop, 2);
    conf_trace_is(&s.trace, "( ) ( )");
    conf_destroy(s.loop);
}

struct hook_count {
    unsigned begun;
    unsigned ended;
    unsigned nested_wrong;
    unsigned outside;
};

static void count_begin_hook(void *ctx)
{
    struct hook_count *hooks = ctx;
    hooks->nested_wrong += hooks->begun != hooks->ended;
    hooks->begun++;
}

static void count_end_hook(void *ctx)
{
    struct hook_count *hooks = ctx;
    hooks->ended++;
    hooks->nested_wrong += hooks->begun != hooks->ended;
}

struct relay {
    struct velo_loop *loop;
    struct hook_count *hooks;
    unsigned left;
};

static void relay_fn(void *arg)
{
    struct relay *relay = arg;
    relay->hooks->outside += relay->hooks->begun == relay->hooks->ended;
    if (relay->left-- > 1)
        CONF_EXPECT_INT(velo_submit(relay->loop, relay_fn, relay), 0);
}

/* R7 S5. 100 tasks, each submitted by the one before, are 100 turns: hooks come in pairs, never
 * nested, no callback stands outside a pair, and the counter of turns agrees. */
CONF_CASE(turn_hooks_come_in_pairs_and_agree_with_the_turn_counter,
          "R7 S5 X3",
          VELO_CAP_UNTIL_IDLE | VELO_CAP_METRICS)
{
    struct hook_count hooks = {0};
    struct velo_options options = conf_options();
    options.ctx = &hooks;
    options.on_turn_begin = count_begin_hook;
    options.on_turn_end = count_end_hook;
    struct relay relay = {.loop = conf_create(&options), .hooks = &hooks, .left = 100};
    assert_int_equal(velo_submit(relay.loop, relay_fn, &relay), 0);
    assert_int_equal(velo_loop_run(relay.loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(relay.left, 0);
    assert_true(hooks.begun >= 100);
    assert_int_equal(hooks.begun, hooks.ended);
    assert_int_equal(hooks.nested_wrong, 0);
    assert_int_equal(hooks.outside, 0);
    assert_int_equal(conf_metrics(relay.loop).turns, hooks.begun);
    conf_destroy(relay.loop);
}
