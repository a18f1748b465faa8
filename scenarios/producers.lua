-- SPDX-License-Identifier: MIT
-- Threads at full speed: what the ingress carries, one by one and in batches; and for one thread, how
-- much depends on where it stands.
local points = require "points"

return scenario {
    name = "producers",
    summary = "threads submit as fast as the loop takes it, one by one or in batches",
    family = "cap",
    primary = "ns_per_task",
    points = points.join(
        points.product({ { "threads", 1, 2, 4 }, { "batch", 1, 8, 64 } }, { "threads=2,batch=1" }),
        points.placed("threads=1,batch=1", { threads = 1, batch = 1 })
    ),
    plan = function(p)
        return loads.producers { threads = p.threads, batch = p.batch }
    end,
}
