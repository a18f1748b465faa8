-- SPDX-License-Identifier: MIT
-- What a server does: tasks, messages on descriptors and timers at once.
local points = require "points"

return scenario {
    name = "mixed",
    summary = "70 % tasks, 20 % pipe messages, 10 % timers on a Poisson schedule",
    family = "p99",
    needs = { "FDS", "TIMERS" },
    primary = "latency_p99_ns",
    points = points.product({ { "percent", 30, 60, 90 } }, { "percent=60" }),
    plan = function(p)
        return loads.mixed { percent = p.percent }
    end,
}
