/* SPDX-License-Identifier: Apache-2.0 */
/* hypervisor.c: are we on metal? Three witnesses: the hypervisor bit of the CPU (the kernel shows it as a flag), what
 * the hypervisor says of itself (/sys/hypervisor, the device tree, CPUID), and the names that virtual firmware gives
 * (DMI). Any of them makes it a virtual machine. Bare metal is only said where a witness that could speak is silent. */
#include "base/alloc.h"
#include "sense.h"
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

/* "hypervisor" as a word of the flags line. */
static bool has_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(line, word); p; p = strstr(p + 1, word))
		if ((p == line || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0))
			return true;
	return false;
}

/* What the hypervisor answers to CPUID leaf 0x40000000. Live systems only. NULL: nothing that we know. */
static const char *name_by_cpuid(const struct sense_root *root)
{
#ifdef __x86_64__
	static const struct {
		const char signature[13], name[12];
	} known[] = {
		{ "KVMKVMKVM", "kvm" },	    { "Microsoft Hv", "hyper-v" },   { "VMwareVMware", "vmware" },
		{ "XenVMMXenVMM", "xen" },  { "TCGTCGTCGTCG", "qemu" },	     { "bhyve bhyve ", "bhyve" },
		{ "ACRNACRNACRN", "acrn" }, { " prl hyperv ", "parallels" },
	};
	unsigned eax = 0, words[3] = { 0 };
	char signature[13] = "";

	if (*root->path)
		return NULL;
	__cpuid(0x40000000, eax, words[0], words[1], words[2]);
	memcpy(signature, words, sizeof(words));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].signature, signature) == 0)
			return known[i].name;
#else
	(void)root;
#endif
	return NULL;
}

/* Names in DMI that only virtual machines have. "Amazon EC2", "Google" and "Microsoft Corporation" alone mean nothing:
 * their bare metal says so too. */
static const char *name_by_dmi(const char *text)
{
	static const struct {
		const char *part, *name;
	} signs[] = {
		{ "QEMU", "qemu" },
		{ "KVM", "kvm" },
		{ "Google Compute Engine", "kvm" },
		{ "VMware", "vmware" },
		{ "VirtualBox", "virtualbox" },
		{ "innotek", "virtualbox" },
		{ "Virtual Machine", "hyper-v" },
		{ "HVM domU", "xen" },
		{ "OpenStack", "kvm" },
		{ "Bochs", "qemu" },
		{ "Parallels", "parallels" },
		{ "Firecracker", "kvm" },
		{ "RHEV Hypervisor", "kvm" },
	};

	for (size_t i = 0; text && i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(text, signs[i].part))
			return signs[i].name;
	return NULL;
}

/* *spoke: there was firmware to ask. */
static const char *dmi(const struct sense_root *root, bool *spoke)
{
	static const char *const files[] = { "sys_vendor", "product_name", "board_vendor", "bios_vendor" };
	const char *name = NULL;

	*spoke = false;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !name; i++) {
		char *line = sense_line(root, "/sys/class/dmi/id", files[i]);

		*spoke = *spoke || line;
		name = name_by_dmi(line);
		free(line);
	}
	return name;
}

/* What the hypervisor writes of itself: "xen"; "linux,kvm" in the device tree. malloc'd or NULL. */
static char *by_own_word(const struct sense_root *root)
{
	char *name = sense_line(root, "/sys/hypervisor", "type");
	char *compatible = sense_line(root, "/sys/firmware/devicetree/base/hypervisor", "compatible");

	if (!name && compatible)
		name = fl_dup(strstr(compatible, "kvm") ? "kvm" : compatible);
	free(compatible);
	return name;
}

void sense_hypervisor(const struct sense_root *root, struct fl_machine *m)
{
	char *flags = sense_cpuinfo(root, "flags");
	bool bit = flags && has_word(flags, "hypervisor"), firmware;
	const char *dmi_name = dmi(root, &firmware), *name = NULL;
	char *own = by_own_word(root);

	if (bit)
		name = name_by_cpuid(root);
	if (!name)
		name = dmi_name;
	if (!name && bit && !own)
		name = "unnamed";
	if (!own)
		own = fl_dup(name);
	m->bare_metal = !own && (flags || firmware);
	know_text(&m->hypervisor, own, m->bare_metal ? "bare metal" : "neither CPU nor firmware says");
	free(flags);
}
