#!/bin/bash
# SPDX-License-Identifier: MIT
# models.sh notices what it must: an order that has changed in the source, a model that no longer
# holds, a variant that does not fail, and names that nobody knows. On a copy of the tree's models.
cd "$(dirname "$0")/../.." || exit 2
. scripts/test/check.bash

copy=$scratch/copy
mkdir "$copy"
cp -r --parents common impls scripts "$copy"

models() # models ARGUMENT...: in the copy
{
    "$copy/scripts/models.sh" "$@" >"$log" 2>&1
}

says()
{
    grep -qE -- "$1" "$log"
}

models --orders
check "the orders are those of the sources" [ $? -eq 0 ]
sed -i '/^static inline uint32_t wake_claim/,/^}/s/seq_cst/acquire/' "$copy/common/parts/wake.h"
models --orders
check "an order has changed: exit 1" [ $? -eq 1 ]
check "an order has changed: which" says 'wake\.cc:1: says that \(W1\), wake_claim\(\)'
cp common/parts/wake.h "$copy/common/parts/"

# timer.cc is among the quickest to build
model=$copy/common/models/timer.cc
sed -i 's/\(variant: SAME_GENERATION must-fail\) assertion/\1 deadlock/; s/variant: FIRE_BY_STORE /variant: O4_MOVE=seq_cst /' "$model"
models --only timer
check "a variant that does not fail: exit 1" [ $? -eq 1 ]
check "a variant that does not fail: named" says '^FAIL +timer O4_MOVE=seq_cst .*not race'
check "a variant that fails otherwise: named" says '^FAIL +timer SAME_GENERATION .*not deadlock'
sed -i 's/variant: O4_MOVE=seq_cst /variant: MISSPELT /; s/load, acquire)/load, relaxed)/' "$model"
models --only timer
check "a variant that nobody knows: named" says '^FAIL +timer MISSPELT'
check "the model no longer holds: named" says '^FAIL +timer  +race after'

models --only nobody
check "no such model: exit 1" [ $? -eq 1 ]
models --nonsense
check "unknown option: exit 2" [ $? -eq 2 ]
check "unknown option: named" says '--nonsense'

finish
