-- SPDX-License-Identifier: MIT
-- What the others suffer when one task in a hundred takes long; each slow one must be reported, once.
-- Most of the latency is the slow tasks', the same for all: what differs is what timing every
-- callback, a time slice and a watchdog cost.
return scenario {
    name = "slow_callback",
    summary = "tasks on a Poisson schedule, one in a hundred of which takes long",
    family = "p99",
    primary = "latency_p99_ns",
    points = {
        point { id = "percent=30", params = { percent = 30, slow_us = 1000, slice_us = 0, watch = "off" } },
        point { id = "percent=60", params = { percent = 60, slow_us = 1000, slice_us = 0, watch = "off" } },
        point { id = "slow_us=10000", params = { percent = 30, slow_us = 10000, slice_us = 0, watch = "off" } },
        point { id = "slice", params = { percent = 60, slow_us = 1000, slice_us = 500, watch = "off" } },
        point { id = "watchdog", params = { percent = 60, slow_us = 1000, slice_us = 0, watch = "on" } },
    },
    plan = function(p)
        return loads.slow_callback {
            percent = p.percent,
            slow_us = p.slow_us,
            slice_us = p.slice_us,
            watch = p.watch,
        }
    end,
}
