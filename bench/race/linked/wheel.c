/* SPDX-License-Identifier: MIT */
/* The variant "wheel": a contestant with its timers in a wheel, whatever it has chosen itself. */
#include "../variants.h"

#include "common/parts/timers_wheel.h"

const char variant_linked[] = "wheel";
