/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tape.c: a worker may write anything into its tape; reading it stays in bounds and says so or gives a possible
 * step. */
#include "base/tape.h"
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fl_tape_shape shape = { .threads = 3, .steps_max = 8, .given = 2, .hists = 1 };

static void read_all(const struct fl_tape *tape)
{
	for (uint32_t t = 0; t < shape.threads; t++) {
		uint32_t n = fl_tape_count(tape, t);

		if (n > shape.steps_max || fl_tape_done(tape, t) >= FL_TAPE_DONE_MAX)
			abort();
		for (uint32_t i = 0; i < n; i++) {
			struct fl_tape_step step;
			struct fl_err err = { 0 };
			double given[2];

			if (fl_tape_read(tape, t, i, &step, given, &err) == 0 &&
			    (step.end_ns < step.start_ns || step.end_ns > fl_now_ns()))
				abort();
		}
	}
	if (!fl_phase_name(fl_tape_phase(tape)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_hist merged = { 0 };
	struct fl_tape *tape;
	off_t bytes;
	void *all;
	int fd;

	if (fl_tape_create(&shape, &tape, &fd, NULL) < 0)
		return 0;
	bytes = lseek(fd, 0, SEEK_END);
	all = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (all != MAP_FAILED) {
		/* Repeated, so that a short input reaches every thread. */
		for (size_t at = 0; size && at < (size_t)bytes; at += size)
			memcpy((char *)all + at, data, at + size > (size_t)bytes ? (size_t)bytes - at : size);
		munmap(all, (size_t)bytes);
		read_all(tape);
		fl_hist_merge(&merged, fl_tape_hist(tape, 1, 0));
		fl_hist_merge(&merged, fl_tape_hist(tape, 2, 0));
		fl_hist_quantile(&merged, 0.99);
	}
	fl_tape_free(tape);
	close(fd);
	return 0;
}
