-- SPDX-License-Identifier: MIT
-- A loop that changes the way it waits, to and fro, because its first descriptor comes and its last one
-- goes, while tasks keep coming. Once per second would not happen inside a window; see idle and poisson
-- for loops that stay as they are.
local points = require "points"

return scenario {
    name = "mode_flip",
    summary = "tasks on a Poisson schedule while the first descriptor comes and the last one goes",
    family = "p99",
    needs = { "FDS", "FAST_PATH" },
    primary = "latency_p99_ns",
    points = points.product { { "flips_per_s", 100, 10000 } },
    plan = function(p)
        return loads.mode_flip { percent = 60, flips_per_s = p.flips_per_s }
    end,
}
