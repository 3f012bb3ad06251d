/* SPDX-License-Identifier: Apache-2.0 */
/* study_ab.c: two values of one option, or the same one twice: A B, B A, A B ..., so that drift cancels out. */
#include "plan/parts.h"

const struct fl_study_row fl_study_ab = { .name = "ab", .make = fl_study_make_values, .turn = fl_study_turn_about };
