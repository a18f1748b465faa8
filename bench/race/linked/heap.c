/* SPDX-License-Identifier: MIT */
/* The variant "heap": a contestant with its timers in one heap, whatever it has chosen itself. */
#include "../variants.h"

#include "common/parts/timers_heap.h"

const char variant_linked[] = "heap";
