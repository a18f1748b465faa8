-- SPDX-License-Identifier: MIT
-- Timers by the thousand and by the million: arming, cancelling in random order, both by turns, and
-- firing, while n others are pending.
local points = require "points"

local list = points.product { { "op", "add", "cancel", "fire" }, { "n", 1000, 10000, 100000, 1000000 } }
for _, churn in ipairs(points.product { { "op", "churn" }, { "n", 1000, 1000000 } }) do
    list[#list + 1] = churn
end

return scenario {
    name = "timer_storm",
    summary = "arm, cancel or fire a timer while n others are pending",
    family = "cap",
    needs = { "TIMERS" },
    primary = "ns_per_timer",
    points = list,
    plan = function(p)
        return loads.timers { op = p.op, pending = p.n, batch = 1000 }
    end,
}
