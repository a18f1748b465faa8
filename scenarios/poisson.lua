-- SPDX-License-Identifier: MIT
-- Tasks at random times, at a share of a rate that is the same for everybody; latency counts from
-- the time at which a task should have been sent.
local points = require "points"

return scenario {
    name = "poisson",
    summary = "tasks on a Poisson schedule at a share of the common rate",
    family = "p99",
    primary = "latency_p99_ns",
    points = points.product({ { "percent", 30, 60, 90 } }, { "percent=60" }),
    plan = function(p)
        return loads.open_loop { percent = p.percent, arrivals = "poisson" }
    end,
}
