/* SPDX-License-Identifier: MIT */
/* Compares the loop with the model, and the faults planted to see that it can fail; see check.h. */
#include "check.h"

#include <stdio.h>
#include <string.h>

int check_program(const struct check *check, const struct program *program)
{
    check->expected->length = 0;
    execute_run(program, check->mode, check->plant, check->seen);
    model_run(program, velo_impl()->capabilities, check->mode, check->seen, check->expected);
    return trace_compare(check->seen, check->expected);
}

/* ---- planted faults ---- */

static void priority_is_normal(struct node *node)
{
    if (node->kind == KIND_PRIORITY)
        node->kind = KIND_TASK;
}

static void tick_is_microtask(struct node *node)
{
    if (node->kind == KIND_TICK)
        node->kind = KIND_MICROTASK;
}

static void close_is_immediate(struct node *node)
{
    if (node->kind == KIND_CLOSE)
        node->kind = KIND_IMMEDIATE;
}

static void timer_is_early(struct node *node)
{
    if (node->delay_ns > 0)
        node->delay_ns--;
}

static void period_is_one_shot(struct node *node)
{
    node->period_ns = 0;
}

static void oneshot_stays_armed(struct node *node)
{
    node->events &= ~(unsigned)VELO_ONESHOT;
}

static void edge_is_level(struct node *node)
{
    node->events &= ~(unsigned)VELO_EDGE;
}

static void turn_verb(struct statement *statement, enum verb from, enum verb to)
{
    if (statement->verb == from)
        statement->verb = to;
}

static void cancel_does_nothing(struct statement *statement)
{
    turn_verb(statement, VERB_CANCEL, VERB_REF);
}

static void unref_does_nothing(struct statement *statement)
{
    turn_verb(statement, VERB_UNREF, VERB_REF);
}

static void restart_is_at_once(struct statement *statement)
{
    if (statement->verb == VERB_RESTART)
        statement->value = 0;
}

static void clear_crashes(struct statement *statement)
{
    turn_verb(statement, VERB_CLEAR_IMMEDIATE, VERB_ABORT);
}

static void clear_hangs(struct statement *statement)
{
    turn_verb(statement, VERB_CLEAR_IMMEDIATE, VERB_HANG);
}

static const struct plant plants[] = {
    {"priority-is-normal", priority_is_normal, NULL},
    {"tick-is-microtask", tick_is_microtask, NULL},
    {"close-is-immediate", close_is_immediate, NULL},
    {"timer-is-early", timer_is_early, NULL},
    {"period-is-one-shot", period_is_one_shot, NULL},
    {"oneshot-stays-armed", oneshot_stays_armed, NULL},
    {"edge-is-level", edge_is_level, NULL},
    {"cancel-does-nothing", NULL, cancel_does_nothing},
    {"unref-does-nothing", NULL, unref_does_nothing},
    {"restart-is-at-once", NULL, restart_is_at_once},
    {"clear-crashes", NULL, clear_crashes},
    {"clear-hangs", NULL, clear_hangs},
};

const struct plant *plant_find(const char *name)
{
    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++)
        if (strcmp(plants[i].name, name) == 0)
            return &plants[i];
    return NULL;
}

void plant_list(void)
{
    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++)
        puts(plants[i].name);
}
