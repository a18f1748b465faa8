/* SPDX-License-Identifier: MIT */
/* What the model and the loop under test have in common; see world.h. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void world_begin(struct world *world, const struct program *program, struct trace *trace)
{
    world->program = program;
    world->trace = trace;
    world->lax = program_uses(program, VERB_HANGUP);
    world->turn_is_empty = false;
    trace->length = 0;
}

static struct entry *add(struct world *world, enum what what, unsigned node, int64_t value)
{
    static struct entry overflow;
    struct trace *trace = world->trace;
    struct entry *entry = trace->length < TRACE_MAX ? &trace->entries[trace->length] : &overflow;
    *entry = (struct entry){.what = what, .turn = world->turn, .node = node, .value = value};
    if (entry != &overflow)
        trace->length++; /* after the entry: another process may be looking on */
    return entry;
}

void world_note(struct world *world, enum what what, unsigned node, int64_t value)
{
    add(world, what, node, value);
}

void world_tell_discarded(struct world *world)
{
    for (unsigned i = 0; i < world->program->size; i++)
        if (world->discarded[i])
            world_note(world, DISCARDED, i, 0);
    memset(world->discarded, 0, sizeof(world->discarded));
}

bool world_turn(struct world *world)
{
    world->turn_is_empty = true;
    if (!world->lax)
        world->turn++;
    if (world->turn < PROGRAM_TURNS || world->ending)
        return false;
    world->ending = true;
    world_note(world, LIMIT, 0, 0);
    return true;
}

static void call(struct world *world, unsigned node, const struct statement *statement)
{
    enum verb verb = statement->verb;
    bool outside = world->program->nodes[node].kind == KIND_OUTSIDE;
    if (verb == VERB_NOW && world->ending)
        return; /* there are no turns any more, whose time it could be */
    if (verb == VERB_SHUTDOWN || (verb == VERB_END && outside)) /* else END is an error (L6) */
        world->ending = true;
    int64_t value = world->perform(world, node, statement);
    bool silent = verb == VERB_WRITE || verb == VERB_READ || verb == VERB_HANGUP ||
                  verb == VERB_ADVANCE || verb == VERB_ABORT || verb == VERB_HANG;
    if (silent)
        return;
    struct entry *entry = add(world, CALLED, node, value);
    entry->verb = verb;
    entry->target = statement->target;
}

void world_act(struct world *world, unsigned node)
{
    const struct node *self = &world->program->nodes[node];
    unsigned run = world->runs[node]++;
    for (unsigned i = 0; i < self->count; i++)
        if (self->statements[i].when == run)
            call(world, node, &self->statements[i]);
}

void world_callback(struct world *world, unsigned node, int64_t value)
{
    if (world->lax && world->turn_is_empty)
        world->turn++;
    world->turn_is_empty = false;
    world_note(world, TOOK_PLACE, node, value);
    world_act(world, node);
}

static void
print_call(const struct program *program, const struct entry *entry, char *out, size_t size)
{
    const char *name = program_verb_name(entry->verb);
    if (!program_names_node(entry->verb))
        snprintf(out, size, "  #%u %s = %" PRId64, entry->node, name, entry->value);
    else
        snprintf(out,
                 size,
                 "  #%u %s #%u (%s) = %" PRId64,
                 entry->node,
                 name,
                 entry->target,
                 program_kind_name(program->nodes[entry->target].kind),
                 entry->value);
}

void trace_print(const struct program *program, const struct entry *entry, char *out, size_t size)
{
    static const char *const counters[] = {"accepted", "executed", "cancelled", "discarded"};
    enum kind kind = program->nodes[entry->node].kind;
    switch (entry->what) {
    case TOOK_PLACE:
        if (kind == KIND_FD)
            snprintf(out,
                     size,
                     "turn %u: #%u fd, events %" PRId64,
                     entry->turn,
                     entry->node,
                     entry->value);
        else
            snprintf(
                out, size, "turn %u: #%u %s", entry->turn, entry->node, program_kind_name(kind));
        return;
    case CALLED:
        print_call(program, entry, out, size);
        return;
    case RETURNED:
        snprintf(out,
                 size,
                 "run %u returned %" PRId64 " after turn %u",
                 entry->node,
                 entry->value,
                 entry->turn);
        return;
    case LIVES:
        snprintf(out,
                 size,
                 "run %u left the loop %s",
                 entry->node,
                 entry->value != 0 ? "alive" : "idle");
        return;
    case DEADLINE:
        snprintf(out, size, "run %u: next deadline at %" PRId64, entry->node, entry->value);
        return;
    case SLEEPS:
        snprintf(
            out, size, "turn %u: sleeps for ever, shut down: %" PRId64, entry->turn, entry->value);
        return;
    case LIMIT:
        snprintf(out, size, "turn %u: too many turns, shut down", entry->turn);
        return;
    case DISCARDED:
        snprintf(out, size, "discarded #%u (%s)", entry->node, program_kind_name(kind));
        return;
    case LEDGER:
        snprintf(out, size, "%s: %" PRId64, counters[entry->node], entry->value);
        return;
    }
}

static bool same(const struct entry *a, const struct entry *b)
{
    return a->what == b->what && a->verb == b->verb && a->turn == b->turn && a->node == b->node &&
           a->target == b->target && a->value == b->value;
}

int trace_compare(const struct trace *a, const struct trace *b)
{
    unsigned shorter = a->length < b->length ? a->length : b->length;
    for (unsigned i = 0; i < shorter; i++)
        if (!same(&a->entries[i], &b->entries[i]))
            return (int)i;
    return a->length == b->length ? -1 : (int)shorter;
}
