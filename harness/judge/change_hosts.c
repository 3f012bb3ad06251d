/* SPDX-License-Identifier: Apache-2.0 */
/* change_hosts.c: which hosts are compared. One on each side: with each other, whatever they are called. Several: each
 * with itself. */
#include "base/alloc.h"
#include "judge/change_parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_listed(const char *const *hosts, size_t n, const char *host)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(hosts[i], host) == 0)
			return true;
	return false;
}

/* The hosts of a side, each once; the list is the caller's. */
static const char **hosts_of(const struct fl_side *side, size_t *ret_n)
{
	const char **hosts = fl_zalloc(side->n, sizeof(*hosts));

	*ret_n = 0;
	for (size_t i = 0; i < side->n; i++)
		if (!is_listed(hosts, *ret_n, side->runs[i]->host))
			hosts[(*ret_n)++] = side->runs[i]->host;
	return hosts;
}

static void leave_out(struct fl_comparison *c, const char *const *hosts, size_t n, const char *const *others,
		      size_t others_n, bool after)
{
	for (size_t i = 0; i < n; i++) {
		if (is_listed(others, others_n, hosts[i]))
			continue;
		c->left_out = fl_grow(c->left_out, c->left_out_n + 1, sizeof(*c->left_out));
		c->left_out[c->left_out_n++] = (struct fl_left_out){ hosts[i], after };
	}
}

bool fl_uses_run(const struct fl_change_work *w, const struct fl_evidence *run)
{
	return w->all || is_listed(w->hosts, w->hosts_n, run->host);
}

static size_t count_runs(const struct fl_change_work *w, const struct fl_side *side)
{
	size_t n = 0;

	for (size_t i = 0; i < side->n; i++)
		n += fl_uses_run(w, side->runs[i]);
	return n;
}

int fl_find_hosts(const struct fl_side *a, const struct fl_side *b, struct fl_change_work *w, struct fl_comparison *c,
		  struct fl_err *err)
{
	size_t before_n, after_n;
	const char **before = hosts_of(a, &before_n), **after = hosts_of(b, &after_n);
	int rc = 0;

	w->hosts = fl_zalloc(before_n, sizeof(*w->hosts));
	for (size_t i = 0; i < before_n; i++)
		if (is_listed(after, after_n, before[i]))
			w->hosts[w->hosts_n++] = before[i];
	w->all = before_n == 1 && after_n == 1;
	if (!w->all && w->hosts_n == 0) {
		fl_fail(err, -EINVAL, "'%s' and '%s' have no host in common", a->name, b->name);
		rc = fl_hint(err, "compare runs of the same hosts, or one host with one other");
	}
	if (!w->all) {
		leave_out(c, before, before_n, after, after_n, false);
		leave_out(c, after, after_n, before, before_n, true);
	}
	w->runs[0] = count_runs(w, a);
	w->runs[1] = count_runs(w, b);
	free(before);
	free(after);
	return rc;
}
