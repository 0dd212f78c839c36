/*
 * Deferred start: the driver's start routine in a later pass of the CPU.
 */

#include <errno.h>

#include "net/if_attach_impl.h"
#include "net/if_ext_impl.h"
#include "net/if_vnet_impl.h"
#include "net/ifq_impl.h"

/* All constant after if_deferred_start_init(). */
struct dstart {
	struct cpu_work	 ds_work;	/* first: a work is one of these */
	struct ifnet	*ds_ifp;
	void		(*ds_fn)(struct ifnet *);
};

static void
deferred_start(struct cpu_work *w)
{
	struct dstart *ds = (struct dstart *)w;

	if (!if_is_deactivated(ds->ds_ifp))
		ds->ds_fn(ds->ds_ifp);
}

static int	dstart_copy(struct ifnet *, const void *);

static const struct if_ext_tenant dstart_tenant = {
	.et_id = IF_EXT_DSTART,
	.et_size = sizeof(struct dstart),
	.et_copy = dstart_copy,
};

int
if_deferred_start_init(struct ifnet *ifp, void (*fn)(struct ifnet *))
{
	struct dstart *ds;

	KASSERT(ifp->if_state == IFS_ALLOCATED);
	KASSERT(if_ext_find(ifp, IF_EXT_DSTART) == NULL);
	ds = if_ext_get(ifp, &dstart_tenant);
	if (ds == NULL)
		return ENOMEM;
	ds->ds_work.cw_fn = deferred_start;
	ds->ds_ifp = ifp;
	ds->ds_fn = fn != NULL ? fn : ifq_start;
	return 0;
}

static int
dstart_copy(struct ifnet *twin, const void *data)
{
	const struct dstart *ds = data;

	return if_deferred_start_init(twin, ds->ds_fn);
}

/*
 * Nothing has to be stopped at detach.  Who passes the check here is in a read
 * section, which the detach waits for after it deactivated the interface; what
 * was scheduled then has run when its cross-call returns.
 */
bool
if_schedule_deferred_start(struct ifnet *ifp)
{
	const struct if_ops *ops = __atomic_load_n(&ifp->if_ops,
	    __ATOMIC_CONSUME);
	struct dstart *ds = if_ext_find(ifp, IF_EXT_DSTART);

	KASSERT(ds != NULL);
	if (ops == &if_null_ops ||
	    (ops->transmit == NULL && ifq_total(ifp) == 0))
		return false;
	return cpu_work_schedule(if_kern(ifp), curcpu(), &ds->ds_work);
}
