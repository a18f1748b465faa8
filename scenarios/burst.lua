-- SPDX-License-Identifier: MIT
-- A burst of tasks, and the wait for the last: what a loop makes of work that comes in lumps. One by
-- one, whatever the loop does between two bursts; by batches of 64; and for a loop that is kept awake,
-- or met asleep.
local list = {}
for _, n in ipairs { 1, 64, 1024, 65536 } do
    list[#list + 1] = point { id = "n=" .. n, params = { n = n, batch = 1, keep = "free" } }
end
for _, n in ipairs { 64, 1024, 65536 } do
    list[#list + 1] = point {
        id = "n=" .. n .. ",batch=64",
        needs = { "BATCH" },
        params = { n = n, batch = 64, keep = "free" },
    }
end
for _, keep in ipairs { "awake", "parked" } do
    list[#list + 1] = point { id = "n=64," .. keep, params = { n = 64, batch = 1, keep = keep } }
end

return scenario {
    name = "burst",
    summary = "submit n tasks, wait for the last one",
    family = "cap",
    primary = "ns_per_task",
    points = list,
    plan = function(p)
        return loads.burst { tasks = p.n, batch = p.batch, keep = p.keep }
    end,
}
