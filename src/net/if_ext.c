/*
 * The table of what few interfaces have.
 */

#include "net/if_ext_impl.h"

#include <errno.h>

#include "net/if_vnet_impl.h"

void *
if_ext_get(struct ifnet *ifp, const struct if_ext_tenant *et)
{
	struct if_ext *ie = ifp->if_ext;
	void *data;

	if (ie == NULL) {
		ie = kmem_zalloc(if_kern(ifp), sizeof(*ie));
		if (ie == NULL)
			return NULL;
		__atomic_store_n(&ifp->if_ext, ie, __ATOMIC_RELEASE);
	}
	data = ie->ie_slot[et->et_id].es_data;
	if (data == NULL) {
		data = host_alloc(if_host(ifp), et->et_size, et->et_align);
		if (data == NULL)
			return NULL;
		ie->ie_slot[et->et_id].es_tenant = et;
		__atomic_store_n(&ie->ie_slot[et->et_id].es_data, data,
		    __ATOMIC_RELEASE);
	}
	return data;
}

void
if_ext_free(struct ifnet *ifp)
{
	struct if_ext *ie = ifp->if_ext;
	const struct if_ext_tenant *et;
	void *data;

	if (ie == NULL)
		return;
	for (unsigned id = 0; id < IF_EXT_MAX; id++) {
		et = ie->ie_slot[id].es_tenant;
		data = ie->ie_slot[id].es_data;
		if (data != NULL && et->et_free != NULL)
			et->et_free(ifp, data);
		kmem_free(if_kern(ifp), data);
	}
	kmem_free(if_kern(ifp), ie);
	ifp->if_ext = NULL;
}

int
if_ext_copy(struct ifnet *twin, const struct ifnet *from)
{
	const struct if_ext *ie = from->if_ext;
	const struct if_ext_tenant *et;
	int error = 0;

	for (unsigned id = 0; ie != NULL && id < IF_EXT_MAX && error == 0;
	    id++) {
		et = ie->ie_slot[id].es_tenant;
		if (et != NULL && et->et_copy != NULL)
			error = et->et_copy(twin, ie->ie_slot[id].es_data);
	}
	return error;
}
