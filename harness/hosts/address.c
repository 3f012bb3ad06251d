/* SPDX-License-Identifier: Apache-2.0 */
/* address.c: addresses as text, and what getifaddrs() knows of this machine. */
#include "hosts/address.h"
#include "base/alloc.h"
#include "base/text.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fl_address_parse(const char *text, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_n,
		     struct fl_err *err)
{
	const struct addrinfo wanted = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char service[8];

	snprintf(service, sizeof(service), "%u", port);
	if (strnlen(text, FL_ADDRESS_TEXT) >= FL_ADDRESS_TEXT || getaddrinfo(text, service, &wanted, &found) != 0)
		return fl_fail(err, -EINVAL, "'%.64s' is not a numeric address", text);
	*ret = (struct sockaddr_storage){ 0 };
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_n = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

/* Without asking for the scope, which may be an interface of another machine. */
bool fl_address_is_numeric(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	char plain[FL_ADDRESS_TEXT];
	char *scope;

	if (!fl_copy(plain, sizeof(plain), text))
		return false;
	if (inet_pton(AF_INET, plain, bytes) == 1)
		return true;
	scope = strchr(plain, '%');
	if (scope)
		*scope = 0;
	return inet_pton(AF_INET6, plain, bytes) == 1;
}

void fl_address_format(const struct sockaddr_storage *a, char ret[FL_ADDRESS_TEXT])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	ret[0] = 0;
	if (a->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, ret, FL_ADDRESS_TEXT);
	else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], ret, FL_ADDRESS_TEXT);
	else if (a->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, ret, FL_ADDRESS_TEXT);
}

uint16_t fl_address_port(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)a)->sin_port);
	return a->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)a)->sin6_port) : 0;
}

/* ---- this machine's */

static bool is_known(char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], text))
			return true;
	return false;
}

static bool is_for_others(const struct ifaddrs *i, int family)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)i->ifa_addr;

	if (!v6 || v6->sin6_family != family || !(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK))
		return false;
	return family == AF_INET || !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr);
}

static struct sockaddr_storage address_of(const struct sockaddr *a)
{
	struct sockaddr_storage s = { 0 };

	memcpy(&s, a, a->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	return s;
}

static size_t add_family(const struct ifaddrs *all, int family, char **ret, size_t n, size_t max)
{
	for (const struct ifaddrs *i = all; i && n < max; i = i->ifa_next) {
		char text[FL_ADDRESS_TEXT];
		struct sockaddr_storage a;

		if (!is_for_others(i, family))
			continue;
		a = address_of(i->ifa_addr);
		fl_address_format(&a, text);
		if (*text && !is_known(ret, n, text))
			ret[n++] = fl_dup(text);
	}
	return n;
}

size_t fl_address_own(char **ret, size_t max)
{
	struct ifaddrs *all = NULL;
	size_t n = 0;

	if (getifaddrs(&all) == 0) {
		n = add_family(all, AF_INET, ret, 0, max);
		n = add_family(all, AF_INET6, ret, n, max);
		freeifaddrs(all);
	}
	if (n == 0 && max > 0)
		ret[n++] = fl_dup("127.0.0.1");
	return n;
}

/* The bits of `bytes` outside the mask become 0; how many are inside. */
static unsigned apply_mask(unsigned char *bytes, const unsigned char *mask, size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		bytes[i] &= mask[i];
		bits += (unsigned)__builtin_popcount(mask[i]);
	}
	return bits;
}

static void format_network(const struct ifaddrs *i, char ret[FL_ADDRESS_TEXT])
{
	struct sockaddr_storage a = address_of(i->ifa_addr), mask;
	char text[FL_ADDRESS_TEXT];
	unsigned bits;

	if (!i->ifa_netmask || i->ifa_netmask->sa_family != i->ifa_addr->sa_family)
		return;
	mask = address_of(i->ifa_netmask);
	if (a.ss_family == AF_INET)
		bits = apply_mask((unsigned char *)&((struct sockaddr_in *)&a)->sin_addr,
				  (const unsigned char *)&((struct sockaddr_in *)&mask)->sin_addr, 4);
	else
		bits = apply_mask(((struct sockaddr_in6 *)&a)->sin6_addr.s6_addr,
				  ((struct sockaddr_in6 *)&mask)->sin6_addr.s6_addr, 16);
	fl_address_format(&a, text);
	snprintf(ret, FL_ADDRESS_TEXT, "%.50s/%u", text, bits);
}

void fl_address_interface(const char *address, char ret_interface[FL_INTERFACE_TEXT], char ret_network[FL_ADDRESS_TEXT])
{
	struct ifaddrs *all = NULL;

	ret_interface[0] = ret_network[0] = 0;
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		char text[FL_ADDRESS_TEXT];
		struct sockaddr_storage a;

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		a = address_of(i->ifa_addr);
		fl_address_format(&a, text);
		if (strcmp(text, address) != 0)
			continue;
		fl_copy(ret_interface, FL_INTERFACE_TEXT, i->ifa_name);
		format_network(i, ret_network);
		break;
	}
	freeifaddrs(all);
}
