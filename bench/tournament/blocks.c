/* SPDX-License-Identifier: MIT */
/*
 * blocks.c - which cell gets the next block, who is dropped, when it ends.
 *
 * First the common rounds: one block of every cell after the other, in an order drawn for each
 * round, and nobody is dropped, because the overall standing needs complete rounds. Then each block
 * goes to the lane that is furthest below its share, and there to the cell with the most expected
 * verdicts per second. The test is valid at every look (judge.h), so choosing by what was seen so
 * far is free.
 */
#include "blocks.h"

#include "clock.h"
#include "rules.h"
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The evidence that the leader is the fastest: that of its weakest duel. */
static double leader_log_e(const struct judge_cell_result *result)
{
    double least = INFINITY;
    for (size_t i = 0; i < result->duel_count; i++) {
        const struct judge_duel *duel = &result->duels[i];
        if ((int)duel->a != result->leader && (int)duel->b != result->leader)
            continue;
        double log_e = duel->pair.decided != 0 ? duel->pair.decided_log_e : duel->pair.log_e;
        if (log_e < least)
            least = log_e;
    }
    return isinf(least) ? 0 : least;
}

/*
 * Looks at the evidence of [cell] and writes down what follows from it: drops, decision; estimates.
 * At a start that goes on, these are the lines that a kill may have kept from being written.
 */
static int look(struct block_loop *loop, size_t cell)
{
    struct tournament *t = loop->t;
    struct cell_work *work = &loop->work[cell];
    struct judge_cell_result result;
    int rc = judge_cell(&t->state.in, cell, &result);
    if (rc != 0)
        return rc;
    work->leader = result.leader;
    work->log_e = leader_log_e(&result);
    work->log_t = result.log_t;
    work->yield = result.verdicts_per_block;
    work->further = result.further_blocks;
    work->closed = rules_is_closed(&t->plan, &t->state, cell, &result);
    rc = ledger_record_all(t, rules_derived(&t->plan, &t->state, cell, &result));
    judge_cell_fini(&result);
    return rc;
}

static int next_open(const struct block_loop *loop, double left_s)
{
    static const char *const lanes[] = {"race", "micro", "process"};
    enum { LANES = sizeof(lanes) / sizeof(lanes[0]) };
    const struct tournament *t = loop->t;
    struct judge_offer *offers = text_alloc(t->plan.cell_count * sizeof(*offers));
    double share[LANES];
    for (size_t c = 0; c < t->plan.cell_count; c++) {
        const struct cell_work *work = &loop->work[c];
        offers[c] = (struct judge_offer){.open = !work->closed,
                                         .block_s = work->block_s,
                                         .spent_s = work->spent_s,
                                         .verdicts_per_block = work->yield,
                                         .blocks = rules_blocks(&t->state, c)};
        while (offers[c].lane < LANES && strcmp(t->plan.cells[c].lane, lanes[offers[c].lane]) != 0)
            offers[c].lane++;
    }
    for (size_t i = 0; i < LANES; i++)
        share[i] = preset_lane_share(lanes[i]);
    const int next = judge_next(offers, t->plan.cell_count, share, LANES, left_s);
    free(offers);
    return next;
}

/* What is left to do by present expectation, at most until the deadline. */
static double seconds_left(const struct block_loop *loop)
{
    const struct tournament *t = loop->t;
    double until_deadline = t->deadline_s - clock_seconds();
    double sum = 0;
    for (size_t c = 0; c < t->plan.cell_count; c++) {
        const struct cell_work *work = &loop->work[c];
        if (work->closed)
            continue;
        double done = (double)rules_blocks(&t->state, c);
        double blocks = work->further;
        if (blocks < t->plan.blocks_common - done) /* these come in any case */
            blocks = t->plan.blocks_common - done;
        if (done + blocks > t->plan.blocks_max)
            blocks = t->plan.blocks_max - done;
        sum += blocks * work->block_s;
    }
    return sum < until_deadline ? sum : until_deadline;
}

static void show(struct block_loop *loop, size_t cell)
{
    struct tournament *t = loop->t;
    const struct cell_work *work = &loop->work[cell];
    const struct plan_cell *planned = &t->plan.cells[cell];
    char left[16];
    progress_time(seconds_left(loop), left);
    size_t open = 0;
    for (size_t c = 0; c < t->plan.cell_count; c++)
        open += !loop->work[c].closed;
    char *leader = work->leader < 0 || t->plan.preset->smoke
                       ? text_copy("")
                       : text_format(": %s leads, E %.3g of %.3g",
                                     t->plan.entries[work->leader].name,
                                     exp(work->log_e),
                                     exp(work->log_t));
    progress_status(&t->progress,
                    "%s left  block %zu  redone %zu  open %zu/%zu  %s %s%s",
                    left,
                    loop->attempts + 1 - loop->redone,
                    loop->redone,
                    open,
                    t->plan.cell_count,
                    planned->scenario,
                    planned->point,
                    leader);
    free(leader);
}

static enum tournament_end run_loop(struct block_loop *loop)
{
    struct tournament *t = loop->t;
    for (;;) {
        if (interrupt_seen(&t->interrupt))
            return END_INTERRUPTED;
        if (pause_point(t) != 0)
            return END_ERROR;
        double left_s = t->deadline_s - clock_seconds();
        int cell = rules_next_common(&t->plan, &t->state);
        if (cell >= 0 && loop->work[cell].block_s > left_s)
            return END_BUDGET;
        if (cell < 0)
            cell = next_open(loop, left_s);
        if (cell < 0)
            break;
        show(loop, (size_t)cell);
        int rc = block_run(loop, (size_t)cell);
        if (rc == 0)
            rc = look(loop, (size_t)cell);
        if (rc == 0)
            rc = ceiling_run(t, (size_t)cell);
        if (rc == -EINTR)
            return END_INTERRUPTED;
        if (rc != 0)
            return END_ERROR;
    }
    for (size_t c = 0; c < t->plan.cell_count; c++)
        if (!loop->work[c].closed)
            return END_BUDGET;
    return END_DECIDED;
}

static const char *end_name(enum tournament_end end)
{
    static const char *const names[] = {"decided", "budget", "interrupted", "error"};
    return names[end];
}

enum tournament_end blocks_run(struct tournament *t)
{
    struct block_loop loop = {.t = t,
                              .work = text_alloc(t->plan.cell_count * sizeof(struct cell_work))};
    int rc = 0;
    for (size_t c = 0; rc == 0 && c < t->plan.cell_count; c++) {
        loop.work[c].block_s = t->plan.cells[c].block_ms / 1e3;
        rc = look(&loop, c);
    }
    for (size_t i = 0; i < t->state.run_count; i++) /* before a resume */
        if (t->state.runs[i].wall_ms > 0)
            loop.work[t->state.runs[i].cell].spent_s += t->state.runs[i].wall_ms / 1e3;
    loop.attempts = t->state.block_count;
    for (size_t i = 0; i < t->state.block_count; i++)
        loop.redone += !t->state.blocks[i].valid;
    enum tournament_end end = rc == 0 ? run_loop(&loop) : END_ERROR;
    progress_clear(&t->progress);
    if (end != END_ERROR &&
        (ledger_record(t, "end", json_pack("{s:s}", "reason", end_name(end))) != 0 ||
         ledger_sync(t) != 0))
        end = END_ERROR;
    free(loop.work);
    return end;
}
