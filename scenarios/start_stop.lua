-- SPDX-License-Identifier: MIT
-- The life of a short-lived loop.
return scenario {
    name = "start_stop",
    summary = "create a loop, run one task, end, destroy",
    family = "start",
    primary = "cycle_p50_ns",
    points = {
        point { id = "bare", core = true, params = { shape = "bare" } },
        point { id = "thread", params = { shape = "thread" } },
    },
    plan = function(p)
        return loads.start_stop { shape = p.shape }
    end,
}
