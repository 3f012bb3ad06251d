/* SPDX-License-Identifier: Apache-2.0 */
/* open.c: from the message "open" to a lane that is ready to live, and its end. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "lane/lane.h"
#include <errno.h>
#include <feedline/registry.h>
#include <stdlib.h>
#include <string.h>

const struct fl_bench *fl_bench_find(const char *name)
{
	for (size_t i = 0; fl_registry[i]; i++)
		for (const struct fl_bench *b = fl_registry[i]; b->name; b++)
			if (!strcmp(b->name, name))
				return b;
	return NULL;
}

static size_t fields_count(const struct fl_bench *b)
{
	size_t n = 0;

	while (b->fields && b->fields[n].name)
		n++;
	return n;
}

static size_t facts_count(const struct fl_bench *b)
{
	size_t n = 0;

	while (b->facts && b->facts[n].name)
		n++;
	return n;
}

/* ---- options */

static int store_device(struct fl_lane *lane, size_t i, const json_t *devices, struct fl_err *err)
{
	const struct fl_field *f = &lane->bench->fields[i];
	struct fl_device *d = &lane->devices[i];
	json_t *given;
	int64_t node, rdma_port;
	int rc = fl_json_object(devices, "devices", f->name, &given, err);

	if (rc == 0)
		rc = fl_json_i64(given, f->name, "node", -1, 1 << 20, &node, err);
	if (rc == 0)
		rc = fl_json_i64(given, f->name, "rdma_port", 0, 255, &rdma_port, err);
	if (rc < 0)
		return rc;
	*d = (struct fl_device){ .id = fl_dup(fl_json_text_or_null(given, "id")),
				 .pci = fl_dup(fl_json_text_or_null(given, "pci")),
				 .path = fl_dup(fl_json_text_or_null(given, "path")),
				 .uuid = fl_dup(fl_json_text_or_null(given, "uuid")),
				 .rdma = fl_dup(fl_json_text_or_null(given, "rdma")),
				 .rdma_port = (unsigned)rdma_port,
				 .node = (int)node };
	memcpy((char *)lane->opts + f->offset, &d, sizeof(d));
	return 0;
}

static int store_text(struct fl_lane *lane, size_t i, const json_t *options, struct fl_err *err)
{
	const struct fl_field *f = &lane->bench->fields[i];
	const char *text = fl_json_text_or_null(options, f->name);

	if (!text)
		return fl_fail(err, -EINVAL, "%s needs '%s'", lane->bench->name, f->name);
	lane->texts[i] = fl_dup(text);
	return fl_field_store(f, lane->texts[i], lane->opts, err);
}

static int store_options(struct fl_lane *lane, const json_t *message, struct fl_err *err)
{
	const struct fl_field *fields = lane->bench->fields;
	json_t *options, *devices;
	int rc = fl_json_object(message, "open", "options", &options, err);

	if (rc == 0)
		rc = fl_json_object(message, "open", "devices", &devices, err);
	lane->opts = fl_zalloc(1, lane->bench->opts_bytes ? lane->bench->opts_bytes : 1);
	lane->texts_n = fields_count(lane->bench);
	lane->texts = fl_zalloc(lane->texts_n + 1, sizeof(*lane->texts));
	lane->devices = fl_zalloc(lane->texts_n + 1, sizeof(*lane->devices));
	for (size_t i = 0; rc == 0 && i < lane->texts_n; i++)
		rc = fields[i].type == FL_DEVICE ? store_device(lane, i, devices, err)
						 : store_text(lane, i, options, err);
	return rc;
}

int fl_lane_presets(const struct fl_bench *bench, void **ret_opts, struct fl_err *err)
{
	void *opts = fl_zalloc(1, bench->opts_bytes ? bench->opts_bytes : 1);
	int rc = 0;

	for (const struct fl_field *f = bench->fields; rc == 0 && f && f->name; f++) {
		char *canon = NULL;

		if (!f->preset || f->type == FL_DEVICE)
			continue;
		if (f->type == FL_TEXT || f->type == FL_PATH) { /* the preset itself outlives opts */
			rc = fl_field_store(f, f->preset, opts, err);
			continue;
		}
		rc = fl_field_canon(f, f->preset, &canon, err);
		if (rc == 0)
			rc = fl_field_store(f, canon, opts, err);
		free(canon);
	}
	if (rc < 0)
		free(opts);
	else
		*ret_opts = opts;
	return rc;
}

/* ---- the group */

/* By itself it has neither rank nor addresses. */
static int read_group(struct fl_lane *lane, const json_t *message, struct fl_err *err)
{
	uint64_t rank;
	json_t *list;
	int rc = fl_json_u64(message, "open", "rank", FL_GROUP_MAX - 1, &rank, err);

	if (rc == 0)
		rc = fl_json_array(message, "open", "addresses", FL_GROUP_MAX, &list, err);
	if (rc < 0)
		return rc;
	lane->size = 1;
	if (json_array_size(list) == 0)
		return 0;
	lane->size = (unsigned)json_array_size(list);
	lane->rank = (unsigned)rank;
	lane->addresses = fl_zalloc(lane->size, sizeof(*lane->addresses));
	for (unsigned i = 0; i < lane->size; i++) {
		const char *address = json_string_value(json_array_get(list, i));

		if (!address)
			return fl_fail(err, -EINVAL, "an address of the group is no text");
		lane->addresses[i] = fl_dup(address);
	}
	return lane->rank < lane->size ? 0 : fl_fail(err, -EINVAL, "rank %u of %u", lane->rank, lane->size);
}

/* ---- the lane */

static int read_order(struct fl_lane *lane, const json_t *message, struct fl_err *err)
{
	const char *name;
	uint64_t number;
	int64_t node;
	int rc = fl_json_u64(message, "open", "lane", UINT32_MAX, &number, err);

	if (rc == 0)
		rc = fl_json_text(message, "open", "bench", &name, err);
	if (rc == 0)
		rc = fl_json_cpus(message, "open", "cpus", &lane->cpus, err);
	if (rc == 0)
		rc = fl_json_i64(message, "open", "node", -1, 1 << 20, &node, err);
	if (rc == 0)
		rc = fl_json_u64(message, "open", "step_ns", UINT64_MAX / 2, &lane->step_ns, err);
	if (rc == 0)
		rc = read_group(lane, message, err);
	if (rc == 0)
		rc = fl_json_u64(message, "open", "memory_max", (uint64_t)1 << 62, &lane->memory_max, err);
	if (rc < 0)
		return rc;
	lane->number = (unsigned)number;
	lane->node = (int)node;
	if (fl_cpus_count(&lane->cpus) == 0)
		return fl_fail(err, -EINVAL, "a lane without CPUs");
	lane->bench = fl_bench_find(name);
	if (!lane->bench)
		return fl_fail(err, -ENOENT, "this worker has no benchmark '%s'", name);
	if (lane->bench->unavailable)
		return fl_fail(err, -ENOSYS, "%s", lane->bench->unavailable);
	return 0;
}

int fl_lane_open(const json_t *message, int control_fd, pthread_mutex_t *send_lock, struct fl_lane **ret,
		 struct fl_err *err)
{
	struct fl_lane *lane = fl_zalloc(1, sizeof(*lane));
	int rc;

	lane->control_fd = control_fd;
	lane->send_lock = send_lock;
	pthread_mutex_init(&lane->lock, NULL);
	pthread_cond_init(&lane->changed, NULL);
	rc = read_order(lane, message, err);
	if (rc < 0)
		goto free_lane;
	lane->facts = fl_zalloc(facts_count(lane->bench) + 1, sizeof(*lane->facts));
	rc = store_options(lane, message, err);
	if (rc < 0)
		goto free_lane;
	*ret = lane;
	return 0;

free_lane:
	fl_lane_free(lane);
	return rc;
}

static void free_devices(struct fl_lane *lane)
{
	for (size_t i = 0; lane->devices && i < lane->texts_n; i++) {
		free((char *)(uintptr_t)lane->devices[i].id);
		free((char *)(uintptr_t)lane->devices[i].pci);
		free((char *)(uintptr_t)lane->devices[i].path);
		free((char *)(uintptr_t)lane->devices[i].uuid);
		free((char *)(uintptr_t)lane->devices[i].rdma);
	}
	free(lane->devices);
}

void fl_lane_free(struct fl_lane *lane)
{
	if (!lane)
		return;
	free_devices(lane);
	for (size_t i = 0; i < lane->texts_n; i++)
		free(lane->texts[i]);
	free(lane->texts);
	for (unsigned i = 0; lane->addresses && i < lane->size; i++)
		free(lane->addresses[i]);
	free(lane->addresses);
	free(lane->opts);
	for (size_t i = 0; lane->facts && i < facts_count(lane->bench); i++)
		free(lane->facts[i]);
	free(lane->facts);
	for (size_t i = 0; i < lane->caps_n; i++) {
		free(lane->caps[i].hop);
		free(lane->caps[i].origin);
	}
	free(lane->caps);
	fl_tape_free(lane->tape);
	pthread_cond_destroy(&lane->changed);
	pthread_mutex_destroy(&lane->lock);
	free(lane);
}
