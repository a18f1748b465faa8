-- SPDX-License-Identifier: MIT
-- The round trip between two threads, with the loop in three states. "awake" has a task that keeps
-- the loop busy; in "closed" the loop's own idle policy decides whether it still spins when the next
-- task comes; "parked" waits, outside the clock, until it sleeps. Where the two threads stand can weigh
-- more than the loop, so "closed" comes in all three placements too. "fds" has a descriptor watched, as
-- most programs do; without one a loop may wait in cheaper ways. "think_us" has a client that uses
-- the answer for a while. The other lanes that any thread may add to stand under their names, with an
-- awake loop. For two loops see loop_pair.
local points = require "points"

local function how(keep, lane, think_us, descriptor)
    return { keep = keep, lane = lane or "task", think_us = think_us or 0, descriptor = descriptor or "none" }
end

local function with_fds(keep, core)
    return point {
        id = (keep == "free" and "closed" or keep) .. ",fds",
        core = core,
        needs = { "FDS" },
        params = how(keep, "task", 0, "watched"),
    }
end

return scenario {
    name = "ping_pong",
    summary = "submit one task, wait until it has run, again and again",
    family = "med",
    primary = "round_trip_p50_ns",
    points = {
        point { id = "awake", core = true, params = how "awake" },
        point { id = "closed", core = true, params = how "free" },
        with_fds("free", true),
        point { id = "parked", params = how "parked" },
        with_fds("parked", false),
        point { id = "think_us=10", params = how("free", "task", 10) },
        point { id = "think_us=100", params = how("free", "task", 100) },
        point { id = "priority", needs = { "PRIORITY" }, params = how("awake", "priority") },
        point { id = "tick", needs = { "MICROTASKS" }, params = how("awake", "tick") },
        point { id = "microtask", needs = { "MICROTASKS" }, params = how("awake", "microtask") },
        point { id = "immediate", needs = { "IMMEDIATES" }, params = how("awake", "immediate") },
        points.placed("closed", how "free"),
    },
    plan = function(p)
        return loads.closed_loop { keep = p.keep, lane = p.lane, think_us = p.think_us, descriptor = p.descriptor }
    end,
}
