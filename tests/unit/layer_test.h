/*
 * layer_test: questions to the interface layer, and changes of it, that tests
 * need and no public function offers.  Each is answered from the layer's
 * private headers, in layer_test.c alone: when those change, that file changes
 * with them, and the tests stay.
 */

#ifndef TESTS_LAYER_TEST_H
#define TESTS_LAYER_TEST_H

#include <ifnet/drop.h>
#include <ifnet/if.h>
#include <ifnet/ifreq.h>
#include <ifnet/pserialize.h>

struct kauth_cred;
struct rt_listener;

/* --- an interface --------------------------------------------------------- */

/* SIOCSIFNAME, without the ioctl lock held; the errno. */
int	test_rename(struct ifnet *, const char *name);
/* Any: its name, whole at every moment of a change. */
void	test_name(const struct ifnet *, char name[IFNAMSIZ]);
/* Any: would its addresses be looked for on other hosts now? */
bool	test_checks_addresses(const struct ifnet *);
/* Is its watchdog armed?  Of one that had a timer once. */
bool	test_watchdog_armed(const struct ifnet *);
/* i: its link-level address of these bytes; NULL: none. */
struct ifaddr *test_find_sadl(struct ifnet *, const uint8_t *, unsigned len);
/* Any: packets that its receive queue takes. */
uint32_t test_rcvq_maxlen(struct ifnet *);
/* Control: move it to another vnet; the errno. */
int	test_vmove(struct ifnet *, struct vnet *to);
/* The operations of an interface that is deactivated. */
const struct if_ops *test_null_ops(void);
const struct iftype_ops *test_null_typeops(void);

/* --- addresses ------------------------------------------------------------ */

/* Any: is the address being removed? */
bool	test_ifa_going(const struct ifaddr *);
/* Read section: lookups, as packets make them. */
struct ifaddr *test_ifwithaddr(struct vnet *, const struct sockaddr *);
struct ifaddr *test_ifwithnet(struct vnet *, const struct sockaddr *);
struct ifaddr *test_ifwithladdr(struct vnet *, const struct sockaddr *);

/* --- counters ------------------------------------------------------------- */

/* Control: what SIOCGIFDATA tells. */
struct if_data test_if_data(struct ifnet *);
/* Control: the packets dropped for a reason. */
uint64_t test_if_drops(struct ifnet *, enum drop_reason);
/* Control, at rest: check that every packet is accounted for. */
void	test_if_books(struct ifnet *);
/* Control: a counter of an interface since it was attached, resets or not. */
uint64_t test_stat(const struct ifnet *, enum if_stat stat);
/* Control: the sum of a counter over the interfaces that are gone. */
uint64_t test_stat_gone(struct vnet *, enum if_stat stat);
/* Control: the number of interfaces. */
unsigned test_if_count(struct vnet *);
/* Control, nothing is queued: check that every packet of every interface that
 * the vnet has or had is accounted for, and that there were some. */
void	test_vnet_books(struct vnet *);

/* --- routes and announcements --------------------------------------------- */

/* Control: the number of routes. */
size_t	test_route_count(struct vnet *);
/* Control: does a route, of any kind, lead out of the interface? */
bool	test_route_leads_to(struct vnet *, uint64_t handle);
/* Control: the number of messages of a dump of everything, or of one interface
 * (handle not 0) added to *n; an errno. */
int	test_dump_all(struct vnet *, uint64_t handle, uint64_t *n);
/* Control: a listener of all kinds, which begins with a snapshot. */
struct rt_listener *test_listen(struct vnet *, size_t queue_bytes);
/* The next message, in RT_MSG_MAX bytes; 0: none. */
size_t	test_hear(struct rt_listener *, void *msg);
void	test_listen_end(struct rt_listener *);

/* --- requests ------------------------------------------------------------- */

/* Any: the user whose request the thread carries out; NULL: none. */
const struct kauth_cred *test_asker(void);

#endif /* !TESTS_LAYER_TEST_H */
