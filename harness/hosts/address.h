/* SPDX-License-Identifier: Apache-2.0 */
/* address.h: numeric addresses, and those of this machine. */
#ifndef FL_HOSTS_ADDRESS_H
#define FL_HOSTS_ADDRESS_H
#include <feedline/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* "10.1.0.1", "fd00::1", "fe80::1%eth0". */
enum { FL_ADDRESS_TEXT = 64 };
bool fl_address_is_numeric(const char *text);

/* With a port, for connect() and bind(). -EINVAL. */
int fl_address_parse(const char *text, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_n,
		     struct fl_err *err);
/* Without the port; an IPv4 address that came through an IPv6 socket is written as one. "" where it is neither. */
void fl_address_format(const struct sockaddr_storage *a, char ret[FL_ADDRESS_TEXT]);
uint16_t fl_address_port(const struct sockaddr_storage *a);

/* Where others may reach this machine: addresses of interfaces that are up, without loopback and those that hold on
 * one link only; IPv4 first. Only loopback: "127.0.0.1". malloc'd texts; returns how many. */
size_t fl_address_own(char **ret, size_t max);

/* The interface that has this address, and its network ("10.1.0.0/24"): "" where there is none. */
enum { FL_INTERFACE_TEXT = 32 };
void fl_address_interface(const char *address, char ret_interface[FL_INTERFACE_TEXT],
			  char ret_network[FL_ADDRESS_TEXT]);

#endif
