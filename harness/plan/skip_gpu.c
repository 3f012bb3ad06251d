/* SPDX-License-Identifier: Apache-2.0 */
/* skip_gpu.c: what the state of a GPU forbids: unknown to CUDA, hidden from us, closed to everybody, divided, or used
 * by others. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <string.h>
#include <strings.h>

static bool skip(struct fl_plan_lane *lane, char *reason, char *hint)
{
	lane->skip = reason;
	lane->hint = hint;
	return true;
}

/* ---- divided GPUs */

static char *list_parts(const struct fl_machine *m, const struct fl_gpu *gpu)
{
	struct fl_text names = { 0 };

	for (size_t i = 0; i < m->gpus_n && names.n < 400; i++)
		if (m->gpus[i].parent && strcmp(m->gpus[i].parent, gpu->id) == 0)
			fl_text_add(&names, "%s%s", names.n ? ", " : "its parts are ", m->gpus[i].id);
	if (!names.n)
		fl_text_add(&names, "it has no parts yet; nvidia-smi mig makes them, or MIG can be switched off");
	return names.bytes;
}

static bool skip_divided(const struct fl_machine *m, const struct fl_gpu *gpu, struct fl_plan_lane *lane)
{
	if (!fl_gpu_is_divided(gpu))
		return false;
	return skip(lane, fl_format("%s is divided into parts (MIG) and cannot be used whole", gpu->id),
		    list_parts(m, gpu));
}

/* A process sees one part and nothing else. gpus_n: that the lane uses. */
static bool skip_beside_part(const struct fl_gpu *gpu, size_t gpus_n, struct fl_plan_lane *lane)
{
	if (!gpu->parent || gpus_n < 2)
		return false;
	return skip(lane, fl_format("%s is a part of a GPU, beside which a process can use no other", gpu->id),
		    fl_dup("choose GPUs that are not divided"));
}

/* ---- unknown, hidden, closed, used */

/* One whose maker nobody knows may be tried. */
static bool skip_unknown(const struct fl_machine *m, const struct fl_gpu *gpu, struct fl_plan_lane *lane)
{
	if (!gpu->pci.vendor || fl_gpu_is_of_cuda(m, gpu))
		return false;
	if (strcasecmp(gpu->pci.vendor, "0x10de") != 0)
		return skip(lane, fl_format("CUDA cannot use %s: it is none of NVIDIA's", gpu->id),
			    fl_dup("choose another GPU"));
	return skip(lane,
		    fl_format("CUDA cannot use %s: %s", gpu->id,
			      gpu->uuid.why ? gpu->uuid.why : "the NVIDIA driver does not list it"),
		    fl_dup("this container or job may not have been given it, or it was lost: see 'nvidia-smi -L'"));
}

static bool skip_hidden(const struct fl_expansion *x, const struct fl_gpu *gpu, struct fl_plan_lane *lane)
{
	const struct fl_visible *visible = &x->host->visible;

	switch (fl_gpu_seen(x->machine, gpu, visible)) {
	case FL_HIDDEN:
		return skip(lane, fl_format("CUDA_VISIBLE_DEVICES='%.100s' hides %s", visible->devices, gpu->id),
			    fl_format("unset it, or add %s there", gpu->uuid.value ? gpu->uuid.value : "the GPU"));
	case FL_SEEN_PERHAPS:
		return skip(
			lane,
			fl_format("CUDA_VISIBLE_DEVICES='%.100s' may hide %s: which GPU has which number there, only "
				  "CUDA knows",
				  visible->devices, gpu->id),
			fl_dup("name GPUs by UUID there, or set CUDA_DEVICE_ORDER=PCI_BUS_ID as well"));
	case FL_SEEN:
		break;
	}
	return false;
}

static bool skip_prohibited(const struct fl_gpu *gpu, struct fl_plan_lane *lane)
{
	if (!gpu->compute_mode.value || strcmp(gpu->compute_mode.value, "prohibited") != 0)
		return false;
	return skip(lane, fl_format("%s is in compute mode 'prohibited': no process may use it", gpu->id),
		    fl_format("as root: nvidia-smi -i %s -c DEFAULT", gpu->pci.address ? gpu->pci.address : "NUMBER"));
}

char *fl_gpu_users(const struct fl_gpu *gpu)
{
	double n = gpu->processes.why ? 0 : gpu->processes.value;

	if (!(n > 0))
		return NULL;
	return fl_format("%.0f other process%s use%s %s", n, n > 1 ? "es" : "", n > 1 ? "" : "s", gpu->id);
}

static bool skip_used(const struct fl_gpu *gpu, struct fl_plan_lane *lane)
{
	const char *shared = fl_lane_option(lane, "shared");
	char *users = shared && strcmp(shared, "yes") == 0 ? NULL : fl_gpu_users(gpu);

	if (!users)
		return false;
	return skip(lane, users, fl_dup("end them ('feedline topo' names one), or measure beside them with --shared"));
}

bool fl_skip_gpu(const struct fl_expansion *x, const struct fl_entry *entry, struct fl_plan_lane *lane)
{
	const char *ids[FL_LANE_GPUS_MAX];
	size_t n = fl_lane_gpus(lane, entry, ids);

	for (size_t i = 0; i < n; i++) {
		const struct fl_gpu *gpu = fl_gpu_of(x->machine, ids[i]);

		if (gpu && (skip_divided(x->machine, gpu, lane) || skip_beside_part(gpu, n, lane) ||
			    skip_unknown(x->machine, gpu, lane) || skip_hidden(x, gpu, lane) ||
			    skip_prohibited(gpu, lane) || skip_used(gpu, lane)))
			return true;
	}
	return false;
}
