-- SPDX-License-Identifier: MIT
-- As poisson, with all gaps equal: what is late here is the loop's doing and not chance.
return scenario {
    name = "metronome",
    summary = "tasks at equal distances at a share of the common rate",
    family = "p99",
    primary = "latency_p99_ns",
    points = { point { id = "percent=60", params = { percent = 60 } } },
    plan = function(p)
        return loads.open_loop { percent = p.percent, arrivals = "constant" }
    end,
}
