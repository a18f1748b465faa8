/* SPDX-License-Identifier: MIT */
/* print.h - a program as source text: in C against velo.h, and in JavaScript for Node.js. */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include <stdio.h>

#include "world.h"

/* A complete program that prints its trace. [head], lines of comment, goes before it. */
void print_c(FILE *out, const struct program *program, enum velo_fast_path mode, const char *head);

/* Programs of PROFILE_NODE_JS as one JavaScript program: begin, each program, end. It prints what
 * print_js_trace() prints for the same programs. */
void print_js_begin(FILE *out);
void print_js(FILE *out, const struct program *program);
void print_js_end(FILE *out);
void print_js_trace(FILE *out, const struct program *program, const struct trace *trace);

#endif
