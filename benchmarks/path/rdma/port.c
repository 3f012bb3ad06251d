/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/port.c: a port of an RDMA device. */
#include "path/rdma/port.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Digits and nothing else, up to five of them. */
static bool read_number(const char *text, unsigned *ret)
{
	unsigned n = 0, digits = 0;

	for (; text[digits] >= '0' && text[digits] <= '9' && digits < 6; digits++)
		n = n * 10 + (unsigned)(text[digits] - '0');
	if (digits == 0 || digits > 5 || text[digits])
		return false;
	*ret = n;
	return true;
}

/* ---- GIDs */

const char *fl_rdma_gid_type(const struct ibv_gid_entry *gid)
{
	switch (gid->gid_type) {
	case IBV_GID_TYPE_IB:
		return "IB";
	case IBV_GID_TYPE_ROCE_V1:
		return "RoCE v1";
	case IBV_GID_TYPE_ROCE_V2:
		return "RoCE v2";
	default:
		return "unknown";
	}
}

bool fl_rdma_gid_is_ipv4(const union ibv_gid *gid)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(gid->raw, mapped, sizeof(mapped));
}

void fl_rdma_gid_text(const union ibv_gid *gid, char ret[FL_RDMA_GID_TEXT])
{
	bool ipv4 = fl_rdma_gid_is_ipv4(gid);

	if (!inet_ntop(ipv4 ? AF_INET : AF_INET6, gid->raw + (ipv4 ? 12 : 0), ret, FL_RDMA_GID_TEXT))
		*ret = 0;
}

static bool is_link_local(const union ibv_gid *gid)
{
	return gid->raw[0] == 0xfe && (gid->raw[1] & 0xc0) == 0x80;
}

static bool is_empty(const union ibv_gid *gid)
{
	static const union ibv_gid none;

	return !memcmp(gid, &none, sizeof(none));
}

/* How much the rule likes it; 0: not at all. ifindex: of the interface that it must be of; 0: any. */
static unsigned rank_of(const struct ibv_gid_entry *g, unsigned ifindex)
{
	if (is_empty(&g->gid) || (ifindex && g->ndev_ifindex != ifindex) || g->gid_type != IBV_GID_TYPE_ROCE_V2)
		return 0;
	if (fl_rdma_gid_is_ipv4(&g->gid))
		return 2;
	return is_link_local(&g->gid) ? 0 : 1;
}

/* An entry that is not there: the call fails, or all of it is zero. */
static int entry_at(const struct fl_rdma_port *p, unsigned index, struct ibv_gid_entry *ret)
{
	if (ibv_query_gid_ex(p->context, p->number, index, ret, 0) || is_empty(&ret->gid))
		return -EADDRNOTAVAIL;
	return 0;
}

/* A queue pair is told of an index in one byte: what is behind that cannot be used. */
static unsigned gids_of(const struct fl_rdma_port *p)
{
	const int most = UINT8_MAX + 1;

	return (unsigned)(p->attr.gid_tbl_len < most ? p->attr.gid_tbl_len : most);
}

static int gid_by_index(struct fl_rdma_port *p, unsigned index, struct fl_err *err)
{
	int rc;

	if (index >= gids_of(p))
		return fl_fail(err, -EADDRNOTAVAIL, "%s has %u GIDs, none with index %u", p->name, gids_of(p), index);
	rc = entry_at(p, index, &p->gid);
	if (rc < 0) {
		rc = fl_fail(err, rc, "%s has no GID at index %u", p->name, index);
		fl_hint(err, "'ls /sys/class/infiniband/%s/ports/%u/gid_attrs/types' shows the indices, or say 'auto'",
			p->device, p->number);
	}
	return rc;
}

static int gid_by_rule(struct fl_rdma_port *p, const char *interface, struct fl_err *err)
{
	unsigned ifindex = *interface ? if_nametoindex(interface) : 0, best = 0;
	int rc;

	for (unsigned i = 0; i < gids_of(p) && best < 2; i++) {
		struct ibv_gid_entry g;

		if (entry_at(p, i, &g) < 0 || rank_of(&g, ifindex) <= best)
			continue;
		best = rank_of(&g, ifindex);
		p->gid = g;
	}
	if (best)
		return 0;
	rc = fl_fail(err, -EADDRNOTAVAIL, "%s has no RoCE v2 GID of an IPv4 or a global IPv6 address%s%s", p->name,
		     *interface ? " of " : "", interface);
	fl_hint(err, "give its interface an address, or say which GID by its index");
	return rc;
}

static int choose_gid(struct fl_rdma_port *p, const struct fl_rdma_port_spec *spec, struct fl_err *err)
{
	unsigned index;

	if (!strcmp(spec->gid, "auto"))
		return p->is_ethernet ? gid_by_rule(p, spec->interface, err) : gid_by_index(p, 0, err);
	if (!read_number(spec->gid, &index))
		return fl_fail(err, -EINVAL, "'%.40s' is no index of a GID; it can be auto or a number", spec->gid);
	p->gid_given = true;
	return gid_by_index(p, index, err);
}

/* ---- MTU */

unsigned fl_rdma_mtu_bytes(enum ibv_mtu mtu)
{
	return mtu < IBV_MTU_256 || mtu > IBV_MTU_4096 ? 0 : 128u << mtu;
}

static int choose_mtu(struct fl_rdma_port *p, const struct fl_rdma_port_spec *spec, struct fl_err *err)
{
	char text[16];
	int rc;

	p->mtu = p->attr.active_mtu;
	p->mtu_given = false;
	if (!fl_rdma_mtu_bytes(p->mtu))
		return fl_fail(err, -EPROTO, "%s says that its MTU is number %d, which is none", p->name, (int)p->mtu);
	if (!strcmp(spec->mtu, "auto"))
		return 0;
	for (enum ibv_mtu m = IBV_MTU_256; m <= IBV_MTU_4096; m++) {
		snprintf(text, sizeof(text), "%u", fl_rdma_mtu_bytes(m));
		if (strcmp(text, spec->mtu) != 0)
			continue;
		if (m > p->attr.active_mtu) {
			rc = fl_fail(err, -EMSGSIZE, "an MTU of %s was asked for; that of %s is %u", spec->mtu, p->name,
				     fl_rdma_mtu_bytes(p->attr.active_mtu));
			fl_hint(err, p->is_ethernet ? "the MTU of its interface has to be larger by the headers: "
						      "4200 for 4096"
						    : "the subnet manager sets it");
			return rc;
		}
		p->mtu = m;
		p->mtu_given = true;
		return 0;
	}
	return fl_fail(err, -EINVAL, "'%.40s' is no MTU; it can be auto, 256, 512, 1024, 2048 or 4096", spec->mtu);
}

/* ---- port */

static const char *state_name(enum ibv_port_state state)
{
	static const char *const names[] = { "no state", "down",   "initialised, waits for a subnet manager",
					     "armed",	 "active", "active, deferred" };

	return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "in an unknown state";
}

static void name_port(struct fl_rdma_port *p, unsigned number)
{
	p->number = (uint8_t)number;
	snprintf(p->name, sizeof(p->name), "%.64s port %u", p->device, number);
}

static int query_port(struct fl_rdma_port *p, unsigned number, struct fl_err *err)
{
	int rc;

	name_port(p, number);
	rc = ibv_query_port(p->context, p->number, &p->attr);
	if (rc)
		return fl_fail(err, -abs(rc), "query %s: %s", p->name, strerror(abs(rc)));
	p->is_ethernet = p->attr.link_layer == IBV_LINK_LAYER_ETHERNET;
	return 0;
}

static bool is_of_interface(const struct fl_rdma_port *p, unsigned ifindex)
{
	struct ibv_gid_entry g;

	for (unsigned i = 0; i < gids_of(p); i++)
		if (entry_at(p, i, &g) == 0 && g.ndev_ifindex == ifindex)
			return true;
	return false;
}

static int choose_port(struct fl_rdma_port *p, const struct fl_rdma_port_spec *spec, struct fl_err *err)
{
	unsigned ifindex = *spec->interface ? if_nametoindex(spec->interface) : 0, n = p->limits.phys_port_cnt, first;
	int rc = 0;

	if (spec->port > n)
		return fl_fail(err, -EINVAL, "%s has %u ports, no port %u", p->device, n, spec->port);
	first = spec->port ? spec->port : 1;
	for (unsigned i = first; i <= (spec->port ? spec->port : n) && rc == 0; i++) {
		rc = query_port(p, i, err);
		if (rc == 0 && p->attr.state == IBV_PORT_ACTIVE && (!ifindex || is_of_interface(p, ifindex)))
			return 0;
	}
	if (rc == 0)
		rc = query_port(p, first, err);
	if (rc < 0)
		return rc;
	if (p->attr.state == IBV_PORT_ACTIVE)
		return fl_fail(err, -ENODEV, "%s is no port of interface '%.40s'", p->name, spec->interface);
	rc = fl_fail(err, -ENETDOWN, "%s is %s%s", p->name, state_name(p->attr.state),
		     spec->port || n < 2 ? "" : ", as are the others");
	fl_hint(err, p->is_ethernet ? "'ip link' shows its interface: is it up, and the cable in?"
				    : "is the cable in, and does a subnet manager run?");
	return rc;
}

static bool wants_global(const struct fl_rdma_port *p)
{
	return p->is_ethernet || p->attr.flags & IBV_QPF_GRH_REQUIRED;
}

bool fl_rdma_port_is_global(const struct fl_rdma_port *p)
{
	return wants_global(p) || p->gid_given;
}

/* Of InfiniBand: what the subnet is addressed by, in a global route, too, but for ports that want one. */
static int check_lid(const struct fl_rdma_port *p, struct fl_err *err)
{
	int rc;

	if (p->attr.lid || wants_global(p))
		return 0;
	rc = fl_fail(err, -EADDRNOTAVAIL, "%s has no LID", p->name);
	fl_hint(err, "a subnet manager gives it one: does one run in that subnet?");
	return rc;
}

/* ---- device */

static int node_of(const struct ibv_device *device)
{
	char path[sizeof(device->ibdev_path) + 32], text[16] = { 0 };
	unsigned node;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/device/numa_node", device->ibdev_path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[strcspn(text, "\n")] = 0;
	return n > 0 && read_number(text, &node) ? (int)node : -1;
}

static int open_device(struct fl_rdma_port *p, struct ibv_device *device, struct fl_err *err)
{
	int rc;

	snprintf(p->device, sizeof(p->device), "%.64s", ibv_get_device_name(device));
	p->node = node_of(device);
	errno = 0;
	p->context = ibv_open_device(device);
	if (!p->context) {
		rc = errno ? errno : EIO;
		rc = fl_fail(err, -rc, "open %s: %s", p->device, strerror(rc));
		fl_hint(err, "may this user open /dev/infiniband/%.32s?", device->dev_name);
		return rc;
	}
	if (device->transport_type != IBV_TRANSPORT_IB) {
		rc = fl_fail(err, -EOPNOTSUPP, "%s is neither InfiniBand nor RoCE", p->device);
		fl_hint(err, "iWARP and others make connections in ways of their own");
		return rc;
	}
	if (fcntl(p->context->async_fd, F_SETFL, O_NONBLOCK) < 0)
		return fl_fail(err, -errno, "listen to what %s says: %s", p->device, strerror(errno));
	rc = ibv_query_device(p->context, &p->limits);
	if (rc)
		return fl_fail(err, -abs(rc), "query %s: %s", p->device, strerror(abs(rc)));
	snprintf(p->firmware, sizeof(p->firmware), "%.64s", p->limits.fw_ver);
	return 0;
}

static void close_device(struct fl_rdma_port *p)
{
	if (p->context)
		ibv_close_device(p->context);
	p->context = NULL;
}

/* Is one of its ports of that interface? */
static bool has_interface(struct ibv_device *device, unsigned ifindex)
{
	struct fl_rdma_port p = { 0 };
	bool found = false;

	if (open_device(&p, device, NULL) == 0)
		for (unsigned i = 1; i <= p.limits.phys_port_cnt && !found; i++)
			found = query_port(&p, i, NULL) == 0 && is_of_interface(&p, ifindex);
	close_device(&p);
	return found;
}

static bool is_wanted(struct ibv_device *device, const struct fl_rdma_port_spec *spec, unsigned ifindex, int n)
{
	if (*spec->device)
		return !strcmp(ibv_get_device_name(device), spec->device);
	return ifindex ? has_interface(device, ifindex) : n == 1;
}

static int refuse(struct ibv_device *const *all, int n, const struct fl_rdma_port_spec *spec, struct fl_err *err)
{
	char names[200] = "";
	int rc;

	for (int i = 0, used = 0; i < n && used < (int)sizeof(names) - 1; i++)
		used += snprintf(names + used, sizeof(names) - (size_t)used, "%s%.40s", i ? ", " : "",
				 ibv_get_device_name(all[i]));
	if (n == 0) {
		rc = fl_fail(err, -ENODEV, "there is no RDMA device here");
		fl_hint(err,
			"'ls /sys/class/infiniband' lists those of the kernel; is the driver of the NIC loaded, and "
			"its library (rdma-core) installed?");
	} else if (*spec->device) {
		rc = fl_fail(err, -ENODEV, "there is no RDMA device '%.40s'; there is: %s", spec->device, names);
	} else if (*spec->interface) {
		rc = fl_fail(err, -ENODEV, "no RDMA device has an address of interface '%.40s'; there is: %s",
			     spec->interface, names);
	} else {
		rc = fl_fail(err, -EINVAL, "which RDMA device? there is: %s", names);
	}
	return rc;
}

static int no_list(int code, struct fl_err *err)
{
	int rc;

	if (code == ELIBACC) {
		rc = fl_fail(err, -ENODEV, "there is no RDMA device here: libibverbs.so.1 cannot be loaded");
		fl_hint(err, "install it with the libraries of the drivers: libibverbs1 and ibverbs-providers, or "
			     "rdma-core");
	} else if (code == ENOSYS) {
		rc = fl_fail(err, -ENODEV, "there is no RDMA device here: this kernel has no RDMA");
		fl_hint(err, "'modprobe ib_uverbs', and load the driver of the NIC");
	} else {
		rc = fl_fail(err, -code, "list RDMA devices: %s", strerror(code));
	}
	return rc;
}

static int find_device(struct fl_rdma_port *p, const struct fl_rdma_port_spec *spec, struct fl_err *err)
{
	unsigned ifindex = *spec->interface ? if_nametoindex(spec->interface) : 0;
	struct ibv_device **all, *found = NULL;
	int n = 0, rc;

	if (*spec->interface && !ifindex)
		return fl_fail(err, -ENODEV, "there is no interface '%.40s'", spec->interface);
	errno = 0;
	all = ibv_get_device_list(&n);
	if (!all)
		return no_list(errno ? errno : EIO, err);
	for (int i = 0; i < n && !found; i++)
		if (is_wanted(all[i], spec, ifindex, n))
			found = all[i];
	rc = found ? open_device(p, found, err) : refuse(all, n, spec, err);
	ibv_free_device_list(all); /* what is open stays */
	return rc;
}

static int find_any(struct fl_err *err)
{
	static const struct fl_rdma_port_spec any = { .device = "", .interface = "" };
	struct ibv_device **all;
	int n = 0, rc;

	errno = 0;
	all = ibv_get_device_list(&n);
	if (!all)
		return no_list(errno ? errno : EIO, err);
	rc = n ? 0 : refuse(all, 0, &any, err);
	ibv_free_device_list(all);
	return rc;
}

int fl_rdma_port_open(const struct fl_rdma_port_spec *spec, struct fl_rdma_port *ret, struct fl_err *err)
{
	struct fl_rdma_port p = { 0 };
	int rc = find_device(&p, spec, err);

	if (rc == 0)
		rc = choose_port(&p, spec, err);
	if (rc == 0)
		rc = check_lid(&p, err);
	if (rc == 0)
		rc = choose_gid(&p, spec, err);
	if (rc == 0)
		rc = choose_mtu(&p, spec, err);
	if (rc == 0) {
		errno = 0;
		p.pd = ibv_alloc_pd(p.context);
		if (!p.pd)
			rc = fl_fail(err, errno ? -errno : -EIO, "make a protection domain of %s: %s", p.device,
				     strerror(errno ? errno : EIO));
	}
	if (rc == 0)
		*ret = p;
	else
		close_device(&p);
	return rc;
}

int fl_rdma_port_atomics(const struct fl_rdma_port *p, struct fl_err *err)
{
	return p->limits.atomic_cap != IBV_ATOMIC_NONE ? 0 : fl_fail(err, -EOPNOTSUPP, "%s has no atomics", p->device);
}

int fl_rdma_port_probe(const struct fl_rdma_port_spec *spec, bool atomics, struct fl_err *err)
{
	struct fl_rdma_port port;
	int rc;

	if (!spec->device)
		return find_any(err);
	rc = fl_rdma_port_open(spec, &port, err);
	if (rc < 0)
		return rc;
	if (atomics)
		rc = fl_rdma_port_atomics(&port, err);
	fl_rdma_port_close(&port);
	return rc;
}

void fl_rdma_port_close(struct fl_rdma_port *p)
{
	if (p->pd)
		ibv_dealloc_pd(p->pd);
	p->pd = NULL;
	close_device(p);
}

/* ---- what it can do */

uint64_t fl_rdma_port_bits_per_s(const struct ibv_port_attr *attr)
{
	/* Of a lane, in Mb/s: on InfiniBand 8b/10b up to QDR, 64b/66b for FDR; later names say what they carry. */
	static const struct {
		unsigned speed, infiniband, ethernet;
	} lanes[] = { { 1, 2000, 0 },	    { 2, 4000, 5000 },	  { 4, 8000, 10000 },	{ 8, 10000, 10000 },
		      { 16, 13636, 14000 }, { 32, 25000, 25000 }, { 64, 50000, 50000 }, { 128, 100000, 100000 } };
	static const struct {
		unsigned width, lanes;
	} widths[] = { { 1, 1 }, { 2, 4 }, { 4, 8 }, { 8, 12 }, { 16, 2 } };
	uint64_t lane = 0, n = 0;

	for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++)
		if (lanes[i].speed == attr->active_speed)
			lane = attr->link_layer == IBV_LINK_LAYER_ETHERNET ? lanes[i].ethernet : lanes[i].infiniband;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		if (widths[i].width == attr->active_width)
			n = widths[i].lanes;
	return lane * n * 1000000;
}

void fl_rdma_port_state(const struct fl_rdma_port *p, struct fl_lane *lane)
{
	uint64_t bits_per_s = fl_rdma_port_bits_per_s(&p->attr);
	char gid[FL_RDMA_GID_TEXT], interface[IF_NAMESIZE];

	fl_rdma_gid_text(&p->gid.gid, gid);
	if (p->gid.ndev_ifindex && if_indextoname(p->gid.ndev_ifindex, interface))
		fl_set_fact(lane, "interface", "%s", interface);
	fl_set_fact(lane, "rdma_device", "%s", p->name);
	fl_set_fact(lane, "firmware", "%s", p->firmware);
	fl_set_fact(lane, "link_layer", "%s", p->is_ethernet ? "Ethernet" : "InfiniBand");
	fl_set_fact(lane, "active_mtu", "%u", fl_rdma_mtu_bytes(p->attr.active_mtu));
	fl_set_fact(lane, "gid_type", "%s", fl_rdma_gid_type(&p->gid));
	fl_set_fact(lane, "gid", "%s (%u)", gid, p->gid.gid_index);
	if (bits_per_s)
		fl_set_fact(lane, "rate_bits_per_s", "%" PRIu64, bits_per_s);
	if (p->node >= 0)
		fl_set_fact(lane, "nic_node", "%d", p->node);
}

void fl_rdma_port_state_atomics(const struct fl_rdma_port *p, struct fl_lane *lane)
{
	fl_set_fact(lane, "atomicity", "%s", p->limits.atomic_cap == IBV_ATOMIC_GLOB ? "host" : "device");
}
