-- SPDX-License-Identifier: MIT
-- A bound that is reached: tasks that come through while most submits are refused, and what a refusal
-- costs who gets it (refusal_p50_ns). Each task takes half a microsecond, or the queue would be empty.
local points = require "points"

return scenario {
    name = "full_queue",
    summary = "a task that is accepted while most are refused",
    family = "cap",
    needs = { "BOUNDED" },
    primary = "ns_per_task",
    points = points.product { { "threads", 2, 8 }, { "max_pending", 64, 4096 } },
    plan = function(p)
        return loads.full_queue { threads = p.threads, max_pending = p.max_pending, work_ns = 500 }
    end,
}
