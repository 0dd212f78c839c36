/*
 * if_clone: drivers whose interfaces are created and destroyed on request.
 */

#ifndef IFNET_IF_CLONE_H
#define IFNET_IF_CLONE_H

#include <ifnet/if.h>

#pragma GCC visibility push(default)

/*
 * A cloner.  Constant.  create() makes and attaches the interface of that
 * unit in the vnet; params is what the user added ("peer right:pair0"), ""
 * for nothing, and EINVAL is the answer to what the driver does not know.
 * destroy() detaches and frees it, or refuses with an errno before it has
 * changed anything.  Both in control context, serialised per vnet.  With no
 * destroy, destruction is EOPNOTSUPP.
 *
 * A vnet's end takes no refusal: an interface that is left then is detached by
 * the layer, while addresses, routes and hooks still exist, and given to
 * abandon() (control context), which stops what the driver still has running
 * for it (pollers, callouts), frees if_softc and calls if_free(); it cannot
 * refuse.  With no abandon the layer calls if_free(): if_softc is then the
 * driver's to free some other way, and nothing of the driver may use the
 * interface any more.  A driver that can refuse therefore has an abandon.
 */
struct if_clone {
	const char *ifc_name;
	int	(*ifc_create)(const struct if_clone *, struct vnet *,
		    unsigned unit, const char *params);
	int	(*ifc_destroy)(struct ifnet *);
	/*
	 * Words that params can hold, for help and completion: "WORD VALUE:
	 * meaning; WORD: ...".  NULL: nothing.  Read as net.link.cloner.NAME.
	 */
	const char *ifc_params_help;
	void	(*ifc_abandon)(struct ifnet *);	/* NULL: if_free() */
};

#define IF_CLONE_DRIVER(name, create, destroy, help)			\
	const struct if_clone name##_cloner = {				\
		.ifc_name = #name, .ifc_create = create,		\
		.ifc_destroy = destroy, .ifc_params_help = help		\
	}

/* Control.  EEXIST, ENOMEM; EBUSY while interfaces of it exist. */
int	if_clone_attach(struct vnet *, const struct if_clone *);
int	if_clone_detach(struct vnet *, const struct if_clone *);

/*
 * Control.  name is IFNAMSIZ bytes: "tap3", or "tap", which becomes the name
 * given.  EINVAL (no cloner, leading zeros, unit past INT_MAX, name too long),
 * EEXIST, or what the driver said.
 */
int	if_clone_create(struct vnet *, char *name, const char *params);
/* ENXIO, EOPNOTSUPP, or the driver's. */
int	if_clone_destroy(struct vnet *, const char *name);
/*
 * Names into buf (count of IFNAMSIZ bytes each); *total is how many there are.
 * EINVAL: negative count.
 */
int	if_clone_list(struct vnet *, int count, char *buf, int *total);
/* Control: destroy every interface of the cloner (NULL: of every one). */
void	if_clone_purge(struct vnet *, const struct if_clone *);

#pragma GCC visibility pop

#endif /* !IFNET_IF_CLONE_H */
