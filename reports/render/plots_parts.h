/* SPDX-License-Identifier: MIT */
/* plots_parts.h - inner header of the pictures: what all of their data files and scripts share. */
#ifndef VELO_REPORT_PLOTS_PARTS_H
#define VELO_REPORT_PLOTS_PARTS_H

#include "gnuplot.h"
#include "model.h"

/* An index of the data file: rows between a comment that names the columns and two empty lines. */
void plots_begin_index(struct picture *picture, const char *title);
void plots_end_index(struct picture *picture);

/* n and who[], in the order of the contestants. */
void plots_set_names(struct picture *picture, const struct model *model);

/* The pictures that go behind the medians: runs one by one, and evidence block by block. */
int plots_write_runs(
    const struct model *model, const char *dir, const char *home, char *err, size_t err_size);

#endif
