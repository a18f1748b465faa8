-- SPDX-License-Identifier: MIT
-- A burst of tasks one by one, and the wait for the last: what a loop makes of work that comes in
-- lumps.
local points = require "points"

return scenario {
    name = "burst",
    summary = "submit n tasks, wait for the last one",
    family = "cap",
    primary = "ns_per_task",
    points = points.product { { "n", 1, 64, 1024, 65536 } },
    plan = function(p)
        return loads.burst { tasks = p.n }
    end,
}
