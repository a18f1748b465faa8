/* SPDX-License-Identifier: MIT */
/*
 * The reference interpreter: the contract written as plainly as possible, one function for each
 * phase. No threads, no system calls, a clock of its own; slow and simple on purpose.
 *
 * It says exactly which callback runs in which turn and what each call returns. Three things the
 * contract leaves open, and the model takes one of the possibilities: see "Where the contract
 * leaves room" in README.md.
 */
#include "model.h"

#include <errno.h>
#include <string.h>

/* Should the phase end? A graceful end lets checkpoints and the drain go on (L4). */
bool model_stops(const struct model *model)
{
    return model->stop == IMMEDIATE || (model->stop == GRACEFUL && !model->draining);
}

static bool is_empty(const struct model_lane *lane)
{
    return lane->head == lane->tail;
}

static void run(struct model *model, unsigned number, int64_t value)
{
    model->states[number] = RUNNING;
    world_callback(&model->world, number, value);
}

static void run_lane(struct model *model, enum kind kind)
{
    struct model_lane *lane = &model->lanes[kind];
    while (!is_empty(lane) && !model_stops(model)) {
        unsigned number = lane->items[lane->head++];
        run(model, number, 0);
        model->states[number] = OVER;
        model->ledger[1]++;
    }
}

/* M2: all ticks, then all microtasks, until both are empty; also when the loop is to end. */
static void checkpoint(struct model *model)
{
    bool draining = model->draining;
    model->draining = true;
    while (!is_empty(&model->lanes[KIND_TICK]) || !is_empty(&model->lanes[KIND_MICROTASK])) {
        run_lane(model, KIND_TICK);
        run_lane(model, KIND_MICROTASK);
    }
    model->draining = draining;
}

/* T4: a period starts anew when its callback has returned, unless that has cancelled or restarted
 * it; a one shot is over, unless it has been restarted. */
static void finish_timer(struct model *model, unsigned number, uint64_t start_ns)
{
    uint64_t period_ns = model->world.program->nodes[number].period_ns;
    if (model->states[number] != RUNNING)
        return;
    if (period_ns == 0) {
        model->states[number] = OVER;
        model->ledger[1]++;
        return;
    }
    model->states[number] = PENDING;
    model->deadlines_ns[number] =
        period_ns > UINT64_MAX - start_ns ? MODEL_NEVER : start_ns + period_ns;
    model->sequences[number] = model->sequence++;
}

/* M1: a callback and its checkpoint. */
void model_macrotask(struct model *model, unsigned number, int64_t value)
{
    enum kind kind = model->world.program->nodes[number].kind;
    uint64_t start_ns = model->now_ns;
    run(model, number, value);
    if (kind == KIND_TIMER) {
        finish_timer(model, number, start_ns);
    } else if (kind != KIND_FD) {
        model->states[number] = OVER;
        model->ledger[1]++;
    }
    checkpoint(model);
}

/* T2: the timer that is due and comes first; -1: none. Those armed from [fresh] on wait (T3). */
static int first_due(const struct model *model, uint64_t fresh)
{
    int best = -1;
    for (unsigned i = 0; i < model->world.program->size; i++) {
        bool due = model->world.program->nodes[i].kind == KIND_TIMER &&
                   model->states[i] == PENDING && model->deadlines_ns[i] <= model->turn_ns &&
                   model->deadlines_ns[i] != MODEL_NEVER && model->sequences[i] < fresh;
        bool before = due && (best < 0 || model->deadlines_ns[i] < model->deadlines_ns[best] ||
                              (model->deadlines_ns[i] == model->deadlines_ns[best] &&
                               model->sequences[i] < model->sequences[best]));
        if (before)
            best = (int)i;
    }
    return best;
}

static void timers(struct model *model)
{
    uint64_t fresh = model->sequence;
    int number;
    while (!model_stops(model) && (number = first_due(model, fresh)) >= 0)
        model_macrotask(model, (unsigned)number, 0);
}

/* R2: what was there when the phase began. What was cleared is passed over (R6). */
static void phase(struct model *model, enum kind kind)
{
    struct model_lane *lane = &model->lanes[kind];
    unsigned end = lane->tail;
    while (lane->head < end && !model_stops(model)) {
        unsigned number = lane->items[lane->head++];
        if (model->states[number] == PENDING)
            model_macrotask(model, number, 0);
    }
}

/* S5, S6: the same for tasks, until the slice is used up; but each lane runs one. */
static void task_phase(struct model *model, enum kind kind, uint64_t began_ns)
{
    struct model_lane *lane = &model->lanes[kind];
    uint64_t slice_ns = model->world.program->time_slice_ns;
    unsigned begin = lane->head, end = lane->tail;
    while (lane->head < end && !model_stops(model)) {
        bool over = slice_ns != 0 && model->now_ns - began_ns >= slice_ns;
        if (over && lane->head > begin)
            return;
        model_macrotask(model, lane->items[lane->head++], 0);
    }
}

static void tasks(struct model *model)
{
    uint64_t began_ns = model->now_ns;
    task_phase(model, KIND_PRIORITY, began_ns);
    task_phase(model, KIND_TASK, began_ns);
}

/* ---- when to sleep ---- */

static bool is_ready(const struct model *model)
{
    bool lanes = false;
    for (unsigned kind = 0; kind < KINDS; kind++)
        lanes = lanes || !is_empty(&model->lanes[kind]);
    return lanes || model->stop != GOES_ON || model_next_deadline_ns(model) <= model->now_ns ||
           (model->until_idle && !model_is_alive(model));
}

/* Nothing to do: the clock moves to the next deadline. Without one, the program ends. */
static void sleep_on(struct model *model)
{
    uint64_t next = model_next_deadline_ns(model);
    if (next != MODEL_NEVER) {
        model->now_ns = next;
        return;
    }
    model->world.ending = true;
    model_end(model, GRACEFUL);
    world_note(&model->world, SLEEPS, 0, 0);
}

/* ---- a turn, and the four ways to run ---- */

static void turn(struct model *model, bool may_block)
{
    if (world_turn(&model->world))
        model_end(model, GRACEFUL);
    model->turn_ns = model->now_ns;
    checkpoint(model); /* what was added outside */
    timers(model);
    tasks(model);
    if (may_block && !is_ready(model) && !model_poll_finds(model)) /* R3 */
        sleep_on(model);
    model_run_fds(model);
    phase(model, KIND_IMMEDIATE);
    phase(model, KIND_CLOSE);
}

static void run_once(struct model *model)
{
    while (!is_ready(model) && model_is_alive(model) && !model_poll_finds(model))
        sleep_on(model);
    if (model->stop == GOES_ON)
        turn(model, false);
}

static void run_mode(struct model *model, enum velo_run_mode mode)
{
    model->until_idle = mode == VELO_RUN_UNTIL_IDLE;
    switch (mode) {
    case VELO_RUN_ONCE:
        run_once(model);
        return;
    case VELO_RUN_NOWAIT:
        turn(model, false);
        return;
    default:
        while (model->stop == GOES_ON && (!model->until_idle || model_is_alive(model)))
            turn(model, true);
    }
}

/* L3: what a run returns. */
static int run_loop(struct model *model, enum velo_run_mode mode)
{
    if (model->terminated)
        return -ESHUTDOWN;
    model->inside = true;
    run_mode(model, mode);
    if (model->stop != GOES_ON)
        model_finish(model);
    model->inside = false;
    return 0;
}

/* ---- the end ---- */

/* L4: round and round until all is empty. */
static void drain(struct model *model)
{
    static const enum kind order[] = {KIND_PRIORITY, KIND_TASK, KIND_IMMEDIATE, KIND_CLOSE};
    bool more = true;
    model->draining = true;
    checkpoint(model);
    while (more) {
        more = false;
        for (unsigned i = 0; i < 4; i++) {
            more = more || !is_empty(&model->lanes[order[i]]);
            phase(model, order[i]);
        }
    }
}

void model_end(struct model *model, enum model_stop stop)
{
    if (model->stop == GOES_ON)
        model->stop = stop;
}

/* L7: what is left is discarded, once each. */
void model_finish(struct model *model)
{
    if (model->stop == GRACEFUL)
        drain(model);
    for (unsigned i = 0; i < model->world.program->size; i++) {
        if (model->states[i] != PENDING)
            continue;
        model->states[i] = OVER;
        model->ledger[3]++;
        model->world.discarded[i] = true;
    }
    memset(model->lanes, 0, sizeof(model->lanes));
    memset(model->watches, 0, sizeof(model->watches));
    model->terminated = true;
}

static void step(struct model *model, unsigned number)
{
    unsigned turn_before = model->world.turn;
    world_act(&model->world, number);
    world_tell_discarded(&model->world);
    int rc = run_loop(model, model->world.program->modes[number]);
    world_tell_discarded(&model->world);
    uint64_t next = model_next_deadline_ns(model);
    world_note(&model->world, RETURNED, number, rc);
    world_note(&model->world, LIVES, number, model_is_alive(model));
    if (!model->terminated && model->world.turn != turn_before)
        world_note(&model->world,
                   DEADLINE,
                   number,
                   next == MODEL_NEVER ? -1 : (int64_t)(next - WORLD_BEGIN_NS));
}

void model_run(const struct program *program,
               uint64_t capabilities,
               enum velo_fast_path mode,
               const struct trace *seen,
               struct trace *trace)
{
    static struct model model;
    memset(&model, 0, sizeof(model));
    world_begin(&model.world, program, trace);
    model.world.perform = model_perform;
    model.seen = seen;
    model.capabilities = capabilities;
    model.mode = mode;
    model.now_ns = WORLD_BEGIN_NS;
    for (unsigned i = 0; i < program->steps; i++)
        step(&model, i);
    if (!model.terminated) {
        model_end(&model, IMMEDIATE);
        model_finish(&model);
    }
    world_tell_discarded(&model.world);
    for (unsigned i = 0; i < 4; i++)
        world_note(&model.world, LEDGER, i, (int64_t)model.ledger[i]);
}
