/*
 * in6_impl: declarations of the files in6*.c, for each other.
 */

#ifndef NETINET6_IN6_IMPL_H
#define NETINET6_IN6_IMPL_H

#include "kern/siphash.h"
#include "netinet6/in6_var.h"

/* Addresses of IPv6 in a vnet. */
struct in6_vnet {
	struct vnet	*i6_vnet;	/* constant */
	int64_t		 i6_auto_linklocal;	/* sysctl; default 1 */
	int64_t		 i6_stableaddr;		/* sysctl; default 0 */
	int64_t		 i6_stablesecret;	/* sysctl; 0: random */
	struct siphash_key i6_stable;	/* a: of these identifiers */
	struct in6_expiry *i6_expiry;	/* a: NULL: no address has an end */
};

/* Any: the value of a setting, which sysctl may be changing at the same
 * time. */
static inline int64_t
ip6_setting(const int64_t *setting)
{

	return __atomic_load_n(setting, __ATOMIC_RELAXED);
}

/* in6_control.c */
/* Control, i: a request of AF_INET6 to an interface; EOPNOTSUPP for those that
 * IPv6 does not have, and each request's own errors. */
int	in6_ioctl(struct ifnet *, unsigned long cmd, void *data);
/* Control, i: remove all IPv6 addresses of an interface. */
void	in6_purgeif(struct ifnet *);
/* Control, i: the address is removed: it needs its solicited-node group no
 * more. */
void	in6_ifa_leave(struct in6_ifaddr *);
/* Any: seconds until a time of kern_now(), rounded up; 0 means never. */
uint32_t in6_seconds_left(struct kern *, uint64_t ns);

/* in6_ifid.c */
/* Any: is it an identifier that no host may make for itself (RFC 5453)? */
bool	in6_ifid_is_reserved(const uint8_t id[8]);
int	in6_ifid_init(struct in6_vnet *);	/* control; ENOMEM */

/* in6_expire.c */
/* Control, i: an address needs a timer.  ENOMEM.  It is part of the address
 * from then on. */
int	in6_timer_make(struct in6_ifaddr *);
/* Control, i: the address, which is its interface's, has the lifetimes that it
 * says; it is being removed. */
void	in6_timer_start(struct in6_ifaddr *);
void	in6_timer_stop(struct in6_ifaddr *);
void	in6_expire_fini(struct in6_vnet *);

#endif /* !NETINET6_IN6_IMPL_H */
