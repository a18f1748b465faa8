/* SPDX-License-Identifier: MIT */
/*
 * Draws the program of a seed.
 *
 * Each program uses only some of the kinds and verbs, drawn first: a program that does a bit of
 * everything rarely does enough of one thing to break it. Delays are small multiples of one unit,
 * so that equal deadlines are common.
 */
#include "conf.h"
#include "program.h"

#include <string.h>

struct draw {
    struct program *program;
    struct conf_random random;
    enum profile profile;
    unsigned kinds[KINDS]; /* weights */
    unsigned verbs[VERBS];
    uint64_t unit_ns;
    unsigned first;                /* node that may get statements */
    unsigned most;                 /* nodes */
    bool in_timers[PROGRAM_NODES]; /* runs in the timers phase */
};

static unsigned below(struct draw *draw, unsigned bound)
{
    return (unsigned)conf_random_below(&draw->random, bound);
}

static bool chance(struct draw *draw, unsigned one_in)
{
    return below(draw, one_in) == 0;
}

/* An index, as likely as its weight; [count] if all are 0. */
static unsigned pick(struct draw *draw, const unsigned *weights, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += weights[i];
    if (sum == 0)
        return count;
    unsigned at = below(draw, sum), i = 0;
    while (at >= weights[i])
        at -= weights[i++];
    return i;
}

/* ---- what the program is made of ---- */

static const unsigned all_kinds[KINDS] = {[KIND_TASK] = 4,
                                          [KIND_PRIORITY] = 3,
                                          [KIND_TICK] = 3,
                                          [KIND_MICROTASK] = 3,
                                          [KIND_IMMEDIATE] = 4,
                                          [KIND_CLOSE] = 2,
                                          [KIND_TIMER] = 6,
                                          [KIND_FD] = 3};
static const unsigned node_js_kinds[KINDS] = {
    [KIND_TICK] = 4, [KIND_MICROTASK] = 4, [KIND_IMMEDIATE] = 5, [KIND_TIMER] = 5};

static const unsigned all_verbs[VERBS] = {
    [VERB_CANCEL] = 6,    [VERB_CANCEL_MANY] = 1, [VERB_RESTART] = 5,
    [VERB_REF] = 1,       [VERB_UNREF] = 2,       [VERB_CLEAR_IMMEDIATE] = 5,
    [VERB_UNWATCH] = 3,   [VERB_MODIFY] = 3,      [VERB_WRITE] = 5,
    [VERB_READ] = 4,      [VERB_HANGUP] = 1,      [VERB_ADVANCE] = 5,
    [VERB_SHUTDOWN] = 1,  [VERB_END] = 1,         [VERB_RUN] = 1,
    [VERB_FAST_PATH] = 1, [VERB_ALIVE] = 3,       [VERB_NOW] = 2,
    [VERB_COUNT] = 3,
};
static const unsigned node_js_verbs[VERBS] = {
    [VERB_CANCEL] = 3, [VERB_RESTART] = 2, [VERB_CLEAR_IMMEDIATE] = 4, [VERB_ADVANCE] = 1};

static bool is_fd_verb(enum verb verb)
{
    return verb == VERB_UNWATCH || verb == VERB_MODIFY || verb == VERB_WRITE || verb == VERB_READ ||
           verb == VERB_HANGUP;
}

/* What the contestant declares. */
static bool kind_is_possible(enum kind kind, uint64_t capabilities)
{
    static const uint64_t needs[KINDS] = {[KIND_PRIORITY] = VELO_CAP_PRIORITY,
                                          [KIND_TICK] = VELO_CAP_MICROTASKS,
                                          [KIND_MICROTASK] = VELO_CAP_MICROTASKS,
                                          [KIND_IMMEDIATE] = VELO_CAP_IMMEDIATES,
                                          [KIND_CLOSE] = VELO_CAP_IMMEDIATES,
                                          [KIND_TIMER] = VELO_CAP_TIMERS,
                                          [KIND_FD] = VELO_CAP_FDS};
    return (needs[kind] & ~capabilities) == 0;
}

static void choose_kinds(struct draw *draw, uint64_t capabilities)
{
    bool few = chance(draw, 2);
    const unsigned *base = draw->profile == PROFILE_ALL ? all_kinds : node_js_kinds;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        bool out = !kind_is_possible((enum kind)kind, capabilities) || (few && chance(draw, 3));
        draw->kinds[kind] = out ? 0 : base[kind];
    }
    if (draw->kinds[KIND_FD] != 0 && !chance(draw, 3))
        draw->kinds[KIND_FD] = 0;
}

static void choose_verbs(struct draw *draw)
{
    bool few = chance(draw, 2);
    const unsigned *base = draw->profile == PROFILE_ALL ? all_verbs : node_js_verbs;
    for (unsigned verb = 0; verb < VERBS; verb++) {
        bool out = (few && chance(draw, 3)) ||
                   (is_fd_verb((enum verb)verb) && draw->kinds[KIND_FD] == 0) ||
                   (verb == VERB_CLEAR_IMMEDIATE && draw->kinds[KIND_IMMEDIATE] == 0);
        draw->verbs[verb] = out ? 0 : base[verb];
    }
    if (!chance(draw, 5)) /* a program that is to end early says little */
        draw->verbs[VERB_SHUTDOWN] = draw->verbs[VERB_END] = 0;
    if (!chance(draw, 3))
        draw->verbs[VERB_HANGUP] = 0;
}

static void choose_unit(struct draw *draw)
{
    static const uint64_t units[] = {
        1, 1, 1, 7, 1000, 1000000, 1000000000, UINT64_C(3600000000000)};
    draw->unit_ns = units[below(draw, sizeof(units) / sizeof(units[0]))];
}

/* Hang-ups that nobody asked for may cost turns (F5), which a ONCE would tell. */
static enum velo_run_mode choose_mode(struct draw *draw)
{
    static const enum velo_run_mode modes[] = {VELO_RUN_NOWAIT,
                                               VELO_RUN_UNTIL_IDLE,
                                               VELO_RUN_NOWAIT,
                                               VELO_RUN_ONCE,
                                               VELO_RUN_ONCE,
                                               VELO_RUN_FOREVER};
    return modes[below(draw, draw->verbs[VERB_HANGUP] != 0 ? 3 : 6)];
}

/* ---- statements ---- */

static uint64_t draw_delay_ns(struct draw *draw)
{
    if (draw->profile == PROFILE_NODE_JS)
        return 1;
    return chance(draw, 40) ? UINT64_MAX : draw->unit_ns * below(draw, 5);
}

static unsigned draw_events(struct draw *draw, unsigned end)
{
    static const unsigned reading[] = {
        VELO_READ, VELO_READ, VELO_READ | VELO_HANGUP, VELO_HANGUP, 0};
    unsigned events = end == 0 ? reading[below(draw, 5)] : (unsigned)VELO_WRITE;
    if (end == 0 && chance(draw, 3) && conf_has(VELO_CAP_FD_EDGE))
        events |= VELO_EDGE; /* not for writing: when that is an edge depends on the kernel */
    if (chance(draw, end == 0 ? 4 : 2))
        events |= VELO_ONESHOT;
    return events;
}

/* Insert at a random place. False: the node is full. */
static bool insert(struct draw *draw, unsigned number, const struct statement *statement)
{
    struct node *node = &draw->program->nodes[number];
    if (node->count == PROGRAM_STATEMENTS)
        return false;
    unsigned at = below(draw, node->count + 1);
    memmove(
        &node->statements[at + 1], &node->statements[at], (node->count - at) * sizeof(*statement));
    node->statements[at] = *statement;
    node->count++;
    return true;
}

/* Most callbacks run once; timers and descriptors may run again. */
static unsigned draw_when(struct draw *draw, unsigned number)
{
    enum kind kind = draw->program->nodes[number].kind;
    bool again = kind == KIND_TIMER || kind == KIND_FD;
    return again && chance(draw, 3) ? 1 + below(draw, 2) : 0;
}

static uint64_t draw_value(struct draw *draw, enum verb verb, unsigned target)
{
    switch (verb) {
    case VERB_RESTART:
        return draw_delay_ns(draw);
    case VERB_ADVANCE:
        if (draw->profile == PROFILE_NODE_JS)
            return 1;
        return draw->unit_ns * below(draw, 4);
    case VERB_MODIFY:
        return draw_events(draw, draw->program->nodes[target].end);
    case VERB_FAST_PATH:
        return below(draw, 3);
    default:
        return 0;
    }
}

static bool suits(enum verb verb, enum kind kind)
{
    if (verb == VERB_CLEAR_IMMEDIATE)
        return kind == KIND_IMMEDIATE;
    if (verb == VERB_UNWATCH || verb == VERB_MODIFY)
        return kind == KIND_FD;
    return kind == KIND_TIMER;
}

/* A node for the verb: nearly always one of the right kind, if there is any. 0: none. */
static unsigned draw_target(struct draw *draw, enum verb verb)
{
    const struct program *program = draw->program;
    unsigned nodes = program->size - program->steps;
    for (unsigned tries = 0; nodes > 0 && tries < 20; tries++) {
        unsigned target = program->steps + below(draw, nodes);
        bool fits = suits(verb, program->nodes[target].kind);
        bool any = draw->profile == PROFILE_ALL && tries == 0 && chance(draw, 20);
        if (verb == VERB_CANCEL_MANY && target + 1 == program->size)
            continue;
        if (fits || any)
            return target;
    }
    return 0;
}

/* Inside the timers phase Node.js looks at the clock again, and has chosen the next timer before
 * the checkpoint; see "Where this differs from Node.js" in CONTRACT.md. */
static bool node_js_agrees(const struct draw *draw, unsigned number, enum verb verb)
{
    bool checkpoint = draw->program->nodes[number].kind != KIND_TIMER;
    return !draw->in_timers[number] ||
           (verb != VERB_ADVANCE && !(verb == VERB_RESTART && checkpoint));
}

/* One statement that adds nothing, somewhere. */
static void draw_statement(struct draw *draw)
{
    struct program *program = draw->program;
    unsigned number = draw->first + below(draw, program->size - draw->first);
    enum kind kind = program->nodes[number].kind;
    enum verb verb = (enum verb)pick(draw, draw->verbs, VERBS);
    if (verb == VERBS || (verb == VERB_RUN && kind == KIND_OUTSIDE))
        return;
    if (draw->profile == PROFILE_NODE_JS && !node_js_agrees(draw, number, verb))
        return;
    struct statement statement = {.verb = verb, .when = draw_when(draw, number)};
    if (program_names_node(verb)) {
        statement.target = draw_target(draw, verb);
        if (statement.target == 0)
            return;
    } else if (verb == VERB_HANGUP) {
        statement.target = PROGRAM_HANGUP_PIPE;
    } else if (verb == VERB_WRITE || verb == VERB_READ) {
        statement.target = below(draw, PROGRAM_PIPES);
    }
    statement.value = draw_value(draw, verb, statement.target);
    insert(draw, number, &statement);
}

/* ---- nodes ---- */

static void fill_node(struct draw *draw, struct node *node)
{
    if (node->kind == KIND_TIMER) {
        node->delay_ns = draw_delay_ns(draw);
        if (draw->profile == PROFILE_ALL && chance(draw, 4))
            node->period_ns = draw->unit_ns * (1 + below(draw, 3));
    } else if (node->kind == KIND_FD) {
        node->pipe = below(draw, PROGRAM_PIPES);
        node->end = node->pipe != PROGRAM_HANGUP_PIPE && chance(draw, 4);
        node->events = draw_events(draw, node->end);
    }
}

/* Who adds the next node: any, but more often a late one, so that trees get deep. */
static unsigned draw_parent(struct draw *draw)
{
    const struct program *program = draw->program;
    unsigned parent = draw->first + below(draw, program->size - draw->first);
    if (chance(draw, 2) && program->size > program->steps) {
        unsigned late = program->size > draw->first + 4 ? program->size - 4 : draw->first;
        parent = late + below(draw, program->size - late);
    }
    return parent;
}

/* The next node, or the next few tasks, and the statement that adds them. */
static void draw_node(struct draw *draw)
{
    struct program *program = draw->program;
    unsigned kind = pick(draw, draw->kinds, KINDS);
    unsigned parent = draw_parent(draw), count = 1;
    if (kind == KINDS)
        return;
    struct statement statement = {
        .verb = VERB_ADD, .when = draw_when(draw, parent), .target = program->size};
    if (kind == KIND_TASK && chance(draw, 4)) {
        count = 1 + below(draw, 3);
        statement.verb = VERB_BATCH;
        statement.value = count;
    }
    if (program->size + count > draw->most || !insert(draw, parent, &statement))
        return;
    for (unsigned i = 0; i < count; i++) {
        bool micro = kind == KIND_TICK || kind == KIND_MICROTASK;
        draw->in_timers[program->size] = kind == KIND_TIMER || (micro && draw->in_timers[parent]);
        struct node *node = &program->nodes[program->size++];
        node->kind = (enum kind)kind;
        fill_node(draw, node);
    }
}

/* PROFILE_NODE_JS: one descriptor callback, from which all else comes; it ends its own watch. */
static void draw_root(struct draw *draw)
{
    struct program *program = draw->program;
    struct node *outside = &program->nodes[0];
    struct node *root = &program->nodes[1];
    outside->statements[outside->count++] = (struct statement){.verb = VERB_WRITE};
    outside->statements[outside->count++] = (struct statement){.verb = VERB_ADD, .target = 1};
    root->kind = KIND_FD;
    root->events = VELO_READ;
    root->statements[root->count++] = (struct statement){.verb = VERB_UNWATCH, .target = 1};
    program->steps = 2; /* while drawing: the root is where trees begin */
    program->size = 2;
    draw->first = 1;
    program->modes[0] = VELO_RUN_UNTIL_IDLE;
}

void program_generate(struct program *program,
                      uint64_t seed,
                      uint64_t capabilities,
                      enum profile profile)
{
    struct draw draw = {.program = program, .random = {.state = seed}, .profile = profile};
    memset(program, 0, sizeof(*program));
    program->seed = seed;
    choose_kinds(&draw, capabilities);
    choose_verbs(&draw);
    choose_unit(&draw);
    if (profile == PROFILE_ALL) {
        program->steps = 1 + below(&draw, PROGRAM_STEPS);
        program->size = program->steps;
        program->max_pending = chance(&draw, 8) ? 1 + below(&draw, 4) : 0;
        program->time_slice_ns = chance(&draw, 6) ? draw.unit_ns * (1 + below(&draw, 3)) : 0;
        for (unsigned i = 0; i < program->steps; i++)
            program->modes[i] = choose_mode(&draw);
    } else {
        draw_root(&draw);
    }
    draw.most = program->size + 2 + below(&draw, PROGRAM_NODES - 2 - program->size);
    unsigned wanted = draw.most - program->size;
    for (unsigned i = 0; i < wanted; i++) {
        draw_node(&draw);
        draw_statement(&draw);
        if (chance(&draw, 2))
            draw_statement(&draw);
    }
    if (profile == PROFILE_NODE_JS)
        program->steps = 1;
}
