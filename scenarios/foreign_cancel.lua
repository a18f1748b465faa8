-- SPDX-License-Identifier: MIT
-- Exact cancels by a thread that is not the owner: while the owner sleeps, while it is busy, and many
-- with one call.
return scenario {
    name = "foreign_cancel",
    summary = "cancel a timer from another thread while n are pending",
    family = "cap",
    needs = { "TIMERS", "TIMER_ANY_THREAD" },
    primary = "ns_per_timer",
    points = {
        point { id = "n=1000", params = { n = 1000, owner = "idle", group = 1 } },
        point { id = "n=100000", params = { n = 100000, owner = "idle", group = 1 } },
        point { id = "n=1000,busy", params = { n = 1000, owner = "busy", group = 1 } },
        point { id = "n=100000,group=64", params = { n = 100000, owner = "idle", group = 64 } },
        point { id = "n=100000,busy,group=64", params = { n = 100000, owner = "busy", group = 64 } },
    },
    plan = function(p)
        return loads.timers {
            op = "cancel",
            thread = "foreign",
            pending = p.n,
            owner = p.owner,
            group = p.group,
            batch = 128,
        }
    end,
}
