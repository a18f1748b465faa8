# SPDX-License-Identifier: MIT
# Throughput by number of producers. Given: name, data, n, who[], most (producers). Data: one index for each
# contestant (producers, tasks/s, 5th and 95th percentile of the runs).
set terminal svg size 620,420 name name font "Helvetica,15" noenhanced background "#ffffff"
set output name.'.svg'
set xlabel "producers (threads)"
set xtics 1 nomirror textcolor rgb "black"
set xrange [most * -0.05 + 1:most * 1.05]
set ylabel "throughput (million tasks per second)"
set yrange [0:*]
set ytics nomirror textcolor rgb "black"
set border 3
plot for [k = 1:n] data index k - 1 using ($1 < 0 ? NaN : $1):($2 / 1e6):($3 / 1e6):($4 / 1e6) \
    with yerrorlines lt k ps 0.9 title who[k]
