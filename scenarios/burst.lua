-- SPDX-License-Identifier: MIT
-- A burst of tasks, and the wait for the last: what a loop makes of work that comes in lumps. One by
-- one, whatever the loop does between two bursts; by batches of 64; and for a loop that is kept awake,
-- or met asleep.
local function burst(n, batch, keep)
    local id = "n=" .. n .. (batch > 1 and ",batch=" .. batch or "")
    return point {
        id = keep == "free" and id or id .. "," .. keep,
        needs = batch > 1 and { "BATCH" } or nil,
        params = { n = n, batch = batch, keep = keep },
    }
end

return scenario {
    name = "burst",
    summary = "submit n tasks, wait for the last one",
    family = "cap",
    primary = "ns_per_task",
    points = {
        burst(1, 1, "free"),
        burst(1024, 1, "free"),
        burst(1024, 64, "free"),
        burst(64, 1, "parked"),
        burst(64, 1, "awake"),
        burst(65536, 1, "free"),
        burst(65536, 64, "free"),
        burst(64, 1, "free"),
        burst(64, 64, "free"),
    },
    plan = function(p)
        return loads.burst { tasks = p.n, batch = p.batch, keep = p.keep }
    end,
}
