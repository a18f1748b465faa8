-- SPDX-License-Identifier: MIT
-- The priority lane when it matters: behind a backlog of normal tasks. How long the normal lane
-- takes beside it is reported, too (normal_p99_ns).
return scenario {
    name = "priority",
    summary = "one priority task behind a backlog of normal ones, from submit to callback",
    family = "p99",
    needs = { "PRIORITY" },
    primary = "priority_p99_ns",
    points = {
        point { id = "backlog=64", params = { backlog = 64, is = "once" } },
        point { id = "backlog=1000", params = { backlog = 1000, is = "once" } },
        point { id = "backlog=10000", params = { backlog = 10000, is = "once" } },
        point { id = "refilled=1000", params = { backlog = 1000, is = "refill" } },
    },
    plan = function(p)
        return loads.priority { backlog = p.backlog, backlog_is = p.is }
    end,
}
