/* SPDX-License-Identifier: MIT */
/*
 * anchor.h - anchors.ndjson: how long each journal was, kept beside the run folders.
 *
 * The beginning of a journal is a journal. Who kills a tournament after a block that he does not
 * like, cuts its lines off and resumes has chosen his blocks, and nothing inside the folder shows
 * it. So whenever a journal is forced to the disk, at the begin and at the end of each attempt at a
 * block among others, the number and the hash of its last line are added to a file outside of its
 * folder. Going on is refused where the journal does not hold the last of these lines; verify calls
 * it a difference, merge takes no such run.
 *
 * What an anchor shows: that nothing was cut off from the journal on the machine that wrote it, as
 * long as nobody touched the anchors as well. What it cannot show: anything against the owner of
 * that machine, who can change or delete this file like any other, go on with a copy of the folder
 * elsewhere (which gets anchors of that place) and bring it back where no anchors are, or replace
 * the program. A folder that was moved has none beside it, and verify says so. The only proof
 * against an owner is a witness whom he does not own: a hash published while it ran.
 */
#ifndef VELO_ANCHOR_H
#define VELO_ANCHOR_H

#include <stddef.h>

#define ANCHOR_FILE "anchors.ndjson"

/*
 * Adds the anchor of the journal of [plan_sha256], which has [lines] lines, the last with the hash
 * [sha256], to the folder [base] that holds the run folders. What the line says must be on the disk
 * already. Returns: 0; -errno after a message.
 */
int anchor_add(const char *base, const char *plan_sha256, size_t lines, const char *sha256);

enum anchor_state { ANCHOR_NONE, ANCHOR_HOLDS, ANCHOR_BROKEN };

/*
 * Does the journal in the folder [run_dir], of [plan_sha256], hold the line of its last anchor in
 * [base]? *lines becomes the number of lines it had then, 0 without an anchor. The anchor is read
 * first, so that a tournament may go on meanwhile. Returns ANCHOR_NONE where there is none.
 */
enum anchor_state
anchor_check(const char *base, const char *run_dir, const char *plan_sha256, size_t *lines);

#endif
