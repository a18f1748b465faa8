/* SPDX-License-Identifier: MIT */
/*
 * The chain of chunks, every interleaving (common/parts/ingress_tickets.{h,c}): chunked and fastpath.
 * As in chunks.cc, one slot to a chunk; what is given back is free at once. Every access by a
 * producer or the owner to a chunk that is free, a slot of another ticket, a missing next chunk, and
 * a task out of order is an assertion.
 *
 * A chunk is a number. index: NIL, 2k+1 (on trial as k), 2k (is k). next: 2k+1 (unset, of chunk k)
 * or LINK + chunk. Chunks that were never live are handed out by counting, as the pool does.
 *
 * source: T1 common/parts/ingress_tickets.h ingress_claim fetch_add seq_cst
 * source: T3 common/parts/ingress_tickets.h ingress_chunk load acquire
 * source: T4 common/parts/ingress_tickets.c ingress_find store release
 * source: T4 common/parts/ingress_tickets.c ingress_next_chunk compare_exchange_strong release,relaxed
 * source: T5 common/parts/ingress_tickets.c walk_forward load acquire
 * source: T6 common/parts/ingress_tickets.c ingress_enter compare_exchange_strong acq_rel,acquire
 * source: T6 common/parts/ingress_tickets.c ingress_next_chunk store release
 * source: T9 common/parts/ingress_tickets.c ingress_trim compare_exchange_strong seq_cst,relaxed
 * source: T12 common/parts/ingress_tickets.c install_next compare_exchange_strong acq_rel,acquire
 * source: T14 common/parts/ingress_tickets.c spares_put compare_exchange_weak release,relaxed
 * source: T14 common/parts/ingress_tickets.c spares_take exchange acquire
 *
 * variant: NO_MARK must-fail assertion "installed in a chunk that has been recycled (ABA)"
 * variant: NO_SECOND_LOOK must-fail assertion "the link followed was another chunk's"
 * variant: FREE_AT_RETIRE must-fail assertion "a stale hint points to it"
 * variant: TRIM_WITH_OPEN_CLAIM must-fail assertion "a stale hint points to it"
 * variant: FILL_BEFORE_INSTALL must-fail assertion "the owner finds no next chunk"
 */
#ifdef FULL
#define FIRST 1
#define SECOND 1
#define THIRD 1
#else
#define FIRST 1
#define SECOND 4
#define THIRD 0
#endif
#define ALL (FIRST + SECOND + THIRD)
#define CHUNKS 16
#define NIL 255
#define LINK 128

byte tickets = 0;
byte taken = 0;
byte hint = 0;
byte head = 0;
byte fresh_one = 1; /* the next chunk that was never live */
short spares = 0;   /* a set; taken whole, as the source's stack */
short freed = 0;
byte index[CHUNKS];
byte next[CHUNKS];
byte prev[CHUNKS];
byte filled[CHUNKS];

#ifdef NO_MARK
#define UNSET(k) 1
#else
#define UNSET(k) (2 * (k) + 1)
#endif
#define LIVE(c) assert((freed & (1 << (c))) == 0)

inline enter(c, k) /* ingress_enter(), (T6) */
{
    atomic {
        LIVE(c);
        if
        :: index[c] == 2 * (k) + 1 -> index[c] = 2 * (k)
        :: else
        fi
    }
}

/* chunk_get(): a spare for who is pinned, out of the whole set, the rest put back; or a new one. */
inline chunk_get(f, pinned)
{
    f = 0;
    if
    :: pinned ->
        atomic { set = spares; spares = 0 } /* (T14) */
        if
        :: set != 0 ->
            atomic {
                do
                :: (set & (1 << f)) != 0 -> break
                :: else -> f = f + 1
                od;
                set = set ^ (1 << f);
                spares = spares | set;
                set = 0
            }
        :: else
        fi
    :: else
    fi;
    if
    :: f == 0 -> atomic { f = fresh_one; fresh_one = fresh_one + 1; assert(f < CHUNKS) }
    :: else
    fi
}

/* install_next(): n is the chunk after [c], which is believed to be chunk k; NIL if it is not. */
inline install_next(c, k, pinned, n)
{
    atomic { LIVE(c); n = next[c] } /* (T12) */
    if
    :: n != UNSET(k) -> n = (n >= LINK -> n - LINK : NIL)
    :: else ->
        chunk_get(f, pinned);
        atomic { prev[f] = c; next[f] = UNSET(k + 1) }
        index[f] = 2 * (k + 1) + 1;
        atomic { /* (T12) */
            LIVE(c);
            n = next[c];
            if
            :: n == UNSET(k) -> next[c] = LINK + f; n = f; f = NIL
            :: else -> n = (n >= LINK -> n - LINK : NIL)
            fi
        }
        if
        :: f == NIL -> enter(n, k + 1)
        :: else ->
            atomic { LIVE(f); index[f] = NIL }
            atomic { spares = spares | (1 << f) } /* (T14) */
        fi;
        f = 0
    fi
}

inline fill()
{
    atomic {
        LIVE(c);
        assert(filled[c] == 0 && index[c] == 2 * t);
        filled[c] = t + 1
    }
}

proctype producer(byte left)
{
    byte t, c, j, n, f;
    short set;
again:
    left = left - 1;
    atomic { t = tickets; tickets = tickets + 1 } /* (T1) */
look: /* ingress_chunk(), ingress_find() */
    c = hint;                       /* (T3) */
    atomic { LIVE(c); j = index[c] } /* (T5) */
    if
    :: j == NIL || j % 2 == 1 -> goto look
    :: else -> j = j / 2
    fi;
    if
    :: j == t -> goto found
    :: j > t ->
        do
        :: j > t -> atomic { LIVE(c); c = prev[c]; j = j - 1 }
        :: else -> break
        od;
        goto found
    :: else
    fi;
    do /* walk_forward() */
    :: j < t ->
        install_next(c, j, false, n);
        if
        :: n == NIL -> goto look
        :: else
        fi;
#ifndef NO_SECOND_LOOK
        atomic { LIVE(c); f = index[c] } /* (T5) */
        if
        :: f != 2 * j -> f = 0; goto look
        :: else -> f = 0
        fi;
#endif
        j = j + 1;
        enter(n, j);
        c = n
    :: else -> break
    od;
    hint = c; /* (T4) */
found:
#ifdef FILL_BEFORE_INSTALL
    fill();
#endif
    install_next(c, t, true, n);
    assert(n != NIL);
#ifndef FILL_BEFORE_INSTALL
    fill();
#endif
    atomic { c = 0; j = 0; n = 0; f = 0; t = 0 }
    if
    :: left > 0 -> goto again
    :: else
    fi
}

active proctype owner()
{
    byte old, n;
    short set;
    atomic {
        index[0] = 0;
        next[0] = UNSET(0);
        for (n : 1 .. CHUNKS - 1) {
            index[n] = NIL
        }
        n = 0;
        run producer(FIRST);
        run producer(SECOND);
        if
        :: THIRD > 0 -> run producer(THIRD)
        :: else
        fi
    }
    do
    :: taken == ALL -> break
    :: taken < ALL && filled[head] != 0 ->
        atomic {
            assert(filled[head] == taken + 1);
            filled[head] = 0;
            taken = taken + 1
        }
        atomic { old = head; n = next[old]; assert(n >= LINK); n = n - LINK } /* (T12) */
        enter(n, taken);
        head = n;
        atomic { /* (T4) */
            if
            :: hint == old -> hint = n
            :: else
            fi
        }
#ifdef FREE_AT_RETIRE
        freed = freed | (1 << old);
#else
        index[old] = NIL; /* (T6) */
        atomic { spares = spares | (1 << old) } /* (T14) */
#endif
        /* trim */
        atomic { set = spares; spares = 0 } /* (T14) */
        atomic { /* (T9) */
            if
#ifdef TRIM_WITH_OPEN_CLAIM
            :: true
#else
            :: tickets == taken
#endif
                -> freed = freed | set
            :: else -> spares = spares | set
            fi;
            set = 0
        }
        atomic { old = 0; n = 0 }
    od
}
