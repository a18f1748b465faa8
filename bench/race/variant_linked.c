/* SPDX-License-Identifier: MIT */
/* variant_linked.c - the usual case: a contestant as it is. A file of linked/ defines it otherwise.
 */
#include "variants.h"

__attribute__((weak)) const char variant_linked[] = "";
