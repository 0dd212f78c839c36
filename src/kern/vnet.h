/*
 * vnet: one network stack.
 *
 * Nothing mutable is global: everything that a stack owns is reached from its
 * struct vnet, each subsystem's part by a pointer that the subsystem sets when
 * the vnet is created and clears when it is destroyed.  A subsystem is a row in
 * the table that the composer (src/stack) passes to kern_create().  Rows are
 * set up in order.  A vnet ends in two phases, each in reverse order: every
 * row's vs_purge, then every row's vs_fini.  So an interface, which has parts
 * in most subsystems, is detached while all of them are there.
 */

#ifndef KERN_VNET_H
#define KERN_VNET_H

#include <stdint.h>
#include <sys/queue.h>

#include "host/host.h"

struct kern;
struct vnet;
struct if_vnet;
struct if_clone_vnet;
struct route_vnet;
struct rtsock_vnet;
struct pfil_vnet;
struct bpf_vnet;
struct filter_vnet;
struct in6_vnet;
struct ip_vnet;
struct ip6_vnet;
struct arp_vnet;
struct nd6_vnet;
struct neigh_cache;
struct mcast_vnet;
struct sysctl_vnet;

#define VNET_NAMESIZE	32	/* with the NUL: letters, digits, - _ . */

struct vnet_subsys {
	const char *vs_name;
	int	(*vs_init)(struct vnet *);	/* errno; undoes itself */
	/* End the uses of other subsystems, none of which has ended yet: no
	 * interface is attached after the interface layer's.  NULL: nothing */
	void	(*vs_purge)(struct vnet *);
	void	(*vs_fini)(struct vnet *);
};

/*
 *	constant	set before the vnet can be found, never changed
 *	k:		the kern's vnet lock
 */
struct vnet {
	struct kern	*vn_kern;			/* constant */
	char		 vn_name[VNET_NAMESIZE];	/* constant */
	uint64_t	 vn_id;				/* constant; never
							 * used again */
#define VNET_ID_FIRST	1
	unsigned	 vn_refs;			/* k: */
	bool		 vn_dying;			/* k: */
	bool		 vn_owned;			/* k: a program holds
							 * it, and alone may end
							 * it */
	TAILQ_ENTRY(vnet) vn_link;			/* k: */

	/* each constant from its subsystem's init to its fini */
	struct sysctl_vnet *vn_sysctl;
	struct if_vnet	*vn_if;
	struct if_clone_vnet *vn_clone;
	struct rtsock_vnet *vn_rtsock;
	struct pfil_vnet *vn_pfil;
	struct bpf_vnet	*vn_bpf;
	struct filter_vnet *vn_filter;
	struct route_vnet *vn_route;
	struct neigh_cache *vn_neigh;
	struct arp_vnet	*vn_arp;
	struct ip_vnet	*vn_ip;
	struct in6_vnet	*vn_in6;
	struct ip6_vnet	*vn_ip6;
	struct nd6_vnet	*vn_nd6;
	struct mcast_vnet *vn_mcast;			/* a: from the first
							 * group joined on */
};

/*
 * Control.  EEXIST, EINVAL (name), ENOMEM, or a subsystem's error; all is
 * undone then.
 */
int	vnet_create_named(struct kern *, const char *name, struct vnet **);
/* As vnet_create_named(), for a vnet that a program holds a pointer to:
 * requests do not destroy it, until vnet_disown(). */
int	vnet_create_owned(struct kern *, const char *name, struct vnet **);
/* Control: from here on requests may destroy the vnet. */
void	vnet_disown(struct vnet *);
/* Control: does a program own the vnet? */
bool	vnet_is_owned(struct vnet *);
/*
 * Control: waits for the holders of references, then takes down every
 * subsystem, which detaches the remaining interfaces.
 */
void	vnet_destroy_held(struct vnet *);
/* Control: find a vnet and hold it; NULL when there is none.  "" means the
 * first vnet. */
struct vnet *vnet_get(struct kern *, const char *name);
/* Control: release a vnet that was held. */
void	vnet_put(struct vnet *);
/* Control: call fn for each vnet, which is held meanwhile, until fn returns
 * nonzero; returns that. */
int	vnet_foreach(struct kern *, int (*fn)(struct vnet *, void *), void *);

#endif /* !KERN_VNET_H */
