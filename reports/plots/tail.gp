# SPDX-License-Identifier: MIT
# Tail latency against CPU time: one panel for each cell that has both; down and left is better.
# Given: name, data, n, who[], panels, panel[] (titles). Data: for each panel one index for each
# contestant (µs CPU per task, p99 in µs, 1 for a run or 3 for the median of all).
columns = 3
rows = (panels + columns - 1) / columns
height = 70 + 250 * rows
set terminal svg size 960,height name name font "Helvetica,12" noenhanced background "#ffffff"
set output name.'.svg'
set multiplot layout rows, columns margins 0.075, 0.985, 50.0 / height, 1 - 56.0 / height spacing 0.075, 76.0 / height
set border 3
set logscale y
set format y "%g"
set xtics nomirror textcolor rgb "black" font "Helvetica,10"
set ytics nomirror textcolor rgb "black"
set xlabel "CPU per task, µs" offset 0, 0.5
set ylabel "p99, µs" offset 1.5, 0
set autoscale xfix
set format x "%.4g"
set offsets graph 0.05, graph 0.05, 0, 0
unset key
do for [p = 1:panels] {
    set title panel[p] offset 0, -0.6
    plot for [k = 1:n] data index (p - 1) * n + k - 1 using 1:($3 < 2 ? $2 : NaN) with points lt k ps 0.3 notitle, \
        for [k = 1:n] data index (p - 1) * n + k - 1 using 1:($3 > 2 ? $2 : NaN) with points lt k ps 1.2 title who[k]
}
# The key, in a plot of its own over the whole width.
unset title
unset xlabel
unset ylabel
unset xtics
unset ytics
unset grid
unset logscale
unset offsets
set border 0
set lmargin at screen 0.075
set rmargin at screen 0.985
set tmargin at screen 1 - 30.0 / height
set bmargin at screen 1 - 34.0 / height
set key at screen 0.075, screen 1 - 8.0 / height left top horizontal reverse Left
plot [0:1] [0:1] for [k = 1:n] NaN with points lt k ps 1.2 title who[k]
unset multiplot
