-- SPDX-License-Identifier: MIT
-- Connections that live for one message, with the same descriptor number again and again.
local points = require "points"

return scenario {
    name = "fd_churn",
    summary = "open and watch a descriptor, take one event, unwatch and close it",
    family = "cap",
    needs = { "FDS" },
    primary = "ns_per_cycle",
    points = points.product { { "who", "owner", "foreign" }, { "live", 1, 100 } },
    plan = function(p)
        return loads.fd_churn { who = p.who, live = p.live }
    end,
}
