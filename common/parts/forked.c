/* SPDX-License-Identifier: MIT */
/* See forked.h. */
#include "common/parts/forked.h"

#include <pthread.h>

struct forked_process forked_process;

static _Atomic uint32_t registered;
static _Thread_local struct forked_link *innermost __attribute__((tls_model("initial-exec")));

static void in_child(void)
{
    /* (Y1) relaxed: no other thread exists yet */
    atomic_fetch_add_explicit(&forked_process.generation, 1, memory_order_relaxed);
    for (const struct forked_link *link = innermost; link != NULL; link = link->outer)
        /* (S3) release: as lifecycle_set_stop() */
        atomic_store_explicit(link->word, link->value, memory_order_release);
}

int forked_register(void)
{
    /* (Y2) relaxed: at worst two threads register the handler, and a child counts by two */
    if (atomic_load_explicit(&registered, memory_order_relaxed) != 0)
        return 0;
    int rc = -pthread_atfork(NULL, NULL, in_child);
    if (rc == 0)
        atomic_store_explicit(&registered, 1, memory_order_relaxed); /* (Y2) */
    return rc;
}

void forked_enter(struct forked_link *link, _Atomic uint32_t *word, uint32_t value)
{
    link->outer = innermost;
    link->word = word;
    link->value = value;
    innermost = link;
}

void forked_leave(struct forked_link *link)
{
    struct forked_link **at = &innermost;
    while (*at != NULL && *at != link)
        at = &(*at)->outer;
    if (*at != NULL)
        *at = link->outer;
}

bool forked_is_inside(const struct forked_link *link)
{
    const struct forked_link *at = innermost;
    while (at != NULL && at != link)
        at = at->outer;
    return at != NULL;
}
