/*
 * Passive references on interfaces, and walks of all interfaces that hold the
 * one they are at.
 */

#include "net/if_index_impl.h"
#include "net/if_vnet_impl.h"

void
if_acquire_at(struct ifnet *ifp, struct psref *pr, const char *file, int line)
{

	psref_acquire_at(if_kern(ifp), pr, &ifp->if_psref, file, line);
}

void
if_put(const struct ifnet *ifp, struct psref *pr)
{

	psref_release(if_kern(ifp), pr);
}

bool
if_held(struct ifnet *ifp)
{

	return psref_held(if_kern(ifp), &ifp->if_psref);
}

struct ifnet *
if_get_from(struct vnet *vn, unsigned *index, struct psref *pr)
{
	struct ifnet *ifp = NULL;
	struct if_table *it;

	pserialize_read_enter();
	it = __atomic_load_n(&vn->vn_if->ifv_table, __ATOMIC_CONSUME);
	while (ifp == NULL && it != NULL && *index < it->it_size)
		ifp = if_byindex(vn, (*index)++);
	if (ifp != NULL)
		psref_acquire(vn->vn_kern, pr, &ifp->if_psref);
	pserialize_read_exit();
	return ifp;
}

int
if_foreach(struct vnet *vn, int (*fn)(struct ifnet *, void *), void *arg)
{
	struct psref pr;
	struct ifnet *ifp;
	unsigned index = 1;
	int error = 0;

	while (error == 0 && (ifp = if_get_from(vn, &index, &pr)) != NULL) {
		error = fn(ifp, arg);
		if_put(ifp, &pr);
	}
	return error;
}
