# SPDX-License-Identifier: MIT
# How the costs of single runs spread: one panel for each cell, steps from 0 to 1. Given: name, data,
# n, who[], panels, panel[] (titles), unit[] (of the x axis), wide[] (1: log scale). Data: one index
# for each panel and contestant (cost, share of runs that cost at most this).
columns = 3
rows = (panels + columns - 1) / columns
height = 70 + 190 * rows
set terminal svg size 960,height name name font "Helvetica,12" noenhanced background "#ffffff"
set output name.'.svg'
set multiplot layout rows, columns margins 0.055, 0.985, 46.0 / height, 1 - 56.0 / height spacing 0.055, 72.0 / height
set border 3
set yrange [0:1.02]
set ytics ("0" 0, "½" 0.5, "1" 1) nomirror textcolor rgb "black"
set xtics nomirror textcolor rgb "black"
set format x "%g"
unset key
do for [p = 1:panels] {
    set title panel[p] offset 0, -0.6
    set xlabel unit[p] offset 0, 0.6
    if (wide[p] > 0) { set logscale x } else { unset logscale x }
    plot for [k = 1:n] data index (p - 1) * n + k - 1 using 1:2 with steps lt k title who[k]
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
set lmargin at screen 0.055
set rmargin at screen 0.985
set tmargin at screen 1 - 30.0 / height
set bmargin at screen 1 - 34.0 / height
set key at screen 0.055, screen 1 - 8.0 / height left top horizontal reverse Left
plot [0:1] [0:1] for [k = 1:n] NaN with lines lt k title who[k]
unset multiplot
