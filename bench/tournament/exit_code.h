/* SPDX-License-Identifier: MIT */
/*
 * exit_code.h - what the command line says by its exit status.
 *
 * If several apply, the order is: internal, usage, interrupted, disqualified, undecided.
 */
#ifndef VELO_EXIT_CODE_H
#define VELO_EXIT_CODE_H

enum exit_code {
    EXIT_DECIDED = 0,       /* a winner, a tie, or a smoke run that went through */
    EXIT_INTERNAL = 1,      /* the tool or the machine failed */
    EXIT_USAGE = 2,         /* the command line was wrong */
    EXIT_UNDECIDED = 3,     /* the evidence does not decide */
    EXIT_DISQUALIFIED = 4,  /* some contestant was disqualified */
    EXIT_MISMATCH = 5,      /* velo verify: something recorded is not what follows from the rest */
    EXIT_CONTRADICTION = 6, /* compare: two runs contradict each other */
    EXIT_SLOWER = 7,        /* gate: something is slower than it was, and that is proven */
    EXIT_INTERRUPTED = 130  /* stopped by Ctrl-C or SIGTERM */
};

#endif
