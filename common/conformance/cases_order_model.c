/* SPDX-License-Identifier: MIT */
/*
 * Random programs against the reference interpreter (model.c), as cases of the suite. Many more are
 * run by --random; README.md tells what a program is.
 */
#include <stdio.h>

#include "check.h"
#include "conf.h"

/* Compare [count] programs, each of another seed. */
static void compare_programs(unsigned count, enum profile profile)
{
    static struct trace seen, expected;
    static struct program program;
    const struct check check = {.mode = conf_mode(), .seen = &seen, .expected = &expected};
    struct conf_random seeds = conf_random(1);
    for (unsigned i = 0; i < count; i++) {
        uint64_t seed = conf_random_next(&seeds) >> 16;
        program_generate(&program, seed, velo_impl()->capabilities, profile);
        int at = check_program(&check, &program);
        if (at < 0)
            continue;
        char left[160] = "the end", right[160] = "the end";
        if ((unsigned)at < expected.length)
            trace_print(&program, &expected.entries[at], left, sizeof left);
        if ((unsigned)at < seen.length)
            trace_print(&program, &seen.entries[at], right, sizeof right);
        fail_msg("seed %llu, line %d of the trace: the loop says '%s', the reference '%s'; to see "
                 "it small: --random 1 --seed %llu",
                 (unsigned long long)seed,
                 at,
                 right,
                 left,
                 (unsigned long long)seed);
    }
}

/* R S5 S6 M2 T2-T5 L4 F4, trap H7. Random programs of all kinds of callbacks: the loop does exactly
 * what the reference does, turn by turn, call by call and answer by answer. */
CONF_CASE(random_programs_run_as_in_the_reference,
          "R2 R3 R5 R6 S2 S4 S5 S6 M1 M2 T2 T3 T4 T5 T7 T8 F1 F3 F4 A1 A2 A3 L4 L7",
          VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS | VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES |
              VELO_CAP_METRICS | VELO_CAP_UNTIL_IDLE | VELO_CAP_BATCH)
{
    compare_programs(conf_rounds(3000), PROFILE_ALL);
}

/* R1 M2: what Node.js can say, too, begun in a descriptor callback. */
CONF_CASE(programs_of_node_js_run_as_in_the_reference,
          "R1 R2 R6 M1 M2 T2 T4",
          VELO_CAP_MICROTASKS | VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES | VELO_CAP_METRICS |
              VELO_CAP_UNTIL_IDLE | VELO_CAP_FDS)
{
    compare_programs(conf_rounds(1000), PROFILE_NODE_JS);
}
