/* SPDX-License-Identifier: MIT */
/*
 * Where fastpath sleeps (impls/fastpath/loop.c): in the futex without descriptors, in epoll with
 * one or when disabled, looked at again after the announcement. Scenario 1: a thread watches a
 * descriptor, which becomes readable at once; a sleeper in the futex would never see it. Scenario
 * 2: a thread disables the fast path, then a descriptor of the kernel (backend_fd's user) polls. In
 * both another thread submits one task; who claims the wake-up learns from the word where to
 * signal.
 *
 * variant: WATCH_WITHOUT_NOTIFY must-fail deadlock "the sleeper in the futex misses the descriptor"
 * variant: CHOICE_NOT_REPEATED must-fail deadlock "a descriptor between choice and announcement"
 * variant: NOTIFY_BEFORE_WATCH must-fail deadlock "the sleeper is looked for too early"
 * variant: SIGNAL_BY_MODE must-fail deadlock "the waker guesses where the owner sleeps"
 * variant: F9_COUNT=acquire must-fail deadlock "the choice is not in S"
 * variant: F9_ADD=acq_rel must-fail deadlock "the descriptor is not in S"
 * variant: F11_MODE=acquire must-fail deadlock "the choice is not in S"
 * variant: F11_SET=release must-fail deadlock "the mode is not in S"
 * variant: W1_LOOK=acquire must-fail deadlock "the announcement is not seen"
 * variant: W2_ANNOUNCE=acq_rel must-fail deadlock "the announcement is not in S"
 */
#include "common/models/model.h"

ORDER(F9_COUNT, "F9", "common/parts/fdtable.h", fdtable_count, load, seq_cst);
ORDER(F9_ADD, "F9", "common/parts/fdtable.c", count_add, fetch_add, seq_cst);
ORDER(F11_MODE, "F11", "common/parts/fdtable.h", fdtable_mode, load, seq_cst);
ORDER(F11_SET, "F11", "common/parts/fdtable.c", fdtable_set_mode, store, seq_cst);
ORDER(T1_CLAIM, "T1", "common/parts/ingress_tickets.h", ingress_claim, fetch_add, seq_cst);
ORDER(T10_LOOK, "T10", "common/parts/ingress_tickets.h", ingress_claimed, load, seq_cst);
ORDER(W1_LOOK, "W1", "common/parts/wake.h", wake_claim, load, seq_cst);
ORDER(W2_ANNOUNCE, "W2", "common/parts/wake.h", wake_announce, exchange, seq_cst);
ORDER(W3_RETRACT, "W3", "common/parts/wake.h", wake_retract, exchange, acq_rel);
ORDER(W4_WIN, "W4", "common/parts/wake.h", wake_claim, compare_exchange_strong, acq_rel, relaxed);
FAULT(WATCH_WITHOUT_NOTIFY);
FAULT(CHOICE_NOT_REPEATED);
FAULT(NOTIFY_BEFORE_WATCH);
FAULT(SIGNAL_BY_MODE);

enum { AWAKE, FUTEX, EVENTFD, CLAIMED, KIND_MASK = 3, EPOCH_ONE = 4 };
enum scenario { WATCHED, DISABLED };

template <scenario what> struct path_model : rl::test_suite<path_model<what>, 3> {
    rl::atomic<unsigned> tickets, parked, count, disabled;
    kernel_event futex, epoll;
    unsigned epoch, taken;
    bool told; /* seen by the model only: epoll has shown what the other thread did */

    void before()
    {
        tickets($).store(0);
        parked($).store(AWAKE);
        count($).store(0);
        disabled($).store(0);
        epoch = taken = 0;
        told = false;
    }

    bool is_fast()
    {
        return LOAD(disabled, F11_MODE) == 0 && LOAD(count, F9_COUNT) == 0;
    }

    void notify()
    {
        unsigned word = LOAD(parked, W1_LOOK);
        unsigned kind = word & KIND_MASK;
        if (kind == AWAKE || kind == CLAIMED || !CAS(parked, word, word | CLAIMED, W4_WIN))
            return;
        bool sleeps_in_futex = SIGNAL_BY_MODE ? is_fast() : kind == FUTEX;
        if (sleeps_in_futex)
            futex.signal($);
        else
            epoll.signal($);
    }

    void submit()
    {
        ADD(tickets, 1, T1_CLAIM);
        notify();
    }

    void change()
    {
        if (NOTIFY_BEFORE_WATCH)
            notify();
        if (what == WATCHED)
            ADD(count, 1, F9_ADD);
        else
            STORE(disabled, 1, F11_SET);
        told = true;
        epoll.signal($); /* the descriptor is readable; in scenario 2, one that epoll had before */
        if (!NOTIFY_BEFORE_WATCH && !WATCH_WITHOUT_NOTIFY)
            notify();
    }

    void owner()
    {
        for (;;) {
            unsigned claimed = LOAD(tickets, T10_LOOK);
            taken = claimed;
            bool fast = is_fast();
            if (taken == 1 && !fast && told)
                break;
            EXCHANGE(parked, (epoch += EPOCH_ONE) | (fast ? FUTEX : EVENTFD), W2_ANNOUNCE);
            bool quiet =
                LOAD(tickets, T10_LOOK) == taken && (CHOICE_NOT_REPEATED || is_fast() == fast);
            if (quiet && fast)
                futex.wait($);
            else if (quiet)
                epoll.wait($);
            EXCHANGE(parked, (epoch += EPOCH_ONE) | AWAKE, W3_RETRACT);
        }
    }

    void thread(unsigned index)
    {
        if (index == 0)
            owner();
        else if (index == 1)
            submit();
        else
            change();
    }
};

int main(int argc, char **argv)
{
    run_fn *both = run_both<run_search<path_model<WATCHED>, PREEMPTIONS>,
                            run_search<path_model<DISABLED>, PREEMPTIONS>>;
    return run_model(argc, argv, both, 3, both, 5);
}
