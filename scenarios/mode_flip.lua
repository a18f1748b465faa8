-- SPDX-License-Identifier: MIT
-- The first descriptor comes and the last one goes, to and fro, while tasks keep coming. A loop with a
-- fast path changes the way it waits each time; it should not be behind those that have no need to.
-- Once per second would not happen inside a window; see idle and poisson for loops that stay as they are.
local points = require "points"

return scenario {
    name = "mode_flip",
    summary = "tasks on a Poisson schedule while the first descriptor comes and the last one goes",
    family = "p99",
    needs = { "FDS" },
    primary = "latency_p99_ns",
    points = points.product { { "flips_per_s", 100, 10000 } },
    plan = function(p)
        return loads.mode_flip { percent = 60, flips_per_s = p.flips_per_s }
    end,
}
