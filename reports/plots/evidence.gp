# SPDX-License-Identifier: MIT
# Evidence by block: the leader of each cell against each other. Given: name, data, n, who[], panels,
# panel[] (titles), threshold (T). Data: one index for each panel and rival (blocks, E).
columns = 3
rows = (panels + columns - 1) / columns
height = 70 + 190 * rows
set terminal svg size 960,height name name font "Helvetica,12" noenhanced background "#ffffff"
set output name.'.svg'
set multiplot layout rows, columns margins 0.065, 0.985, 46.0 / height, 1 - 56.0 / height spacing 0.06, 72.0 / height
set border 3
set logscale y
set yrange [0.05:*<1e7]
set ytics ("0.1" 0.1, "1" 1, "10" 10, "100" 100, "1000" 1e3, "10⁴" 1e4, "10⁵" 1e5, "10⁶" 1e6, "10⁷" 1e7) \
    nomirror textcolor rgb "black"
set xrange [0:*]
set xtics nomirror textcolor rgb "black"
set xlabel "blocks" offset 0, 0.6
unset key
do for [p = 1:panels] {
    set title panel[p] offset 0, -0.6
    plot for [k = 1:n] data index (p - 1) * n + k - 1 using 1:2 with lines lt k lw 1.1 + 0.9 * (n - k) title 'against '.who[k], \
        threshold with lines lc rgb "black" lw 1.4 dt 2 title sprintf('T = %g: decided', threshold)
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
set lmargin at screen 0.065
set rmargin at screen 0.985
set tmargin at screen 1 - 30.0 / height
set bmargin at screen 1 - 34.0 / height
set key at screen 0.065, screen 1 - 8.0 / height left top horizontal reverse Left
plot [0:1] [0:1] for [k = 1:n] NaN with lines lt k title 'against '.who[k], \
    NaN with lines lc rgb "black" lw 1.4 dt 2 title sprintf('T = %g: decided', threshold)
unset multiplot
