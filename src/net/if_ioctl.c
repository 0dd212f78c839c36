/*
 * Requests: the one entry, and who may ask what.  if_ioctl_common.c answers
 * those that every interface knows.
 */

#include <ifnet/if_clone.h>

#include "kern/reqctx.h"
#include "kern/request.h"
#include "net/if_addr_impl.h"
#include "net/if_attach_impl.h"
#include "net/if_flags_impl.h"
#include "net/if_group_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>

static int
authorize(struct vnet *vn, const struct kauth_cred *cred, unsigned long cmd)
{

	return kauth_authorize(vn->vn_kern, cred,
	    request_action(REQUEST_IOCTL, cmd));
}

static bool
terminated(const char *text, size_t size)
{

	return memchr(text, '\0', size) != NULL;
}

static int
unknown_request(const struct ifnet *ifp)
{

	return kern_refuse(EOPNOTSUPP, "%s: neither its driver nor a protocol "
	    "answers this request", ifp->if_xname);
}

static int
endless_name(void)
{

	return kern_refuse(EINVAL, "a name or text in the request has no end");
}

/* A request that the driver does not know is for the protocol of its family. */
static int
protocol_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{
	const struct domain *dom;
	int family, error;

	switch (cmd) {
	case SIOCAIFADDR:
	case SIOCDIFADDR:
	case SIOCGIFALIAS:
		family = ((struct ifaliasreq *)data)->ifra_addr.ss_family;
		break;
	case SIOCALIFADDR:
	case SIOCGLIFADDR:
	case SIOCDLIFADDR:
		family = ((struct if_laddrreq *)data)->iflr_addr.ss_family;
		break;
	case SIOCAIFADDR_IN6:
	case SIOCDIFADDR_IN6:
	case SIOCGIFALIAS_IN6:
	case SIOCGIFDSTADDR_IN6:
	case SIOCGIFNETMASK_IN6:
	case SIOCGIFAFLAG_IN6:
	case SIOCGIFALIFETIME_IN6:
		family = AF_INET6;
		break;
	case SIOCSIFADDRPREF:
	case SIOCGIFADDRPREF:
		return ifaddrpref_ioctl(ifp->if_vnet, cmd, data, ifp);
	case SIOCSIFADDR:
	case SIOCGIFADDR:
	case SIOCSIFDSTADDR:
	case SIOCGIFDSTADDR:
	case SIOCSIFBRDADDR:
	case SIOCGIFBRDADDR:
	case SIOCSIFNETMASK:
	case SIOCGIFNETMASK:
		family = ((struct ifreq *)data)->ifr_addr.sa_family;
		break;
	default:
		return unknown_request(ifp);
	}
	dom = domain_find(ifp->if_vnet, family);
	if (dom == NULL || dom->dom_ioctl == NULL)
		return if_sa_refuse(EOPNOTSUPP, family);
	error = dom->dom_ioctl(ifp, cmd, data);
	return error == ENOTTY || error == EOPNOTSUPP ?
	    unknown_request(ifp) : error;
}

/* Initialise a running driver again, after a change that needs it. */
static int
restart(struct ifnet *ifp)
{
	const uint32_t runs = IFF_UP | IFF_RUNNING;

	return (if_flags_get(ifp) & runs) == runs &&
	    ifp->if_ops->init != NULL ? ifp->if_ops->init(ifp) : 0;
}

/*
 * The change is made, and the driver starts over with it.  When it cannot, it
 * is not made, and the driver starts over with what it had.
 */
static int
restart_changed(struct ifnet *ifp, uint32_t mtu, uint64_t capenable)
{
	const struct ifcapreq ifcr = { .ifcr_capenable = capenable };
	int error;

	error = restart(ifp);
	if (error == 0 ||
	    (ifp->if_mtu == mtu && ifp->if_capenable == capenable))
		return error;
	(void)if_mtu_set(ifp, (int32_t)mtu);
	(void)if_cap_set(ifp, &ifcr);
	(void)restart(ifp);
	return error;
}

/* With the ioctl lock. */
static int
interface_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{
	const struct if_ops *ops = ifp->if_ops;
	const uint64_t capenable = ifp->if_capenable;
	const uint32_t mtu = ifp->if_mtu;
	int error;

	if (ifp->if_state != IFS_ATTACHED || if_is_deactivated(ifp))
		return if_name_unknown(ifp->if_xname);
	error = ops->ioctl != NULL ? ops->ioctl(ifp, cmd, data) :
	    ifioctl_common(ifp, cmd, data);
	if (error == ENOTTY)
		error = protocol_ioctl(ifp, cmd, data);
	if (error == ENETRESET)
		error = restart_changed(ifp, mtu, capenable);
	/* A driver may have set IFF_UP by itself. */
	if_updown_sync(ifp);
	return error;
}

static int
clone_list(struct vnet *vn, struct if_clonereq *ifcr, size_t datalen)
{
	int error, total;

	if (ifcr->ifcr_count < 0 || (size_t)ifcr->ifcr_count >
	    (datalen - sizeof(*ifcr)) / IFNAMSIZ)
		return kern_refuse(EINVAL, "there is less room than the "
		    "request says");
	error = if_clone_list(vn, ifcr->ifcr_count,
	    ifcr->ifcr_count == 0 ? NULL : (char *)(ifcr + 1), &total);
	if (error != 0)
		return error;
	ifcr->ifcr_total = total;
	if (ifcr->ifcr_count > total)
		ifcr->ifcr_count = total;
	return 0;
}

/* Requests that are not to an interface; ENOTTY: it is to one. */
static int
vnet_ioctl(struct vnet *vn, const struct kauth_cred *cred, unsigned long cmd,
    void *data, size_t datalen)
{
	struct if_createreq *ifcr = data;
	int error;

	switch (cmd) {
	case SIOCGIFCONF:
	case SIOCIFGCLONERS:
	case SIOCGIFGROUP:
	case SIOCGIFGMEMB:
	case SIOCIFCREATE:
	case SIOCIFDESTROY:
	case SIOCSIFVNET:
		break;
	default:
		return ENOTTY;
	}
	error = authorize(vn, cred, cmd);
	if (error != 0)
		return error;
	switch (cmd) {
	case SIOCGIFCONF:
		return if_conf(vn, data, datalen,
		    sizeof(((struct ifreq *)data)->ifr_ifru));
	case SIOCIFGCLONERS:
		return clone_list(vn, data, datalen);
	case SIOCGIFGROUP:
	case SIOCGIFGMEMB:
		if (!terminated(data, IFNAMSIZ))
			return endless_name();
		return if_group_list(vn, cmd, data, datalen);
	case SIOCIFCREATE:
		if (!terminated(ifcr->ifcr_name, IFNAMSIZ) ||
		    !terminated(ifcr->ifcr_params, IFCLONE_PARAMSIZE))
			return endless_name();
		return if_clone_create(vn, ifcr->ifcr_name, ifcr->ifcr_params);
	case SIOCSIFVNET:
		if (!terminated(data, IFNAMSIZ) ||
		    !terminated(((struct ifreq *)data)->ifr_text,
		    VNET_NAMESIZE))
			return endless_name();
		return if_vmove_named(vn, data,
		    ((struct ifreq *)data)->ifr_text);
	default:
		if (!terminated(data, IFNAMSIZ))
			return endless_name();
		return if_clone_destroy(vn, data);
	}
}

static int
do_ioctl(struct vnet *vn, const struct kauth_cred *cred, unsigned long cmd,
    void *data, size_t datalen)
{
	struct psref pr;
	struct ifnet *ifp;
	int error;

	KASSERT(curcpu() == NULL);
	if ((cmd & 0xff00) != 'i' << 8 || datalen < IFIOC_SIZE(cmd))
		return kern_refuse(EINVAL, "not an interface request, or its "
		    "record is too short");
	if (vn->vn_if->ifv_compat != NULL) {
		error = vn->vn_if->ifv_compat(vn, cred, cmd, data, datalen);
		if (error != ENOTTY)
			return error;
	}
	error = vnet_ioctl(vn, cred, cmd, data, datalen);
	if (error != ENOTTY)
		return error;

	/* An unknown number may come with any size. */
	if (IFIOC_SIZE(cmd) < IFNAMSIZ || !terminated(data, IFNAMSIZ))
		return endless_name();
	ifp = if_get(vn, data, &pr);
	if (ifp == NULL)
		return if_name_unknown(data);
	error = authorize(vn, cred, cmd);
	if (error == 0) {
		if_ioctl_lock(ifp);
		error = interface_ioctl(ifp, cmd, data);
		if_ioctl_unlock(ifp);
	}
	if_put(ifp, &pr);
	return error;
}

int
ifioctl(struct vnet *vn, const struct kauth_cred *cred, unsigned long cmd,
    void *data, size_t datalen)
{
	struct kern_reqctx rc;
	int error;

	kern_reqctx_enter(&rc, cred);
	error = do_ioctl(vn, cred, cmd, data, datalen);
	kern_reqctx_leave(&rc);
	return error;
}
