-- SPDX-License-Identifier: MIT
-- The life of a short-lived loop: with a task alone, with a thread of its own, with a timer and a
-- descriptor. A cold process, and several loops at once, are in the process lane.
return scenario {
    name = "start_stop",
    summary = "create a loop, run one task, end, destroy",
    family = "start",
    primary = "cycle_p50_ns",
    points = {
        point { id = "bare", core = true, params = { shape = "bare" } },
        point { id = "thread", params = { shape = "thread" } },
        point { id = "equipped", needs = { "TIMERS", "FDS" }, params = { shape = "equipped" } },
    },
    plan = function(p)
        return loads.start_stop { shape = p.shape }
    end,
}
