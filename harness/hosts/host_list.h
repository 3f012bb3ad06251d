/* SPDX-License-Identifier: Apache-2.0 */
/* host_list.h: names of hosts, as people and Slurm write them. */
#ifndef FL_HOSTS_HOST_LIST_H
#define FL_HOSTS_HOST_LIST_H
#include <feedline/err.h>
#include <stddef.h>

struct fl_host_list {
	struct fl_host_entry {
		char *name;
		char *rack; /* NULL: not said */
	} * items;
	size_t n; /* at most FL_HOSTS_MAX */
};

/* "n1,n2", "n[1-3,08-10]", "r[1-2]n[1-4]": hostile. Names hold letters, digits and "._:-" and begin with a letter or
 * digit, so that none is taken for an option. -EINVAL, -E2BIG; *ret is untouched then. A name may come twice. */
int fl_host_list_expand(const char *text, struct fl_host_list *ret, struct fl_err *err);

/* What --hosts says: such a list, or, where it is a file here or has a '/', what is in it: such a list a line, "n1
 * rack=r1", '#' begins a remark. A name that comes twice is -EINVAL, and so is none at all. */
int fl_host_list_read(const char *given, struct fl_host_list *ret, struct fl_err *err);
/* The same of the text of a file, called `path` in messages. Hostile. */
int fl_host_list_parse(const char *text, const char *path, struct fl_host_list *ret, struct fl_err *err);
void fl_host_list_release(struct fl_host_list *list);

#endif
