/*
 * Requests: the one entry, who may ask what, and what every interface
 * answers.
 */

#include "kern/asker.h"
#include "net/if_impl.h"
#include "net/rtsock.h"

#include <errno.h>

void
if_ioctl_lock(struct ifnet *ifp)
{

	klock_lock(if_kern(ifp), &ifp->if_ioctl_lock);
}

void
if_ioctl_unlock(struct ifnet *ifp)
{

	klock_unlock(if_kern(ifp), &ifp->if_ioctl_lock);
}

bool
if_ioctl_locked(const struct ifnet *ifp)
{

	return klock_owned(&ifp->if_ioctl_lock);
}

int
if_sa_size(struct vnet *vn, const struct sockaddr *sa, size_t *len)
{
	const struct domain *dom;

	*len = sizeof(struct sockaddr_dl);
	if (sa->sa_family != AF_LINK) {
		dom = domain_find(vn, sa->sa_family);
		if (dom == NULL)
			return EAFNOSUPPORT;
		*len = dom->dom_salen;
	}
	return 0;
}

int
if_sa_put(struct vnet *vn, void *to, size_t room, const struct sockaddr *sa)
{
	size_t len;
	int error;

	error = if_sa_size(vn, sa, &len);
	if (error != 0)
		return error;
	if (len > room)
		return EFBIG;
	memcpy(to, sa, len);
	memset((char *)to + len, 0, room - len);
	return 0;
}

int
ifreq_setaddr(struct vnet *vn, struct ifreq *ifr, const struct sockaddr *sa)
{

	return if_sa_put(vn, &ifr->ifr_ifru, sizeof(ifr->ifr_ifru), sa);
}

/* --- what every interface answers --------------------------------------- */

/* The masks' bits, by capability. */
static const struct {
	uint64_t	 cap;
	uint32_t	 bit;
} csum_bits[] = {
	{ IFCAP_CSUM_IPv4_Tx, IF_TX_IPv4 },
	{ IFCAP_CSUM_TCPv4_Tx, IF_TX_TCPv4 },
	{ IFCAP_CSUM_UDPv4_Tx, IF_TX_UDPv4 },
	{ IFCAP_CSUM_TCPv6_Tx, IF_TX_TCPv6 },
	{ IFCAP_CSUM_UDPv6_Tx, IF_TX_UDPv6 },
	{ IFCAP_CSUM_IPv4_Rx, IF_RX_IPv4 },
	{ IFCAP_CSUM_TCPv4_Rx, IF_RX_TCPv4 },
	{ IFCAP_CSUM_UDPv4_Rx, IF_RX_UDPv4 },
	{ IFCAP_CSUM_TCPv6_Rx, IF_RX_TCPv6 },
	{ IFCAP_CSUM_UDPv6_Rx, IF_RX_UDPv6 },
};

uint32_t
if_csum_tx(const struct ifnet *ifp, uint64_t enable)
{
	uint32_t able, mask;

	able = __atomic_load_n(&ifp->if_csum_tx, __ATOMIC_RELAXED);
	if ((able & M_USO) != 0)
		able |= IF_TX_USO;
	mask = able & (IF_TX_USO | M_TSO_ECN);
	for (size_t i = 0; i < sizeof(csum_bits) / sizeof(csum_bits[0]); i++)
		if ((enable & csum_bits[i].cap) != 0)
			mask |= csum_bits[i].bit;
	/* One kind of packet says "checksum missing" for both. */
	if ((mask & (IF_TX_TCPv4 | IF_TX_UDPv4)) ==
	    (IF_TX_TCPv4 | IF_TX_UDPv4))
		mask |= M_CSUM_PARTIAL;
	/* Whoever cuts a packet makes the sums of the pieces. */
	if ((enable & IFCAP_TSOv4) != 0 && (mask & IF_TX_TCPv4) != 0)
		mask |= M_TSO4;
	if ((enable & IFCAP_TSOv6) != 0 && (mask & IF_TX_TCPv6) != 0)
		mask |= M_TSO6;
	if ((mask & IF_TX_USO) != 0 && (mask & IF_TX_UDPv4) != 0)
		mask |= M_USO;
	return mask;
}

static int
cap_set(struct ifnet *ifp, const struct ifcapreq *ifcr)
{

	if ((ifcr->ifcr_capenable & ~ifp->if_capabilities) != 0)
		return EINVAL;
	if (ifcr->ifcr_capenable == ifp->if_capenable)
		return 0;
	ifp->if_capenable = ifcr->ifcr_capenable;
	__atomic_store_n(&ifp->if_csum_tx, if_csum_tx(ifp, ifp->if_capenable),
	    __ATOMIC_RELAXED);
	return (if_flags_get(ifp) & IFF_UP) != 0 ? ENETRESET : 0;
}

static int
mtu_set(struct ifnet *ifp, int32_t mtu)
{
	const struct domain *dom;

	if (mtu < 0 || (uint32_t)mtu < ifp->if_mtu_min ||
	    (uint32_t)mtu > ifp->if_mtu_max)
		return EINVAL;
	if ((uint32_t)mtu == ifp->if_mtu)
		return 0;
	if_history_event(ifp, IFHIST_MTU, ifp->if_mtu, (uint32_t)mtu);
	__atomic_store_n(&ifp->if_mtu, (uint32_t)mtu, __ATOMIC_RELAXED);
	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_if_mtu != NULL)
			dom->dom_if_mtu(ifp);
	}
	rt_ifmsg(ifp);
	return ENETRESET;
}

static int
metric_set(struct ifnet *ifp, int32_t metric)
{

	if (metric < 0)
		return EINVAL;
	if ((uint32_t)metric == ifp->if_metric)
		return 0;
	__atomic_store_n(&ifp->if_metric, (uint32_t)metric, __ATOMIC_RELAXED);
	rt_ifmsg(ifp);
	return 0;
}

static void
drops_get(struct ifnet *ifp, struct ifdropreq *ifdq)
{

	memset(ifdq->ifdq_drop, 0, sizeof(ifdq->ifdq_drop));
	ifdq->ifdq_n = DROP_NREASONS;
	ifdq->ifdq_pad = 0;
	if_stats_drops(ifp, ifdq->ifdq_drop);
}

/* One value of the interface into the record; ENOTTY: no such request. */
static int
value_get(struct ifnet *ifp, unsigned long cmd, struct ifreq *ifr)
{
	union {
		int32_t	 v;
		uint64_t h;
	} val = { .h = 0 };

	switch (cmd) {
	case SIOCGIFFLAGS:
		val.v = (int32_t)__atomic_load_n(&ifp->if_flags,
		    __ATOMIC_RELAXED);
		break;
	case SIOCGIFMETRIC:
		val.v = (int32_t)ifp->if_metric;
		break;
	case SIOCGIFMTU:
		val.v = (int32_t)ifp->if_mtu;
		break;
	case SIOCGIFDLT:
		val.v = (int32_t)ifp->if_dlt;
		break;
	case SIOCGIFINDEX:
		val.h = ifp->if_handle;
		break;
	default:
		return ENOTTY;
	}
	memset(&ifr->ifr_ifru, 0, sizeof(ifr->ifr_ifru));
	memcpy(&ifr->ifr_ifru, &val, sizeof(val));
	return 0;
}

int
ifioctl_common(struct ifnet *ifp, unsigned long cmd, void *data)
{
	struct ifcapreq *ifcr = data;
	struct ifreq *ifr = data;

	KASSERT(if_ioctl_locked(ifp));
	switch (cmd) {
	case SIOCSIFFLAGS:
		return if_flags_ioctl(ifp, ifr->ifr_flags);
	case SIOCSIFMETRIC:
		return metric_set(ifp, ifr->ifr_metric);
	case SIOCSIFMTU:
		return mtu_set(ifp, ifr->ifr_mtu);
	case SIOCSIFCAP:
		return cap_set(ifp, ifcr);
	case SIOCGIFCAP:
		ifcr->ifcr_capabilities = ifp->if_capabilities;
		ifcr->ifcr_capenable = ifp->if_capenable;
		return 0;
	case SIOCGIFDATA:
		if_stats_get(ifp, &((struct ifdatareq *)data)->ifdr_data);
		return 0;
	case SIOCZIFDATA:
		return if_stats_read_reset(ifp,
		    &((struct ifdatareq *)data)->ifdr_data);
	case SIOCGIFDROPS:
		drops_get(ifp, data);
		return 0;
	case SIOCALIFADDR:
	case SIOCGLIFADDR:
	case SIOCDLIFADDR:
		return if_laddr_ioctl(ifp, cmd, data);
	case SIOCAIFGROUP:
	case SIOCDIFGROUP:
		return if_group_ioctl(ifp, cmd, data);
	case SIOCSIFNAME:
		return if_rename(ifp, ifr->ifr_text);
	case SIOCSIFDESCR:
	case SIOCGIFDESCR:
	case SIOCSLINKSTR:
	case SIOCGLINKSTR:
		return if_text_ioctl(ifp, cmd, ifr);
	default:
		return value_get(ifp, cmd, ifr);
	}
}

/* --- the entry ---------------------------------------------------------- */

/* Everything that changes something is privileged. */
static int
authorize(struct vnet *vn, const struct kauth_cred *cred, unsigned long cmd)
{
	bool priv;

	switch (cmd) {
	case SIOCINITIFADDR:
		return EPERM;
	/* What these answer is what they changed. */
	case SIOCIFCREATE:
	case SIOCZIFDATA:
	case SIOCSIFMEDIA:
	case SIOCS80211NWID:
		priv = true;
		break;
	default:
		priv = (cmd & IFIOC_OUT) == 0;
		break;
	}
	return kauth_authorize(vn->vn_kern, cred,
	    priv ? KAUTH_INTERFACE_SETPRIV : KAUTH_INTERFACE_GET);
}

static bool
terminated(const char *text, size_t size)
{

	return memchr(text, '\0', size) != NULL;
}

/* What the driver does not know is the protocol's, by the request's family. */
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
		return EOPNOTSUPP;
	}
	dom = domain_find(ifp->if_vnet, family);
	if (dom == NULL || dom->dom_ioctl == NULL)
		return EOPNOTSUPP;
	error = dom->dom_ioctl(ifp, cmd, data);
	return error == ENOTTY ? EOPNOTSUPP : error;
}

/* What a running driver is told when it did not say ENETRESET to itself. */
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
	(void)mtu_set(ifp, (int32_t)mtu);
	(void)cap_set(ifp, &ifcr);
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
		return ENXIO;
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
		return EINVAL;
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
			return EINVAL;
		return if_group_list(vn, cmd, data, datalen);
	case SIOCIFCREATE:
		if (!terminated(ifcr->ifcr_name, IFNAMSIZ) ||
		    !terminated(ifcr->ifcr_params, IFCLONE_PARAMSIZE))
			return EINVAL;
		return if_clone_create(vn, ifcr->ifcr_name, ifcr->ifcr_params);
	case SIOCSIFVNET:
		if (!terminated(data, IFNAMSIZ) ||
		    !terminated(((struct ifreq *)data)->ifr_text,
		    VNET_NAMESIZE))
			return EINVAL;
		return if_clone_move(vn, data,
		    ((struct ifreq *)data)->ifr_text);
	default:
		if (!terminated(data, IFNAMSIZ))
			return EINVAL;
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
		return EINVAL;
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
		return EINVAL;
	ifp = if_get(vn, data, &pr);
	if (ifp == NULL)
		return ENXIO;
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
	const struct kauth_cred *before = kern_asker_set(cred);
	int error;

	error = do_ioctl(vn, cred, cmd, data, datalen);
	(void)kern_asker_set(before);
	return error;
}
