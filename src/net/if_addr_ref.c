/*
 * References on addresses: counted ones, and passive ones.
 */

#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"

void
ifa_ref_at(struct ifaddr *ifa, const char *file, int line)
{

	(void)__atomic_fetch_add(&ifa->ifa_refcnt, 1, __ATOMIC_RELAXED);
#ifdef IFNET_DEBUG
	ifa_debug_ref(ifa, file, line);
#else
	(void)file;
	(void)line;
#endif
}

void
ifa_unref(struct ifaddr *ifa)
{
	uint32_t old;

	old = __atomic_fetch_sub(&ifa->ifa_refcnt, 1, __ATOMIC_ACQ_REL);
	KASSERT(old != 0);
	if (old != 1)
		return;
#ifdef IFNET_DEBUG
	ifa_debug_free(ifa);
#endif
	ifa->ifa_free(ifa);
}

void
ifa_acquire_at(struct ifaddr *ifa, struct psref *pr, const char *file,
    int line)
{

	psref_acquire_at(if_kern(ifa->ifa_ifp), pr, &ifa->ifa_psref, file,
	    line);
}

void
ifa_release(struct ifaddr *ifa, struct psref *pr)
{

	psref_release(if_kern(ifa->ifa_ifp), pr);
}

bool
ifa_held(struct ifaddr *ifa)
{

	return psref_held(if_kern(ifa->ifa_ifp), &ifa->ifa_psref);
}

bool
ifa_is_destroying(const struct ifaddr *ifa)
{

	return (__atomic_load_n(&ifa->ifa_flags, __ATOMIC_ACQUIRE) &
	    IFA_DESTROYING) != 0;
}
