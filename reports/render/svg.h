/* SPDX-License-Identifier: MIT */
/* svg.h - puts a picture of gnuplot into a page that holds several of them. */
#ifndef VELO_REPORT_SVG_H
#define VELO_REPORT_SVG_H

#include <stdio.h>

/*
 * Copy the <svg> element of the file [path] to [out]: ids and the references to them get the prefix
 * [name], so that they stay unique in the page; black becomes the colour of the page's text; the
 * white background and the namespace declarations, useless inside HTML, are left out.
 * Returns: 0; -1 when there is no such picture, and then nothing was written.
 */
int svg_inline(FILE *out, const char *path, const char *name);

#endif
