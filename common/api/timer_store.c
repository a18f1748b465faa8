/* SPDX-License-Identifier: MIT */
/* The timer store that a contestant gets unless it brings its own: the wheel. */
#include "common/parts/timers_wheel.h"
