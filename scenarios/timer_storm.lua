-- SPDX-License-Identifier: MIT
-- Timers by the thousand and by the million: arming, cancelling in random order, both by turns, and
-- firing, while n others are pending. Their delays are random; all equal, as time-outs of one kind are;
-- or rising.
local list = {}
local function add(op, n, delays)
    local id = "op=" .. op .. ",n=" .. n .. (delays == "random" and "" or "," .. delays)
    list[#list + 1] = point { id = id, params = { op = op, n = n, delays = delays } }
end
for _, n in ipairs { 1000, 1000000, 100000, 10000 } do
    for _, op in ipairs { "add", "cancel", "fire" } do
        add(op, n, "random")
    end
end
add("churn", 1000, "random")
add("churn", 1000000, "random")
for _, delays in ipairs { "equal", "rising" } do
    add("add", 100000, delays)
    add("churn", 100000, delays)
end

return scenario {
    name = "timer_storm",
    summary = "arm, cancel or fire a timer while n others are pending",
    family = "cap",
    needs = { "TIMERS" },
    primary = "ns_per_timer",
    points = list,
    plan = function(p)
        return loads.timers { op = p.op, pending = p.n, delays = p.delays, batch = 1000 }
    end,
}
