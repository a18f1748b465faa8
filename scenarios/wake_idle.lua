-- SPDX-License-Identifier: MIT
-- One task for a loop that has been asleep for a while: the price of waking it up, from the submit
-- to the first instruction of the callback.
local points = require "points"

return scenario {
    name = "wake_idle",
    summary = "one task for a loop that sleeps, from submit to callback",
    family = "med",
    primary = "wake_p50_ns",
    points = points.product({ { "idle_us", 100, 1000, 10000, 100000 } }, { "idle_us=1000" }),
    plan = function(p)
        return loads.wake_idle { pause_ns = p.idle_us * 1000 }
    end,
}
