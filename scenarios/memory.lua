-- SPDX-License-Identifier: MIT
-- Resident memory by item: pending tasks, pending timers, watched descriptors, loops that wait.
return scenario {
    name = "memory",
    summary = "resident bytes per pending task, pending timer, watched descriptor, or loop",
    family = "mem",
    primary = "bytes_per_item",
    points = {
        point { id = "tasks=1000000", core = true, params = { item = "task", count = 1000000 } },
        point { id = "timers=100000", needs = { "TIMERS" }, params = { item = "timer", count = 100000 } },
        point {
            id = "descriptors=10000",
            needs = { "FDS" },
            params = { item = "descriptor", count = 10000 },
        },
        point { id = "loops=100", params = { item = "loop", count = 100 } },
    },
    plan = function(p)
        return loads.memory { item = p.item, count = p.count }
    end,
}
