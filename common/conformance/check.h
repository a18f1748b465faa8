/* SPDX-License-Identifier: MIT */
/*
 * check.h - a random program, run by the loop and by the model, and the two traces compared.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "world.h"

const struct plant *plant_find(const char *name); /* NULL: no such */
void plant_list(void);

struct check {
    enum velo_fast_path mode;
    const struct plant *plant; /* NULL: none */
    struct trace *seen;        /* of the loop */
    struct trace *expected;    /* of the model */
};

/* Run both. The index of the first difference; -1: equal. */
int check_program(const struct check *check, const struct program *program);

#endif
