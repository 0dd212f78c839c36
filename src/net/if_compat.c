/*
 * if_compat: requests in older layouts.  ifioctl() passes a request to the
 * vnet's hook before it looks at it; the hook knows the old ones, makes the
 * request of today of each, has that done, and puts the answer into the old
 * record.  Nothing is decided here: who may ask, and what is done, is
 * ifioctl()'s.  Without the hook the old numbers are unknown ones.
 */

#include <ifnet/ifreq_old.h>

#include "net/if_ioctl_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>

#include "kern/request.h"

/* Any request of today that an old one becomes. */
union compat_request {
	char		 rq_name[IFNAMSIZ];
	struct ifreq	 rq_ifr;
	struct ifaliasreq rq_ifra;
	struct ifdatareq rq_ifdr;
	struct if_createreq rq_ifcr;
};

typedef int convert_in(struct vnet *, const void *old, union compat_request *);
typedef int convert_out(struct vnet *, const union compat_request *, void *old);

/* --- values and addresses ------------------------------------------------ */

static int
name_in(struct vnet *vn, const void *old, union compat_request *rq)
{

	(void)vn;
	memcpy(rq->rq_name, old, IFNAMSIZ);
	return 0;
}

static int
name_out(struct vnet *vn, const union compat_request *rq, void *old)
{

	(void)vn;
	memcpy(old, rq->rq_name, IFNAMSIZ);
	return 0;
}

static int
value_in(struct vnet *vn, const void *old, union compat_request *rq)
{
	const struct oifreq *oifr = old;

	rq->rq_ifr.ifr_value = oifr->oifr_value;
	return name_in(vn, old, rq);
}

static int
value_out(struct vnet *vn, const union compat_request *rq, void *old)
{
	struct oifreq *oifr = old;

	memset(&oifr->oifr_oifru, 0, sizeof(oifr->oifr_oifru));
	oifr->oifr_value = rq->rq_ifr.ifr_value;
	return name_out(vn, rq, old);
}

/*
 * An address into a larger record, if it was whole in the old one.  Families
 * nobody knows are for the protocols to refuse.
 */
static int
sa_in(struct vnet *vn, const struct sockaddr *old, void *sa)
{
	size_t len;

	if (if_sa_size(vn, old, &len) == 0 && len > sizeof(*old))
		return kern_refuse(EFBIG, "the address does not fit into the "
		    "old record of the request");
	memcpy(sa, old, sizeof(*old));
	return 0;
}

/* Family 0: none there is. */
static int
sa_out(struct vnet *vn, const void *sa, struct sockaddr *old)
{
	const struct sockaddr *from = sa;

	if (from->sa_family != 0)
		return if_sa_put(vn, old, sizeof(*old), from);
	memset(old, 0, sizeof(*old));
	return 0;
}

static int
addr_in(struct vnet *vn, const void *old, union compat_request *rq)
{
	const struct oifreq *oifr = old;

	(void)name_in(vn, old, rq);
	return sa_in(vn, &oifr->oifr_addr, &rq->rq_ifr.ifr_addr);
}

static int
addr_out(struct vnet *vn, const union compat_request *rq, void *old)
{
	struct oifreq *oifr = old;

	(void)name_out(vn, rq, old);
	return sa_out(vn, &rq->rq_ifr.ifr_addr, &oifr->oifr_addr);
}

/* The one address of an old delete. */
static int
delete_in(struct vnet *vn, const void *old, union compat_request *rq)
{
	const struct oifreq *oifr = old;

	(void)name_in(vn, old, rq);
	return sa_in(vn, &oifr->oifr_addr, &rq->rq_ifra.ifra_addr);
}

static int
alias_in(struct vnet *vn, const void *old, union compat_request *rq)
{
	const struct oifaliasreq *oifra = old;
	struct ifaliasreq *ifra = &rq->rq_ifra;
	int error;

	(void)name_in(vn, old, rq);
	error = sa_in(vn, &oifra->oifra_addr, &ifra->ifra_addr);
	if (error == 0)
		error = sa_in(vn, &oifra->oifra_dstaddr, &ifra->ifra_dstaddr);
	if (error == 0)
		error = sa_in(vn, &oifra->oifra_mask, &ifra->ifra_mask);
	return error;
}

static int
alias_out(struct vnet *vn, const union compat_request *rq, void *old)
{
	const struct ifaliasreq *ifra = &rq->rq_ifra;
	struct oifaliasreq *oifra = old;
	int error;

	(void)name_out(vn, rq, old);
	error = sa_out(vn, &ifra->ifra_addr, &oifra->oifra_addr);
	if (error == 0)
		error = sa_out(vn, &ifra->ifra_dstaddr, &oifra->oifra_dstaddr);
	if (error == 0)
		error = sa_out(vn, &ifra->ifra_mask, &oifra->oifra_mask);
	return error;
}

/* --- counters ------------------------------------------------------------ */

static uint32_t
at_most_32(uint64_t v)
{

	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static struct oif_time
time_old(uint64_t ns)
{

	return (struct oif_time){ .ot_sec = at_most_32(ns / 1000000000),
	    .ot_usec = (uint32_t)(ns / 1000 % 1000000) };
}

static int
data14_out(struct vnet *vn, const union compat_request *rq, void *old)
{
	const struct if_data *ifi = &rq->rq_ifdr.ifdr_data;

	((struct ifdatareq14 *)old)->oifdr_data = (struct if_data14){
		.oifi_type = ifi->ifi_type,
		.oifi_addrlen = ifi->ifi_addrlen,
		.oifi_hdrlen = ifi->ifi_hdrlen,
		.oifi_link_state = ifi->ifi_link_state,
		.oifi_mtu = ifi->ifi_mtu,
		.oifi_metric = ifi->ifi_metric,
		.oifi_baudrate = at_most_32(ifi->ifi_baudrate),
		.oifi_ipackets = (uint32_t)ifi->ifi_ipackets,
		.oifi_ierrors = (uint32_t)ifi->ifi_ierrors,
		.oifi_opackets = (uint32_t)ifi->ifi_opackets,
		.oifi_oerrors = (uint32_t)ifi->ifi_oerrors,
		.oifi_collisions = (uint32_t)ifi->ifi_collisions,
		.oifi_ibytes = (uint32_t)ifi->ifi_ibytes,
		.oifi_obytes = (uint32_t)ifi->ifi_obytes,
		.oifi_imcasts = (uint32_t)ifi->ifi_imcasts,
		.oifi_omcasts = (uint32_t)ifi->ifi_omcasts,
		.oifi_idrops = (uint32_t)ifi->ifi_idrops,
		.oifi_lastchange = time_old(ifi->ifi_lastchange_ns),
	};
	return name_out(vn, rq, old);
}

static int
data50_out(struct vnet *vn, const union compat_request *rq, void *old)
{
	const struct if_data *ifi = &rq->rq_ifdr.ifdr_data;

	((struct ifdatareq50 *)old)->oifdr_data = (struct if_data50){
		.oifi_type = ifi->ifi_type,
		.oifi_addrlen = ifi->ifi_addrlen,
		.oifi_hdrlen = ifi->ifi_hdrlen,
		.oifi_link_state = ifi->ifi_link_state,
		.oifi_mtu = ifi->ifi_mtu,
		.oifi_metric = ifi->ifi_metric,
		.oifi_baudrate = ifi->ifi_baudrate,
		.oifi_ipackets = ifi->ifi_ipackets,
		.oifi_ierrors = ifi->ifi_ierrors,
		.oifi_opackets = ifi->ifi_opackets,
		.oifi_oerrors = ifi->ifi_oerrors,
		.oifi_collisions = ifi->ifi_collisions,
		.oifi_ibytes = ifi->ifi_ibytes,
		.oifi_obytes = ifi->ifi_obytes,
		.oifi_imcasts = ifi->ifi_imcasts,
		.oifi_omcasts = ifi->ifi_omcasts,
		.oifi_idrops = ifi->ifi_idrops,
		.oifi_lastchange = time_old(ifi->ifi_lastchange_ns),
	};
	return name_out(vn, rq, old);
}

/* --- the table ----------------------------------------------------------- */

static const struct compat {
	unsigned long	 cm_old, cm_new;
	convert_in	*cm_in;
	convert_out	*cm_out;	/* NULL: there is no answer */
} compat[] = {
	{ OOSIOCGIFADDR, SIOCGIFADDR, addr_in, addr_out },
	{ OOSIOCGIFDSTADDR, SIOCGIFDSTADDR, addr_in, addr_out },
	{ OOSIOCGIFBRDADDR, SIOCGIFBRDADDR, addr_in, addr_out },
	{ OOSIOCGIFNETMASK, SIOCGIFNETMASK, addr_in, addr_out },
	{ OSIOCSIFADDR, SIOCSIFADDR, addr_in, NULL },
	{ OSIOCGIFADDR, SIOCGIFADDR, addr_in, addr_out },
	{ OSIOCSIFDSTADDR, SIOCSIFDSTADDR, addr_in, NULL },
	{ OSIOCGIFDSTADDR, SIOCGIFDSTADDR, addr_in, addr_out },
	{ OSIOCSIFBRDADDR, SIOCSIFBRDADDR, addr_in, NULL },
	{ OSIOCGIFBRDADDR, SIOCGIFBRDADDR, addr_in, addr_out },
	{ OSIOCSIFNETMASK, SIOCSIFNETMASK, addr_in, NULL },
	{ OSIOCGIFNETMASK, SIOCGIFNETMASK, addr_in, addr_out },
	{ OSIOCADDMULTI, SIOCADDMULTI, addr_in, NULL },
	{ OSIOCDELMULTI, SIOCDELMULTI, addr_in, NULL },
	{ OSIOCDIFADDR, SIOCDIFADDR, delete_in, NULL },
	{ OSIOCAIFADDR, SIOCAIFADDR, alias_in, NULL },
	{ OSIOCGIFALIAS, SIOCGIFALIAS, alias_in, alias_out },
	{ OSIOCSIFFLAGS, SIOCSIFFLAGS, value_in, NULL },
	{ OSIOCGIFFLAGS, SIOCGIFFLAGS, value_in, value_out },
	{ OSIOCSIFMETRIC, SIOCSIFMETRIC, value_in, NULL },
	{ OSIOCGIFMETRIC, SIOCGIFMETRIC, value_in, value_out },
	{ OSIOCSIFMTU, SIOCSIFMTU, value_in, NULL },
	{ OSIOCGIFMTU, SIOCGIFMTU, value_in, value_out },
	{ OSIOCSIFMEDIA, SIOCSIFMEDIA, value_in, value_out },
	{ OSIOCGIFDLT, SIOCGIFDLT, value_in, value_out },
	{ OSIOCIFCREATE, SIOCIFCREATE, name_in, name_out },
	{ OSIOCIFDESTROY, SIOCIFDESTROY, name_in, NULL },
	{ OSIOCGIFDATA14, SIOCGIFDATA, name_in, data14_out },
	{ OSIOCGIFDATA, SIOCGIFDATA, name_in, data50_out },
	{ OSIOCZIFDATA, SIOCZIFDATA, name_in, data50_out },
};

/* The hook: ENOTTY: no request of old. */
static int
compat_ioctl(struct vnet *vn, const struct kauth_cred *cred, unsigned long cmd,
    void *data, size_t datalen)
{
	const struct request *row = request_find(REQUEST_IOCTL, cmd);
	const struct compat *cm;
	union compat_request rq;
	int error;

	if (row == NULL || (row->rq_flags & RQ_OLD) == 0)
		return ENOTTY;
	if (cmd == OSIOCGIFCONF || cmd == OOSIOCGIFCONF) {
		error = kauth_authorize(vn->vn_kern, cred,
		    request_action(REQUEST_IOCTL, cmd));
		return error != 0 ? error : if_conf(vn, data, datalen,
		    sizeof(struct sockaddr));
	}
	for (cm = compat; cm->cm_old != cmd; cm++)
		if (cm == &compat[sizeof(compat) / sizeof(compat[0]) - 1])
			return ENOTTY;
	memset(&rq, 0, sizeof(rq));
	error = cm->cm_in(vn, data, &rq);
	if (error == 0)
		error = ifioctl(vn, cred, cm->cm_new, &rq,
		    IFIOC_SIZE(cm->cm_new));
	if (error == 0 && cm->cm_out != NULL)
		error = cm->cm_out(vn, &rq, data);
	return error;
}

static int
compat_init(struct vnet *vn)
{

	vn->vn_if->ifv_compat = compat_ioctl;
	return 0;
}

static void
compat_fini(struct vnet *vn)
{

	vn->vn_if->ifv_compat = NULL;
}

const struct vnet_subsys if_compat_subsys = {
	.vs_name = "compat",
	.vs_init = compat_init,
	.vs_fini = compat_fini,
};
