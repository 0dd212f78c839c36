/*
 * The function that judges every request's privilege.
 */

#include <ifnet/kauth.h>

#include "kern/kern_impl.h"

#include <errno.h>

const struct kauth_cred kauth_cred_self = { .kc_uid = 0, .kc_gid = 0 };

static bool
in_group(const struct kauth_cred *cred, gid_t gid)
{

	if (cred->kc_gid == gid)
		return true;
	for (unsigned i = 0; i < cred->kc_ngroups && i < KAUTH_NGROUPS; i++) {
		if (cred->kc_groups[i] == gid)
			return true;
	}
	return false;
}

static bool
privileged(struct kern *k, const struct kauth_cred *cred)
{
	gid_t admin = __atomic_load_n(&k->k_admin_gid, __ATOMIC_RELAXED);

	return cred->kc_uid == 0 || cred->kc_uid == k->k_uid ||
	    (admin != (gid_t)-1 && in_group(cred, admin));
}

int
kauth_authorize(struct kern *k, const struct kauth_cred *cred,
    enum kauth_action action)
{

	switch (action) {
	case KAUTH_INTERFACE_GET:
	case KAUTH_INTERFACE_SET:
	case KAUTH_RAW_SEND:
		return 0;
	case KAUTH_INTERFACE_SETPRIV:
	case KAUTH_ROUTE_SET:
	case KAUTH_SYSCTL_SET:
	case KAUTH_VNET_ADMIN:
	case KAUTH_HALT:
	case KAUTH_NET_CAPTURE:
	case KAUTH_FILTER_SET:
	case KAUTH_RESERVE:
	case KAUTH_INTERFACE_GETPRIV:
		break;
	case KAUTH_NOBODY:
		return kern_refuse(EPERM, "the stack alone makes this "
		    "request");
	}
	return privileged(k, cred) ? 0 : EPERM;
}

void
kauth_set_admin_group(struct kern *k, gid_t gid)
{

	__atomic_store_n(&k->k_admin_gid, gid, __ATOMIC_RELAXED);
}
