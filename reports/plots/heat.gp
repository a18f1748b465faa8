# SPDX-License-Identifier: MIT
# Heat map scenario x contestant. Given: name, data, n, who[], rows with their ytics. Data: one index
# of ratios (x, y, ratio, text), one of fields without a number (x, y, word).
height = 70 + rows * 26
set terminal svg size 960,height name name font "Helvetica,13" noenhanced background "#ffffff"
set output name.'.svg'
set xrange [-0.5:n - 0.5]
set yrange [rows - 0.5:-0.5]
unset key
unset grid
unset border
unset xtics
set x2range [-0.5:n - 0.5]
set x2tics () scale 0 textcolor rgb "black"
set ytics textcolor rgb "black"
do for [k = 1:n] { set x2tics add (who[k] k - 1) }
# From pale to dark over a factor of four, in steps of brightness that survive a grey print.
share(r) = r < 1 ? 0 : r > 4 ? 1 : log(r) / log(4)
mix(a, b, t) = int(a + (b - a) * t)
shade(r) = mix(246, 214, share(r)) * 65536 + mix(240, 120, share(r)) * 256 + mix(228, 48, share(r))
set style fill solid noborder
plot data index 0 using 1:2:(0.485):(0.46):(shade($3)) with boxxyerror lc rgb variable, \
    data index 1 using 1:2:(0.485):(0.46) with boxxyerror fs pattern 4 noborder lc rgb "#b5b5b5", \
    data index 0 using 1:2:4 with labels textcolor rgb "#1a1a1a", \
    data index 1 using 1:2:3 with labels textcolor rgb "black"
