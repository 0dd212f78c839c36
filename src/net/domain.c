/*
 * Protocol families of a vnet, by slot and by family.
 */

#include "net/domain.h"

#include "net/if_vnet_impl.h"

void
domain_attach(struct vnet *vn, const struct domain *dom)
{
	struct if_vnet *ifv = vn->vn_if;

	KASSERT(dom->dom_slot < DOM_SLOT_MAX);
	KASSERT(ifv->ifv_domain[dom->dom_slot] == NULL);
	__atomic_store_n(&ifv->ifv_domain[dom->dom_slot], dom,
	    __ATOMIC_RELEASE);
}

const struct domain *
domain_find(struct vnet *vn, int family)
{
	const struct domain *dom;

	for (unsigned i = 0; i < DOM_SLOT_MAX; i++) {
		dom = vn->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_family == family)
			return dom;
	}
	return NULL;
}
