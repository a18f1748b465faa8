-- SPDX-License-Identifier: MIT
-- Exact cancels by a thread that is not the owner.
local points = require "points"

return scenario {
    name = "foreign_cancel",
    summary = "cancel a timer from another thread while n are pending",
    family = "cap",
    needs = { "TIMERS", "TIMER_ANY_THREAD" },
    primary = "ns_per_timer",
    points = points.product { { "n", 1000, 100000 } },
    plan = function(p)
        return loads.timers { op = "cancel", thread = "foreign", pending = p.n, batch = 100 }
    end,
}
