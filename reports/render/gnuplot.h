/* SPDX-License-Identifier: MIT */
/* gnuplot.h - one picture: its data file, its script, and the run of gnuplot that draws it. */
#ifndef VELO_REPORT_GNUPLOT_H
#define VELO_REPORT_GNUPLOT_H

#include <stddef.h>
#include <stdio.h>

#include "files.h"

struct picture {
    const char *dir;  /* plots/ of the run */
    const char *home; /* reports/ with the templates */
    const char *kind; /* template: reports/plots/KIND.gp */
    char name[64];
    struct file_out data;   /* NAME.dat, tab separated */
    struct file_out script; /* NAME.gp: the variables; the template follows at the end */
};

/* Opens NAME.dat and NAME.gp. Returns: 0; -1 with [err] filled. */
int picture_begin(struct picture *picture, char *err, size_t err_size);

/* [text] as a quoted gnuplot string into the script. */
void picture_quote(struct picture *picture, const char *text);

/* Completes both files and runs gnuplot. Returns: 0; -1 with [err] filled. */
int picture_end(struct picture *picture, char *err, size_t err_size);

#endif
