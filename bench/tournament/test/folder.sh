#!/bin/bash
# SPDX-License-Identifier: MIT
# A report folder that cannot be written, or is full, or was damaged: a clear message, exit status 1,
# and nothing that was measured is lost.
. "$(dirname "$0")/sandbox.bash"
make_sandbox

# ---- read-only; root may write anywhere, so another user tries ----
chmod 755 "$sandbox"
mkdir -p "$sandbox/readonly"
chmod 555 "$sandbox/readonly"
as_user=()
if [ "$(id -u)" -eq 0 ]; then
    as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod -R a+rX "$sandbox"
fi
(cd "$sandbox" && VELO_LOCK=/tmp/velo-test-lock-$$ exec "${as_user[@]}" build/release/velo tournament --out readonly/runs) \
    >"$sandbox/out" 2>"$sandbox/err" </dev/null
status=$?
rm -f /tmp/velo-test-lock-$$
check readonly-status-is-1 "it is $status: $(cat "$sandbox/err")" test "$status" -eq 1
check readonly-message "$(cat "$sandbox/err")" grep -q 'cannot make a folder.*Permission denied.*--out' "$sandbox/err"

# ---- full: a file size limit stands for a full disk ----
(cd "$sandbox" && ulimit -f 40 && exec build/release/velo tournament --scenarios race --budget 30s) \
    >"$sandbox/out" 2>"$sandbox/err" </dev/null
status=$?
dir=$(run_dir)
check full-status-is-1 "it is $status" test "$status" -eq 1
check full-message "$(cat "$sandbox/err")" grep -q 'cannot write to .*raw.ndjson' "$sandbox/err"
check full-keeps-whole-lines "the last line is torn" test "$(tail -c 1 "$dir/raw.ndjson" | od -An -c | tr -d ' ')" = '\n'
velo verify "$dir" --no-pages
check full-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
cp "$dir/raw.ndjson" "$sandbox/full.ndjson"
velo tournament --resume "$(basename "$dir")"
check full-then-resume "status $status: $(cat "$sandbox/err")" came_to_its_end "$dir"
check full-keeps-all "the journal was rewritten" \
    cmp -s -n "$(stat -c %s "$sandbox/full.ndjson")" "$sandbox/full.ndjson" "$dir/raw.ndjson"
velo verify "$dir"
check full-then-resume-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0

# ---- full: a real disk of 80 KiB, where a file system may be mounted ----
mkdir "$sandbox/disk"
small='mount -t tmpfs -o size=80k none disk || exit 99
build/release/velo tournament --scenarios race --budget 30s --out disk; status=$?
cp -r disk/2* found; exit $status'
(cd "$sandbox" && exec unshare --mount --map-root-user sh -c "$small") >"$sandbox/out" 2>"$sandbox/err" </dev/null
status=$?
found=$sandbox/found
if [ "$status" -eq 99 ] || [ ! -d "$found" ]; then
    echo "NOT RUN: a disk of its own: $(tail -n 1 "$sandbox/err")"
else
    check disk-full-status-is-1 "it is $status: $(cat "$sandbox/err")" test "$status" -eq 1
    check disk-full-message "$(cat "$sandbox/err")" said 'No space left on device.*make room'
    check disk-full-keeps-whole-lines "the last line is torn" \
        test "$(tail -c 1 "$found/raw.ndjson" | od -An -c | tr -d ' ')" = '\n'
    check disk-full-keeps-blocks "none" grep -q '"type":"block"' "$found/raw.ndjson"
    velo verify "$found" --no-pages
    check disk-full-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
    velo tournament --resume "$found" --budget 30s
    check disk-full-then-resume "status $status: $(cat "$sandbox/err")" came_to_its_end "$found"
    velo verify "$found"
    check disk-full-then-resume-verifies "status $status: $(cat "$sandbox/out")" test "$status" -eq 0
fi

# ---- a damaged line ----
cp "$dir/raw.ndjson" "$sandbox/whole.ndjson"
sed -i '5s/"cell":[0-9]*/"cell":x/' "$dir/raw.ndjson"
velo report "$(basename "$dir")"
check damaged-status-is-1 "it is $status" test "$status" -eq 1
check damaged-line-is-named "$(cat "$sandbox/err")" grep -q 'raw.ndjson:5:' "$sandbox/err"
velo tournament --resume "$(basename "$dir")"
check damaged-is-not-resumed "status $status" test "$status" -eq 1
sed '7d' "$sandbox/whole.ndjson" >"$dir/raw.ndjson"
velo report "$(basename "$dir")"
check removed-line-is-named "$(cat "$sandbox/err")" grep -q 'raw.ndjson:7:' "$sandbox/err"
finish_tests
