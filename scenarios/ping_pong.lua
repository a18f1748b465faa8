-- SPDX-License-Identifier: MIT
-- The round trip between two threads, with the loop in three states. "awake" has a task that keeps
-- the loop busy; in "closed" the loop's own idle policy decides whether it still spins when the next
-- task comes; "parked" waits, outside the clock, until it sleeps. Where the two threads stand can weigh
-- more than the loop, so "closed" comes in all three placements too.
local points = require "points"

return scenario {
    name = "ping_pong",
    summary = "submit one task, wait until it has run, again and again",
    family = "med",
    primary = "round_trip_p50_ns",
    points = {
        point { id = "awake", core = true, params = { keep = "awake" } },
        point { id = "closed", core = true, params = { keep = "free" } },
        point { id = "parked", params = { keep = "parked" } },
        points.placed("closed", { keep = "free" }),
    },
    plan = function(p)
        return loads.closed_loop { keep = p.keep }
    end,
}
