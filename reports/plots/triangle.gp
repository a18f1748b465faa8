# SPDX-License-Identifier: MIT
# Who is ahead under all mixes of three families. Given: name, data, n, who[], corner[3]. Data: one
# index for each contestant with the mixes that are proven (x, y), then one for each with those that
# are open. A corner is all weight on one family.
set terminal svg size 960,470 name name font "Helvetica,13" noenhanced background "#ffffff"
set output name.'.svg'
set xrange [-0.8:1.8]
set yrange [-0.1:0.97]
set size ratio -1
unset xtics
unset ytics
unset border
set object 1 polygon from 0, 0 to 1, 0 to 0.5, 0.866 to 0, 0 fs empty border lc rgb "#8a8f98" lw 0.8
set label 1 corner[1] at 0, -0.06 center
set label 2 corner[2] at 1, -0.06 center
set label 3 corner[3] at 0.5, 0.92 center
plot for [k = 1:n] data index k - 1 using 1:2 with points lt k pt 7 ps 1.5 title who[k].', proven', \
    for [k = 1:n] data index n + k - 1 using 1:2 with points lt k pt 6 ps 1.2 lw 1.6 \
        title who[k].' leads, open'
