/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/link.c: queue pairs between two lanes. */
#include "path/rdma/link.h"
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* TIMEOUT: 4.096 us times two to the power of it. RNR_DELAY: code of 1.28 ms. QKEY: no bit at its top, which would mean
 * another. RETRIES: soft-RoCE takes 7, the most, for one without an end. */
enum {
	TIMEOUT = 15,
	RETRIES = 6,
	RNR_FOR_EVER = 7,
	RNR_DELAY = 14,
	HOPS = 64,
	PSN_BITS = 24,
	QKEY = 0x11111111,
	READS_MAX = 16,
	DEVICE = 48
};

/* What the two tell each other, in network order. */
struct said {
	uint32_t pairs, transport, link_layer, mtu, mtu_given, lid, gid_type, rkey, rights, qkey;
	uint32_t asks_reads, answers_reads; /* at a time */
	uint64_t at, bytes;
	uint8_t gid[16];
	char device[DEVICE];
	uint32_t qpn[FL_RDMA_PAIRS_MAX], psn[FL_RDMA_PAIRS_MAX];
	uint32_t is_global; /* 1: it wants a global route */
};
_Static_assert(sizeof(struct said) <= FL_GATHER_MAX, "said at one point");

static const char *transport_name(unsigned transport)
{
	static const char *const names[] = { "RC", "UC", "UD" };

	return transport < sizeof(names) / sizeof(names[0]) ? names[transport] : "unknown";
}

static const char *layer_name(unsigned layer)
{
	return layer == IBV_LINK_LAYER_ETHERNET ? "Ethernet" : "InfiniBand";
}

static void name_peer(const struct fl_rdma_link_spec *spec, struct fl_rdma_link *l)
{
	unsigned rank = 1 - fl_rank(spec->lane);

	snprintf(l->peer, sizeof(l->peer), "rank %u (%s, %.80s)", rank, spec->roles[rank],
		 fl_address(spec->lane, rank));
}

/* ---- what there is to be made */

static unsigned threads_of(const struct fl_rdma_link_spec *spec)
{
	return spec->threads ? spec->threads : 1;
}

/* Of the completion queue of a thread. */
static uint64_t entries_of(const struct fl_rdma_link_spec *spec)
{
	return (uint64_t)spec->pairs / threads_of(spec) * ((uint64_t)spec->depth + spec->receives);
}

static int check_room(const struct fl_rdma_link_spec *spec, struct fl_err *err)
{
	const struct ibv_device_attr *d = &spec->port->limits;

	if (fl_size(spec->lane) != 2)
		return fl_fail(err, -EINVAL, "needs two lanes, not %u", fl_size(spec->lane));
	if (spec->pairs < 1 || spec->pairs > FL_RDMA_PAIRS_MAX)
		return fl_fail(err, -EINVAL, "%u queue pairs; it can be 1 to %u", spec->pairs, FL_RDMA_PAIRS_MAX);
	if (threads_of(spec) > FL_RDMA_THREADS_MAX || spec->pairs % threads_of(spec))
		return fl_fail(err, -EINVAL, "%u queue pairs are not to be shared equally among %u threads",
			       spec->pairs, threads_of(spec));
	if (spec->depth < 1 || spec->depth > (unsigned)d->max_qp_wr || spec->receives > (unsigned)d->max_qp_wr)
		return fl_fail(err, -EINVAL, "%u requests and %u receives a queue; %s has room for 1 to %d of each",
			       spec->depth, spec->receives, spec->port->device, d->max_qp_wr);
	if (entries_of(spec) > (uint64_t)d->max_cqe)
		return fl_fail(err, -EINVAL,
			       "%u queue pairs a thread, of %u requests and %u receives; %s has room for %d in all",
			       spec->pairs / threads_of(spec), spec->depth, spec->receives, spec->port->device,
			       d->max_cqe);
	return 0;
}

/* RoCE has 3 bits for it, of which drivers make the others 0 without a word. */
static int check_level(const struct fl_rdma_link_spec *spec, struct fl_err *err)
{
	const unsigned most = spec->port->is_ethernet ? 7 : 15;

	if (spec->service_level <= most)
		return 0;
	return fl_fail(err, -EINVAL, "service level %u at %s; there it can be 0 to %u", spec->service_level,
		       spec->port->name, most);
}

static int make_failed(const struct fl_rdma_link_spec *spec, int code, const char *what, struct fl_err *err)
{
	int rc;

	code = code ? code : EIO;
	rc = fl_fail(err, -code, "make %s of %s: %s", what, spec->port->device, strerror(code));
	if (code == ENOMEM)
		fl_hint(err, "queues are locked memory, too: 'ulimit -l'; or the device has no more of them");
	return rc;
}

static int make_queue(const struct fl_rdma_link_spec *spec, struct fl_rdma_link *l, unsigned i, struct fl_err *err)
{
	errno = 0;
	if (spec->events) {
		l->channel[i] = ibv_create_comp_channel(spec->port->context);
		if (!l->channel[i])
			return make_failed(spec, errno, "a completion channel", err);
	}
	l->cq[i] = ibv_create_cq(spec->port->context, (int)entries_of(spec), NULL, l->channel[i], 0);
	l->recv_cq[i] = l->cq[i];
	if (l->cq[i] && spec->apart)
		l->recv_cq[i] = ibv_create_cq(spec->port->context, (int)entries_of(spec), NULL, l->channel[i], 0);
	return l->recv_cq[i] ? 0 : make_failed(spec, errno, "a completion queue", err);
}

static int make_pair(const struct fl_rdma_link_spec *spec, struct fl_rdma_link *l, unsigned i, struct fl_err *err)
{
	static const enum ibv_qp_type types[] = { IBV_QPT_RC, IBV_QPT_UC, IBV_QPT_UD };
	struct ibv_qp_init_attr init = { .send_cq = l->cq[i / l->share],
					 .recv_cq = l->recv_cq[i / l->share],
					 .qp_type = types[spec->transport],
					 .cap = { .max_send_wr = spec->depth,
						  .max_recv_wr = spec->receives,
						  .max_send_sge = 1,
						  .max_recv_sge = 1,
						  .max_inline_data = spec->inline_bytes } };
	int rc, code;

	errno = 0;
	l->qp[i] = ibv_create_qp(spec->port->pd, &init);
	if (!l->qp[i] && errno == EINVAL && spec->inline_wish) {
		init.cap.max_inline_data = 0;
		l->qp[i] = ibv_create_qp(spec->port->pd, &init);
	}
	if (l->qp[i]) {
		l->inline_bytes = init.cap.max_inline_data;
		return 0;
	}
	code = errno;
	rc = make_failed(spec, code, "a queue pair", err);
	if (code == EINVAL && spec->inline_bytes)
		fl_hint(err, "it may not take %u bytes inline", spec->inline_bytes);
	return rc;
}

static unsigned access_of(const struct fl_rdma_link_spec *spec)
{
	unsigned rights = spec->memory->rights, access = 0;

	access |= rights & FL_RDMA_WRITABLE ? (unsigned)IBV_ACCESS_REMOTE_WRITE : 0;
	if (spec->transport != FL_RDMA_RC) /* the others have neither */
		return access;
	access |= rights & FL_RDMA_READABLE ? (unsigned)IBV_ACCESS_REMOTE_READ : 0;
	access |= rights & FL_RDMA_ATOMIC ? (unsigned)IBV_ACCESS_REMOTE_ATOMIC : 0;
	return access;
}

static int init_pair(const struct fl_rdma_link_spec *spec, struct ibv_qp *qp, struct fl_err *err)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT,
				    .port_num = spec->port->number,
				    .qkey = QKEY,
				    .qp_access_flags = access_of(spec) };
	int mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT, rc;

	mask |= spec->transport == FL_RDMA_UD ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS;
	rc = ibv_modify_qp(qp, &attr, mask);
	return rc ? fl_fail(err, -abs(rc), "begin a queue pair at %s: %s", spec->port->name, strerror(abs(rc))) : 0;
}

/* ---- what is said */

static int say(const struct fl_rdma_link_spec *spec, const struct fl_rdma_link *l, struct said *ret, struct fl_err *err)
{
	const struct fl_rdma_port *p = spec->port;
	struct said s = { .pairs = htonl(l->pairs),
			  .transport = htonl(spec->transport),
			  .link_layer = htonl(p->attr.link_layer),
			  .mtu = htonl(p->mtu),
			  .mtu_given = htonl(p->mtu_given),
			  .lid = htonl(p->attr.lid),
			  .gid_type = htonl(p->gid.gid_type),
			  .rkey = htonl(spec->memory->mr->rkey),
			  .rights = htonl(spec->memory->rights),
			  .qkey = htonl(QKEY),
			  .asks_reads = htonl((uint32_t)p->limits.max_qp_init_rd_atom),
			  .answers_reads = htonl((uint32_t)p->limits.max_qp_rd_atom),
			  .at = htobe64((uintptr_t)spec->memory->at),
			  .bytes = htobe64(spec->memory->bytes),
			  .is_global = htonl(fl_rdma_port_is_global(p) || spec->traffic_class) };
	uint32_t psn[FL_RDMA_PAIRS_MAX];

	memcpy(s.gid, p->gid.gid.raw, sizeof(s.gid));
	snprintf(s.device, sizeof(s.device), "%.47s", p->name);
	if (getrandom(psn, sizeof(psn), 0) != sizeof(psn))
		return fl_fail(err, -errno, "no random numbers: %s", strerror(errno));
	for (unsigned i = 0; i < l->pairs; i++) {
		s.qpn[i] = htonl(l->qp[i]->qp_num);
		s.psn[i] = htonl(psn[i] & ((1u << PSN_BITS) - 1));
	}
	*ret = s;
	return 0;
}

/* To the order of this host. Other lanes may be of another build: what cannot be is refused. */
static int hear(struct said *s, const char *peer, struct fl_err *err)
{
	uint32_t *const words[] = { &s->is_global, &s->pairs,	   &s->transport,    &s->link_layer, &s->mtu,
				    &s->mtu_given, &s->lid,	   &s->gid_type,     &s->rkey,	     &s->rights,
				    &s->qkey,	   &s->asks_reads, &s->answers_reads };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*words[i] = ntohl(*words[i]);
	for (unsigned i = 0; i < FL_RDMA_PAIRS_MAX; i++) {
		s->qpn[i] = ntohl(s->qpn[i]);
		s->psn[i] = ntohl(s->psn[i]);
		if (s->qpn[i] >> PSN_BITS || s->psn[i] >> PSN_BITS)
			return fl_fail(err, -EPROTO, "%s says what no queue pair can be", peer);
	}
	s->at = be64toh(s->at);
	s->bytes = be64toh(s->bytes);
	s->device[sizeof(s->device) - 1] = 0;
	if (!fl_rdma_mtu_bytes((enum ibv_mtu)s->mtu) || s->lid > UINT16_MAX || s->bytes > UINT64_MAX - s->at)
		return fl_fail(err, -EPROTO, "%s says what no port or memory can be", peer);
	return 0;
}

/* ---- do the two agree? */

static int agree_in_kind(const struct said *mine, const struct said *theirs, const char *peer, struct fl_err *err)
{
	int rc;

	if (mine->pairs != theirs->pairs)
		rc = fl_fail(err, -EPROTO, "%u queue pairs here, %u at %s", mine->pairs, theirs->pairs, peer);
	else if (mine->transport != theirs->transport)
		rc = fl_fail(err, -EPROTO, "transport %s here, %s at %s", transport_name(mine->transport),
			     transport_name(theirs->transport), peer);
	else
		return 0;
	fl_hint(err, "both sides need the same options");
	return rc;
}

/* From one InfiniBand subnet to another it goes by the LID of a router, which nobody was asked for. */
static int agree_in_subnet(const struct said *mine, const struct said *theirs, const char *peer, struct fl_err *err)
{
	const size_t prefix_bytes = 8;
	int rc;

	if (memcmp(mine->gid, theirs->gid, prefix_bytes) == 0)
		return 0;
	rc = fl_fail(err, -EHOSTUNREACH, "%s and %s of %s are in different InfiniBand subnets", mine->device,
		     theirs->device, peer);
	fl_hint(err, "what goes between them by a router cannot be measured: choose ports of one subnet");
	return rc;
}

static int agree_in_address(const struct said *mine, const struct said *theirs, const char *peer, struct fl_err *err)
{
	struct ibv_gid_entry own = { .gid_type = mine->gid_type }, other = { .gid_type = theirs->gid_type };
	char here[FL_RDMA_GID_TEXT], there[FL_RDMA_GID_TEXT];
	int rc;

	if (mine->link_layer != theirs->link_layer)
		return fl_fail(err, -EPROTO, "%s is %s; %s of %s is %s", mine->device, layer_name(mine->link_layer),
			       theirs->device, peer, layer_name(theirs->link_layer));
	if (mine->link_layer != IBV_LINK_LAYER_ETHERNET)
		return agree_in_subnet(mine, theirs, peer, err);
	memcpy(own.gid.raw, mine->gid, sizeof(mine->gid));
	memcpy(other.gid.raw, theirs->gid, sizeof(theirs->gid));
	if (own.gid_type == other.gid_type && fl_rdma_gid_is_ipv4(&own.gid) == fl_rdma_gid_is_ipv4(&other.gid))
		return 0;
	fl_rdma_gid_text(&own.gid, here);
	fl_rdma_gid_text(&other.gid, there);
	rc = fl_fail(err, -EPROTO, "GIDs that do not reach each other: %s (%s) of %s, %s (%s) of %s, %s", here,
		     fl_rdma_gid_type(&own), mine->device, there, fl_rdma_gid_type(&other), theirs->device, peer);
	fl_hint(err,
		"one is the wrong one: both have to be of the same type and the same kind of address; each side can "
		"be told which by its index");
	return rc;
}

static int agree_in_mtu(const struct said *mine, const struct said *theirs, const char *peer, struct fl_err *err)
{
	unsigned here = fl_rdma_mtu_bytes((enum ibv_mtu)mine->mtu),
		 there = fl_rdma_mtu_bytes((enum ibv_mtu)theirs->mtu);
	int rc;

	if (!(mine->mtu_given && there < here) && !(theirs->mtu_given && here < there))
		return 0;
	rc = fl_fail(err, -EMSGSIZE, "the MTU is %u at %s and %u at %s, %s", here, mine->device, there, theirs->device,
		     peer);
	fl_hint(err, "one was asked for and the other is less: ask for %u, or set that interface's MTU (4200 for 4096)",
		here < there ? here : there);
	return rc;
}

static unsigned least(uint32_t a, uint32_t b)
{
	unsigned n = a < b ? a : b;

	return n < READS_MAX ? n : READS_MAX;
}

/* ---- to the other side */

static struct ibv_ah_attr address_of(const struct fl_rdma_link_spec *spec, const struct fl_rdma_link *l,
				     const struct said *theirs)
{
	struct ibv_ah_attr ah = { .port_num = spec->port->number,
				  .dlid = (uint16_t)theirs->lid,
				  .sl = (uint8_t)spec->service_level,
				  .is_global = l->is_global };

	if (!ah.is_global)
		return ah;
	memcpy(ah.grh.dgid.raw, theirs->gid, sizeof(theirs->gid));
	ah.grh.sgid_index = (uint8_t)spec->port->gid.gid_index;
	ah.grh.hop_limit = HOPS;
	ah.grh.traffic_class = (uint8_t)spec->traffic_class;
	return ah;
}

static int not_reached(const struct fl_rdma_link_spec *spec, const struct said *theirs, const char *peer, int code,
		       struct fl_err *err)
{
	bool gone = code == ETIMEDOUT || code == EHOSTUNREACH || code == ENETUNREACH;
	char gid[FL_RDMA_GID_TEXT];
	union ibv_gid address;
	int rc;

	memcpy(address.raw, theirs->gid, sizeof(theirs->gid));
	fl_rdma_gid_text(&address, gid);
	rc = fl_fail(err, gone ? -EHOSTUNREACH : -code, "from %s to %s (%s) of %s: %s", spec->port->name, gid,
		     theirs->device, peer, strerror(code));
	if (gone)
		fl_hint(err, "that address does not answer: is one of the two GIDs the wrong one, or are the ports in "
			     "different networks?");
	return rc;
}

static int receive_ready(const struct fl_rdma_link_spec *spec, const struct fl_rdma_link *l, struct ibv_qp *qp,
			 const struct said *mine, const struct said *theirs, unsigned i)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTR,
				    .path_mtu = l->mtu,
				    .dest_qp_num = theirs->qpn[i],
				    .rq_psn = theirs->psn[i],
				    .max_dest_rd_atomic = (uint8_t)least(mine->answers_reads, theirs->asks_reads),
				    .min_rnr_timer = RNR_DELAY };
	int mask = IBV_QP_STATE;

	attr.ah_attr = address_of(spec, l, theirs);
	if (spec->transport != FL_RDMA_UD)
		mask |= IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
	if (spec->transport == FL_RDMA_RC)
		mask |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	return ibv_modify_qp(qp, &attr, mask);
}

static int send_ready(const struct fl_rdma_link *l, struct ibv_qp *qp, const struct said *mine, unsigned i)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTS,
				    .sq_psn = mine->psn[i],
				    .timeout = TIMEOUT,
				    .retry_cnt = RETRIES,
				    .rnr_retry = RNR_FOR_EVER,
				    .max_rd_atomic = (uint8_t)l->reads };
	int mask = IBV_QP_STATE | IBV_QP_SQ_PSN;

	if (l->transport == FL_RDMA_RC)
		mask |= IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC;
	return ibv_modify_qp(qp, &attr, mask);
}

static int join(const struct fl_rdma_link_spec *spec, struct fl_rdma_link *l, const struct said *mine,
		const struct said *theirs, struct fl_err *err)
{
	struct ibv_ah_attr ah;
	int rc = 0;

	/* A port that wants one takes no packet without: a virtual function may, the whole NIC there may not. */
	l->is_global = mine->is_global || theirs->is_global;
	l->mtu = (enum ibv_mtu)(mine->mtu < theirs->mtu ? mine->mtu : theirs->mtu);
	l->reads = least(mine->asks_reads, theirs->answers_reads);
	l->remote_at = theirs->at;
	l->remote_bytes = theirs->bytes;
	l->remote_rkey = theirs->rkey;
	l->remote_rights = theirs->rights;
	l->remote_qkey = theirs->qkey;
	for (unsigned i = 0; i < l->pairs && rc == 0; i++) {
		l->remote_qpn[i] = theirs->qpn[i];
		rc = receive_ready(spec, l, l->qp[i], mine, theirs, i);
		if (rc == 0)
			rc = send_ready(l, l->qp[i], mine, i);
	}
	if (rc)
		return not_reached(spec, theirs, l->peer, abs(rc), err);
	if (spec->transport != FL_RDMA_UD)
		return 0;
	ah = address_of(spec, l, theirs);
	errno = 0;
	l->ah = ibv_create_ah(spec->port->pd, &ah);
	return l->ah ? 0 : not_reached(spec, theirs, l->peer, errno ? errno : EIO, err);
}

static int meet(const struct fl_rdma_link_spec *spec, struct fl_rdma_link *l, struct fl_err *err)
{
	struct said mine, all[2], *theirs = &all[1 - fl_rank(spec->lane)];
	int rc = say(spec, l, &mine, err);

	if (rc == 0)
		rc = fl_allgather(spec->lane, "queue pairs", &mine, sizeof(mine), all, err);
	if (rc == 0)
		rc = hear(&mine, "this lane", err);
	if (rc == 0)
		rc = hear(theirs, l->peer, err);
	if (rc == 0)
		rc = agree_in_kind(&mine, theirs, l->peer, err);
	if (rc == 0)
		rc = agree_in_address(&mine, theirs, l->peer, err);
	if (rc == 0)
		rc = agree_in_mtu(&mine, theirs, l->peer, err);
	if (rc == 0)
		rc = join(spec, l, &mine, theirs, err);
	return rc == 0 ? fl_barrier(spec->lane, "queue pairs ready", err) : rc;
}

int fl_rdma_link_make(const struct fl_rdma_link_spec *spec, struct fl_rdma_link *ret, struct fl_err *err)
{
	struct fl_rdma_link l = { .transport = spec->transport,
				  .pairs = spec->pairs,
				  .threads = threads_of(spec),
				  .message_bytes = spec->port->attr.max_msg_sz };
	int rc = check_room(spec, err);

	if (rc == 0)
		rc = check_level(spec, err);
	if (rc < 0)
		return rc;
	name_peer(spec, &l);
	l.share = l.pairs / l.threads;
	for (unsigned i = 0; i < l.threads && rc == 0; i++)
		rc = make_queue(spec, &l, i, err);
	for (unsigned i = 0; i < spec->pairs && rc == 0; i++) {
		rc = make_pair(spec, &l, i, err);
		if (rc == 0)
			rc = init_pair(spec, l.qp[i], err);
	}
	if (rc == 0)
		rc = meet(spec, &l, err);
	if (rc == 0)
		*ret = l;
	else
		fl_rdma_link_close(&l);
	return rc;
}

int fl_rdma_link_check_size(const struct fl_rdma_link *l, uint64_t size, struct fl_err *err)
{
	if (!l->message_bytes || size <= l->message_bytes)
		return 0;
	return fl_fail(err, -EMSGSIZE, "%llu bytes are more than a message: the port takes %u at once",
		       (unsigned long long)size, l->message_bytes);
}

/* ---- its end */

void fl_rdma_link_flush(struct fl_rdma_link *l, unsigned thread)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	for (unsigned i = thread * l->share; i < (thread + 1) * l->share; i++)
		if (l->qp[i])
			ibv_modify_qp(l->qp[i], &attr, IBV_QP_STATE);
}

void fl_rdma_link_close(struct fl_rdma_link *l)
{
	for (unsigned i = 0; i < l->pairs; i++)
		if (l->qp[i])
			ibv_destroy_qp(l->qp[i]);
	if (l->ah)
		ibv_destroy_ah(l->ah);
	for (unsigned i = 0; i < l->threads; i++) {
		if (l->recv_cq[i] && l->recv_cq[i] != l->cq[i])
			ibv_destroy_cq(l->recv_cq[i]);
		if (l->cq[i])
			ibv_destroy_cq(l->cq[i]);
		if (l->channel[i])
			ibv_destroy_comp_channel(l->channel[i]);
	}
	*l = (struct fl_rdma_link){ 0 };
}

void fl_rdma_link_state(const struct fl_rdma_link *l, struct fl_lane *lane)
{
	fl_set_fact(lane, "transport", "%s", transport_name(l->transport));
	fl_set_fact(lane, "route", "%s", l->is_global ? "global" : "local");
	fl_set_fact(lane, "path_mtu", "%u", fl_rdma_mtu_bytes(l->mtu));
	fl_set_fact(lane, "inline_bytes", "%u", l->inline_bytes);
	fl_set_fact(lane, "peer", "%s", l->peer);
}
