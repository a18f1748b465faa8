/* SPDX-License-Identifier: MIT */
/* See thread.h. */
#include "common/parts/thread.h"

_Thread_local const char thread_anchor = 0;
