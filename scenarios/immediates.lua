-- SPDX-License-Identifier: MIT
-- Immediates that set themselves again: one phase, which is one turn, after the other; and what that
-- does to a ready descriptor and to a timer.
return scenario {
    name = "immediates",
    summary = "an immediate that sets itself again, n of them at a time",
    family = "cap",
    needs = { "IMMEDIATES" },
    primary = "ns_per_immediate",
    points = {
        point { id = "n=100", params = { n = 100, beside = "nothing" } },
        point { id = "n=100,fd", needs = { "FDS" }, params = { n = 100, beside = "fd" } },
        point { id = "n=100,timer", needs = { "TIMERS" }, params = { n = 100, beside = "timer" } },
        point { id = "n=1", params = { n = 1, beside = "nothing" } },
        point { id = "n=10000", params = { n = 10000, beside = "nothing" } },
    },
    plan = function(p)
        return loads.immediates { pending = p.n, beside = p.beside }
    end,
}
