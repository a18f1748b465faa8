/* SPDX-License-Identifier: MIT */
/*
 * The sleep word over many sleeps, with system calls that fail (common/parts/wake.h): chunked and
 * fastpath. Two producers submit two tasks and one (two with FULL); the owner sleeps in the futex or on the eventfd by
 * turns; every signal may fail for good, once in all, which reopens the claim. At the end the loop
 * is destroyed. The memory orders are the business of wake.cc; here every step is seen at once.
 *
 * Checked: no invalid end state (a sleeper with work), one signal per announcement at most, the
 * descriptor is open at each write, claims and done agree.
 *
 * source: W1 common/parts/wake.h wake_claim load seq_cst
 * source: W2 common/parts/wake.h wake_announce exchange seq_cst
 * source: W3 common/parts/wake.h wake_retract exchange acq_rel
 * source: W4 common/parts/wake.h wake_claim compare_exchange_strong acq_rel,relaxed
 * source: W5 common/parts/wake.h wake_signal compare_exchange_strong acq_rel,relaxed
 * source: T1 common/parts/ingress_tickets.h ingress_claim fetch_add seq_cst
 * source: T10 common/parts/ingress_tickets.h ingress_claimed load seq_cst
 * source: K2 common/parts/counter.h shared_counter_add fetch_add seq_cst
 * source: K2 common/parts/counter.h shared_counter_get load seq_cst
 *
 * variant: NO_LOOK must-fail deadlock "a claim before the announcement"
 * variant: LOOK_FIRST must-fail deadlock "a claim between look and announcement"
 * variant: WAKE_BEFORE_CLAIM must-fail deadlock "the sleeper is looked for too early"
 * variant: CLAIM_BY_STORE must-fail assertion "two signals for one announcement"
 * variant: FUTEX_WITHOUT_COMPARE must-fail deadlock "the futex sleeps though it was claimed"
 * variant: NO_REOPEN must-fail deadlock "a failed signal strands the sleeper for good"
 * variant: NO_EPOCH must-fail assertion "a late failure reopens the claim of a later sleep"
 * variant: RETRACT_BY_STORE must-fail assertion "the claim is not counted, so destroy does not wait"
 * variant: DONE_BEFORE_WRITE must-fail assertion "a write to a closed descriptor"
 * variant: NO_WAIT_DONE must-fail assertion "a write to a closed descriptor"
 */
#ifdef FULL
#define ALL 4
#else
#define ALL 3
#endif

#define AWAKE 0
#define FUTEX 1
#define EVENTFD 2
#define CLAIMED 3

byte kind = AWAKE;  /* parked: its kind */
byte epoch = 0;     /* and its epoch, counted up by the owner */
byte tickets = 0;
byte taken = 0;
bool filled[ALL];
bool eventfd = false;   /* the descriptor is readable */
bool in_futex = false;  /* the owner is in the kernel's futex queue */
bool open = true;       /* the descriptor */
byte claims = 0;
byte done = 0;
byte signals = 0;       /* successful ones for the present announcement */
bool may_fail = true;   /* one signal, whichever */
bool hopeless = false;  /* ... and its maker is done with it */
bool late_is_over = false;

inline announce(k) /* (W2) */
{
    atomic {
        claims = claims + (kind == CLAIMED -> 1 : 0);
        epoch = epoch + 1;
        kind = k;
        signals = 0
    }
}

inline retract() /* (W3) */
{
    atomic {
#ifndef RETRACT_BY_STORE
        claims = claims + (kind == CLAIMED -> 1 : 0);
#endif
        epoch = epoch + 1;
        kind = AWAKE
    }
}

/* wake_claim(): (W1), then (W4). [k] is what was claimed, AWAKE for nothing. */
inline claim(k, e)
{
    atomic { k = kind; e = epoch }
    if
    :: k == AWAKE || k == CLAIMED -> k = AWAKE
    :: else ->
#ifdef CLAIM_BY_STORE
        atomic { kind = CLAIMED }
#else
        atomic {
            if
            :: kind == k && epoch == e -> kind = CLAIMED
            :: else -> k = AWAKE
            fi
        }
#endif
    fi
}

/* wake_signal(): the system call, or its failure and (W5) */
inline signal(k, e)
{
#ifdef DONE_BEFORE_WRITE
    done = done + 1;
#endif
    if
    :: atomic {
        assert(open);
        if
        :: k == FUTEX -> in_futex = false
        :: else -> eventfd = true
        fi;
        if
        :: epoch == e -> signals = signals + 1; assert(signals <= 1)
        :: else
        fi }
#ifndef DONE_BEFORE_WRITE
       done = done + 1
#endif
    :: atomic { may_fail -> may_fail = false; assert(open) };
#ifdef NO_REOPEN
       atomic { done = done + 1; hopeless = true }
#else
       atomic {
           hopeless = true;
           if
#ifdef NO_EPOCH
           :: kind == CLAIMED -> assert(epoch == e); kind = k
#else
           :: kind == CLAIMED && epoch == e -> kind = k
#endif
           :: else -> done = done + 1
           fi
       }
#endif
    fi
}

proctype producer(byte items)
{
    byte t, k, e;
    do
    :: items > 0 -> items = items - 1;
#ifdef WAKE_BEFORE_CLAIM
        claim(k, e);
#endif
        atomic { t = tickets; tickets = tickets + 1 } /* (T1) */
#ifndef WAKE_BEFORE_CLAIM
        claim(k, e);
#endif
        filled[t] = true;
        if
        :: k != AWAKE -> signal(k, e)
        :: else
        fi;
        t = 0; k = 0; e = 0 /* fewer states */
    :: else -> break
    od
}

/*
 * After a signal that failed for good nothing but the next submit wakes the owner: the source
 * promises no more. A submit after the reopening stands for it here.
 */
proctype next_submit()
{
    byte k, e;
end:
    hopeless && tickets == ALL;
    claim(k, e);
    if
    :: k != AWAKE -> signal(k, e)
    :: else
    fi;
    late_is_over = true
}

active proctype owner()
{
    byte use = FUTEX;
    byte seen;
    atomic {
        run producer(2);
        run producer(ALL - 2);
        run next_submit()
    }
    do
    :: taken == ALL -> break
    :: taken < ALL && filled[taken] -> taken = taken + 1
    :: taken < ALL && !filled[taken] && tickets > taken -> filled[taken] /* it naps */
    :: taken < ALL && tickets == taken ->
#ifdef LOOK_FIRST
        seen = tickets; /* (T10) */
#endif
        announce(use);
#ifndef LOOK_FIRST
        seen = tickets; /* (T10) */
#endif
#ifdef NO_LOOK
        seen = taken;
#endif
        if
        :: seen != taken
        :: seen == taken && use == EVENTFD -> atomic { eventfd -> eventfd = false }
        :: seen == taken && use == FUTEX ->
            atomic {
#ifdef FUTEX_WITHOUT_COMPARE
                in_futex = true
#else
                in_futex = (kind == FUTEX)
#endif
            }
            !in_futex
        fi;
        retract();
        use = (use == FUTEX -> EVENTFD : FUTEX)
    od;
    atomic {
        if
        :: !may_fail -> late_is_over
        :: may_fail -> may_fail = false
        fi
    }
    /* destroy: those inside have filled their slots or are in their signal */
    retract();
#ifndef NO_WAIT_DONE
    done >= claims;
#endif
    open = false
}
