/* SPDX-License-Identifier: Apache-2.0 */
/* studies.h: what a study found, from the round medians of its lanes; pure. suite.h says what each kind measures. */
#ifndef FL_JUDGE_STUDIES_H
#define FL_JUDGE_STUDIES_H
#include <stddef.h>

/* The noise floor of an A=A calibration: the largest relative difference between the medians of any two of its passes,
 * (largest - smallest) / smallest. values: of n rounds in their order, NaN where a round has none; whole passes of
 * pass_rounds > 0 rounds count, those without any value do not. NaN: fewer than two do. */
double fl_noise_floor(const double *values, size_t n, size_t pass_rounds);

#endif
