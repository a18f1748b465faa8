/* SPDX-License-Identifier: MIT */
/*
 * What atomics do in the model.
 *
 * Store buffers: as on x86, an atomic store that is not sequentially consistent may be seen late,
 * in order, by all others at once; the own loads see it. A locked instruction, a lock, a system
 * call and a wait empty the buffer. A buffered run keeps stores back for as long as that allows,
 * which is the opposite extreme of a run without buffers; so a store that had to be seq_cst and is
 * not is found. Plain memory is not buffered: without data races nobody can tell. What is weaker
 * than x86 (loads that overtake) is for the models in common/models.
 *
 * Freed memory is filled with a pattern and kept until the run ends. An atomic operation in it is a
 * fault at once, any other write is found at the end.
 */
#include "sched.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FREED_MAX 1024u
#define FREED_BYTE 0xdd

struct freed {
    unsigned char *memory;
    size_t size;
};

static struct freed freed[FREED_MAX];
static unsigned freed_count;

static void check_lives(const void *object)
{
    const unsigned char *byte = object;
    for (unsigned i = 0; i < freed_count; i++) {
        if (byte >= freed[i].memory && byte < freed[i].memory + freed[i].size)
            sched_fail("an atomic operation in freed memory");
    }
}

static void store_now(void *to, const void *from, unsigned size)
{
    memcpy(to, from, size);
}

/* Make the oldest [count] stores of the running fiber visible. */
static void drain(struct sched_stores *stores, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        check_lives(stores->at[i].to);
        store_now(stores->at[i].to, &stores->at[i].value, stores->at[i].size);
    }
    stores->count -= count;
    memmove(stores->at, stores->at + count, stores->count * sizeof(stores->at[0]));
}

void sched_fence(const void *object)
{
    if (!sched_is_running())
        return;
    if (object != NULL)
        check_lives(object);
    if (sched_stores()->count > 0)
        drain(sched_stores(), sched_stores()->count);
}

void sched_load(const void *from, void *to, unsigned size)
{
    memcpy(to, from, size);
    if (!sched_is_running())
        return;
    check_lives(from);
    const struct sched_stores *stores = sched_stores();
    for (unsigned i = stores->count; i > 0; i--) {
        if (stores->at[i - 1].to == from) {
            memcpy(to, &stores->at[i - 1].value, size);
            return;
        }
    }
}

void sched_store(void *to, const void *from, unsigned size, int order)
{
    if (!sched_is_running() || !strategy_is_buffered() || order == memory_order_seq_cst) {
        sched_fence(to);
        store_now(to, from, size);
        return;
    }
    check_lives(to);
    struct sched_stores *stores = sched_stores();
    if (stores->count == SCHED_STORES)
        drain(stores, 1);
    stores->at[stores->count].to = to;
    stores->at[stores->count].size = size;
    memcpy(&stores->at[stores->count].value, from, size);
    stores->count++;
}

void sched_free(void *memory)
{
    if (memory == NULL)
        return;
    if (!sched_is_running() || freed_count == FREED_MAX) {
        free(memory);
        return;
    }
    struct freed *block = &freed[freed_count++];
    *block = (struct freed){memory, malloc_usable_size(memory)};
    memset(memory, FREED_BYTE, block->size);
}

void sched_memory_end(void)
{
    while (freed_count > 0) {
        const struct freed *block = &freed[--freed_count];
        for (size_t i = 0; i < block->size; i++) {
            if (block->memory[i] != FREED_BYTE)
                sched_fail("freed memory was written to");
        }
        free(block->memory);
    }
}
