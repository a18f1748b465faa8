/* SPDX-License-Identifier: MIT */
/*
 * Descriptors in the model: the ends of pipes. A pipe holds no byte or one, so that it is certain
 * what an edge is; its write end is always writable.
 */
#include "model.h"

#include <errno.h>

static const struct node *node_of(const struct model *model, unsigned number)
{
    return &model->world.program->nodes[number];
}

unsigned model_watched(const struct model *model)
{
    unsigned watched = 0;
    for (unsigned i = 0; i < model->world.program->size; i++)
        watched += model->watches[i].watched;
    return watched;
}

/* The registration of one end of a pipe; NULL: it is not watched. */
static struct model_watch *find(struct model *model, unsigned pipe, unsigned end)
{
    for (unsigned i = 0; i < model->world.program->size; i++) {
        bool same = node_of(model, i)->pipe == pipe && node_of(model, i)->end == end;
        if (same && model->watches[i].watched)
            return &model->watches[i];
    }
    return NULL;
}

static void arm(struct model_watch *watch, unsigned events)
{
    watch->watched = true;
    watch->disarmed = false;
    watch->edge = true; /* a new arming reports what is there */
    watch->asked = events;
    watch->seen = 0;
    watch->serial++;
}

/* F2, P1 */
int model_watch(struct model *model, unsigned number)
{
    const struct node *node = node_of(model, number);
    if (model->mode == VELO_FAST_FORCED)
        return -ENOTSUP;
    if (find(model, node->pipe, node->end) != NULL)
        return -EEXIST;
    arm(&model->watches[number], node->events);
    return 0;
}

/* F1: arms again. */
int model_modify(struct model *model, unsigned number, unsigned events)
{
    if (model->stop != GOES_ON)
        return -ESHUTDOWN;
    if (!model->watches[number].watched)
        return -ENOENT;
    arm(&model->watches[number], events);
    return 0;
}

int model_unwatch(struct model *model, unsigned number)
{
    if (!model->watches[number].watched)
        return -ENOENT;
    model->watches[number].watched = false;
    model->watches[number].serial++;
    return 0;
}

/* ---- pipes ---- */

void model_pipe_write(struct model *model, unsigned pipe)
{
    struct model_watch *watch = find(model, pipe, 0);
    if (model->pipes[pipe].has_byte || model->pipes[pipe].hung_up)
        return;
    model->pipes[pipe].has_byte = true;
    if (watch != NULL && (watch->asked & VELO_READ) != 0)
        watch->edge = true;
}

void model_pipe_read(struct model *model, unsigned pipe)
{
    model->pipes[pipe].has_byte = false;
}

void model_pipe_hangup(struct model *model, unsigned pipe)
{
    struct model_watch *watch = find(model, pipe, 0);
    if (watch != NULL && !model->pipes[pipe].hung_up)
        watch->edge = true;
    model->pipes[pipe].hung_up = true;
}

/* ---- the poll ---- */

/* What the callback of [number] would be told now. */
static unsigned bits(const struct model *model, unsigned number)
{
    const struct node *node = node_of(model, number);
    const struct model_watch *watch = &model->watches[number];
    const struct model_pipe *pipe = &model->pipes[node->pipe];
    unsigned got = 0;
    if (!watch->watched || watch->disarmed || ((watch->asked & VELO_EDGE) != 0 && !watch->edge))
        return 0;
    if (node->end == 1)
        got = VELO_WRITE;
    else if (pipe->has_byte)
        got = VELO_READ;
    got &= watch->asked;
    if (node->end == 0 && pipe->hung_up) /* F5: asked for, or once per arming */
        got |= (unsigned)VELO_HANGUP & (watch->asked | ~watch->seen);
    return got;
}

bool model_poll_finds(const struct model *model)
{
    for (unsigned i = 0; i < model->world.program->size; i++)
        if (bits(model, i) != 0)
            return true;
    return false;
}

/* One poll: who is ready, with which events. */
struct batch {
    unsigned events[PROGRAM_NODES]; /* 0: not ready, or done */
    unsigned serials[PROGRAM_NODES];
};

static void poll(struct model *model, struct batch *batch)
{
    for (unsigned i = 0; i < model->world.program->size; i++) {
        batch->events[i] = bits(model, i);
        batch->serials[i] = model->watches[i].serial;
        model->watches[i].edge = false; /* told, or gone */
    }
}

/* The kernel may report in any order: the one that was seen, if it is in the batch. */
static int choose(const struct model *model, const struct batch *batch)
{
    unsigned at = model->world.trace->length;
    int choice = -1;
    for (int i = (int)model->world.program->size - 1; i >= 0; i--) {
        if (batch->events[i] == 0 || batch->serials[i] != model->watches[i].serial)
            continue;
        const struct entry *seen = at < model->seen->length ? &model->seen->entries[at] : NULL;
        bool taken = seen != NULL && seen->what == TOOK_PLACE && seen->node == (unsigned)i;
        if (taken)
            return i;
        choice = i;
    }
    return choice;
}

void model_run_fds(struct model *model)
{
    struct batch batch;
    int number;
    poll(model, &batch);
    while (!model_stops(model) && (number = choose(model, &batch)) >= 0) {
        struct model_watch *watch = &model->watches[number];
        unsigned events = batch.events[number];
        batch.events[number] = 0;
        watch->seen |= events & (unsigned)VELO_HANGUP;
        watch->disarmed = (watch->asked & VELO_ONESHOT) != 0;
        model_macrotask(model, (unsigned)number, (int64_t)events);
    }
}
