/* SPDX-License-Identifier: MIT */
/*
 * What only the owner can tell the kernel (impls/uring/watch.c): two threads leave changes in a
 * list under the table's lock, count them, and look for a sleeper once they have released it. The
 * owner announces its sleep, then looks at the count, and takes the list under the lock.
 *
 * variant: U2_CHANGE=acq_rel must-fail deadlock "the change is not seen by the last look"
 * variant: U2_LOOK=acquire must-fail deadlock "the last look is not in S"
 * variant: W1_LOOK=acquire must-fail deadlock "who made the change does not see the announcement"
 * variant: W2_ANNOUNCE=acq_rel must-fail deadlock "the announcement is not in S"
 * variant: ANNOUNCE_AFTER_LOOK must-fail deadlock "a change between look and announcement"
 * variant: NOTIFY_BEFORE_CHANGE must-fail deadlock "the sleeper is looked for too early"
 * variant: TAKE_WITHOUT_LOCK must-fail race "the list is not guarded"
 */
#include "common/models/model.h"

ORDER(U2_CHANGE, "U2", "impls/uring/watch.c", count, fetch_add, seq_cst);
ORDER(U2_LOOK, "U2", "impls/uring/watch.c", core_has_changes, load, seq_cst);
ORDER(W1_LOOK, "W1", "common/parts/wake.h", wake_claim, load, seq_cst);
ORDER(W2_ANNOUNCE, "W2", "common/parts/wake.h", wake_announce, exchange, seq_cst);
ORDER(W3_RETRACT, "W3", "common/parts/wake.h", wake_retract, exchange, acq_rel);
ORDER(W4_WIN, "W4", "common/parts/wake.h", wake_claim, compare_exchange_strong, acq_rel, relaxed);
FAULT(ANNOUNCE_AFTER_LOOK);
FAULT(NOTIFY_BEFORE_CHANGE);
FAULT(TAKE_WITHOUT_LOCK);

enum { AWAKE, EVENTFD = 2, CLAIMED = 3, KIND_MASK = 3, EPOCH_ONE = 4 };

template <int changers>
struct changes_model : rl::test_suite<changes_model<changers>, changers + 1> {
    rl::mutex lock;
    rl::var<int> list; /* guarded by lock: how many changes it holds */
    rl::atomic<unsigned> changes, parked;
    kernel_event eventfd;
    unsigned epoch;
    int told; /* seen by the model only */

    void before()
    {
        list($) = 0;
        changes($).store(0);
        parked($).store(AWAKE);
        epoch = 0;
        told = 0;
    }

    void notify()
    {
        unsigned word = LOAD(parked, W1_LOOK);
        unsigned kind = word & KIND_MASK;
        if (kind == AWAKE || kind == CLAIMED)
            return;
        if (CAS(parked, word, word | CLAIMED, W4_WIN))
            eventfd.signal($);
    }

    void change()
    {
        if (NOTIFY_BEFORE_CHANGE)
            notify();
        lock.lock($);
        list($) = list($) + 1;
        ADD(changes, 1, U2_CHANGE);
        lock.unlock($);
        if (!NOTIFY_BEFORE_CHANGE && LOAD(changes, U2_LOOK) != 0)
            notify();
    }

    void tell()
    {
        if (!TAKE_WITHOUT_LOCK)
            lock.lock($);
        int taken = list($);
        list($) = 0;
        told += taken;
        ADD(changes, unsigned(-taken), U2_CHANGE);
        if (!TAKE_WITHOUT_LOCK)
            lock.unlock($);
    }

    /* One wait: what has changed is told before it blocks, and ends it here. */
    void wait()
    {
        bool early = ANNOUNCE_AFTER_LOOK && LOAD(changes, U2_LOOK) != 0;
        EXCHANGE(parked, (epoch += EPOCH_ONE) | EVENTFD, W2_ANNOUNCE);
        if (early || (!ANNOUNCE_AFTER_LOOK && LOAD(changes, U2_LOOK) != 0))
            tell();
        else
            eventfd.wait($);
        EXCHANGE(parked, (epoch += EPOCH_ONE) | AWAKE, W3_RETRACT);
    }

    void thread(unsigned index)
    {
        if (index != 0)
            change();
        while (index == 0 && told < changers)
            wait();
    }
};

int main(int argc, char **argv)
{
    run_fn *quick = run_search<changes_model<2>, PREEMPTIONS>;
    run_fn *full = run_search<changes_model<3>, PREEMPTIONS>;
    return run_model(argc, argv, quick, 3, full, 3);
}
