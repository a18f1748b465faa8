# SPDX-License-Identifier: MIT
# Latency by percentile. Given: name, data, n, who[], scenario. Data: one index for each contestant
# counted from the intended time, then one for each counted from the actual sending (dotted).
set terminal svg size 620,420 name name font "Helvetica,15" noenhanced background "#ffffff"
set output name.'.svg'
stats data using 3 nooutput
set logscale xy
set xlabel "share of messages at least this fast"
set xtics ("50 %%" 2, "90 %%" 10, "99 %%" 100, "99.9 %%" 1e3, "99.99 %%" 1e4, \
    "99.999 %%" 1e5) nomirror
set ylabel "latency (log scale)"
set ytics () nomirror
unit(v) = v < 1e3 ? sprintf("%g ns", v) : v < 1e6 ? sprintf("%g µs", v / 1e3) : \
    v < 1e9 ? sprintf("%g ms", v / 1e6) : sprintf("%g s", v / 1e9)
steps = STATS_records > 0 && STATS_max > 1e3 * STATS_min ? "1" : "1 2 5"
do for [e = 1:11] {
    do for [m in steps] { set ytics add (unit(m * 10.0 ** e) m * 10.0 ** e) }
}
set autoscale yfix
set offsets 0, 0, 0, 0
set xtics textcolor rgb "black"
set ytics textcolor rgb "black"
set border 3
set rmargin 5
plot for [k = 1:n] data index k - 1 using 2:3 with lines lt k lw 2 title who[k], \
    for [k = 1:n] data index n + k - 1 using 2:3 with lines lt k lw 1.2 dt 3 notitle
