# SPDX-License-Identifier: MIT
# Latency by offered load. Given: name, data, n, who[], what (of the y axis), load (of the x axis).
# Data: one index for each contestant (load, latency in ns, 5th and 95th percentile of the runs).
set terminal svg size 620,420 name name font "Helvetica,15" noenhanced background "#ffffff"
set output name.'.svg'
set xlabel load
set ylabel what
set logscale y
unit(v) = v < 1e3 ? sprintf("%g ns", v) : v < 1e6 ? sprintf("%g µs", v / 1e3) : \
    v < 1e9 ? sprintf("%g ms", v / 1e6) : sprintf("%g s", v / 1e9)
set ytics () nomirror
do for [e = 1:11] {
    do for [m in "1 2 5"] { set ytics add (unit(m * 10.0 ** e) m * 10.0 ** e) }
}
set ytics textcolor rgb "black"
set xtics nomirror textcolor rgb "black"
set offsets graph 0.05, graph 0.05, 0, 0
set border 3
plot for [k = 1:n] data index k - 1 using 1:2:3:4 with yerrorlines lt k ps 0.9 title who[k]
