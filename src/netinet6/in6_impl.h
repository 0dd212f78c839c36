/*
 * in6_impl: declarations of the files in6*.c, for each other.
 */

#ifndef NETINET6_IN6_IMPL_H
#define NETINET6_IN6_IMPL_H

#include <errno.h>

#include "kern/ktask.h"
#include "kern/wheel.h"
#include "netinet6/in6_var.h"

#define IN6_EXPIRE_LEVELS 6	/* three days; a longer wait goes on after it */

/* The timer of an address that has an end. */
struct in6_timer {
	struct wheel_link it_wheel;	/* e: while IN6_TIMER_ON */
	TAILQ_ENTRY(in6_timer) it_link;	/* e: while IN6_TIMER_DUE */
	enum { IN6_TIMER_OFF, IN6_TIMER_ON, IN6_TIMER_DUE } it_state; /* e: */
	uint64_t	 it_due_ns;	/* e: UINT64_MAX: never */
	uint64_t	 it_handle;	/* e: the interface */
	union neigh_addr it_addr;	/* e: */
};

/* Addresses of IPv6 in a vnet. */
struct in6_vnet {
	struct vnet	*i6_vnet;	/* constant */
	int64_t		 i6_auto_linklocal;	/* sysctl; default 1 */

	struct kspin	 i6_expire_lock;
	struct wheel	 i6_expire_wheel;	/* e: */
	struct wheel_level i6_expire_level[IN6_EXPIRE_LEVELS];
	TAILQ_HEAD(, in6_timer) i6_expired;	/* e: */
	struct ktask	 i6_expire_task;
};

/* Any: the value of a setting, which sysctl may be changing at the same
 * time. */
static inline int64_t
ip6_setting(const int64_t *setting)
{

	return __atomic_load_n(setting, __ATOMIC_RELAXED);
}

/* in6.c */
/* Any: must an address of this interface be checked before it is used? */
bool	in6_dad_wanted(const struct ifnet *);

/* in6_control.c */
/* Control, i: a request of AF_INET6 to an interface; EOPNOTSUPP for those that
 * IPv6 does not have, and each request's own errors. */
int	in6_ioctl(struct ifnet *, unsigned long cmd, void *data);
/* Control, i: remove all IPv6 addresses of an interface. */
void	in6_purgeif(struct ifnet *);
/* Any: the interface identifier that follows from the link-level address
 * (modified EUI-64, RFC 4291 appendix A); false: it has none. */
bool	in6_lladdr_id(const struct ifnet *, uint8_t id[8]);
/* Any: seconds until a time of kern_now(), rounded up; 0 means never. */
uint32_t in6_seconds_left(struct kern *, uint64_t ns);

/* in6_expire.c */
/* Control, i: an address needs a timer.  ENOMEM.  It is part of the address
 * from then on. */
int	in6_timer_make(struct in6_ifaddr *);
/* Control, i: the address, which is its interface's, has the lifetimes that it
 * says; it is being removed. */
void	in6_timer_start(struct in6_ifaddr *);
void	in6_timer_stop(struct in6_ifaddr *);
void	in6_expire_init(struct in6_vnet *);
void	in6_expire_fini(struct in6_vnet *);

#endif /* !NETINET6_IN6_IMPL_H */
