/*
 * SIOCGIFCONF: one record for each address, as many whole ones as fit.
 */

#include <ifnet/if_clone.h>

#include "net/if_index_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_name_impl.h"

#include <errno.h>

struct conf {
	struct vnet	*cf_vnet;
	char		*cf_next;	/* where the next one goes */
	size_t		 cf_addr;	/* bytes of a record's address */
	int64_t		 cf_room;	/* bytes left; none: counting */
	int64_t		 cf_len;	/* bytes so far */
	bool		 cf_count;
};

/* One record, all of it written; nonzero: full. */
static int
conf_put(struct conf *cf, const struct ifnet *ifp, const struct sockaddr *sa)
{
	const int64_t size = IFNAMSIZ + (int64_t)cf->cf_addr;

	if (!cf->cf_count) {
		if (cf->cf_room < size)
			return ENOSPC;
		if_name_copy(ifp, cf->cf_next);
		if (sa == NULL || if_sa_put(cf->cf_vnet, cf->cf_next +
		    IFNAMSIZ, cf->cf_addr, sa) != 0)
			memset(cf->cf_next + IFNAMSIZ, 0, cf->cf_addr);
		cf->cf_next += size;
		cf->cf_room -= size;
	}
	cf->cf_len += size;
	return 0;
}

static bool
conf_fits(const struct conf *cf, const struct sockaddr *sa)
{
	size_t len;

	return if_sa_size(cf->cf_vnet, sa, &len) == 0 && len <= cf->cf_addr;
}

static int
conf_if(struct ifnet *ifp, void *arg)
{
	struct conf *cf = arg;
	struct ifaddr *ifa;
	bool any = false;
	int error = 0;

	pserialize_read_enter();
	for (ifa = __atomic_load_n(&TAILQ_FIRST(&ifp->if_addrlist),
	    __ATOMIC_CONSUME); ifa != NULL && error == 0;
	    ifa = __atomic_load_n(&TAILQ_NEXT(ifa, ifa_list),
	    __ATOMIC_CONSUME)) {
		if (!conf_fits(cf, ifa->ifa_addr))
			continue;
		error = conf_put(cf, ifp, ifa->ifa_addr);
		any = true;
	}
	if (!any)
		error = conf_put(cf, ifp, NULL);
	pserialize_read_exit();
	return error;
}

int
if_conf(struct vnet *vn, void *data, size_t datalen, size_t addrlen)
{
	struct ifconf *ifc = data;
	struct conf cf;

	if (datalen < sizeof(*ifc) || ifc->ifc_len < 0 ||
	    (uint64_t)ifc->ifc_len > datalen - sizeof(*ifc))
		return kern_refuse(EINVAL, "there is less room than the "
		    "request says");
	cf.cf_vnet = vn;
	cf.cf_next = (char *)(ifc + 1);
	cf.cf_addr = addrlen;
	cf.cf_room = ifc->ifc_len;
	cf.cf_len = 0;
	cf.cf_count = ifc->ifc_len == 0;
	(void)if_foreach(vn, conf_if, &cf);
	ifc->ifc_len = cf.cf_len;
	return 0;
}
