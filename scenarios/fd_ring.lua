-- SPDX-License-Identifier: MIT
-- Bytes handed on round a ring of pipes: one token is a chain of polls, many are work for one poll, and
-- most of 9,000 pipes are idle at any time. Edge-triggered pipes are read until they are empty.
local function ring(pipes, tokens, trigger)
    local id = "pipes=" .. pipes .. (tokens > 1 and ",tokens=" .. tokens or "")
    return point {
        id = trigger == "level" and id or id .. "," .. trigger,
        needs = trigger == "edge" and { "FD_EDGE" } or nil,
        params = { pipes = pipes, tokens = tokens, trigger = trigger },
    }
end

return scenario {
    name = "fd_ring",
    summary = "bytes handed on round a ring of pipes",
    family = "cap",
    needs = { "FDS" },
    primary = "ns_per_hop",
    points = {
        ring(1, 1, "level"),
        ring(100, 1, "level"),
        ring(100, 1, "edge"),
        ring(9000, 256, "level"),
        ring(9000, 256, "edge"),
        ring(1000, 100, "level"),
        ring(1000, 100, "edge"),
        ring(1000, 1, "level"),
        ring(100, 10, "level"),
    },
    plan = function(p)
        return loads.fd_ring { pipes = p.pipes, tokens = p.tokens, trigger = p.trigger }
    end,
}
