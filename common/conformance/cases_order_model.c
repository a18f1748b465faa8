/* SPDX-License-Identifier: MIT */
/*
 * R, S5, S6, M2, T2-T5: random callback trees against a reference interpreter.
 *
 * Idea: a tree is drawn from the seed: each callback adds, cancels and restarts others and moves
 * the clock. It is run twice, by the loop and by the model below, which is the contract written as
 * plainly as possible. Both write a log of calls and answers; the logs must be equal. A failing
 * tree is cut down to the smallest size that still fails.
 *
 * Left out, as the contract leaves it open: microtasks queued before the first callback, and tasks
 * submitted while the priority lane runs.
 */
#include <string.h>

#include "../sim/clock.h"
#include "conf.h"

enum { NODES = 48, ACTIONS = 4, TURNS = 24, LOG = 1024 };

enum kind { TASK, PRIORITY, TICK, MICROTASK, TIMER, IMMEDIATE, CLOSING, KINDS };
enum verb { ADD, CANCEL, RESTART, ADVANCE, VERBS };

struct action {
    enum verb verb;
    unsigned node;
    uint64_t ns; /* of ADVANCE and RESTART */
};
struct node {
    enum kind kind;
    bool in_priority; /* runs in the priority lane or in a checkpoint of it */
    uint64_t delay_ns;
    unsigned action_count;
    struct action actions[ACTIONS];
};
struct tree {
    unsigned size; /* node 0 is the root: it acts before the first turn */
    struct node nodes[NODES];
    uint64_t pauses_ns[TURNS]; /* the clock moves before each turn */
};

/* What happened, in order: the number of the node, or an answer, or the end of a turn. */
struct log {
    unsigned length;
    int entries[LOG];
};
enum { ANSWER = 1000000, TURN_END = 2000000 };

static void log_add(struct log *log, int entry)
{
    if (log->length < LOG)
        log->entries[log->length++] = entry;
}

/* ---- drawing a tree ---- */

static void draw_node(struct tree *tree, unsigned number, struct conf_random *random)
{
    struct node *node = &tree->nodes[number];
    unsigned parent_number = (unsigned)conf_random_below(random, number);
    struct node *parent = &tree->nodes[parent_number];
    enum kind kind = (enum kind)conf_random_below(random, KINDS);
    bool checkpoint = kind == TICK || kind == MICROTASK;
    if (parent->action_count == ACTIONS || (parent_number == 0 && checkpoint))
        return; /* this number stays unused */
    if (kind == TASK && parent->in_priority)
        kind = IMMEDIATE;
    node->kind = kind;
    node->in_priority = kind == PRIORITY || (checkpoint && parent->in_priority);
    node->delay_ns = conf_random_below(random, 4);
    parent->actions[parent->action_count++] = (struct action){.verb = ADD, .node = number};
}

static void draw_other_action(struct tree *tree, struct conf_random *random)
{
    struct node *node = &tree->nodes[conf_random_below(random, tree->size)];
    if (node->action_count == ACTIONS)
        return;
    node->actions[node->action_count++] =
        (struct action){.verb = (enum verb)(CANCEL + conf_random_below(random, VERBS - CANCEL)),
                        .node = 1 + (unsigned)conf_random_below(random, tree->size - 1),
                        .ns = conf_random_below(random, 3)};
}

static void draw_tree(struct tree *tree, unsigned size, struct conf_random random)
{
    memset(tree, 0, sizeof(*tree));
    tree->size = size;
    for (unsigned i = 1; i < size; i++) {
        draw_node(tree, i, &random);
        draw_other_action(tree, &random);
    }
    for (unsigned i = 0; i < TURNS; i++)
        tree->pauses_ns[i] = conf_random_below(&random, 3);
}

/* ---- a world carries a tree out; there are two of them ---- */

struct world {
    const struct tree *tree;
    struct log log;
    bool has_run[NODES];
    void (*add)(struct world *world, unsigned number);
    int (*cancel)(struct world *world, unsigned number);
    int (*restart)(struct world *world, unsigned number, uint64_t delay_ns);
    void (*advance)(struct world *world, uint64_t ns);
};

static void act(struct world *world, unsigned number)
{
    const struct node *node = &world->tree->nodes[number];
    for (unsigned i = 0; i < node->action_count; i++) {
        const struct action *action = &node->actions[i];
        const struct node *other = &world->tree->nodes[action->node];
        bool cancellable = other->kind == TIMER || other->kind == IMMEDIATE;
        if (action->verb == ADD)
            world->add(world, action->node);
        else if (action->verb == ADVANCE)
            world->advance(world, action->ns);
        else if (action->verb == CANCEL && cancellable)
            log_add(&world->log, ANSWER + world->cancel(world, action->node));
        else if (action->verb == RESTART && other->kind == TIMER)
            log_add(&world->log, ANSWER + world->restart(world, action->node, action->ns));
    }
}

/* A node that runs again (a timer that was restarted) only says so. */
static void run_node(struct world *world, unsigned number)
{
    bool again = world->has_run[number];
    world->has_run[number] = true;
    log_add(&world->log, (int)number);
    if (!again)
        act(world, number);
}

/* ---- the loop ---- */

struct real_node {
    struct real *real;
    unsigned number;
    velo_id id;
};
struct real {
    struct world world; /* first */
    struct velo_loop *loop;
    struct real_node nodes[NODES];
};

static void real_fn(void *arg)
{
    struct real_node *node = arg;
    run_node(&node->real->world, node->number);
}

static void real_add(struct world *world, unsigned number)
{
    struct real *real = (struct real *)world;
    struct real_node *arg = &real->nodes[number];
    const struct node *node = &world->tree->nodes[number];
    int rc = -1;
    *arg = (struct real_node){.real = real, .number = number};
    switch (node->kind) {
    case TASK:
        rc = velo_submit(real->loop, real_fn, arg);
        break;
    case PRIORITY:
        rc = velo_submit_priority(real->loop, real_fn, arg);
        break;
    case TICK:
        rc = velo_next_tick(real->loop, real_fn, arg);
        break;
    case MICROTASK:
        rc = velo_queue_microtask(real->loop, real_fn, arg);
        break;
    case TIMER:
        rc = velo_timer_start(real->loop, node->delay_ns, 0, real_fn, arg, &arg->id);
        break;
    case IMMEDIATE:
        rc = velo_set_immediate(real->loop, real_fn, arg, &arg->id);
        break;
    default:
        rc = velo_defer_close(real->loop, real_fn, arg);
    }
    CONF_EXPECT_INT(rc, 0);
}

static int real_cancel(struct world *world, unsigned number)
{
    struct real *real = (struct real *)world;
    velo_id id = real->nodes[number].id;
    return world->tree->nodes[number].kind == TIMER ? velo_timer_cancel(real->loop, id)
                                                    : velo_clear_immediate(real->loop, id);
}

static int real_restart(struct world *world, unsigned number, uint64_t delay_ns)
{
    struct real *real = (struct real *)world;
    return velo_timer_restart(real->loop, real->nodes[number].id, delay_ns);
}

static void real_advance(struct world *world, uint64_t ns)
{
    (void)world;
    sim_clock_advance(ns);
}

static void run_real(struct real *real, const struct tree *tree)
{
    memset(real, 0, sizeof(*real));
    real->world = (struct world){.tree = tree,
                                 .add = real_add,
                                 .cancel = real_cancel,
                                 .restart = real_restart,
                                 .advance = real_advance};
    sim_clock_freeze(CONF_NS_PER_S);
    real->loop = conf_create(NULL);
    act(&real->world, 0);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        sim_clock_advance(tree->pauses_ns[turn]);
        conf_turns(real->loop, 1);
        log_add(&real->world.log, TURN_END + velo_loop_is_alive(real->loop));
    }
    conf_destroy(real->loop);
}

/* ---- the model ---- */

enum model_state { ABSENT, PENDING, RUNNING, OVER };
struct lane {
    unsigned head;
    unsigned tail;
    unsigned items[NODES];
};
struct model {
    struct world world; /* first */
    uint64_t now_ns;
    uint64_t sequence;
    enum model_state states[NODES];
    uint64_t deadlines_ns[NODES];
    uint64_t sequences[NODES];
    struct lane lanes[KINDS]; /* timers have none */
};

static void model_arm(struct model *model, unsigned number, uint64_t delay_ns)
{
    model->states[number] = PENDING;
    model->deadlines_ns[number] = model->now_ns + delay_ns;
    model->sequences[number] = model->sequence++;
}

static void model_add(struct world *world, unsigned number)
{
    struct model *model = (struct model *)world;
    const struct node *node = &world->tree->nodes[number];
    struct lane *lane = &model->lanes[node->kind];
    model->states[number] = PENDING;
    if (node->kind == TIMER)
        model_arm(model, number, node->delay_ns);
    else
        lane->items[lane->tail++] = number;
}

/* R6, T5: only what is pending can be cancelled; a one shot timer that runs is "already". */
static int model_cancel(struct world *world, unsigned number)
{
    struct model *model = (struct model *)world;
    bool is_timer = world->tree->nodes[number].kind == TIMER;
    enum model_state state = model->states[number];
    if (state == PENDING)
        model->states[number] = OVER;
    return state == PENDING ? 0 : state == RUNNING && is_timer ? -EALREADY : -ENOENT;
}

/* T4: pending timers are armed anew, and so is a one shot in its own callback. */
static int model_restart(struct world *world, unsigned number, uint64_t delay_ns)
{
    struct model *model = (struct model *)world;
    if (model->states[number] != PENDING && model->states[number] != RUNNING)
        return -ENOENT;
    model_arm(model, number, delay_ns);
    return 0;
}

static void model_advance(struct world *world, uint64_t ns)
{
    struct model *model = (struct model *)world;
    model->now_ns += ns;
}

static void model_call(struct model *model, unsigned number);

/* M2: all ticks, then all microtasks, until both are empty. */
static void model_checkpoint(struct model *model)
{
    struct lane *ticks = &model->lanes[TICK];
    struct lane *microtasks = &model->lanes[MICROTASK];
    while (ticks->head < ticks->tail || microtasks->head < microtasks->tail) {
        while (ticks->head < ticks->tail)
            model_call(model, ticks->items[ticks->head++]);
        while (microtasks->head < microtasks->tail)
            model_call(model, microtasks->items[microtasks->head++]);
    }
}

static void model_call(struct model *model, unsigned number)
{
    model->states[number] = RUNNING;
    run_node(&model->world, number);
    if (model->states[number] == RUNNING) /* else it has been armed again */
        model->states[number] = OVER;
}

/* M1: a macrotask and its checkpoint. */
static void model_macrotask(struct model *model, unsigned number)
{
    model_call(model, number);
    model_checkpoint(model);
}

/* T2, T3: due is decided now; then in order of (deadline, sequence), unless no longer the same. */
static void model_timers(struct model *model)
{
    unsigned due[NODES];
    uint64_t sequences[NODES];
    unsigned count = 0;
    for (unsigned number = 1; number < model->world.tree->size; number++) {
        bool is_due = model->world.tree->nodes[number].kind == TIMER &&
                      model->states[number] == PENDING &&
                      model->deadlines_ns[number] <= model->now_ns;
        if (!is_due)
            continue;
        unsigned at = count++;
        for (; at > 0; at--) {
            unsigned before = due[at - 1];
            bool in_order = model->deadlines_ns[before] < model->deadlines_ns[number] ||
                            (model->deadlines_ns[before] == model->deadlines_ns[number] &&
                             model->sequences[before] < model->sequences[number]);
            if (in_order)
                break;
            due[at] = before;
        }
        due[at] = number;
    }
    for (unsigned i = 0; i < count; i++)
        sequences[i] = model->sequences[due[i]];
    for (unsigned i = 0; i < count; i++) {
        if (model->states[due[i]] == PENDING && model->sequences[due[i]] == sequences[i])
            model_macrotask(model, due[i]);
    }
}

/* S5, R2: what was present when the phase began. */
static void model_phase(struct model *model, enum kind kind)
{
    struct lane *lane = &model->lanes[kind];
    unsigned end = lane->tail;
    while (lane->head < end) {
        unsigned number = lane->items[lane->head++];
        if (model->states[number] == PENDING) /* R6: not cleared meanwhile */
            model_macrotask(model, number);
    }
}

static bool model_is_alive(const struct model *model)
{
    bool alive = false;
    for (unsigned number = 1; number < model->world.tree->size; number++)
        alive = alive || model->states[number] == PENDING;
    return alive;
}

static void run_model(struct model *model, const struct tree *tree)
{
    memset(model, 0, sizeof(*model));
    model->now_ns = CONF_NS_PER_S;
    model->world = (struct world){.tree = tree,
                                  .add = model_add,
                                  .cancel = model_cancel,
                                  .restart = model_restart,
                                  .advance = model_advance};
    act(&model->world, 0);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        model->now_ns += tree->pauses_ns[turn];
        model_timers(model);
        model_phase(model, PRIORITY);
        model_phase(model, TASK);
        model_phase(model, IMMEDIATE);
        model_phase(model, CLOSING);
        log_add(&model->world.log, TURN_END + model_is_alive(model));
    }
}

/* ---- the comparison ---- */

struct verdict {
    bool equal;
    unsigned at;
    int real;
    int model;
};

static struct verdict compare(unsigned size, struct conf_random random)
{
    static struct tree tree;
    static struct real real;
    static struct model model;
    unsigned at = 0;
    draw_tree(&tree, size, random);
    run_model(&model, &tree);
    run_real(&real, &tree);
    const struct log *seen = &real.world.log;
    const struct log *right = &model.world.log;
    while (at < seen->length && at < right->length && seen->entries[at] == right->entries[at])
        at++;
    return (struct verdict){.equal = at == seen->length && at == right->length,
                            .at = at,
                            .real = at < seen->length ? seen->entries[at] : -1,
                            .model = at < right->length ? right->entries[at] : -1};
}

/* R S5 S6 M2 T2-T5, trap H7. 4,000 random trees of 2 to 48 callbacks: the loop does exactly what
 * the reference does, call by call and answer by answer. */
CONF_CASE(random_callback_trees_run_as_in_the_reference,
          "R2 R6 S5 S6 M1 M2 T2 T3 T4 T5 A1",
          VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS | VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES)
{
    unsigned trees = conf_rounds(4000);
    struct conf_random seeds = conf_random(1);
    for (unsigned i = 0; i < trees; i++) {
        struct conf_random random = {.state = conf_random_next(&seeds)};
        unsigned size = 2 + (unsigned)conf_random_below(&seeds, NODES - 1);
        if (compare(size, random).equal)
            continue;
        unsigned smallest = 2;
        while (smallest < size && compare(smallest, random).equal)
            smallest++;
        struct verdict v = compare(smallest, random);
        fail_msg("tree %u cut to %u nodes, log entry %u: the loop says %d, the reference %d",
                 i,
                 smallest,
                 v.at,
                 v.real,
                 v.model);
    }
}
