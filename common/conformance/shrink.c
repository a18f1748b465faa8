/* SPDX-License-Identifier: MIT */
/*
 * Makes a failing program small: takes something away, keeps the smaller program if it still fails,
 * and begins again until nothing can be taken away any more.
 *
 * What is taken away, from coarse to fine: a statement with all that it adds, the runs, delays and
 * values, and at last the numbers of nodes that are not reached.
 */
#include "world.h"

#include <string.h>

struct attempt {
    struct program *best;
    shrink_fails fails;
    void *ctx;
    unsigned tried;
};

static bool keep_if_failing(struct attempt *attempt, const struct program *candidate)
{
    attempt->tried++;
    if (!attempt->fails(attempt->ctx, candidate))
        return false;
    *attempt->best = *candidate;
    return true;
}

static void remove_statement(struct program *program, unsigned number, unsigned at)
{
    struct node *node = &program->nodes[number];
    node->count--;
    memmove(&node->statements[at],
            &node->statements[at + 1],
            (node->count - at) * sizeof(node->statements[0]));
}

static bool drop_statements(struct attempt *attempt)
{
    bool smaller = false;
    bool reached[PROGRAM_NODES];
    for (unsigned i = 0; i < attempt->best->size; i++) {
        program_reach(attempt->best, reached);
        for (unsigned s = attempt->best->nodes[i].count; reached[i] && s-- > 0;) {
            struct program candidate = *attempt->best;
            remove_statement(&candidate, i, s);
            smaller = keep_if_failing(attempt, &candidate) || smaller;
        }
    }
    return smaller;
}

/* An added node's statements move up to who adds it: fewer callbacks in between. */
static bool drop_middle(struct attempt *attempt)
{
    for (unsigned i = 0; i < attempt->best->size; i++) {
        for (unsigned s = 0; s < attempt->best->nodes[i].count; s++) {
            struct program candidate = *attempt->best;
            struct node *node = &candidate.nodes[i];
            const struct statement added = node->statements[s];
            const struct node *middle = &candidate.nodes[added.target];
            if (added.verb != VERB_ADD || node->count - 1 + middle->count > PROGRAM_STATEMENTS)
                continue;
            remove_statement(&candidate, i, s);
            for (unsigned k = 0; k < middle->count; k++) {
                node->statements[node->count] = middle->statements[k];
                node->statements[node->count++].when = added.when;
            }
            if (keep_if_failing(attempt, &candidate))
                return true;
        }
    }
    return false;
}

/* One run goes; what was done before it is done before the next one. */
static bool drop_run(struct attempt *attempt, unsigned number)
{
    struct program candidate = *attempt->best;
    struct node gone = candidate.nodes[number];
    unsigned last = candidate.steps - 1;
    if (last == 0 || (number == last && gone.count > 0))
        return false;
    for (unsigned i = number; i < last; i++) {
        candidate.nodes[i] = candidate.nodes[i + 1];
        candidate.modes[i] = candidate.modes[i + 1];
    }
    struct node *next = &candidate.nodes[number];
    if (number < last && gone.count + next->count > PROGRAM_STATEMENTS)
        return false;
    for (unsigned i = 0; number < last && i < next->count; i++)
        gone.statements[gone.count++] = next->statements[i];
    if (number < last)
        *next = gone;
    candidate.nodes[last].count = 0;
    candidate.steps = last;
    return keep_if_failing(attempt, &candidate);
}

static bool drop_runs(struct attempt *attempt)
{
    bool smaller = false;
    for (unsigned i = attempt->best->steps; i-- > 0;)
        smaller = drop_run(attempt, i) || smaller;
    return smaller;
}

/* Try a simpler value in place of [*field], which is part of [*candidate]. */
static bool
try_value(struct attempt *attempt, struct program *candidate, uint64_t *field, uint64_t simpler)
{
    uint64_t before = *field;
    if (before == simpler || (simpler != 0 && before < simpler))
        return false;
    *field = simpler;
    if (keep_if_failing(attempt, candidate))
        return true;
    *field = before;
    return false;
}

static bool simplify_node(struct attempt *attempt, struct program *candidate, unsigned number)
{
    struct node *node = &candidate->nodes[number];
    bool simpler = false;
    for (uint64_t value = 0; value < 2; value++) {
        simpler = try_value(attempt, candidate, &node->delay_ns, value) || simpler;
        simpler = try_value(attempt, candidate, &node->period_ns, value) || simpler;
        for (unsigned s = 0; s < node->count; s++) {
            enum verb verb = node->statements[s].verb;
            if (verb == VERB_ADVANCE || verb == VERB_RESTART)
                simpler =
                    try_value(attempt, candidate, &node->statements[s].value, value) || simpler;
        }
    }
    return simpler;
}

static bool simplify(struct attempt *attempt)
{
    struct program candidate = *attempt->best;
    bool simpler = false;
    bool reached[PROGRAM_NODES];
    program_reach(&candidate, reached);
    for (unsigned i = 0; i < candidate.size; i++)
        simpler = (reached[i] && simplify_node(attempt, &candidate, i)) || simpler;
    for (unsigned i = 0; i < candidate.steps; i++) {
        enum velo_run_mode before = candidate.modes[i];
        candidate.modes[i] = VELO_RUN_NOWAIT;
        bool keeps = before == VELO_RUN_NOWAIT || !keep_if_failing(attempt, &candidate);
        if (keeps)
            candidate.modes[i] = before;
        else
            simpler = true;
    }
    simpler = try_value(attempt, &candidate, &candidate.time_slice_ns, 0) || simpler;
    uint64_t limit = candidate.max_pending;
    candidate.max_pending = 0;
    return (limit != 0 && keep_if_failing(attempt, &candidate)) || simpler;
}

unsigned shrink(struct program *program, shrink_fails fails, void *ctx)
{
    struct attempt attempt = {.best = program, .fails = fails, .ctx = ctx};
    bool smaller = true;
    while (smaller) {
        smaller = drop_statements(&attempt);
        smaller = drop_runs(&attempt) || smaller;
        smaller = drop_middle(&attempt) || smaller;
        smaller = simplify(&attempt) || smaller;
    }
    return attempt.tried;
}
