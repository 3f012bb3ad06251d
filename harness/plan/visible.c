/* SPDX-License-Identifier: Apache-2.0 */
/* visible.c: what CUDA_VISIBLE_DEVICES leaves to a program. It is a list of numbers, or of UUIDs or beginnings of them,
 * and ends at the first word that is no device. */
#include "base/units.h"
#include "plan/parts.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool begins(const char *text, const char *with)
{
	return text && strncasecmp(text, with, strlen(with)) == 0;
}

/* Does NVIDIA's driver list it? */
static bool is_listed(const struct fl_gpu *gpu)
{
	return begins(gpu->uuid.value, "GPU-") || begins(gpu->uuid.value, "MIG-");
}

static bool any_is_listed(const struct fl_machine *m)
{
	for (size_t i = 0; i < m->gpus_n; i++)
		if (is_listed(&m->gpus[i]))
			return true;
	return false;
}

bool fl_gpu_is_of_cuda(const struct fl_machine *m, const struct fl_gpu *gpu)
{
	if (is_listed(gpu))
		return true;
	return gpu->pci.vendor && strcasecmp(gpu->pci.vendor, "0x10de") == 0 && !any_is_listed(m);
}

/* ---- by number */

static size_t count_whole(const struct fl_machine *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->gpus_n; i++)
		n += fl_gpu_is_of_cuda(m, &m->gpus[i]) && !m->gpus[i].parent;
	return n;
}

static bool are_alike(const struct fl_machine *m)
{
	const char *model = NULL;

	for (size_t i = 0; i < m->gpus_n; i++) {
		const struct fl_gpu *gpu = &m->gpus[i];

		if (!fl_gpu_is_of_cuda(m, gpu) || gpu->parent)
			continue;
		if (!gpu->model.value || (model && strcmp(model, gpu->model.value) != 0))
			return false;
		model = gpu->model.value;
	}
	return true;
}

/* CUDA numbers by speed, as it sees it, or where it is told so by bus address; which is the same where all are alike. A
 * divided one counts in ways that no document tells. */
static bool numbers_are_sure(const struct fl_machine *m, const struct fl_visible *visible)
{
	bool by_bus = visible->order && strcmp(visible->order, "PCI_BUS_ID") == 0;

	for (size_t i = 0; i < m->gpus_n; i++)
		if (fl_gpu_is_of_cuda(m, &m->gpus[i]) && (fl_gpu_is_divided(&m->gpus[i]) || !m->gpus[i].pci.address))
			return false;
	return by_bus || are_alike(m);
}

/* How many come before it by bus address. */
static size_t number_of(const struct fl_machine *m, const struct fl_gpu *gpu)
{
	size_t n = 0;

	for (size_t i = 0; i < m->gpus_n; i++)
		n += fl_gpu_is_of_cuda(m, &m->gpus[i]) && !m->gpus[i].parent &&
		     strcasecmp(m->gpus[i].pci.address, gpu->pci.address) < 0;
	return n;
}

/* ---- word by word */

struct search {
	const struct fl_machine *m;
	const struct fl_gpu *gpu;
	bool sure;	  /* that numbers are what they seem */
	size_t whole_n;	  /* GPUs that are no parts */
	uint64_t numbers; /* those so far that could be any GPU's, a bit each */
	enum fl_seen seen;
};

static bool is_number(const char *word)
{
	return *word && strspn(word, "0123456789") == strlen(word);
}

/* false: there is no such device. */
static bool look_at_number(struct search *s, const char *word)
{
	uint64_t number;

	if (fl_parse_count(word, &number, NULL) < 0 || number >= s->whole_n)
		return false;
	if (!s->sure) {
		s->numbers |= number < 64 ? UINT64_C(1) << number : 0;
		s->seen = s->seen == FL_HIDDEN ? FL_SEEN_PERHAPS : s->seen;
	} else if (number_of(s->m, s->gpu) == number)
		s->seen = FL_SEEN;
	return true;
}

/* Which GPU begins so; NULL: none, or several. unknown: one whose UUID is not known could be meant. */
static const struct fl_gpu *find(const struct fl_machine *m, const char *word, bool *unknown)
{
	const struct fl_gpu *found = NULL;
	size_t n = 0;

	*unknown = false;
	for (size_t i = 0; i < m->gpus_n; i++) {
		*unknown |= fl_gpu_is_of_cuda(m, &m->gpus[i]) && !m->gpus[i].uuid.value;
		if (!begins(m->gpus[i].uuid.value, word))
			continue;
		found = &m->gpus[i];
		n++;
	}
	return n == 1 ? found : NULL;
}

static bool look_at_uuid(struct search *s, const char *word)
{
	bool unknown;
	const struct fl_gpu *found = find(s->m, word, &unknown);

	if (!found && !unknown)
		return false;
	if (found == s->gpu)
		s->seen = FL_SEEN;
	else if (s->seen == FL_HIDDEN &&
		 (found ? s->gpu->parent && strcmp(s->gpu->parent, found->id) == 0 : !s->gpu->uuid.value))
		s->seen = FL_SEEN_PERHAPS; /* one part of it, or the unknown one */
	return true;
}

static bool look_at_word(struct search *s, const char *word)
{
	if (is_number(word))
		return look_at_number(s, word);
	return (begins(word, "GPU-") || begins(word, "MIG-")) && look_at_uuid(s, word);
}

/* As many numbers as GPUs: whichever is which. */
static bool all_are_meant(const struct search *s)
{
	return s->whole_n <= 64 && (size_t)__builtin_popcountll(s->numbers) == s->whole_n;
}

/* Copies the word without the blanks around it. Where the next one begins; NULL: it was the last. */
static const char *take_word(const char *at, char *ret, size_t room)
{
	size_t n = strcspn(at, ",");
	const char *next = at[n] ? at + n + 1 : NULL;

	while (n && isspace((unsigned char)*at)) {
		at++;
		n--;
	}
	while (n && isspace((unsigned char)at[n - 1]))
		n--;
	snprintf(ret, room, "%.*s", (int)(n < room ? n : room - 1), at);
	return next;
}

enum fl_seen fl_gpu_seen(const struct fl_machine *m, const struct fl_gpu *gpu, const struct fl_visible *visible)
{
	struct search s = { .m = m, .gpu = gpu, .whole_n = count_whole(m), .seen = FL_HIDDEN };
	const char *at = visible->devices;
	char word[96];

	if (!at || !fl_gpu_is_of_cuda(m, gpu))
		return FL_SEEN;
	s.sure = numbers_are_sure(m, visible) && !gpu->parent;
	while (at && s.seen != FL_SEEN) {
		at = take_word(at, word, sizeof(word));
		if (!look_at_word(&s, word))
			break;
	}
	if (s.seen == FL_SEEN_PERHAPS && !gpu->parent && !fl_gpu_is_divided(gpu) && all_are_meant(&s))
		return FL_SEEN;
	return s.seen;
}
