/* SPDX-License-Identifier: MIT */
/*
 * The gate (common/parts/gate.h), which every contestant's termination and destroy rely on, and the
 * records' chunks that are freed when nobody is inside (common/parts/ops.h). Two callers enter,
 * look a chunk up, use it and push; the owner takes the chunk out of use, frees it once it has seen
 * the gate empty, then closes the gate, waits, and counts what was pushed.
 *
 * variant: G1_ENTER=acq_rel must-fail race "the entry does not precede the look at the chunk"
 * variant: O1_LOOK=acquire must-fail freed "the look at the chunk is not in S"
 * variant: O2_RETIRE=acq_rel must-fail freed "the retiring is not in S"
 * variant: G3_EMPTY=acquire must-fail race "the look at the gate is not in S"
 * variant: G2_LEAVE=relaxed must-fail race "what the caller did is not seen by the waiter"
 * variant: O2_GROW=relaxed must-fail race "the chunk is not published"
 * variant: CHECK_THEN_ENTER must-fail assertion "a call is accepted after the closing"
 * variant: LEAVE_BEFORE_PUSH must-fail race "the waiter goes on while the call still writes"
 * variant: FREE_WITHOUT_LOOK must-fail race "somebody is inside"
 * variant: LOOK_BEFORE_RETIRE must-fail race "who enters after the look sees the chunk"
 */
#include "common/models/model.h"

ORDER(G1_ENTER, "G1", "common/parts/gate.h", gate_enter, fetch_add, seq_cst);
ORDER(G2_LEAVE, "G2", "common/parts/gate.h", gate_leave, fetch_sub, release);
ORDER(G3_EMPTY, "G3", "common/parts/gate.h", gate_is_empty, load, seq_cst);
ORDER(G4_CLOSE, "G4", "common/parts/gate.h", gate_close, fetch_or, seq_cst);
ORDER(O1_LOOK, "O1", "common/parts/ops.h", ops_chunk, load, seq_cst);
ORDER(O2_RETIRE, "O2", "common/parts/ops.c", retire_chunks, exchange, seq_cst);
ORDER(O2_GROW, "O2", "common/parts/ops.c", grow, store, release);
FAULT(CHECK_THEN_ENTER);
FAULT(LEAVE_BEFORE_PUSH);
FAULT(FREE_WITHOUT_LOOK);
FAULT(LOOK_BEFORE_RETIRE);

enum { CLOSED = 1, ONE = 2 };

struct records {
    rl::var<int> value;
};

template <int callers> struct gate_model : rl::test_suite<gate_model<callers>, callers + 1> {
    rl::atomic<unsigned> gate;
    rl::atomic<records *> chunk;
    rl::var<int> pushed[callers];
    int accepted, counted; /* seen by the model only */
    bool over;

    void before()
    {
        gate($).store(0);
        chunk($).store(NULL);
        for (int i = 0; i < callers; i++)
            pushed[i]($) = 0;
        accepted = counted = 0;
        over = false;
    }

    void leave()
    {
        SUB(gate, ONE, G2_LEAVE);
    }

    bool enter()
    {
        if (CHECK_THEN_ENTER) {
            if ((LOAD(gate, G3_EMPTY) & CLOSED) != 0)
                return false;
            ADD(gate, ONE, G1_ENTER);
            return true;
        }
        if ((ADD(gate, ONE, G1_ENTER) & CLOSED) == 0)
            return true;
        leave();
        return false;
    }

    void caller(int who)
    {
        if (!enter())
            return;
        accepted++;
        CHECK(!over);
        records *seen = LOAD(chunk, O1_LOOK);
        if (seen != NULL)
            CHECK(seen->value($) == 5);
        if (LEAVE_BEFORE_PUSH)
            leave();
        pushed[who]($) = 1;
        if (!LEAVE_BEFORE_PUSH)
            leave();
    }

    bool is_empty()
    {
        return LOAD(gate, G3_EMPTY) < ONE;
    }

    static void free_records(records *mine)
    {
        mine->value($) = 0; /* so that a reader that is not ordered before this is seen as a race */
        delete mine;
    }

    void owner()
    {
        records *mine = new records;
        mine->value($) = 5;
        STORE(chunk, mine, O2_GROW);
        bool early = LOOK_BEFORE_RETIRE ? is_empty() : false;
        EXCHANGE(chunk, (records *)NULL, O2_RETIRE);
        bool nobody = FREE_WITHOUT_LOOK || (LOOK_BEFORE_RETIRE ? early : is_empty());
        if (nobody)
            free_records(mine);
        OR(gate, CLOSED, G4_CLOSE);
        while (!is_empty())
            YIELD();
        over = true;
        for (int i = 0; i < callers; i++)
            counted += pushed[i]($);
        CHECK(counted == accepted);
        if (!nobody)
            free_records(mine);
    }

    void thread(unsigned index)
    {
        if (index == 0)
            owner();
        else
            caller(int(index) - 1);
    }
};

int main(int argc, char **argv)
{
    run_fn *quick = run_search<gate_model<2>, PREEMPTIONS>;
    run_fn *full = run_search<gate_model<3>, PREEMPTIONS>;
    return run_model(argc, argv, quick, 4, full, 4);
}
