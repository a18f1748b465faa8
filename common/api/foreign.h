/* SPDX-License-Identifier: MIT */
/* How a call of another thread travels to the owner: a record, the inbox, a wake-up. */
#ifndef VELO_API_FOREIGN_H
#define VELO_API_FOREIGN_H

#include "common/core.h"

/*
 * Accept [fn] as a record of [kind] and hand it to the owner; [id] may be NULL, and is written
 * before the callback can run (T6). Returns 0, -ESHUTDOWN, -ENOMEM.
 */
int foreign_submit(struct velo_loop *loop, enum op_kind kind, velo_fn fn, void *arg, velo_id *id);

/* Publish a filled record. Inside the work gate. */
void foreign_push(struct velo_loop *loop, struct velo_op *op, uint32_t index);

#endif
