-- SPDX-License-Identifier: MIT
-- Nothing to do. Use --window-ms 10000 for the ten seconds of the promise "no wake-up, no CPU".
return scenario {
    name = "idle",
    summary = "nothing to do: processor time of a waiting loop",
    family = "idle",
    primary = "idle_cpu_ns_per_s",
    points = {
        point { id = "empty", core = true, params = { timers = 0, descriptors = 0, metrics = "off" } },
        point {
            id = "timers=1000",
            needs = { "TIMERS" },
            params = { timers = 1000, descriptors = 0, metrics = "off" },
        },
        point {
            id = "descriptors=1000",
            needs = { "FDS" },
            params = { timers = 0, descriptors = 1000, metrics = "off" },
        },
        point {
            id = "metrics",
            needs = { "METRICS" },
            params = { timers = 0, descriptors = 0, metrics = "on" },
        },
        point {
            id = "timers=1000,descriptors=100",
            needs = { "TIMERS", "FDS" },
            params = { timers = 1000, descriptors = 100, metrics = "off" },
        },
    },
    plan = function(p)
        return loads.idle { timers = p.timers, descriptors = p.descriptors, metrics = p.metrics }
    end,
}
