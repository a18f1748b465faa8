/* SPDX-License-Identifier: MIT */
/* See point.h. */
#include "common/parts/point.h"

#ifdef VELO_POINTS
void (*_Atomic point_hook)(enum point point);
#endif
