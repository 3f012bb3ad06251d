/* SPDX-License-Identifier: Apache-2.0 */
/* stub.h: what a unit test may ask of the libibverbs over host memory that is linked in place of the real one.
 *
 * Two NICs, mlx5_0 on node 0 and mlx5_1 on node 1, of two ports each, all joined by one switch; lanes are threads of
 * this process. It is meant to be as strict as hardware is: states of a queue pair and what each change of state
 * wants, keys, bounds and rights of memory, room in queues. On Ethernet a port has these GIDs, of which IPv4 is
 * 10.<NIC + 1>.<port>.1, IPv6 fd00::<NIC + 1>:<port>, interface that with the index 1 ("lo") for mlx5_0 port 1, one
 * that there is not for others:
 *   0 RoCE v1, 1 RoCE v2 link-local; 2 v1, 3 v2 IPv6; 4 v1, 5 v2 IPv4
 * On InfiniBand there is one, and LIDs.
 *
 * Time is a clock of its own, which goes on only when somebody polls a queue in which nothing is: to the end of the
 * next request anywhere, or, where there is none, by 100 ns and then twice as much each time, up to 1 ms. A request
 * takes its bytes by the rate of the port that sends them, one after the other, and the latency. So what one thread
 * alone measures by that clock is known to the nanosecond; of two that wait for each other it is not.
 *
 * What the machine is and what goes wrong is a text, "memlock=1000000,ibv_reg_mr:3:fail=12". Entries:
 *   nics=N          so many NICs
 *   ib=N            NIC N is InfiniBand
 *   iwarp=N         NIC N is iWARP
 *   down=N.P        port P (from 1) of NIC N is down
 *   mtu=N.P.BYTES   what that port is set to (4096)
 *   nolid=N, apart=N, grh=N   NIC N, of InfiniBand, has no LID, is in a subnet of its own, wants a global route always
 *   nov4=N, nov6=N  NIC N has no such addresses
 *   level=N, class=N   the switch lets nothing through but packets of that service level; of that traffic class, in a
 *                   global route
 *   noatomics=N     NIC N has none
 *   memlock=BYTES   more than that cannot be registered
 *   inline=BYTES    most that goes inline (220)
 *   message=BYTES   most of a message (1 GiB)
 *   depth=N         most requests of a queue (16384)
 *   cqe=N.ENTRIES   most completions that a queue of NIC N holds (4194304)
 *   threads=N       time stands still until so many threads have come to take part in it (0)
 *   latency=NS      of a request (2000)
 *   rate=BYTES      of a port a second (12500000000)
 *   cut=1           nothing comes through any more
 *   sysfs=DIR       where the NICs say on which node they are
 *   peermem=1       the kernel module is loaded that knows addresses of verbs_stub_gpu()
 *   [mlx5_N:]CALL:K[+]:WHAT   the K-th time (with a +, each time from then on; with mlx5_N, on that NIC) that CALL, a
 *                   function of libibverbs, is made, or a request of a kind is carried out (write, read, send, atomic;
 *                   work: any), it
 *     fail=ERRNO    a call fails; what releases something releases it all the same
 *     status=N      a request ends with that status (enum ibv_wc_status)
 *     event=N       the device of who asked says that (enum ibv_event_type), and the request is carried out
 *     flip          one bit of what a request moves is turned
 *     drop          a request moves nothing, and nobody is told
 *     hang          a request never ends
 *     lose          a request of UC or UD comes to nobody
 *     part          of a message of UC the first half comes, which uses up no receive
 * A text that cannot be read ends the process. */
#ifndef STUBS_VERBS_STUB_H
#define STUBS_VERBS_STUB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new life: all that was made before must be gone. */
void verbs_stub_begin(const char *text);

/* More that goes wrong in this life, counted from now on. Of settings: cut. */
void verbs_stub_also(const char *text);

/* How many calls that can fail were made in this life; and what a fault of the text came to first: "ibv_reg_mr"; NULL:
 * nothing. */
unsigned verbs_stub_calls(void);
const char *verbs_stub_fault(void);

/* The time of the stub, for fl_now_ns(). A thread takes part in it from when it first polls, posts, sleeps or asks
 * for the time until it ends, leaves, or waits for something that is not the stub's (a lock, another thread); but who
 * began this life may ask without. Time stands still while one who takes part is at work: it goes on, to what comes
 * next, once each of them sleeps, or has looked in vain for long enough to have seen all that happened at this moment.
 * Looking is polling, or asking for the time again and again: so who looks at memory shall do now and then. */
uint64_t verbs_stub_now_ns(void);
/* For fl_sleep_until(). poll() for a completion channel sleeps by this time, too (verbs.cmake). */
void verbs_stub_sleep_until(uint64_t at_ns);
/* The calling thread takes no part, until it comes again. */
void verbs_stub_leave(void);

/* Whose address is it? `behind` says where bytes are that this process cannot reach by their address, as those of a
 * GPU: NULL for all others. For all lives to come. */
void verbs_stub_gpu(void *(*behind)(const void *at));

/* Does anything remain, or was anything misused? Says the first such thing. */
bool verbs_stub_is_clean(char *why, size_t room);

#endif
