-- SPDX-License-Identifier: MIT
-- Nothing to do. Use --window-ms 10000 for the ten seconds of the promise "no wake-up, no CPU".
return scenario {
    name = "idle",
    summary = "nothing to do: processor time of a waiting loop",
    family = "idle",
    primary = "idle_cpu_ns_per_s",
    points = {
        point { id = "empty", core = true, params = { timers = 0, descriptors = 0 } },
        point {
            id = "timers=1000,descriptors=100",
            needs = { "TIMERS", "FDS" },
            params = { timers = 1000, descriptors = 100 },
        },
    },
    plan = function(p)
        return loads.idle { timers = p.timers, descriptors = p.descriptors }
    end,
}
