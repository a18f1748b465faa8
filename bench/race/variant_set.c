/* SPDX-License-Identifier: MIT */
/* variant_set.c - the variants that change a setting of the load; apart, for velo has no loads. */
#include "params.h"
#include "variants.h"

#include <stdlib.h>

bool variant_set(const struct variant *variant, struct params *params)
{
    if (variant->setting == NULL)
        return true;
    const struct param_spec *spec = params_find(params->specs, variant->setting);
    if (spec == NULL)
        return false;
    double before = params_number(params, spec->name);
    bool taken = spec->kind == PARAM_CHOICE
                     ? params_set_choice(params, spec, variant->value)
                     : params_set_number(params, spec, strtod(variant->value, NULL));
    return taken && params_number(params, spec->name) - before != 0;
}
