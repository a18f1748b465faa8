-- SPDX-License-Identifier: MIT
-- Little to do, all the time: what the processor pays for each task when the loop could sleep in
-- between. A loop that spins is quick here and dear.
local points = require "points"

return scenario {
    name = "sparse",
    summary = "a few thousand tasks per second: processor time per task",
    family = "cpu",
    primary = "cpu_ns_per_task",
    points = points.product({ { "rate", 2000, 20000, 100 } }, { "rate=2000" }),
    plan = function(p)
        return loads.sparse { rate_per_s = p.rate }
    end,
}
