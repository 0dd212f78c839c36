/*
 * ifa_test: addresses of interfaces, without a protocol's part.
 */

#ifndef TESTS_IFA_TEST_H
#define TESTS_IFA_TEST_H

#include "addr_test.h"

#include <errno.h>

#include "net/if_addr_impl.h"	/* addresses are put on interfaces */
#include "net/if_vnet_impl.h"	/* the kern of an interface */
#include "net/route.h"		/* struct protoaddr */

struct test_ifaddr {
	struct protoaddr ta_proto;	/* first */
#define ta_ifa	ta_proto.pa_ifa
	union test_addr	 ta_addr, ta_mask, ta_dst;
	struct kern	*ta_kern;
};

static inline void
test_ifa_free(struct ifaddr *ifa)
{

	kmem_free(((struct test_ifaddr *)ifa)->ta_kern, ifa);
}

/* An address that is on no interface yet; NULL: no memory. */
static inline struct test_ifaddr *
test_ifa_alloc(struct kern *k, const struct sockaddr *addr, unsigned len,
    const struct sockaddr *dst)
{
	struct test_ifaddr *ta;

	ta = kmem_zalloc(k, sizeof(*ta));
	if (ta == NULL)
		return NULL;
	ta->ta_kern = k;
	ta->ta_addr = test_addr_copy(addr);
	ta->ta_mask = test_mask(addr, len);
	ta->ta_ifa.ifa_addr = &ta->ta_addr.sa;
	ta->ta_ifa.ifa_netmask = &ta->ta_mask.sa;
	if (dst != NULL) {
		ta->ta_dst = test_addr_copy(dst);
		ta->ta_ifa.ifa_dstaddr = &ta->ta_dst.sa;
	}
	ta->ta_ifa.ifa_free = test_ifa_free;
	return ta;
}

/*
 * i: give the interface an address with a prefix length, and with a far end or
 * broadcast address when dst is not NULL.  ENOMEM, or as ifa_insert().
 */
static inline int
test_ifa_add(struct ifnet *ifp, const struct sockaddr *addr, unsigned len,
    const struct sockaddr *dst, struct ifaddr **ifap)
{
	struct test_ifaddr *ta;
	int error;

	ta = test_ifa_alloc(if_kern(ifp), addr, len, dst);
	if (ta == NULL)
		return ENOMEM;
	error = ifa_insert(ifp, &ta->ta_ifa);
	if (error != 0)
		kmem_free(ta->ta_kern, ta);
	else if (ifap != NULL)
		*ifap = &ta->ta_ifa;
	return error;
}

/* Take the ioctl lock, and add one, which does not fail. */
static inline struct ifaddr *
test_give(struct ifnet *ifp, const struct sockaddr *addr, unsigned len,
    const struct sockaddr *dst)
{
	struct ifaddr *ifa;

	if_ioctl_lock(ifp);
	KASSERT(test_ifa_add(ifp, addr, len, dst, &ifa) == 0);
	if_ioctl_unlock(ifp);
	return ifa;
}

/* Take the ioctl lock, and remove an address. */
static inline void
test_take(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;

	if_ioctl_lock(ifp);
	ifa_remove(ifp, ifa);
	if_ioctl_unlock(ifp);
}

#endif /* !TESTS_IFA_TEST_H */
