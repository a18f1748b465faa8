-- SPDX-License-Identifier: MIT
-- Two loops that hand a number to and fro: what programs with a loop per thread pay for each message
-- and its answer. Neither is kept awake, so both idle policies decide.
local points = require "points"

return scenario {
    name = "loop_pair",
    summary = "a round trip between two loops on two threads",
    family = "med",
    primary = "round_trip_p50_ns",
    points = { point { id = "closed", params = {} }, points.placed("closed", {}) },
    plan = function()
        return loads.loop_pair {}
    end,
}
