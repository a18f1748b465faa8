#!/bin/bash
# SPDX-License-Identifier: MIT
# Is every call of the library that can fail one that the tests can make fail? What the objects of
# the library leave undefined must be defined by the objects of common/sim, or stand in the list of
# calls that cannot fail. A planted call that nobody knows must be found.
cd "$(dirname "$0")/../../.." || exit 2
. scripts/test/check.bash
objects=build/release/obj

# Why each cannot fail, or why failing it would tell nothing:
cannot_fail='
free memcpy memmove memset memcmp strlen strcmp vsnprintf snprintf strerror strerror_r __errno_location
    compute, or give back
__vsnprintf_chk __snprintf_chk __memset_chk __memcpy_chk __stack_chk_fail __assert_fail
    the same by the names of other build flags; the end of the program
clock_gettime sched_yield sched_getcpu gettid getpid pthread_self __tls_get_addr
    answered without a resource; getcpu is advice only
clock_nanosleep
    ends early at worst
io_uring_queue_exit
    gives back
__sched_cpucount _GLOBAL_OFFSET_TABLE_ loop_has_lanes
    no calls of the system
pthread_mutex_lock pthread_mutex_unlock pthread_mutex_trylock pthread_mutex_destroy
pthread_cond_wait pthread_cond_timedwait pthread_cond_signal pthread_cond_broadcast
pthread_cond_destroy pthread_condattr_init pthread_condattr_setclock pthread_condattr_destroy
    fail by wrong use only; a time-out is an answer
fstat timerfd_settime
    fail by wrong use only; of a descriptor that was closed fstat says so, as fcntl does
open opendir readdir closedir readlink strtol __isoc23_strtol
    guests look into /proc; where they cannot, they know less (guest_own.c)
pthread_join pthread_equal pthread_sigmask sigfillset pthread_setname_np pthread_getcpuclockid
    fail by wrong use only; a name is decoration
'

symbols() # symbols TYPES OBJECT...: names of these types, unique
{
    local types=$1
    shift
    nm "$@" | awk -v types="$types" 'NF >= 2 && $(NF - 1) ~ "^[" types "]$" { print $NF }' | sort -u
}

unseamed() # unseamed OBJECT...: what they call that is neither theirs, in the seam, nor harmless
{
    symbols TDBRVWCtdbrAi "$@" >"$scratch/own"
    symbols TW "$objects"/common/sim/*.o >"$scratch/seam"
    grep -v '^    ' <<<"$cannot_fail" | tr ' ' '\n' | sort -u >"$scratch/harmless"
    symbols U "$@" | sort -u - | grep -vxFf "$scratch/own" | grep -vxFf "$scratch/seam" |
        grep -vxFf "$scratch/harmless"
}

library=("$objects"/common/*.o "$objects"/common/parts/*.o "$objects"/common/api/*.o)
for name in $(scripts/library.sh present); do
    guest=()
    foreign='^$' # what a library does, the seam sees as that library's own calls
    if scripts/library.sh guests | grep -qxF "$name"; then
        guest=("$objects"/common/guest/*.o)
        foreign='^(uv|ev|event|evthread|g|glib)_'
    fi
    left=$(unseamed "${library[@]}" "${guest[@]}" "$objects/impls/$name"/*.o | grep -vE "$foreign")
    check "$name calls what no test can make fail: ${left//$'\n'/ }; extend common/sim, or this list" \
        [ -z "$left" ]
done

# syscall() is seen by its number: the seam knows that of the futex
numbers=$(grep -ohE '\bSYS_[a-z0-9_]+' common/*.[ch] common/parts/*.[ch] common/api/*.[ch] impls/*/*.[ch] |
    sort -u | grep -vx 'SYS_futex')
check "system calls by number that the seam lets pass: ${numbers//$'\n'/ }" [ -z "$numbers" ]
inline=$(objdump -d --no-show-raw-insn "${library[@]}" "$objects"/common/guest/*.o "$objects"/impls/*/*.o | awk '$2 == "syscall"')
check "an inline system call, which the seam cannot see" [ -z "$inline" ]

# the proof of the check
cat >"$scratch/planted.c" <<'EOF'
#include <sys/inotify.h>
int planted(void);
int planted(void)
{
    return inotify_init1(0);
}
EOF
gcc -c -o "$scratch/planted.o" "$scratch/planted.c"
left=$(unseamed "${library[@]}" "$objects"/impls/mutex/*.o "$scratch/planted.o")
check "a planted inotify_init1() was not found: '$left'" [ "$left" = inotify_init1 ]

finish
