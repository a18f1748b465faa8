/* SPDX-License-Identifier: MIT */
/*
 * The chain of chunks (common/parts/ingress_tickets.{h,c}): chunked and fastpath. Chunks of one
 * slot, so that every claim installs the next chunk and every task retires one; the owner trims as
 * often as it can and keeps no spare, so that what it gives back is freed at once (in the source:
 * when its region is whole again). The functions have the names of the source. What goes deeper
 * than random executions reach stands in chunks.pml.
 *
 * variant: T2_FILL=relaxed must-fail race "the task is not published"
 * variant: T7_TAKE=relaxed must-fail race "the task is not seen"
 * variant: T5_INDEX=relaxed must-fail race "the chunk's contents are not seen by the hint"
 * variant: T6_ENTER=relaxed must-fail race "the chunk's contents are not published by its index"
 * variant: T12_SEE=relaxed must-fail assertion "the next chunk's contents are not seen"
 * variant: T12_INSTALL=relaxed must-fail race "the next chunk is not published"
 * variant: T14_PUT=relaxed must-fail race "the cleared slots are not published"
 * variant: T14_TAKE=relaxed must-fail race "the cleared slots are not seen"
 * variant: NO_MARK must-fail livelock "installed in a chunk that has been recycled (ABA)"
 * variant: KEEP_HINT must-fail livelock "the hint points to a retired chunk for ever"
 * variant: FILL_BEFORE_INSTALL must-fail assertion "the owner finds no next chunk"
 * variant: FREE_AT_RETIRE must-fail freed "a stale hint points to it"
 * variant: TRIM_WITH_OPEN_CLAIM must-fail freed "a stale hint points to it"
 */
#include "common/models/model.h"

ORDER(T1_CLAIM, "T1", "common/parts/ingress_tickets.h", ingress_claim, fetch_add, seq_cst);
ORDER(T2_FILL, "T2", "common/parts/ingress_tickets.h", slot_fill, store, release);
ORDER(T3_HINT, "T3", "common/parts/ingress_tickets.h", ingress_chunk, load, acquire);
ORDER(T4_PINNED, "T4", "common/parts/ingress_tickets.c", ingress_find, store, release);
ORDER(T4_MOVE,
      "T4",
      "common/parts/ingress_tickets.c",
      ingress_next_chunk,
      compare_exchange_strong,
      release,
      relaxed);
ORDER(T5_INDEX, "T5", "common/parts/ingress_tickets.h", ingress_chunk, load, acquire);
ORDER(T5_STILL, "T5", "common/parts/ingress_tickets.c", walk_forward, load, acquire);
ORDER(T6_ENTER,
      "T6",
      "common/parts/ingress_tickets.c",
      ingress_enter,
      compare_exchange_strong,
      acq_rel,
      acquire);
ORDER(T6_RETIRE, "T6", "common/parts/ingress_tickets.c", ingress_next_chunk, store, release);
ORDER(T6_TRIAL, "T6", "common/parts/ingress_tickets.c", install_next, store, relaxed);
ORDER(T7_TAKE, "T7", "common/parts/ingress_tickets.h", ingress_pop, load, acquire);
ORDER(T7_CLEAR, "T7", "common/parts/ingress_tickets.h", ingress_pop, store, relaxed);
ORDER(T9_TRIM,
      "T9",
      "common/parts/ingress_tickets.c",
      ingress_trim,
      compare_exchange_strong,
      seq_cst,
      relaxed);
ORDER(T12_SEE, "T12", "common/parts/ingress_tickets.c", install_next, load, acquire);
ORDER(T12_INSTALL,
      "T12",
      "common/parts/ingress_tickets.c",
      install_next,
      compare_exchange_strong,
      acq_rel,
      acquire);
ORDER(T12_NEXT, "T12", "common/parts/ingress_tickets.c", ingress_next_chunk, load, acquire);
ORDER(T14_PUT,
      "T14",
      "common/parts/ingress_tickets.c",
      spares_put,
      compare_exchange_weak,
      release,
      relaxed);
ORDER(T14_RETURN,
      "T14",
      "common/parts/ingress_tickets.c",
      spares_return,
      compare_exchange_strong,
      release,
      relaxed);
ORDER(T14_GUESS, "T14", "common/parts/ingress_tickets.c", spares_put, load, relaxed);
ORDER(T14_TAKE, "T14", "common/parts/ingress_tickets.c", spares_take, exchange, acquire);
FAULT(NO_MARK);
FAULT(KEEP_HINT);
FAULT(FREE_AT_RETIRE);
FAULT(TRIM_WITH_OPEN_CLAIM);
FAULT(FILL_BEFORE_INSTALL);

static const uintptr_t NIL = uintptr_t(-1);

struct chunk {
    rl::atomic<uintptr_t> index, next;
    rl::var<chunk *> prev;
    rl::atomic<int> fn;
    rl::var<int> arg;
    rl::var<chunk *> below;
};

template <int producers, int pushes>
struct chunks_model : rl::test_suite<chunks_model<producers, pushes>, producers + 1> {
    rl::atomic<unsigned> tickets;
    rl::atomic<chunk *> hint, spares;
    chunk *head;
    unsigned taken;

    static chunk *chunk_new()
    {
        chunk *c = new chunk;
        c->index($).store(NIL, rl::mo_relaxed);
        c->next($).store(0, rl::mo_relaxed);
        c->fn($).store(0, rl::mo_relaxed);
        c->prev($) = NULL;
        c->below($) = NULL;
        return c;
    }

    void before()
    {
        chunk *first = chunk_new();
        first->index($).store(0);
        first->next($).store(1);
        hint($).store(first);
        spares($).store(NULL);
        tickets($).store(0);
        head = first;
        taken = 0;
    }

    static void free_list(chunk *c)
    {
        while (c != NULL) {
            chunk *below = c->below($);
            delete c;
            c = below;
        }
    }

    void after()
    {
        CHECK(taken == producers * pushes);
        for (chunk *c = head; c != NULL;) {
            uintptr_t next = c->next($).load(rl::mo_relaxed);
            delete c;
            c = (next & 1) != 0 ? NULL : (chunk *)next;
        }
        free_list(spares($).load(rl::mo_relaxed));
    }

    void spares_put(chunk *first, chunk *last)
    {
        chunk *top = LOAD(spares, T14_GUESS);
        do {
            last->below($) = top;
        } while (!CAS(spares, top, first, T14_PUT));
    }

    chunk *spares_take()
    {
        return EXCHANGE(spares, (chunk *)NULL, T14_TAKE);
    }

    void spares_return(chunk *list)
    {
        chunk *none = NULL;
        if (list == NULL || CAS(spares, none, list, T14_RETURN))
            return;
        chunk *last = list;
        while (last->below($) != NULL)
            last = last->below($);
        spares_put(list, last);
    }

    chunk *spare_take()
    {
        chunk *c = spares_take();
        if (c != NULL)
            spares_return(c->below($));
        return c;
    }

    chunk *chunk_get(bool pinned)
    {
        chunk *c = pinned ? spare_take() : NULL;
        return c != NULL ? c : chunk_new();
    }

    static uintptr_t unset(uintptr_t k)
    {
        return NO_MARK ? 1 : k * 2 + 1;
    }

    static chunk *enter(chunk *c, uintptr_t k)
    {
        uintptr_t trial = k * 2 + 1;
        CAS(c->index, trial, k * 2, T6_ENTER);
        return c;
    }

    chunk *install_next(chunk *c, uintptr_t k, bool pinned)
    {
        uintptr_t next = LOAD(c->next, T12_SEE);
        if (next != unset(k))
            return (next & 1) != 0 ? NULL : (chunk *)next;
        chunk *fresh = chunk_get(pinned);
        fresh->prev($) = c;
        STORE(fresh->next, unset(k + 1), T6_TRIAL);
        STORE(fresh->index, (k + 1) * 2 + 1, T6_TRIAL);
        uintptr_t expected = unset(k);
        if (CAS(c->next, expected, (uintptr_t)fresh, T12_INSTALL))
            return enter(fresh, k + 1);
        STORE(fresh->index, NIL, T6_TRIAL);
        spares_put(fresh, fresh);
        return (expected & 1) != 0 ? NULL : (chunk *)expected;
    }

    chunk *walk_forward(chunk *c, uintptr_t j, uintptr_t k)
    {
        while (j < k) {
            chunk *next = install_next(c, j, false);
            if (next == NULL)
                return NULL;
            if (LOAD(c->index, T5_STILL) != j * 2)
                return NULL;
            c = enter(next, ++j);
        }
        return c;
    }

    chunk *find(uintptr_t k)
    {
        for (;;) {
            chunk *c = LOAD(hint, T3_HINT);
            uintptr_t index = LOAD(c->index, T5_INDEX);
            if (index == NIL || (index & 1) != 0) {
                YIELD();
                continue;
            }
            uintptr_t j = index / 2;
            if (j > k) {
                for (; j > k; j--)
                    c = c->prev($);
                return c;
            }
            c = walk_forward(c, j, k);
            if (c == NULL) {
                YIELD();
                continue;
            }
            STORE(hint, c, T4_PINNED);
            return c;
        }
    }

    chunk *chunk_of(uintptr_t k)
    {
        chunk *c = LOAD(hint, T3_HINT);
        if (LOAD(c->index, T5_INDEX) == k * 2)
            return c;
        return find(k);
    }

    void fill(chunk *c, unsigned t)
    {
        CHECK(c->fn($).load(rl::mo_relaxed) == 0); /* nobody else's slot */
        c->arg($) = int(t);
        STORE(c->fn, 1, T2_FILL);
    }

    void push()
    {
        unsigned t = ADD(tickets, 1, T1_CLAIM);
        chunk *c = chunk_of(t);
        if (FILL_BEFORE_INSTALL)
            fill(c, t);
        install_next(c, t, true);
        if (!FILL_BEFORE_INSTALL)
            fill(c, t);
    }

    bool pop()
    {
        if (LOAD(head->fn, T7_TAKE) == 0)
            return false;
        CHECK(head->arg($) == int(taken));
        STORE(head->fn, 0, T7_CLEAR);
        taken++;
        next_chunk();
        return true;
    }

    void next_chunk()
    {
        chunk *old = head;
        uintptr_t link = LOAD(old->next, T12_NEXT);
        CHECK((link & 1) == 0);
        head = enter((chunk *)link, taken);
        chunk *expected = old;
        if (!KEEP_HINT)
            CAS(hint, expected, head, T4_MOVE);
        if (FREE_AT_RETIRE) {
            delete old;
            return;
        }
        STORE(old->index, NIL, T6_RETIRE);
        spares_put(old, old);
    }

    void trim()
    {
        unsigned word = taken;
        chunk *list = spares_take();
        if (TRIM_WITH_OPEN_CLAIM || CAS(tickets, word, word, T9_TRIM))
            free_list(list);
        else
            spares_return(list);
    }

    void owner()
    {
        while (taken < producers * pushes) {
            if (!pop())
                YIELD();
            else if (taken % 2 == 0)
                trim();
        }
    }

    void thread(unsigned index)
    {
        if (index == 0)
            owner();
        else
            for (int i = 0; i < pushes; i++)
                push();
    }
};

int main(int argc, char **argv)
{
    run_fn *quick = run_search<chunks_model<2, 2>, RANDOM>;
    run_fn *full = run_search<chunks_model<3, 2>, RANDOM>;
    return run_model(argc, argv, quick, 100000, full, 500000);
}
