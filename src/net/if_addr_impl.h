/*
 * if_addr: addresses of interfaces: into and out of the tables that lookups
 * use, the lookups, and references.
 */

#ifndef NET_IF_ADDR_IMPL_H
#define NET_IF_ADDR_IMPL_H

#include <ifnet/if.h>
#include <ifnet/pserialize.h>

#include "proto/prefix.h"

struct rt_table;

/*
 * if_addr.c: i: held; the address is built, its family's fields set.  Takes
 * the list's reference and enters the address in every table (exact, far end
 * or broadcast, the prefix of one with a netmask).  ENOMEM, EINVAL (a
 * netmask with holes), EAFNOSUPPORT: nothing has happened and the address is
 * still the caller's.
 */
int	ifa_insert(struct ifnet *, struct ifaddr *);
/* Unfindable, then waits for readers and references, drops the list's
 * reference. */
void	ifa_remove(struct ifnet *, struct ifaddr *);
/* i: one that its protocol left, with its routes, and tell that it is gone. */
void	ifa_remove_left(struct ifnet *, struct ifaddr *);
void	ifa_ref_at(struct ifaddr *, const char *file, int line);
#define ifa_ref(ifa)	ifa_ref_at(ifa, __FILE__, __LINE__)
void	ifa_unref(struct ifaddr *);

/*
 * if_addr_debug.c, in debug builds: where references on addresses were taken,
 * so that a detach can prove that none is left, or name who holds one.
 */
#ifdef IFNET_DEBUG
void	ifa_debug_ref(struct ifaddr *, const char *file, int line);
void	ifa_debug_free(struct ifaddr *);
/* Control: how many addresses of the interface are referenced still; each
 * was logged. */
unsigned ifa_debug_check(struct ifnet *);
#endif

/* At the vnet's start. */
void	ifa_tables_init(struct vnet *);
/* if_addr_prefix.c.  Any: a socket address of IPv4 or IPv6 as a prefix of full
 * length. */
struct prefix prefix_of_sa(const struct sockaddr *);
/* Any: the prefix that an address is on the link of, or its far end; its
 * broadcast address.  false: it has none. */
bool	ifa_link_prefix(const struct ifaddr *, struct prefix *);
bool	ifa_broadcast_prefix(const struct ifaddr *, struct prefix *);
/* Lookups, within a read section; the _psref forms take a reference.  Of
 * addresses that are equal, the first given.  Where no table of routes is
 * named, of interfaces that are in the main one (if_table). */
struct ifaddr *ifa_ifwithaddr(struct vnet *, const struct sockaddr *);
/* The address itself, given to an interface of a table. */
struct ifaddr *ifa_intable(const struct rt_table *, const struct sockaddr *);
struct ifaddr *ifa_ifwithdstaddr(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_ifwithnet(struct vnet *, const struct sockaddr *);
/* The first one of that very prefix. */
struct ifaddr *ifa_ifwithprefix(struct vnet *, const struct prefix *);
struct ifaddr *ifa_ifwithladdr(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_ifwithaf(struct vnet *, int af);
/*
 * Find, of a table's addresses that are sa, have it as far end or broadcast
 * address (len is its length in bits), or are on that prefix, the one that
 * ranks highest, and of
 * equals the one on the interface with the lowest index, and of these the
 * lowest address; rank says 0 of those that do not count.  NULL: none.
 * Compares 64 of each at most.  Read section.
 */
struct ifaddr *ifa_best(const struct rt_table *, const struct sockaddr *,
	    unsigned len, int (*rank)(const struct ifaddr *, void *),
	    void *arg);
/* Does any of the table's addresses that are sa fit?  Looks at all of them.
 * Read section. */
bool	ifa_any_equal(const struct rt_table *, const struct sockaddr *,
	    bool (*fits)(const struct ifaddr *, void *), void *arg);
/* An address of the family that fits, the latest given first; looks at a
 * thousand of them, in whatever table. */
struct ifaddr *ifa_find_af(struct vnet *, int af,
	    bool (*fits)(const struct ifaddr *, const void *), const void *arg);
/*
 * The address of an interface that leads to sa: it is sa, or has it as far end
 * or broadcast address, or is on the longest prefix with it; else the last one
 * of the family.  Of addresses that fit alone (NULL: all do).  By lookup: an
 * interface with many addresses costs no more, unless more than 64 addresses
 * of the vnet share the prefix.  Read section.
 */
struct ifaddr *ifa_ifp_leading(struct ifnet *, const struct sockaddr *,
	    bool (*fits)(const struct ifaddr *));
/* ifa_ifp_leading() with every address, AF_LINK too, on an interface that is
 * not being detached. */
struct ifaddr *ifaof_ifpforaddr(const struct sockaddr *, struct ifnet *);
typedef struct ifaddr *ifa_lookup_fn(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_lookup_psref_at(struct vnet *, ifa_lookup_fn *,
	    const struct sockaddr *, struct psref *, const char *file,
	    int line);
struct ifaddr *ifa_ifwithaf_psref_at(struct vnet *, int, struct psref *,
	    const char *file, int line);
struct ifaddr *ifaof_ifpforaddr_psref_at(const struct sockaddr *,
	    struct ifnet *, struct psref *, const char *file, int line);
void	ifa_acquire_at(struct ifaddr *, struct psref *, const char *file,
	    int line);
/* The caller's place is what a removal that waits too long reports. */
#define ifa_ifwithaddr_psref(vn, sa, pr)				\
	ifa_lookup_psref_at(vn, ifa_ifwithaddr, sa, pr, __FILE__, __LINE__)
#define ifa_ifwithdstaddr_psref(vn, sa, pr)				\
	ifa_lookup_psref_at(vn, ifa_ifwithdstaddr, sa, pr, __FILE__, __LINE__)
#define ifa_ifwithnet_psref(vn, sa, pr)					\
	ifa_lookup_psref_at(vn, ifa_ifwithnet, sa, pr, __FILE__, __LINE__)
#define ifa_ifwithladdr_psref(vn, sa, pr)				\
	ifa_lookup_psref_at(vn, ifa_ifwithladdr, sa, pr, __FILE__, __LINE__)
#define ifa_ifwithaf_psref(vn, af, pr)					\
	ifa_ifwithaf_psref_at(vn, af, pr, __FILE__, __LINE__)
#define ifaof_ifpforaddr_psref(sa, ifp, pr)				\
	ifaof_ifpforaddr_psref_at(sa, ifp, pr, __FILE__, __LINE__)
#define ifa_acquire(ifa, pr)						\
	ifa_acquire_at(ifa, pr, __FILE__, __LINE__)
void	ifa_release(struct ifaddr *, struct psref *);
bool	ifa_held(struct ifaddr *);
bool	ifa_is_destroying(const struct ifaddr *);
void	if_purgeaddrs(struct ifnet *, int family, void (*fn)(struct ifaddr *));
int	if_addr_init(struct ifnet *, struct ifaddr *, bool src);
/* Any: can duplicates of its addresses be looked for (1) just now? */
int	if_do_dad(const struct ifnet *);
/* Is it an address of this interface?  Read section or i:. */
struct ifaddr *ifa_ifp_find(struct ifnet *, const struct sockaddr *);
int	ifaddrpref_ioctl(struct vnet *, unsigned long, void *, struct ifnet *);

#endif /* !NET_IF_ADDR_IMPL_H */
