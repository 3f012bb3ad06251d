/* SPDX-License-Identifier: Apache-2.0 */
/* launch_variables.c: numbers and the secret out of the environment, addresses of the hub, and what this process may
 * use. */
#include "base/alloc.h"
#include "base/units.h"
#include "hosts/address.h"
#include "hosts/launch_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fl_launch_number(const char *variable, unsigned long max, unsigned long *ret, struct fl_err *err)
{
	const char *text = getenv(variable);
	uint64_t value;

	if (!text)
		return 0;
	if (fl_parse_count(text, &value, NULL) < 0 || value > max)
		return fl_fail(err, -EINVAL, "the environment's %s is '%.40s', not a number up to %lu", variable, text,
			       max);
	*ret = value;
	return 1;
}

int fl_launch_secret(const char *launcher, struct fl_secret *ret, struct fl_err *err)
{
	char *text = getenv("FEEDLINE_SECRET");
	int rc;

	if (!text) {
		fl_fail(err, -EINVAL, "launcher '%s': no FEEDLINE_SECRET, by which agents of one run know each other",
			launcher);
		return fl_hint(err,
			       "set it before: export FEEDLINE_SECRET=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \\n')");
	}
	rc = fl_secret_parse(text, ret, err);
	fl_hint(err, "make one: export FEEDLINE_SECRET=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \\n')");
	sodium_memzero(text, strlen(text));
	unsetenv("FEEDLINE_SECRET");
	return rc;
}

static void add_addresses(const struct addrinfo *found, struct fl_bootstrap *b)
{
	b->addresses = fl_zalloc(FL_ADDRESSES_MAX, sizeof(*b->addresses));
	for (; found && b->addresses_n < FL_ADDRESSES_MAX; found = found->ai_next) {
		struct sockaddr_storage a = { 0 };
		char text[FL_ADDRESS_TEXT];

		memcpy(&a, found->ai_addr, found->ai_addrlen);
		fl_address_format(&a, text);
		b->addresses[b->addresses_n++] = fl_dup(text);
	}
}

/* Where hosts come up one after the other, the name of the first may not be known yet. */
int fl_launch_resolve(const char *name, uint64_t until_ns, const volatile sig_atomic_t *interrupt,
		      struct fl_bootstrap *b, struct fl_err *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int rc;

	while ((rc = getaddrinfo(name, NULL, &hints, &found)) != 0) {
		if (interrupt && *interrupt)
			return fl_fail(err, -EINTR, "interrupted");
		if (fl_now_ns() >= until_ns)
			return fl_fail(err, -EHOSTUNREACH, "the address of the hub '%.64s' is not known here: %s", name,
				       gai_strerror(rc));
		fl_sleep_until(fl_now_ns() + 200000000);
	}
	add_addresses(found, b);
	freeaddrinfo(found);
	return 0;
}

/* ---- what this process has */

char *fl_launch_own_name(void)
{
	char name[FL_HOST_NAME_MAX + 1] = "";

	gethostname(name, sizeof(name) - 1);
	return fl_dup(fl_host_name_is_good(name) ? name : "localhost");
}

static socklen_t length_of(int family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static bool take(const struct ifaddrs *i, const char *name, int family, char ret[FL_ADDRESS_TEXT])
{
	struct sockaddr_storage a = { 0 };

	if (!i->ifa_addr || i->ifa_addr->sa_family != family || strcmp(i->ifa_name, name) != 0)
		return false;
	memcpy(&a, i->ifa_addr, length_of(family));
	fl_address_format(&a, ret);
	return true;
}

static bool has_address(const struct ifaddrs *all, const char *address)
{
	char text[FL_ADDRESS_TEXT];

	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if ((take(i, i->ifa_name, AF_INET, text) || take(i, i->ifa_name, AF_INET6, text)) &&
		    !strcmp(text, address))
			return true;
	return false;
}

int fl_launch_interface(const char *given, char ret[FL_ADDRESS_TEXT], struct fl_err *err)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return fl_fail(err, -errno, "list interfaces: %s", strerror(errno));
	if (has_address(all, given))
		found = fl_copy(ret, FL_ADDRESS_TEXT, given);
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next)
		found = take(i, given, AF_INET, ret);
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next)
		found = take(i, given, AF_INET6, ret);
	freeifaddrs(all);
	if (found)
		return 0;
	fl_fail(err, -EINVAL, "--hub-interface '%.64s': this host has no such interface with an address", given);
	return fl_hint(err, "'ip -br addr' shows them");
}

/* Asked for more than it has, the kernel gives a process all that its cpuset allows. */
int fl_launch_check_bound(const char *command, struct fl_err *err)
{
	struct fl_cpus had = { 0 }, all, may = { 0 };
	struct fl_text text = { 0 };
	int rc = 0;

	memset(&all, 0xff, sizeof(all));
	if (sched_getaffinity(0, sizeof(had.bits), (cpu_set_t *)(void *)had.bits) < 0 ||
	    sched_setaffinity(0, sizeof(all.bits), (cpu_set_t *)(void *)all.bits) < 0)
		return 0;
	sched_getaffinity(0, sizeof(may.bits), (cpu_set_t *)(void *)may.bits);
	sched_setaffinity(0, sizeof(had.bits), (cpu_set_t *)(void *)had.bits);
	if (memcmp(&had, &may, sizeof(had)) != 0) {
		fl_cpus_format(&had, &text);
		fl_text_add(&text, " of ");
		fl_cpus_format(&may, &text);
		fl_fail(err, -EINVAL, "this process is bound to CPUs %s: it could not measure this machine",
			fl_text_str(&text));
		rc = fl_hint(err, "%s feedline ...", command);
		fl_text_release(&text);
	}
	return rc;
}
