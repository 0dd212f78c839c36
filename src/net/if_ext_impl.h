/*
 * if_ext: what few interfaces have, so that the others need not have room for
 * it: a description, groups, a watchdog's timer.
 *
 * An interface's if_ext is a table of pointers, one for each kind of such
 * data.  A kind belongs to a file of src/net, its tenant, which alone knows the
 * data; the table knows how much there is of it, how it is copied to the
 * interface's twin when that moves to another vnet, and what to do before it
 * is freed.
 */

#ifndef NET_IF_EXT_IMPL_H
#define NET_IF_EXT_IMPL_H

#include <ifnet/if.h>

/* Kinds; a new one is a name here. */
enum if_ext_id {
	IF_EXT_DESCR,		/* if_text.c */
	IF_EXT_LINKSTR,
	IF_EXT_STATS,		/* if_stats.c */
	IF_EXT_TIMER,		/* if_timer.c */
	IF_EXT_GROUPS,		/* if_group.c */
	IF_EXT_HOLDDOWN,	/* if_link.c */
	IF_EXT_SECOND,		/* if_output.c */
	IF_EXT_DSTART,
	IF_EXT_DISCIPLINE,	/* ifq_discipline.c */
	IF_EXT_CARP,		/* if_carp.c */
	IF_EXT_MAX
};

struct if_ext_tenant {
	enum if_ext_id	 et_id;
	size_t		 et_size;	/* bytes; zeroed when they are made */
	size_t		 et_align;	/* 0: as for any type */
	/*
	 * Control, with the ioctl lock of the interface that has the data: give
	 * its twin, which is not attached yet, the same.  ENOMEM.  NULL: the
	 * twin begins without.
	 */
	int		(*et_copy)(struct ifnet *twin, const void *data);
	/* Control: the interface is detached; NULL: nothing to do. */
	void		(*et_free)(struct ifnet *, void *data);
};

/* Constant once made; i: to make, any to look. */
struct if_ext {
	struct {
		const struct if_ext_tenant *es_tenant;
		void	*es_data;
	}		 ie_slot[IF_EXT_MAX];
};

/* i: or before attach: the tenant's data of an interface, made if need be;
 * NULL: no memory. */
void	*if_ext_get(struct ifnet *, const struct if_ext_tenant *);
/* Control: of one that is detached, or was never attached. */
void	if_ext_free(struct ifnet *);
/* The twin gets what the other interface has.  i: of that.  ENOMEM. */
int	if_ext_copy(struct ifnet *twin, const struct ifnet *);

/* Any: the data of that kind; NULL: the interface has none. */
static inline void *
if_ext_find(const struct ifnet *ifp, enum if_ext_id id)
{
	const struct if_ext *ie;

	ie = __atomic_load_n(&ifp->if_ext, __ATOMIC_ACQUIRE);
	return ie == NULL ? NULL : __atomic_load_n(&ie->ie_slot[id].es_data,
	    __ATOMIC_ACQUIRE);
}

#endif /* !NET_IF_EXT_IMPL_H */
