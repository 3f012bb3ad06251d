/* SPDX-License-Identifier: Apache-2.0 */
/* Names of hosts: a list as Slurm writes it, and a file of a user. Whatever is taken is within bounds. */
#include "base/alloc.h"
#include "hosts/bootstrap.h"
#include "hosts/host_list.h"
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(struct fl_host_list *list)
{
	if (list->n > FL_HOSTS_MAX)
		abort();
	for (size_t i = 0; i < list->n; i++)
		if (!isalnum((unsigned char)*list->items[i].name) || strlen(list->items[i].name) > FL_HOST_NAME_MAX ||
		    !fl_host_name_is_good(list->items[i].name))
			abort();
	fl_host_list_release(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = fl_format("%.*s", (int)n, (const char *)data);
	struct fl_host_list list = { 0 };

	if (fl_host_list_expand(text, &list, NULL) == 0)
		check(&list);
	list = (struct fl_host_list){ 0 };
	if (fl_host_list_parse(text, "hosts", &list, NULL) == 0)
		check(&list);
	free(text);
	return 0;
}
