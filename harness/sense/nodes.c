/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.c: CPUs and NUMA nodes, by hwloc; what the kernel alone knows (which CPUs a node really has, distances, memory
 * tiers) from sysfs. hwloc gives memory without CPUs to the nearest CPUs, which is not what we want to know. */
#include "base/alloc.h"
#include "base/units.h"
#include "sense.h"
#include <errno.h>
#include <hwloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES "/sys/devices/system/node"
#define TIERS "/sys/devices/virtual/memory_tiering"

/* Only hwloc's reader of /sys and /proc, and no plug-ins, wherever they are: they would load the vendors' libraries
 * into this process and take a second, and those of a system may not fit the library that a bundle brings along.
 * Whatever the user's environment would pretend (XML, synthetic) is dropped. */
static void set_environment(const struct sense_root *root)
{
	static const char *const pretenders[] = { "HWLOC_XMLFILE", "HWLOC_SYNTHETIC", "HWLOC_CPUID_PATH",
						  "HWLOC_THISSYSTEM", "HWLOC_FSROOT" };

	for (size_t i = 0; i < sizeof(pretenders) / sizeof(pretenders[0]); i++)
		unsetenv(pretenders[i]);
	setenv("HWLOC_PLUGINS_PATH", "/dev/null", 1);
	setenv("HWLOC_COMPONENTS", "linux,stop", 1);
	setenv("HWLOC_KEEP_NVIDIA_GPU_NUMA_NODES", "1", 1); /* GPU memory is a node of the machine; hidden by default */
	setenv("HWLOC_HIDE_ERRORS", "2", 1);
	if (*root->path)
		setenv("HWLOC_FSROOT", root->path, 1);
}

static int load(hwloc_topology_t *ret, struct fl_err *err)
{
	hwloc_topology_t topology;

	if (hwloc_topology_init(&topology) < 0)
		return fl_fail(err, -ENOMEM, "hwloc: cannot make a topology");
	/* the cpuset of this process must not hide what the machine has */
	hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
	if (hwloc_topology_load(topology) < 0) {
		fl_fail(err, -ENODEV, "hwloc: cannot read the topology: %s", strerror(errno));
		hwloc_topology_destroy(topology);
		return fl_hint(err, "is /sys mounted and readable?");
	}
	*ret = topology;
	return 0;
}

/* ---- CPUs */

static struct fl_cpus cpus_in(hwloc_const_bitmap_t set)
{
	struct fl_cpus cpus = { 0 };

	for (int cpu = hwloc_bitmap_first(set); cpu >= 0 && cpu < FL_CPUS_MAX; cpu = hwloc_bitmap_next(set, cpu))
		fl_cpus_add(&cpus, (unsigned)cpu);
	return cpus;
}

/* The CPUs that a file lists, else those of hwloc's set. */
static struct fl_cpus cpus_of(const struct sense_root *root, const char *dir, const char *name,
			      hwloc_const_bitmap_t otherwise)
{
	struct fl_text text = { 0 };
	struct fl_cpus cpus;
	bool listed = sense_bytes(root, dir, name, 16384, &text) == 0; /* maybe as an empty list */

	if (text.n > 0)
		text.bytes[strcspn(text.bytes, "\n")] = 0;
	if (!listed || fl_cpus_parse(fl_text_str(&text), &cpus, NULL) < 0)
		cpus = otherwise ? cpus_in(otherwise) : (struct fl_cpus){ 0 };
	fl_text_release(&text);
	return cpus;
}

/* ---- classes */

/* The kernel's memory tier of a node: larger is slower; NaN if it has none. */
static double tier_of(const struct sense_root *root, int number)
{
	struct sense_names names = sense_list(root, TIERS, ".");
	double tier = NAN;

	for (size_t i = 0; i < names.n; i++) {
		char *dir = fl_format(TIERS "/%s", names.names[i]);
		char *list = strncmp(names.names[i], "memory_tier", 11) == 0 ? sense_line(root, dir, "nodelist") : NULL;
		struct fl_cpus members;

		if (list && fl_cpus_parse(list, &members, NULL) == 0 && fl_cpus_has(&members, (unsigned)number))
			tier = (double)i; /* the list is in the order of versions, so tiers ascend */
		free(list);
		free(dir);
	}
	sense_names_release(&names);
	return tier;
}

/* Whether a node is in a slower tier than the nodes with CPUs. */
static bool is_slower(const struct sense_root *root, const struct fl_machine *m, int number)
{
	double own = tier_of(root, number);

	for (size_t i = 0; i < m->nodes_n && !isnan(own); i++)
		if (fl_cpus_count(&m->nodes[i].cpus) > 0 && own > tier_of(root, m->nodes[i].number))
			return true;
	return false;
}

static bool is_far(hwloc_obj_t object)
{
	static const char *const subtypes[] = { "NVM", "SPM", "CXL-DRAM", "CXL-NVM" };

	for (size_t i = 0; object->subtype && i < sizeof(subtypes) / sizeof(subtypes[0]); i++)
		if (strcmp(object->subtype, subtypes[i]) == 0)
			return true;
	return hwloc_obj_get_info_by_name(object, "DAXDevice");
}

static enum fl_node_class class_of(const struct sense_root *root, const struct fl_machine *m,
				   const struct fl_node *node, hwloc_obj_t object)
{
	if (!(node->memory_bytes.value > 0))
		return FL_NODE_EMPTY;
	if (object->subtype && strcmp(object->subtype, "GPUMemory") == 0)
		return FL_NODE_GPU_MEMORY;
	if (is_far(object) || is_slower(root, m, node->number))
		return FL_NODE_FAR_MEMORY;
	return fl_cpus_count(&node->cpus) > 0 ? FL_NODE_DRAM : FL_NODE_DRAM_NO_CPUS;
}

/* ---- distances */

/* The kernel lists the distances of a node in the order of the nodes online; ours are hwloc's, in any order. */
static int read_distances(const struct sense_root *root, struct fl_machine *m, struct fl_node *node,
			  const struct fl_cpus *online, struct fl_err *err)
{
	char *dir = fl_format(NODES "/node%d", node->number), *line = sense_line(root, dir, "distance");
	char *rest = line, *word;
	size_t found = 0;

	free(dir);
	for (unsigned k = 0; (word = strsep(&rest, " ")); k++) {
		uint64_t distance;
		int number = fl_cpus_nth(online, k);

		for (size_t i = 0; i < m->nodes_n; i++) {
			if (m->nodes[i].number == number && fl_parse_count(word, &distance, NULL) == 0) {
				node->distances[i] = (unsigned)distance;
				found++;
			}
		}
	}
	free(line);
	if (found == m->nodes_n)
		return 0;
	return fl_fail(err, -ENODEV, "node %d: the kernel does not say how far every other node is", node->number);
}

static int sense_distances(const struct sense_root *root, struct fl_machine *m, struct fl_err *err)
{
	struct fl_cpus online = cpus_of(root, NODES, "online", NULL); /* a list of nodes has the syntax of CPUs */
	int rc = 0;

	for (size_t i = 0; i < m->nodes_n; i++)
		m->nodes[i].distances = fl_zalloc(m->nodes_n, sizeof(unsigned));
	if (m->nodes_n == 1) { /* also a kernel without NUMA */
		m->nodes[0].distances[0] = 10;
		return 0;
	}
	for (size_t i = 0; i < m->nodes_n && rc == 0; i++)
		rc = read_distances(root, m, &m->nodes[i], &online, err);
	return rc;
}

/* ---- all of it */

static void read_node(const struct sense_root *root, hwloc_obj_t object, struct fl_node *node)
{
	char *dir = fl_format(NODES "/node%u", object->os_index);

	*node = (struct fl_node){ .id = fl_format("node%u", object->os_index), .number = (int)object->os_index };
	node->cpus = cpus_of(root, dir, "cpulist", object->cpuset);
	know(&node->memory_bytes, (double)object->attr->numanode.local_memory);
	free(dir);
}

/* The only node holds all memory, so it has at least what /proc/meminfo says: a kernel that takes memory in as it is
 * needed counts it late in the node's own table. (The other way round, containers may be shown less there.) */
static void correct_only_node(const struct sense_root *root, struct fl_machine *m)
{
	char *total = sense_word(root, "/proc", "meminfo", "MemTotal:");
	uint64_t kib;

	if (m->nodes_n == 1 && total && fl_parse_count(total, &kib, NULL) == 0)
		m->nodes[0].memory_bytes.value = fmax(m->nodes[0].memory_bytes.value, (double)kib * 1024);
	free(total);
}

static int fill(const struct sense_root *root, hwloc_topology_t topology, struct fl_machine *m, struct fl_err *err)
{
	int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);

	if (n < 1)
		return fl_fail(err, -ENODEV, "hwloc: no NUMA node found");
	m->cpus = cpus_of(root, "/sys/devices/system/cpu", "online", hwloc_topology_get_topology_cpuset(topology));
	m->nodes = fl_zalloc((size_t)n, sizeof(*m->nodes));
	m->nodes_n = (size_t)n;
	for (unsigned i = 0; i < (unsigned)n; i++)
		read_node(root, hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, i), &m->nodes[i]);
	correct_only_node(root, m);
	for (unsigned i = 0; i < (unsigned)n; i++)
		m->nodes[i].kind =
			class_of(root, m, &m->nodes[i], hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, i));
	return sense_distances(root, m, err);
}

int sense_nodes(const struct sense_root *root, struct fl_machine *m, struct fl_err *err)
{
	hwloc_topology_t topology = NULL;
	int rc;

	set_environment(root);
	rc = load(&topology, err);
	if (rc < 0)
		return rc;
	rc = fill(root, topology, m, err);
	hwloc_topology_destroy(topology);
	return rc;
}
