# SPDX-License-Identifier: MIT
# Every run in the order of time, and what others took of the machine. Given: name, data, n, who[].
# Data: one index for each contestant (minutes, cost / its median in the cell), one for runs of
# attempts that were redone (same), one for the share of CPU time that went to others (minutes, %).
set terminal svg size 960,460 name name font "Helvetica,13" noenhanced background "#ffffff"
set output name.'.svg'
set multiplot
set border 3
set lmargin at screen 0.075
set rmargin at screen 0.985
stats data index (n + 1) using 1 nooutput
last = STATS_records > 0 && STATS_max > 0 ? STATS_max * 1.01 : 1
set xrange [0:last]
set tmargin at screen 0.9
set bmargin at screen 0.4
set logscale y
set yrange [0.2:5]
set ytics ("¼×" 0.25, "½×" 0.5, "1×" 1, "2×" 2, "4×" 4) nomirror textcolor rgb "black"
set ylabel "cost / its median"
set xtics nomirror textcolor rgb "black" format ""
set key at screen 0.075, screen 0.985 left top horizontal reverse Left
cut(v) = v > 5 ? 5 : v < 0.2 ? 0.2 : v
plot for [k = 1:n] data index k - 1 using 1:(cut($2)) with points lt k ps 0.35 title who[k], \
    data index n using 1:(cut($2)) with points pt 2 ps 0.6 lc rgb "black" title 'redone'
set tmargin at screen 0.36
set bmargin at screen 0.13
unset logscale y
unset key
set yrange [0:*<100]
set ytics auto nomirror textcolor rgb "black"
set ylabel "others' CPU, %"
set xtics nomirror textcolor rgb "black" format "%g"
set xlabel "minutes since the first block"
plot data index n + 1 using 1:2 with impulses lc rgb "#7f7f7f" lw 1.4
unset multiplot
