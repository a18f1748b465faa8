/* SPDX-License-Identifier: MIT */
/* random.h - the suite's --random: as many random programs as wanted, against the model. */
#ifndef CONF_RANDOM_H
#define CONF_RANDOM_H

#include "check.h"
#include "runner.h"

/* Run the programs of [count] seeds from [request]->seed on; a failing one is made small, told and
 * saved as C. Returns the exit status of the suite. */
int random_run(const struct conf_request *request, uint64_t count, const struct plant *plant);

/* Print the programs of [count] seeds: as C (one only), as JavaScript, or what that must print. */
int random_print_c(const struct conf_request *request);
int random_print_js(const struct conf_request *request, uint64_t count);
int random_print_js_traces(const struct conf_request *request, uint64_t count);

#endif
