/* SPDX-License-Identifier: MIT */
/* The control group keeps its timers in one heap. */
#include "common/parts/timers_heap.h"
