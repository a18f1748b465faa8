/* SPDX-License-Identifier: MIT */
/*
 * A doubly linked FIFO of records, by next and prev; a record is in one list at most. Owner only.
 * A record comes as its address and its index, for its neighbours know it by the latter.
 */
#ifndef VELO_PARTS_OP_LIST_H
#define VELO_PARTS_OP_LIST_H

#include "common/parts/ops.h"

struct op_list {
    uint32_t first, last;
};

/* Append the record. */
static inline void
op_list_append(const struct ops *ops, struct op_list *list, struct velo_op *op, uint32_t index)
{
    op->next = OP_NIL;
    op_set_prev(op, list->last);
    if (list->last == OP_NIL)
        list->first = index;
    else
        ops_at(ops, list->last)->next = index;
    list->last = index;
}

/* Take out the record, which is in the list. */
static inline void
op_list_remove(const struct ops *ops, struct op_list *list, const struct velo_op *op)
{
    if (op->prev == OP_NIL)
        list->first = op->next;
    else
        ops_at(ops, op->prev)->next = op->next;
    if (op->next == OP_NIL)
        list->last = op->prev;
    else
        ops_at(ops, op->next)->prev = op->prev;
}

/* Take the first, and tell its index; NULL when empty. */
static inline struct velo_op *
op_list_shift(const struct ops *ops, struct op_list *list, uint32_t *index)
{
    *index = list->first;
    if (*index == OP_NIL)
        return NULL;
    struct velo_op *op = ops_at(ops, *index);
    op_list_remove(ops, list, op);
    return op;
}

/* Put the record behind [before], which is in the list; in front if that is OP_NIL. */
static inline void op_list_insert(const struct ops *ops,
                                  struct op_list *list,
                                  uint32_t before,
                                  struct velo_op *op,
                                  uint32_t index)
{
    uint32_t *link = before == OP_NIL ? &list->first : &ops_at(ops, before)->next;
    op->next = *link;
    op_set_prev(op, before);
    if (op->next == OP_NIL)
        list->last = index;
    else
        op_set_prev(ops_at(ops, op->next), index);
    *link = index;
}

/* Put the record back in front. */
static inline void
op_list_unshift(const struct ops *ops, struct op_list *list, struct velo_op *op, uint32_t index)
{
    op_list_insert(ops, list, OP_NIL, op, index);
}

#endif
