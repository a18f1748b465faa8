/* SPDX-License-Identifier: MIT */
/*
 * machine.h - a bad machine in memory, and tournaments on it: for the tests of level and power.
 *
 * It drifts, has bursts that outlast several runs, treats the first place of a block worse, and
 * disturbs whole blocks; what a run costs depends on when it runs. The only thing that the judge
 * may lean on is the order inside each block, which is drawn at random.
 *
 * VELO_SIM=N makes every simulation N times longer, VELO_SIM_SEED=S shifts all seeds; both are
 * printed. With other seeds a bound of three standard errors fails about once in 700 checks.
 */
#ifndef JUDGE_UNIT_MACHINE_H
#define JUDGE_UNIT_MACHINE_H

#include "field.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct machine {
    uint64_t seed;
    double sd;    /* log-sd of one run; that of d is sqrt(2) times as much */
    double drift; /* slower by this share with each run */
    double first; /* the first place of a block is slower by this share */
    double burst; /* chance that a burst begins; it doubles the costs and ends with chance 0.2 */
    double block; /* log-sd of what all runs of a block have in common */
    bool fixed_order; /* never shuffles: what must not be done */
    bool in_burst;
    double runs;
    double neighbour; /* chance that somebody else takes CPU time during an attempt at a block */
    bool on_purpose;  /* he takes it whenever entry 0 is about to lose to entry 1 */
    double stall;     /* chance that an entry is late in an attempt, whatever it would have cost */
    bool late;        /* entry 0 is late whenever it is about to lose to entry 1 */
    bool forgets;     /* the judge is not told of what was done again: what must not be done */
    size_t attempts, redone; /* of this race */
};

static inline unsigned long environment_number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    const unsigned long number = text != NULL ? strtoul(text, NULL, 10) : 0;
    return number > 0 ? number : otherwise;
}

static inline size_t simulation_trials(size_t trials)
{
    return trials * environment_number("VELO_SIM", 1);
}

static inline struct machine quiet_machine(uint64_t seed, double sd)
{
    seed += environment_number("VELO_SIM_SEED", 0);
    print_message("seed %" PRIu64 ", VELO_SIM=%lu\n", seed, environment_number("VELO_SIM", 1));
    return (struct machine){.seed = seed, .sd = sd};
}

static inline struct machine bad_machine(uint64_t seed, double sd)
{
    struct machine machine = quiet_machine(seed, sd);
    machine.drift = 0.003;
    machine.first = 0.015;
    machine.burst = 0.05;
    machine.block = 0.2;
    return machine;
}

static inline double machine_run(struct machine *machine, bool first)
{
    machine->in_burst = machine->in_burst ? field_uniform(&machine->seed) > 0.2
                                          : field_uniform(&machine->seed) < machine->burst;
    machine->runs++;
    return (1 + machine->drift * machine->runs) * (first ? 1 + machine->first : 1) *
           (machine->in_burst ? 2 : 1) * exp(machine->sd * field_normal(&machine->seed));
}

/* One block: everybody who is not [out], in an order drawn for it. */
static inline void machine_block(
    struct machine *machine, size_t entries, const double *slowdown, const bool *out, double *cost)
{
    size_t order[FIELD_ENTRIES], count = 0;
    const double shared = exp(machine->block * field_normal(&machine->seed));
    for (size_t e = 0; e < entries; e++) {
        cost[e] = NAN;
        if (out == NULL || !out[e])
            order[count++] = e;
    }
    for (size_t last = count; last > 1 && !machine->fixed_order; last--) {
        const size_t chosen = (size_t)(field_uniform(&machine->seed) * (double)last);
        const size_t kept = order[last - 1];
        order[last - 1] = order[chosen];
        order[chosen] = kept;
    }
    for (size_t i = 0; i < count; i++)
        cost[order[i]] = 100 * shared * slowdown[order[i]] * machine_run(machine, i == 0);
}

/* Is the attempt disturbed, so that its block may have to be done again? A neighbour who does not
 * know the costs makes half of them worse. */
static inline bool machine_is_disturbed(struct machine *machine, size_t entries, double *cost)
{
    if (machine->on_purpose)
        return cost[0] > cost[1];
    if (!(field_uniform(&machine->seed) < machine->neighbour))
        return false;
    for (size_t e = 0; e < entries; e++)
        cost[e] *= field_uniform(&machine->seed) < 0.5 ? 1.3 : 1;
    return true;
}

/* Block [n] of cell 0 under the redo rule: at most twice, and at most a quarter of all attempts. */
static inline void machine_block_again(
    struct machine *machine, struct field *field, size_t n, const double *slowdown, const bool *out)
{
    struct judge_block *block = &field->blocks[0][n];
    const size_t k = field->in.entry_count;
    double *cost = field->cost[0][n];
    block->redone = field->redone[n];
    block->redone_count = 0;
    for (size_t again = 0;; again++) {
        machine_block(machine, k, slowdown, out, cost);
        const bool noisy = machine_is_disturbed(machine, k, cost);
        machine->attempts++;
        if (!noisy || again == 2 || 4 * machine->redone >= machine->attempts + 2)
            return;
        machine->redone++;
        if (!machine->forgets)
            memcpy(field->redone[n] + block->redone_count++ * k, cost, k * sizeof(*cost));
    }
}

/* Who is late: INFINITY instead of its cost. Twice for one block and entry would put it out. */
static inline bool machine_is_late(struct machine *machine, size_t entries, double *cost)
{
    bool any = false;
    for (size_t e = 0; e < entries; e++)
        if (machine->late ? e == 0 && cost[0] > cost[1]
                          : field_uniform(&machine->seed) < machine->stall) {
            cost[e] = INFINITY;
            any = true;
        }
    return any;
}

/* Block [n] of cell 0 under the rule for late runs: done again as long as somebody is, but here
 * once, or on purpose twice, which only a machine that is never quiet would allow. */
static inline void machine_block_late(
    struct machine *machine, struct field *field, size_t n, const double *slowdown, const bool *out)
{
    struct judge_block *block = &field->blocks[0][n];
    const size_t k = field->in.entry_count, most = machine->late ? 2 : 1;
    double *cost = field->cost[0][n];
    block->redone = field->redone[n];
    block->redone_count = 0;
    for (size_t again = 0;; again++) {
        machine_block(machine, k, slowdown, out, cost);
        if (again == most || !machine_is_late(machine, k, cost))
            return;
        if (!machine->forgets)
            memcpy(field->redone[n] + block->redone_count++ * k, cost, k * sizeof(*cost));
    }
}

/*
 * One block more in cell [c], judged. [out]: who was dropped in it so far, if anybody may be.
 * The last result of the cell is replaced.
 */
static inline void machine_step(struct machine *machine,
                                struct field *field,
                                size_t c,
                                const double *slowdown,
                                bool *out,
                                size_t common,
                                struct judge_cell_result *result)
{
    const size_t n = field->cells[c].block_count++;
    if (machine->late || machine->stall > 0)
        machine_block_late(machine, field, n, slowdown, out);
    else if (machine->on_purpose || machine->neighbour > 0)
        machine_block_again(machine, field, n, slowdown, out);
    else
        machine_block(machine, field->in.entry_count, slowdown, out, field->cost[c][n]);
    judge_cell_fini(result);
    assert_int_equal(judge_cell(&field->in, c, result), 0);
    for (size_t e = 0; out != NULL && e < field->in.entry_count && n + 1 >= common; e++)
        out[e] = !result->entries[e].racing;
}

/*
 * A race in cell 0 as a tournament would run it: a look after every block, the beaten leave once
 * the common rounds are over, the end when it is decided. Returns the runs that it took.
 */
static inline size_t machine_race(struct machine *machine,
                                  struct field *field,
                                  const double *slowdown,
                                  size_t common,
                                  size_t blocks,
                                  struct judge_cell_result *result)
{
    bool out[FIELD_ENTRIES] = {false};
    size_t runs = 0;
    field->cells[0].block_count = 0;
    machine->attempts = machine->redone = 0;
    *result = (struct judge_cell_result){0};
    for (size_t n = 1; n <= blocks; n++) {
        for (size_t e = 0; e < field->in.entry_count; e++)
            runs += out[e] ? 0 : 1;
        machine_step(machine, field, 0, slowdown, out, common, result);
        if (n >= common && result->decided)
            break;
    }
    return runs;
}

/* Bounds for a rate that should be at most [rate], seen in [trials]: three standard errors. */
static inline size_t at_most(double rate, size_t trials)
{
    const double n = (double)trials;
    return (size_t)(n * rate + 3 * sqrt(n * rate * (1 - rate)));
}

#endif
