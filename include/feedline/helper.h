/* SPDX-License-Identifier: Apache-2.0 */
/* feedline/helper.h: threads that a benchmark starts beside those that step. They share the lane's CPUs and wait for
 * one another there, which is nobody's fault: so that the harness can tell, they have this name
 * (pthread_setname_np). */
#ifndef FEEDLINE_HELPER_H
#define FEEDLINE_HELPER_H

#define FL_HELPER_NAME "fl-helper"

#endif
