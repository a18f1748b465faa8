/* SPDX-License-Identifier: MIT */
/* all_cells.h - for the tests of what many cells come to together: a field and the results. */
#ifndef JUDGE_UNIT_ALL_CELLS_H
#define JUDGE_UNIT_ALL_CELLS_H

#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_near(value, expected, tolerance)                                                    \
    assert_true(fabs((value) - (expected)) <= (tolerance))

static struct field field;
static struct judge_cell_result cells[FIELD_CELLS];

/* Also the teardown of a group. */
static inline int clear_cells(void **state)
{
    (void)state;
    for (size_t c = 0; c < FIELD_CELLS; c++)
        judge_cell_fini(&cells[c]);
    return 0;
}

static inline void judge_cells(void)
{
    clear_cells(NULL);
    for (size_t c = 0; c < field.in.cell_count; c++)
        assert_int_equal(judge_cell(&field.in, c, &cells[c]), 0);
}

#endif
