/* SPDX-License-Identifier: MIT */
/*
 * The end of a loop on the sleep word and the tickets (common/parts/wake.h, ingress_tickets.h,
 * gate.h; common/api/termination.c): chunked and fastpath. Scenario 1: two producers, and an owner
 * that sleeps at most once, closes, drains what was accepted and destroys. Scenario 2: a producer,
 * and a thread that exposes the loop for embedding, inside the gate, while the owner ends.
 *
 * [memory] stands for the loop's memory and [descriptor] for its eventfd: every access of an
 * accepted call reads it, destroy writes it. So an access after the end is a race.
 *
 * variant: K2_ADD=relaxed must-fail race "the end of the signal is not published"
 * variant: K2_GET=relaxed must-fail race "the end of the signal is not seen"
 * variant: CLAIM_NOT_COUNTED must-fail race "destroy does not wait for the waker"
 * variant: CLAIM_LOST_AT_ANNOUNCE must-fail race "the claim of an exposure is overwritten"
 * variant: NO_LAST_RETRACT must-fail race "the claim of an exposure at the end"
 * variant: DONE_BEFORE_WRITE must-fail race "the descriptor is closed under the waker"
 * variant: WAKE_AFTER_FILL must-fail race "the sleep word is touched after the last access"
 * variant: T2_FILL=relaxed must-fail race "the last access is not published"
 * variant: T7_TAKE=relaxed must-fail race "the last access is not seen"
 * variant: CLOSED_ASKED_BEFORE must-fail race "accepted after the drain"
 * variant: G2_LEAVE=relaxed must-fail race "the end of a call is not published"
 * variant: LEAVE_BEFORE_EXPOSE must-fail race "a call that has left still writes"
 */
#include "common/models/model.h"

ORDER(T1_CLAIM, "T1", "common/parts/ingress_tickets.h", ingress_claim, fetch_add, seq_cst);
ORDER(T1_CLOSE, "T1", "common/parts/ingress_tickets.h", ingress_close, fetch_or, seq_cst);
ORDER(T2_FILL, "T2", "common/parts/ingress_tickets.h", slot_fill, store, release);
ORDER(T7_TAKE, "T7", "common/parts/ingress_tickets.h", ingress_pop, load, acquire);
ORDER(T10_LOOK, "T10", "common/parts/ingress_tickets.h", ingress_claimed, load, seq_cst);
ORDER(W1_LOOK, "W1", "common/parts/wake.h", wake_claim, load, seq_cst);
ORDER(W2_ANNOUNCE, "W2", "common/parts/wake.h", wake_announce, exchange, seq_cst);
ORDER(W2_SEE, "W2", "common/parts/wake.h", wake_expose, load, seq_cst);
ORDER(W2_EXPOSE, "W2", "common/parts/wake.h", wake_expose, compare_exchange_weak, seq_cst, seq_cst);
ORDER(W3_RETRACT, "W3", "common/parts/wake.h", wake_retract, exchange, acq_rel);
ORDER(W4_WIN, "W4", "common/parts/wake.h", wake_claim, compare_exchange_strong, acq_rel, relaxed);
ORDER(K2_ADD, "K2", "common/parts/counter.h", shared_counter_add, fetch_add, seq_cst);
ORDER(K2_GET, "K2", "common/parts/counter.h", shared_counter_get, load, seq_cst);
ORDER(G1_ENTER, "G1", "common/parts/gate.h", gate_enter, fetch_add, seq_cst);
ORDER(G2_LEAVE, "G2", "common/parts/gate.h", gate_leave, fetch_sub, release);
ORDER(G3_EMPTY, "G3", "common/parts/gate.h", gate_is_empty, load, seq_cst);
ORDER(G4_CLOSE, "G4", "common/parts/gate.h", gate_close, fetch_or, seq_cst);
FAULT(CLAIM_NOT_COUNTED);
FAULT(CLAIM_LOST_AT_ANNOUNCE);
FAULT(NO_LAST_RETRACT);
FAULT(DONE_BEFORE_WRITE);
FAULT(WAKE_AFTER_FILL);
FAULT(CLOSED_ASKED_BEFORE);
FAULT(LEAVE_BEFORE_EXPOSE);

enum { AWAKE, EVENTFD = 2, CLAIMED = 3, KIND_MASK = 3, EPOCH_ONE = 4 };
enum { CLOSED = 1, ONE = 2, SLOTS = 2 };
enum scenario { SUBMITTED, EXPOSED };

template <scenario what> struct destroy_model : rl::test_suite<destroy_model<what>, 3> {
    rl::atomic<unsigned> tickets, parked, done, gate;
    rl::atomic<int> filled[SLOTS];
    rl::var<int> memory, descriptor;
    unsigned epoch, claims, taken, accepted;

    void before()
    {
        tickets($).store(0);
        parked($).store(AWAKE);
        done($).store(0);
        gate($).store(0);
        for (int i = 0; i < SLOTS; i++)
            filled[i]($).store(0);
        memory($) = 1;
        descriptor($) = 1;
        epoch = claims = taken = accepted = 0;
    }

    void touch()
    {
        CHECK(memory($) == 1);
    }

    bool claim_wake()
    {
        touch();
        unsigned word = LOAD(parked, W1_LOOK);
        unsigned kind = word & KIND_MASK;
        if (kind == AWAKE || kind == CLAIMED)
            return false;
        return CAS(parked, word, word | CLAIMED, W4_WIN);
    }

    void signal()
    {
        touch();
        if (DONE_BEFORE_WRITE)
            ADD(done, 1, K2_ADD);
        CHECK(descriptor($) == 1);
        if (!DONE_BEFORE_WRITE)
            ADD(done, 1, K2_ADD);
    }

    void submit()
    {
        if (CLOSED_ASKED_BEFORE && (LOAD(tickets, T10_LOOK) & CLOSED) != 0)
            return;
        unsigned word = ADD(tickets, ONE, T1_CLAIM);
        if (!CLOSED_ASKED_BEFORE && (word & CLOSED) != 0)
            return;
        accepted++;
        bool mine = WAKE_AFTER_FILL ? false : claim_wake();
        touch();
        STORE(filled[word / ONE], 1, T2_FILL);
        if (WAKE_AFTER_FILL)
            mine = claim_wake();
        if (mine)
            signal();
    }

    void expose()
    {
        if ((ADD(gate, ONE, G1_ENTER) & CLOSED) != 0) {
            SUB(gate, ONE, G2_LEAVE);
            return;
        }
        if (LEAVE_BEFORE_EXPOSE)
            SUB(gate, ONE, G2_LEAVE);
        touch();
        unsigned word = LOAD(parked, W2_SEE);
        while ((word & KIND_MASK) == AWAKE && !CAS(parked, word, word | EVENTFD, W2_EXPOSE))
            ;
        if (!LEAVE_BEFORE_EXPOSE)
            SUB(gate, ONE, G2_LEAVE);
    }

    void count_claim(unsigned word)
    {
        if ((word & KIND_MASK) == CLAIMED && !CLAIM_NOT_COUNTED)
            claims++;
    }

    /* Awake by itself: who waits for whom is modelled in wake.cc. */
    void sleep()
    {
        unsigned was = EXCHANGE(parked, (epoch += EPOCH_ONE) | EVENTFD, W2_ANNOUNCE);
        if (!CLAIM_LOST_AT_ANNOUNCE)
            count_claim(was);
        count_claim(EXCHANGE(parked, (epoch += EPOCH_ONE) | AWAKE, W3_RETRACT));
    }

    void owner()
    {
        sleep();
        unsigned last = OR(tickets, CLOSED, T1_CLOSE) / ONE;
        OR(gate, CLOSED, G4_CLOSE);
        while (LOAD(gate, G3_EMPTY) >= ONE)
            YIELD();
        while (taken < last) {
            if (LOAD(filled[taken], T7_TAKE) != 0)
                taken++;
            else
                YIELD();
        }
        if (!NO_LAST_RETRACT)
            count_claim(EXCHANGE(parked, (epoch += EPOCH_ONE) | AWAKE, W3_RETRACT));
        while (LOAD(done, K2_GET) < claims)
            YIELD();
        descriptor($) = 0;
        memory($) = 0;
    }

    void thread(unsigned index)
    {
        if (index == 0)
            owner();
        else if (index == 1 || what == SUBMITTED)
            submit();
        else
            expose();
    }

    void after()
    {
        CHECK(taken == accepted);
    }
};

int main(int argc, char **argv)
{
    run_fn *both = run_both<run_search<destroy_model<SUBMITTED>, PREEMPTIONS>,
                            run_search<destroy_model<EXPOSED>, PREEMPTIONS>>;
    return run_model(argc, argv, both, 4, both, 6);
}
