/* SPDX-License-Identifier: MIT */
/* one_cell.h - for the tests of what a single cell comes to: a field, judged, and its words. */
#ifndef JUDGE_UNIT_ONE_CELL_H
#define JUDGE_UNIT_ONE_CELL_H

#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct field field;
static struct judge_cell_result result;

static inline void judge(void)
{
    judge_cell_fini(&result);
    assert_int_equal(judge_cell(&field.in, 0, &result), 0);
}

static inline enum judge_word word(size_t entry)
{
    return result.entries[entry].word;
}

static inline void set_cost(size_t e, double factor)
{
    field_set_cost(&field, 0, e, factor);
}

/* The teardown of a group. */
static inline int finish(void **state)
{
    (void)state;
    judge_cell_fini(&result);
    return 0;
}

#endif
