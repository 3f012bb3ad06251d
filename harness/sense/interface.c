/* SPDX-License-Identifier: Apache-2.0 */
/* interface.c: the interfaces of our own network namespace, as the kernel answers there. sysfs shows those of the
 * namespace in which it was mounted, which may have others of the same names, and whose devices are not ours. */
#include "base/alloc.h"
#include "sense.h"
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <math.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INTERFACES_MAX = 4096, OCTETS = sizeof(((struct sense_interface *)0)->hardware) };

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

struct sense_names sense_interfaces(void)
{
	struct if_nameindex *list = if_nameindex();
	struct sense_names names = { 0 };
	size_t n = 0;

	while (list && list[n].if_name && n < INTERFACES_MAX)
		n++;
	names.names = fl_zalloc(n + 1, sizeof(char *));
	for (; names.n < n; names.n++)
		names.names[names.n] = fl_dup(list[names.n].if_name);
	if (list)
		if_freenameindex(list);
	qsort(names.names, names.n, sizeof(char *), by_version);
	return names;
}

/* ---- what the kernel says of one */

static bool ask(int fd, unsigned long what, const char *name, struct ifreq *r)
{
	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", name);
	return ioctl(fd, what, r) == 0;
}

static void ask_driver(int fd, const char *name, struct sense_interface *ret)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq r = { .ifr_data = (char *)&info };

	ret->answers = ask(fd, SIOCETHTOOL, name, &r);
	snprintf(ret->driver, sizeof(ret->driver), "%.*s", (int)sizeof(info.driver), info.driver);
	snprintf(ret->bus, sizeof(ret->bus), "%.*s", (int)sizeof(info.bus_info), info.bus_info);
}

/* ETHTOOL_GSET says what newer calls do, and every kernel knows it. */
static void ask_rate(int fd, const char *name, struct sense_interface *ret)
{
	struct ethtool_cmd settings = { .cmd = ETHTOOL_GSET };
	struct ifreq r = { .ifr_data = (char *)&settings };
	uint32_t mbit = ask(fd, SIOCETHTOOL, name, &r) ? ethtool_cmd_speed(&settings) : 0;

	ret->rate_bits_per_s = mbit && mbit != (uint32_t)SPEED_UNKNOWN ? mbit * 1e6 : (double)NAN;
}

bool sense_interface_ask(const char *name, struct sense_interface *ret)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };
	bool is_ours;

	*ret = (struct sense_interface){ 0 };
	if (fd < 0)
		return false;
	is_ours = ask(fd, SIOCGIFINDEX, name, &r);
	ret->index = is_ours ? r.ifr_ifindex : 0;
	if (is_ours && ask(fd, SIOCGIFHWADDR, name, &r))
		memcpy(ret->hardware, r.ifr_hwaddr.sa_data, sizeof(ret->hardware));
	if (is_ours && ask(fd, SIOCGIFFLAGS, name, &r))
		ret->up = r.ifr_flags & IFF_RUNNING;
	ask_driver(fd, name, ret);
	ask_rate(fd, name, ret);
	close(fd);
	return is_ours;
}

/* ---- whether sysfs shows the same one */

/* An address of InfiniBand is longer than what the kernel says of it here. */
static bool has_hardware(const struct sense_interface *own, const char *address)
{
	char text[3 * OCTETS + 1];
	size_t n = address ? strlen(address) : 0;

	for (size_t i = 0; i < OCTETS; i++)
		snprintf(text + 3 * i, sizeof(text) - 3 * i, "%02x:", own->hardware[i]);
	return n > 0 && !strncasecmp(text, address, n < 3 * OCTETS - 1 ? n : 3 * OCTETS - 1);
}

static bool is_driven_there(const struct sense_root *root, const struct sense_interface *own, const char *device)
{
	char *drivers = sense_drivers(root, device, NULL);
	bool same = sense_has_driver(drivers, own->driver);

	free(drivers);
	return same || (sense_is_pci(own->bus) && strstr(device, own->bus));
}

bool sense_interface_is(const struct sense_root *root, const char *dir, const char *device,
			const struct sense_interface *own)
{
	char *address = sense_line(root, dir, "address");
	double index = 0;
	bool same = sense_number(root, dir, "ifindex", &index) && index == own->index && has_hardware(own, address);

	free(address);
	return same && (!own->answers || is_driven_there(root, own, device));
}
