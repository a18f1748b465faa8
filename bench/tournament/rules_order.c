/* SPDX-License-Identifier: MIT */
/*
 * rules_order.c - who runs in the next block of a cell, and in which order; see rules.h.
 *
 * With the uniform order each block stands alone: whoever is still racing, in an order of its own.
 * With the Williams order a block is a row of a square. A square is finished by those who began it:
 * nobody is dropped inside, and who is disqualified meanwhile leaves its places empty. So the
 * comparison of two others goes on as if nothing had happened.
 */
#include "rules.h"
#include "schedule.h"

/* Entries by their names, as the schedule takes them. */
struct members {
    const char *names[PLAN_ENTRIES_MAX];
    size_t entries[PLAN_ENTRIES_MAX];
    size_t count;
};

static void add_member(const struct plan *plan, struct members *members, size_t entry)
{
    members->names[members->count] = plan->entries[entry].name;
    members->entries[members->count++] = entry;
}

/* Who runs in a block that hangs on no earlier one: nobody without memory. */
static void still_racing(const struct plan *plan,
                         const struct run_dir *state,
                         size_t cell,
                         struct members *members)
{
    struct judge_cell_result result;
    if (judge_cell(&state->in, cell, &result) != 0)
        return;
    for (size_t e = 0; e < plan->entry_count; e++)
        if (rules_may_run(state, cell, e) &&
            (rules_is_common(plan, state, cell) || result.entries[e].racing))
            add_member(plan, members, e);
    judge_cell_fini(&result);
}

static const struct judge_block *last_block(const struct run_dir *state, size_t cell)
{
    const size_t count = rules_blocks(state, cell);
    return count > 0 ? &state->in.cells[cell].blocks[count - 1] : NULL;
}

bool rules_inside_square(const struct run_dir *state, size_t cell)
{
    const struct judge_block *last = last_block(state, cell);
    return last != NULL && last->row + 1 < last->rows;
}

/* Those who ran in the valid attempt at [block] of [cell]; false if none of them may run now. */
static bool who_began(const struct plan *plan,
                      const struct run_dir *state,
                      size_t cell,
                      size_t block,
                      struct members *members)
{
    bool anybody = false;
    for (size_t i = 0; i < state->block_count; i++) {
        const struct run_dir_block *done = &state->blocks[i];
        size_t index;
        const json_t *name;
        if (done->cell != cell || done->block != block || !done->valid)
            continue;
        json_array_foreach(done->entries, index, name)
        {
            const int entry = plan_find_entry(plan, json_string_value(name));
            if (entry < 0 || members->count == PLAN_ENTRIES_MAX)
                continue;
            anybody |= rules_may_run(state, cell, (size_t)entry);
            add_member(plan, members, (size_t)entry);
        }
    }
    return anybody;
}

/* Who makes up the square of the next block, and which row that block is. *first: its first block.
 */
static void find_square(const struct plan *plan,
                        const struct run_dir *state,
                        size_t cell,
                        struct members *members,
                        size_t *first,
                        struct rules_row *row)
{
    const struct judge_block *last = last_block(state, cell);
    members->count = 0;
    if (rules_inside_square(state, cell)) {
        *first = last->number - last->row;
        *row = (struct rules_row){.row = last->row + 1, .rows = last->rows};
        if (who_began(plan, state, cell, *first, members))
            return;
        members->count = 0;
    }
    still_racing(plan, state, cell, members);
    *first = rules_blocks(state, cell) + 1;
    *row = (struct rules_row){.row = 0, .rows = schedule_square_rows(members->count)};
}

struct rules_row rules_row(const struct plan *plan, const struct run_dir *state, size_t cell)
{
    struct members members;
    struct rules_row row = {0, 0};
    size_t first;
    if (plan->order == SCHEDULE_WILLIAMS)
        find_square(plan, state, cell, &members, &first, &row);
    return row;
}

/* Indices of [members] in running order. */
static void draw(const struct plan *plan,
                 const struct run_dir *state,
                 size_t cell,
                 size_t attempt,
                 struct members *members,
                 size_t *order)
{
    struct schedule_key key = {.seed = plan->seed,
                               .cell = plan->cells[cell].key,
                               .block = (unsigned)rules_blocks(state, cell) + 1,
                               .attempt = (unsigned)attempt};
    if (plan->order == SCHEDULE_WILLIAMS) {
        struct rules_row row;
        size_t first;
        find_square(plan, state, cell, members, &first, &row);
        key.block = (unsigned)first;
        schedule_square_order(&key, members->names, members->count, row.row, order);
        return;
    }
    members->count = 0;
    still_racing(plan, state, cell, members);
    schedule_order(&key, members->names, members->count, order);
}

size_t rules_order(const struct plan *plan,
                   const struct run_dir *state,
                   size_t cell,
                   size_t *block,
                   size_t *attempt,
                   size_t *order)
{
    struct members members;
    size_t drawn[PLAN_ENTRIES_MAX];
    size_t count = 0;
    *block = rules_blocks(state, cell) + 1;
    *attempt = run_dir_next_attempt(state, cell, *block);
    draw(plan, state, cell, *attempt, &members, drawn);
    for (size_t i = 0; i < members.count; i++) {
        const size_t entry = members.entries[drawn[i]];
        if (rules_may_run(state, cell, entry))
            order[count++] = entry;
    }
    return count;
}
