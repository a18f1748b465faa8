/* SPDX-License-Identifier: MIT */
/* descriptors.h - the crowd of descriptors that C21 and C22 are asked about: the same for all. */
#ifndef BENCH_LIMITS_DESCRIPTORS_H
#define BENCH_LIMITS_DESCRIPTORS_H

#include "limits.h"

enum {
    DESCRIPTORS_MANY = 10000, /* watched */
    DESCRIPTORS_READY = 256,  /* of them at a time */
    DESCRIPTORS_STRIDE = 97   /* from one that is ready to the next */
};

/* How many this process may watch, after asking for as many as are allowed. */
int descriptor_room(void);

/* Says that there are not even as many as are to be ready. Returns -EMFILE. */
int descriptors_too_few(struct bench *bench);

/* Says so if there are fewer than wished. */
void descriptors_remark(struct bench *bench, int count);

#endif
