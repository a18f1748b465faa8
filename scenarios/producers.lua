-- SPDX-License-Identifier: MIT
-- Threads at full speed: what the ingress carries, one by one and in batches; for one thread, how much
-- depends on where it stands; and with tasks that do something (work_ns). More threads than processors
-- measure oversubscription, too.
local points = require "points"

local function threads(count, batch, work_ns)
    return { threads = count, batch = batch or 1, work_ns = work_ns or 0 }
end

local list = {}
for _, count in ipairs { 1, 2, 4, 8 } do
    for _, batch in ipairs { 1, 8, 64 } do
        list[#list + 1] = point {
            id = "threads=" .. count .. ",batch=" .. batch,
            core = count == 2 and batch == 1,
            needs = batch > 1 and { "BATCH" } or nil,
            params = threads(count, batch),
        }
    end
end

return scenario {
    name = "producers",
    summary = "threads submit as fast as the loop takes it, one by one or in batches",
    family = "cap",
    primary = "ns_per_task",
    points = points.join(
        list,
        point { id = "threads=1,work_ns=1000", params = threads(1, 1, 1000) },
        point { id = "threads=2,work_ns=1000", params = threads(2, 1, 1000) },
        points.placed("threads=1,batch=1", threads(1))
    ),
    plan = function(p)
        return loads.producers { threads = p.threads, batch = p.batch, work_ns = p.work_ns }
    end,
}
