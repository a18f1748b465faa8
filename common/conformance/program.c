/* SPDX-License-Identifier: MIT */
/* Names of what a program is made of, and which of its nodes are reached. */
#include "program.h"

#include <string.h>

static const char *const kind_names[KINDS] = {
    "outside", "task", "priority", "tick", "microtask", "immediate", "close", "timer", "fd"};

static const char *const verb_names[VERBS] = {
    "add",           "submit_many",   "timer_cancel",  "timer_cancel_many",
    "timer_restart", "timer_ref",     "timer_unref",   "clear_immediate",
    "fd_unwatch",    "fd_modify",     "write",         "read",
    "hang up",       "advance",       "loop_shutdown", "loop_close",
    "loop_run",      "fast_path_set", "loop_is_alive", "loop_now_ns",
    "metrics_read",  "abort",         "hang"};

const char *program_kind_name(enum kind kind)
{
    return kind_names[kind];
}

const char *program_verb_name(enum verb verb)
{
    return verb_names[verb];
}

const char *program_mode_name(enum velo_run_mode mode)
{
    static const char *const names[] = {
        "VELO_RUN_FOREVER", "VELO_RUN_UNTIL_IDLE", "VELO_RUN_ONCE", "VELO_RUN_NOWAIT"};
    return names[mode];
}

bool program_names_node(enum verb verb)
{
    return verb <= VERB_MODIFY;
}

static unsigned added_by(const struct statement *statement)
{
    return statement->verb == VERB_ADD     ? 1
           : statement->verb == VERB_BATCH ? (unsigned)statement->value
                                           : 0;
}

/* A node is always added by one with a lower number, so one pass is enough. */
void program_reach(const struct program *program, bool reached[PROGRAM_NODES])
{
    memset(reached, 0, PROGRAM_NODES * sizeof(*reached));
    for (unsigned i = 0; i < program->size; i++) {
        const struct node *node = &program->nodes[i];
        reached[i] = reached[i] || i < program->steps;
        for (unsigned s = 0; reached[i] && s < node->count; s++)
            for (unsigned k = 0; k < added_by(&node->statements[s]); k++)
                reached[node->statements[s].target + k] = true;
    }
}

unsigned program_length(const struct program *program)
{
    bool reached[PROGRAM_NODES];
    unsigned length = 0;
    program_reach(program, reached);
    for (unsigned i = 0; i < program->size; i++)
        length += reached[i] ? program->nodes[i].count : 0;
    return length;
}

bool program_uses(const struct program *program, enum verb verb)
{
    for (unsigned i = 0; i < program->size; i++)
        for (unsigned s = 0; s < program->nodes[i].count; s++)
            if (program->nodes[i].statements[s].verb == verb)
                return true;
    return false;
}
