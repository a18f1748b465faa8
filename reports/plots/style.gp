# SPDX-License-Identifier: MIT
# Shared by all pictures: a palette that colour-blind readers can tell apart (Okabe and Ito), and a
# point shape for each contestant, so that colour never carries the meaning alone.
set datafile separator "\t"
set linetype 1 lc rgb "#d55e00" pt 7  lw 1.6
set linetype 2 lc rgb "#0072b2" pt 5  lw 1.6
set linetype 3 lc rgb "#009e73" pt 9  lw 1.6
set linetype 4 lc rgb "#cc79a7" pt 13 lw 1.6
set linetype 5 lc rgb "#56b4e9" pt 11 lw 1.6
set linetype 6 lc rgb "#e69f00" pt 6  lw 1.6
set linetype 7 lc rgb "#8c6bb1" pt 4  lw 1.6
set linetype 8 lc rgb "#7f7f7f" pt 8  lw 1.6
set linetype 9 lc rgb "#a6761d" pt 12 lw 1.6
set linetype cycle 9
set border lc rgb "#8a8f98" lw 0.8
set grid lc rgb "#d8d8d8" lw 0.6 lt 1
set key top left horizontal outside reverse Left samplen 1.5
