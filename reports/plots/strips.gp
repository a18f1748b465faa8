# SPDX-License-Identifier: MIT
# Who is ahead while the weight of one family grows from 0 to 1 and all others shrink alike. Given:
# name, data, n, who[], rows with their ytics. Data: one index for each contestant with the stretches
# that are proven (x, y, from, to), then one for each with those that are open, then the weights of
# the profile (x, y).
height = 120 + rows * 34
set terminal svg size 960,height name name font "Helvetica,13" noenhanced background "#ffffff"
set output name.'.svg'
set xrange [0:1]
set yrange [rows - 0.4:-0.6]
set xlabel "weight of the family (the others share the rest as in the profile)"
set xtics 0.1 nomirror textcolor rgb "black"
set ytics textcolor rgb "black"
set grid x noy
set border 1
plot for [k = 1:n] data index k - 1 using 1:2:3:4:($2 - 0.32):($2 + 0.32) with boxxyerror \
        fs solid 0.85 noborder lt k title who[k].', proven', \
    for [k = 1:n] data index n + k - 1 using 1:2:3:4:($2 - 0.32):($2 + 0.32) with boxxyerror \
        fs transparent pattern 5 border lt k lw 0.8 title who[k].' leads, open', \
    data index 2 * n using 1:($2 - 0.42):(0):(0.84) with vectors nohead lc rgb "black" lw 2.4 \
        title 'the profile'
