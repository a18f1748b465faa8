/* SPDX-License-Identifier: MIT */
/*
 * The kinds of work that a loop takes, as data, so that a case can go through all of them.
 */
#ifndef CONF_KINDS_H
#define CONF_KINDS_H

#include "conf.h"

enum kind {
    KIND_TASK,
    KIND_PRIORITY,
    KIND_BATCH, /* velo_submit_many of one */
    KIND_TICK,
    KIND_MICROTASK,
    KIND_IMMEDIATE,
    KIND_CLOSING,
    KIND_TIMER, /* one shot, delay 0 */
    KINDS
};

const char *kind_name(unsigned kind);
/* Does the contestant declare what the kind needs? */
bool kind_is_offered(unsigned kind);
/* Add work of this kind; [id] may be NULL and is written for timers and immediates only. */
int kind_add(unsigned kind, struct velo_loop *loop, velo_fn fn, void *arg, velo_id *id);
/* Can it be taken back? Then kind_cancel does it. */
bool kind_has_id(unsigned kind);
int kind_cancel(unsigned kind, struct velo_loop *loop, velo_id id);

#endif
