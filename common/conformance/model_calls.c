/* SPDX-License-Identifier: MIT */
/* The model's side of velo.h: what each call does, and what it returns. */
#include "model.h"

#include <errno.h>

static const struct node *node_of(const struct model *model, unsigned number)
{
    return &model->world.program->nodes[number];
}

/* ---- questions ---- */

unsigned model_pending_tasks(const struct model *model)
{
    const struct model_lane *tasks = &model->lanes[KIND_TASK];
    const struct model_lane *priority = &model->lanes[KIND_PRIORITY];
    return tasks->tail - tasks->head + priority->tail - priority->head;
}

/* A timer that is pending, or will be: a period whose callback runs. */
static bool is_armed(const struct model *model, unsigned number)
{
    const struct node *node = node_of(model, number);
    return node->kind == KIND_TIMER && (model->states[number] == PENDING ||
                                        (model->states[number] == RUNNING && node->period_ns != 0));
}

/* A1 */
bool model_is_alive(const struct model *model)
{
    bool alive = model_watched(model) > 0;
    for (unsigned i = 0; i < model->world.program->size; i++) {
        bool queued = model->states[i] == PENDING && node_of(model, i)->kind != KIND_TIMER;
        alive = alive || queued || (is_armed(model, i) && !model->unref[i]);
    }
    return alive;
}

uint64_t model_next_deadline_ns(const struct model *model)
{
    uint64_t next = MODEL_NEVER;
    for (unsigned i = 0; i < model->world.program->size; i++) {
        bool pending = node_of(model, i)->kind == KIND_TIMER && model->states[i] == PENDING;
        if (pending && model->deadlines_ns[i] < next)
            next = model->deadlines_ns[i];
    }
    return next;
}

static int64_t count(const struct model *model)
{
    int64_t armed = 0;
    for (unsigned i = 0; i < model->world.program->size; i++)
        armed += is_armed(model, i);
    return model_pending_tasks(model) + 100 * armed + 10000 * (int64_t)model_watched(model);
}

/* ---- adding ---- */

static void arm(struct model *model, unsigned number, uint64_t delay_ns)
{
    bool saturates = delay_ns > UINT64_MAX - model->now_ns; /* T8 */
    model->states[number] = PENDING;
    model->deadlines_ns[number] = saturates ? MODEL_NEVER : model->now_ns + delay_ns;
    model->sequences[number] = model->sequence++;
}

static void queue(struct model *model, unsigned number)
{
    struct model_lane *lane = &model->lanes[node_of(model, number)->kind];
    model->states[number] = PENDING;
    lane->items[lane->tail++] = number;
}

/* S1: wrong state first, then the limit; all or none (S4). */
static int submit(struct model *model, unsigned first, unsigned tasks)
{
    size_t most = model->world.program->max_pending;
    if (model->stop != GOES_ON)
        return -ESHUTDOWN;
    if (most != 0 && model_pending_tasks(model) + tasks > most)
        return -EAGAIN;
    for (unsigned i = 0; i < tasks; i++)
        queue(model, first + i);
    model->ledger[0] += tasks;
    return 0;
}

static int add(struct model *model, unsigned number)
{
    const struct node *node = node_of(model, number);
    bool micro = node->kind == KIND_TICK || node->kind == KIND_MICROTASK;
    if (node->kind == KIND_TASK || node->kind == KIND_PRIORITY)
        return submit(model, number, 1);
    if (model->terminated || (model->stop != GOES_ON && !micro)) /* L4 */
        return -ESHUTDOWN;
    if (node->kind == KIND_FD)
        return model_watch(model, number);
    if (node->kind == KIND_TIMER)
        arm(model, number, node->delay_ns);
    else
        queue(model, number);
    model->ledger[0]++;
    return 0;
}

/* ---- changing ---- */

/* T5, R6: the kind must be right, as an id never names something else. */
static int cancel(struct model *model, unsigned number, enum kind kind)
{
    if (node_of(model, number)->kind != kind)
        return -ENOENT;
    if (model->states[number] == RUNNING && kind == KIND_TIMER && !is_armed(model, number))
        return -EALREADY;
    if (model->states[number] != PENDING && !(kind == KIND_TIMER && is_armed(model, number)))
        return -ENOENT;
    model->states[number] = OVER;
    model->ledger[2]++;
    return 0;
}

static int restart(struct model *model, unsigned number, uint64_t delay_ns)
{
    bool lives = model->states[number] == PENDING || model->states[number] == RUNNING;
    if (model->stop != GOES_ON && !model->terminated)
        return -ESHUTDOWN;
    if (node_of(model, number)->kind != KIND_TIMER || !lives)
        return -ENOENT;
    arm(model, number, delay_ns);
    return 0;
}

static int set_unref(struct model *model, unsigned number, bool unref)
{
    bool lives = model->states[number] == PENDING || model->states[number] == RUNNING;
    if (node_of(model, number)->kind != KIND_TIMER || !lives)
        return -ENOENT;
    model->unref[number] = unref;
    return 0;
}

/* P1, P2 */
static int fast_path_set(struct model *model, enum velo_fast_path mode)
{
    bool has = (model->capabilities & VELO_CAP_FAST_PATH) != 0;
    if (model->stop != GOES_ON)
        return -ESHUTDOWN;
    if (mode == VELO_FAST_FORCED && !has)
        return -ENOTSUP;
    if (mode == VELO_FAST_FORCED && model_watched(model) > 0)
        return -EBUSY;
    model->mode = has ? mode : VELO_FAST_DISABLED;
    return 0;
}

/* ---- ending ---- */

/* L4, L5: from a callback it is a wish; with nobody inside run, the caller drains. */
static int shutdown(struct model *model)
{
    if (model->terminated)
        return -ESHUTDOWN;
    model_end(model, GRACEFUL);
    if (!model->inside) {
        model->inside = true;
        model_finish(model);
        model->inside = false;
    }
    return 0;
}

static int end(struct model *model)
{
    if (model->inside)
        return -EDEADLK;
    model_end(model, IMMEDIATE);
    if (!model->terminated)
        model_finish(model);
    return 0;
}

/* ---- all of them ---- */

static int64_t change(struct model *model, const struct statement *statement)
{
    unsigned target = statement->target;
    switch (statement->verb) {
    case VERB_CANCEL:
        return cancel(model, target, KIND_TIMER);
    case VERB_CANCEL_MANY: {
        int first = cancel(model, target, KIND_TIMER);
        return 1000 * (int64_t)first + cancel(model, target + 1, KIND_TIMER);
    }
    case VERB_RESTART:
        return restart(model, target, statement->value);
    case VERB_REF:
        return set_unref(model, target, false);
    case VERB_UNREF:
        return set_unref(model, target, true);
    case VERB_CLEAR_IMMEDIATE:
        return cancel(model, target, KIND_IMMEDIATE);
    case VERB_UNWATCH:
        return model_unwatch(model, target);
    default:
        return model_modify(model, target, (unsigned)statement->value);
    }
}

static int64_t ask(struct model *model, const struct statement *statement)
{
    switch (statement->verb) {
    case VERB_SHUTDOWN:
        return shutdown(model);
    case VERB_END:
        return end(model);
    case VERB_RUN:
        return model->inside ? -EDEADLK : -ESHUTDOWN;
    case VERB_FAST_PATH:
        return fast_path_set(model, (enum velo_fast_path)statement->value);
    case VERB_ALIVE:
        return model_is_alive(model);
    case VERB_NOW:
        return (int64_t)((model->inside ? model->turn_ns : model->now_ns) - WORLD_BEGIN_NS);
    case VERB_COUNT:
        return count(model);
    default:
        return 0;
    }
}

int64_t model_perform(struct world *world, unsigned node, const struct statement *statement)
{
    struct model *model = (struct model *)world;
    (void)node;
    switch (statement->verb) {
    case VERB_ADD:
        return add(model, statement->target);
    case VERB_BATCH:
        return submit(model, statement->target, (unsigned)statement->value);
    case VERB_WRITE:
        model_pipe_write(model, statement->target);
        return 0;
    case VERB_READ:
        model_pipe_read(model, statement->target);
        return 0;
    case VERB_HANGUP:
        model_pipe_hangup(model, statement->target);
        return 0;
    case VERB_ADVANCE:
        model->now_ns += statement->value;
        return 0;
    default:
        return program_names_node(statement->verb) ? change(model, statement)
                                                   : ask(model, statement);
    }
}
