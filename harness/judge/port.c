/* SPDX-License-Identifier: Apache-2.0 */
/* port.c: what the port of a NIC carries of the payload of TCP. A segment of `mss` bytes has beside them 20 bytes of IP
 * (40 of IPv6, which is not told apart: less than 2 % of it) and 32 of TCP with its time stamps (RFC 9293, RFC 7323,
 * which Linux sends); around it are 14 bytes of Ethernet header, 4 of check sequence, 8 of preamble and 12 of gap (IEEE
 * 802.3, 3.1.1 and 4.4.2). With an MTU of 1500 that is 1448 of 1538 bytes, 94.1 %; with 9000, 8948 of 9038, 99.0 %.
 *
 * It is a bound that nothing beats; but how much of it TCP reaches depends on its CPUs as well: what comes near it
 * passes, and what does not is not failed by it. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/path.h"
#include <math.h>

enum { IP_AND_TCP_BYTES = 52, FRAMING_BYTES = 38, MSS_LEAST = 536, MSS_MOST = 65535 };
static const double near = 1.0; /* all of it is to be expected of what is to pass, within the tolerance */

/* As the lane stated it; NaN: it did not. */
static double mss_of(const struct fl_lane_verdict *v)
{
	const char *text = v->first ? fl_json_text_or_null(v->first->facts, "mss") : NULL;
	uint64_t bytes = 0;

	if (text && fl_parse_count(text, &bytes, NULL) == 0 && bytes >= MSS_LEAST && bytes <= MSS_MOST)
		return (double)bytes;
	return NAN;
}

void fl_add_port(struct fl_lane_verdict *v, const struct fl_end *nic, bool sending, double crossings)
{
	struct fl_hop *hop =
		fl_hop_add(v, fl_format("%s port, %s", nic->name, sending ? "sending" : "receiving"), crossings);
	double raw = nic->port->rate_bits_per_s.value / 8, mss = mss_of(v);
	bool known = isfinite(mss);
	const char *why = nic->port->rate_bits_per_s.why;

	hop->named = true;
	if (!(isfinite(raw) && raw > 0)) {
		fl_hop_unknown(hop, why ? why : "its rate is not known", true);
		return;
	}
	mss = known ? mss : MSS_MOST;
	fl_hop_know(hop, raw * mss / (mss + IP_AND_TCP_BYTES + FRAMING_BYTES), false,
		    known ? "computed" : "computed, loose: the size of segments is not known");
	hop->expected = near;
	fl_hop_unknown(hop, "how much of it TCP reaches depends on its CPUs, too", true);
}
