# SPDX-License-Identifier: MIT
# Forest plot: ratio to the best of each cell with its interval. Given: name, data, n, who[], rows
# with their ytics, margin, left and reach (the ratios at the ends). Data: one index for each contestant (y, ratio, low, high), then
# one for what lies beyond the edge (y, text), then one for what has no number (y, text).
height = 110 + rows * (14 + 11 * n)
set terminal svg size 960,height name name font "Helvetica,13" noenhanced background "#ffffff"
set output name.'.svg'
set logscale x
right = reach * reach ** 0.12
set xrange [left:right]
set yrange [rows - 0.5:-0.5]
set xlabel "cost as a multiple of the best (log scale); smaller is better"
set format x "%g×"
if (reach > 2) { set xtics (0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4) nomirror } \
else { if (reach > 1.3) { set xtics (0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2) nomirror } \
else { set xtics 0.05 nomirror } }
set xtics textcolor rgb "black"
set ytics textcolor rgb "black"
set grid x noy
set border 1
do for [i = 0:rows - 1:2] {
    set object rectangle from graph 0, first i - 0.5 to graph 1, first i + 0.5 \
        fc rgb "#f3f3f3" fs solid noborder behind
}
set object rectangle from 1 / (1 + margin), graph 0 to 1 + margin, graph 1 \
    fc rgb "#dcdcdc" fs solid noborder behind
set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb "#8a8f98" lw 1 back
plot for [k = 1:n] data index k - 1 using 2:1:3:4 with xerrorbars lt k ps 0.75 title who[k], \
    data index n using (reach * 0.99):1:2 with labels right font "Helvetica,11" notitle, \
    data index n + 1 using (1 + margin * 1.3):1:2 with labels left font "Helvetica,11" \
        textcolor rgb "#7f7f7f" notitle
