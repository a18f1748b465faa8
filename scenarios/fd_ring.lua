-- SPDX-License-Identifier: MIT
-- Bytes handed on round a ring of pipes: one token is a chain of polls, many are work for one poll.
return scenario {
    name = "fd_ring",
    summary = "bytes handed on round a ring of pipes",
    family = "cap",
    needs = { "FDS" },
    primary = "ns_per_hop",
    points = {
        point { id = "pipes=1", params = { pipes = 1, tokens = 1 } },
        point { id = "pipes=100", params = { pipes = 100, tokens = 1 } },
        point { id = "pipes=1000", params = { pipes = 1000, tokens = 1 } },
        point { id = "pipes=1000,tokens=100", params = { pipes = 1000, tokens = 100 } },
    },
    plan = function(p)
        return loads.fd_ring { pipes = p.pipes, tokens = p.tokens }
    end,
}
