# SPDX-License-Identifier: MIT
# Measuring programs with faults between them and their loop: liar.c and lossy.c, which wrap functions of
# the API. Sourced after check.bash by the test scripts of the lanes; $B is the build.
sanitize=
case ${V:-release} in
asan) sanitize=-fsanitize=address,undefined ;;
tsan) sanitize=-fsanitize=thread ;;
cov) sanitize=--coverage ;;
esac

plant_wraps=()
for file in liar lossy; do
    # shellcheck disable=SC2086
    cc -std=c11 -D_GNU_SOURCE -Icommon/include $sanitize -c -o "$scratch/plant-$file.o" "bench/micro/test/$file.c"
done
while read -r wrapped; do
    plant_wraps+=("-Wl,--wrap=$wrapped")
done < <(nm "$scratch"/plant-*.o | sed -n 's/.* T __wrap_//p')

plant() # plant PROGRAM LINKER CONTESTANT PACKAGES OBJECT...: $scratch/PROGRAM; the contestant needs no library
{
    local program=$1 linker=$2 contestant=$3 packages=$4
    shift 4
    # shellcheck disable=SC2046,SC2086
    $linker -pthread $sanitize "${plant_wraps[@]}" -o "$scratch/$program" "$@" "$scratch"/plant-*.o \
        "$B/obj/common/conformance/api_complete.o" "$B"/obj/impls/"$contestant"/*.o "$B/libcommon.a" \
        $(pkg-config --libs $packages) -lm
}
