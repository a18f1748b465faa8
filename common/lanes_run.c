/* SPDX-License-Identifier: MIT */
/* See lanes_loop.h. */
#include "common/lanes_loop.h"
#include "common/parts/point.h"

#include <sched.h>

LANES_GROUP;

static size_t run_lane(struct velo_loop *loop, int lane)
{
    struct velo_core *core = core_of(loop);
    struct lanes *lanes = lanes_of(loop);
    struct velo_task task;
    size_t ran = 0;
    uint64_t present = ingress_count(&lanes->queue[lane]); /* S5 */
    while (ran < present && !core_lane_ends(core, ran) && lanes_pop(lanes, lane, &task)) {
        core_call(core, (enum velo_lane)lane, task.fn, task.arg);
        ran++;
    }
    return ran;
}

size_t loop_run_tasks(struct velo_loop *loop)
{
    struct velo_core *core = core_of(loop);
    core_slice_begin(core);
    if (core_has_completions(core)) /* R4 */
        core_fence(core, ingress_count(&lanes_of(loop)->queue[LANE_NORMAL]));
    size_t urgent = run_lane(loop, LANE_PRIORITY); /* S6 */
    size_t ran = run_lane(loop, LANE_NORMAL);
    return urgent + ran + core_run_completions(core, ran);
}

bool loop_take_task(struct velo_loop *loop, enum velo_lane *lane, struct velo_task *task)
{
    struct lanes *lanes = lanes_of(loop);
    while (lanes_count(lanes) > 0) {
        for (int i = LANE_PRIORITY; i >= LANE_NORMAL; i--) {
            *lane = (enum velo_lane)i;
            if (lanes_pop(lanes, i, task))
                return true;
        }
        sched_yield(); /* a producer is between its claim and its filling */
    }
    return false;
}

/*
 * The wake protocol is that of parts/wake.h, whose proof speaks of "queue words". Here these are
 *   the ticket words of both lanes   producers: fetch-add (T1), then look at parked (W1)
 *   the core's mail and states       published before loop_notify() looks at parked (W1)
 * and the owner announces (W2), then looks at all of them (T10, core_must_look), then waits. The
 * look at the ticket word, and not at the next slot, is essential: a claimed slot that is not
 * filled yet counts as work. The owner then takes naps of growing length instead of a sleep for
 * good, for its producer will not signal: it found the owner awake.
 */
int lanes_sleep(struct velo_loop *loop,
                int64_t timeout_ns,
                int (*wait)(struct velo_core *core, int64_t timeout_ns))
{
    struct velo_core *core = core_of(loop);
    struct lanes *lanes = lanes_of(loop);
    bool nap = lanes->nap_ns != 0; /* a claim is open: the ticket word is no reason to stay up */
    if (core_must_look(core)) /* before the announcement, which would cost its sender a wake-up */
        return wait(core, 0);
    if (!core_sleep_begin(core))
        return 0;
    wake_announce(&lanes->wake, WAKE_EVENTFD);
    counter_add(&core->ledger.parks, 1);
    bool quiet = (nap || lanes_count(lanes) == 0) && !core_must_look(core);
    VELO_POINT(SLEEP_CHECKED);
    int rc = wait(core, quiet ? timeout_ns : 0);
    VELO_POINT(SLEEP_LEFT);
    wake_retract(&lanes->wake);
    core_sleep_end(core);
    return rc;
}
