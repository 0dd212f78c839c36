/*
 * arp_rtsock: neighbours by request: adding, changing, deleting, showing.
 *
 * A change can send or drop the packets that an entry holds, which only a CPU
 * does; so the change runs on a CPU, in a cross-call, and the requester waits.
 */

#include <errno.h>

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"
#include "netinet/arp_var.h"

struct arp_req {
	struct vnet	*ar_vnet;
	uint64_t	 ar_handle;	/* interface */
	uint32_t	 ar_addr;
	uint8_t		 ar_type;	/* RTM_* */
	uint8_t		 ar_lladdr[ETHER_ADDR_LEN];
	uint32_t	 ar_lleflags;
	uint64_t	 ar_expire_ns;	/* from now; 0: never expires */
	uint32_t	 ar_done;	/* atomic: a CPU took it */
	int		 ar_error;
	void		*ar_answer;
	size_t		 ar_answerlen;
};

/* t: */
static void
arp_req_answer(struct arp_req *ar, const struct neigh *ne)
{

	rts_fill_neigh(ne, ar->ar_type, ar->ar_answer);
	ar->ar_answerlen = ((struct rt_hdr *)ar->ar_answer)->rtm_len;
}

/* t: */
static int
arp_req_delete(struct arp_vnet *av, struct arp_req *ar, struct neigh *ne,
    struct arp_pkts *failed)
{

	if (ne == NULL || ne->ne_state == ARP_FAILED)
		return ESRCH;
	arp_req_answer(ar, ne);
	arp_entry_unhold(ne, failed);
	arp_entry_free(av, ne);
	return 0;
}

/* t: */
static int
arp_req_set(struct arp_vnet *av, struct arp_req *ar, struct ifnet *ifp,
    struct neigh *ne, struct arp_pkts *held, struct arp_pkts *pushed)
{
	bool known = ne != NULL;
	enum arp_class class = (ar->ar_lleflags & NEIGH_STATIC) != 0 ?
	    ARP_C_STATIC : ARP_C_USED;
	uint64_t now = net_curcpu()->ci_now;
	uint8_t own[ETHER_ADDR_LEN];
	int error;

	/* The interface's own link-level address can stand for another host's
	 * in a published entry only. */
	arp_own_lladdr(ifp, own);
	if (memcmp(ar->ar_lladdr, own, ETHER_ADDR_LEN) == 0 &&
	    (ar->ar_lleflags & NEIGH_PUBLISHED) == 0)
		return EADDRINUSE;
	if (ar->ar_type == RTM_CHANGE && (ne == NULL || ne->ne_hdr == NULL))
		return ESRCH;
	if (ar->ar_type == RTM_ADD && ne != NULL &&
	    (ne->ne_flags & NEIGH_STATIC) != 0)
		return EEXIST;
	if (ne == NULL)
		ne = arp_entry_new(av, ifp, ar->ar_addr, class, pushed);
	if (ne == NULL)
		return ENOBUFS;
	error = neigh_set(ne, ar->ar_lladdr);
	if (error != 0) {
		if (!known)
			arp_entry_free(av, ne);
		return error;
	}
	arp_entry_flags(ne, ar->ar_lleflags, (NEIGH_STATIC | NEIGH_PUBLISHED |
	    NEIGH_CLAIMED) & ~ar->ar_lleflags);
	ne->ne_tries = 0;
	arp_class_set(av, ne, class);
	arp_entry_state(av, ne, ARP_REACHABLE, now, ar->ar_expire_ns);
	arp_entry_announce(ne, true, now);
	arp_req_answer(ar, ne);
	arp_entry_unhold(ne, held);
	return 0;
}

/* Cross-call: the first CPU carries out the request. */
static void
arp_req_cpu(void *arg)
{
	struct arp_req *ar = arg;
	struct arp_vnet *av = ar->ar_vnet->vn_arp;
	struct arp_pkts held, failed, pushed;
	struct neigh *ne;
	struct ifnet *ifp;

	if (__atomic_exchange_n(&ar->ar_done, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	ifp = if_byhandle(ar->ar_vnet, ar->ar_handle);
	if (ifp == NULL) {
		ar->ar_error = ENXIO;
		return;
	}
	arp_pkts_init(&held);
	arp_pkts_init(&failed);
	arp_pkts_init(&pushed);
	if (ar->ar_type == RTM_ADD)
		ne = arp_lookup_drained(av, ifp, ar->ar_addr, ar->ar_lladdr);
	else {
		kspin_lock(&av->av_table.nt_lock);
		ne = neigh_lookup4(&av->av_table, ifp, ar->ar_addr);
	}
	switch (ar->ar_type) {
	case RTM_DELETE:
		ar->ar_error = arp_req_delete(av, ar, ne, &failed);
		break;
	case RTM_GET:
		ar->ar_error = ne == NULL || ne->ne_state == ARP_FAILED ?
		    ESRCH : 0;
		if (ar->ar_error == 0)
			arp_req_answer(ar, ne);
		break;
	default:
		ar->ar_error = arp_req_set(av, ar, ifp, ne, &held, &pushed);
		break;
	}
	kspin_unlock(&av->av_table.nt_lock);
	arp_release(ifp, &held, ar->ar_lladdr);
	arp_drop_held(&failed, DROP_ARP_UNRESOLVED, false);
	arp_drop_held(&pushed, DROP_ARP_PUSHED, false);
}

/*
 * The interface on which an address is a neighbour: the interface that the
 * request names, or else the one whose prefix, in the main table, has the
 * address.
 */
static int
arp_req_ifp(struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr_dl *ifsdl, uint32_t addr, uint64_t *handle)
{
	struct ifnet *ifp = NULL;
	struct fwd fd;
	int error = 0;

	pserialize_read_enter();
	if (rtm->rtm_ifhandle != 0)
		ifp = if_byhandle(vn, rtm->rtm_ifhandle);
	else if (rtm->rtm_index != 0)
		ifp = if_byindex(vn, rtm->rtm_index);
	else if (ifsdl != NULL && ifsdl->sdl_index != 0)
		ifp = if_byindex(vn, ifsdl->sdl_index);
	else {
		fd = rt_lookup4(rt_main(vn), addr);
		if (!fwd_is_onlink(&fd))
			error = kern_refuse(EHOSTUNREACH, "the address is on "
			    "no network of an interface with neighbours");
		else
			ifp = fd.fd_nh->nh_ifp;
	}
	if (error == 0 && ifp == NULL)
		error = kern_refuse(ENXIO, "there is no such interface "
		    "(ifconfig -l lists them)");
	if (error == 0 && ifp->if_type != IFT_ETHER)
		error = kern_refuse(EINVAL, "%s has no neighbours: it is no "
		    "Ethernet", ifp->if_xname);
	if (error == 0)
		*handle = ifp->if_handle;
	pserialize_read_exit();
	return error;
}

/*
 * May the address be a neighbour's?  Not an address of this router, nor the
 * first and last of a prefix, which are the network's address and its broadcast
 * address.
 */
static bool
arp_req_is_host(struct vnet *vn, uint64_t handle, uint32_t addr)
{
	const struct rt_table *tb;
	struct ifnet *ifp;
	struct fwd fd;
	bool is;

	pserialize_read_enter();
	ifp = if_byhandle(vn, handle);
	tb = ifp != NULL ? rt_table_of(ifp) : rt_main(vn);
	fd = rt_lookup4(tb, addr);
	is = !fwd_is_local(&fd) && !fwd_is_broadcast(&fd) &&
	    !in_is_network(tb, &fd, addr);
	pserialize_read_exit();
	return is;
}

/* The link-level address of a request that sets one. */
static int
arp_req_lladdr(struct arp_req *ar, const struct rt_msg *rtm,
    const struct sockaddr *gw)
{
	const struct sockaddr_dl *sdl =
	    (const struct sockaddr_dl *)(const void *)gw;

	if (gw == NULL || gw->sa_family != AF_LINK ||
	    sdl->sdl_alen != ETHER_ADDR_LEN ||
	    !lladdr_is_station(sdl->sdl_data, ETHER_ADDR_LEN))
		return kern_refuse(EINVAL, "the link-level address is not that "
		    "of a station: six bytes, not all zero, and no group");
	memcpy(ar->ar_lladdr, sdl->sdl_data, ETHER_ADDR_LEN);
	if (rtm->rtm_expire_s < 0)
		return kern_refuse(EINVAL, "a lifetime is not less than 0");
	if (rtm->rtm_expire_s == 0)
		ar->ar_lleflags |= NEIGH_STATIC;
	else
		ar->ar_expire_ns = (uint64_t)(rtm->rtm_expire_s < ARP_KEEP_MAX ?
		    rtm->rtm_expire_s : ARP_KEEP_MAX) * ARP_NS;
	if ((rtm->rtm_flags & RTF_ANNOUNCE) != 0)
		ar->ar_lleflags |= NEIGH_PUBLISHED;
	return 0;
}

/* Add the words to the errno from a CPU, which has no request's context. */
static int
arp_req_refuse(int error)
{

	switch (error) {
	case ESRCH:
		return kern_refuse(error, "there is no such neighbour (arp -a "
		    "lists them)");
	case EEXIST:
		return kern_refuse(error, "the neighbour has an entry that was "
		    "set by hand");
	case EADDRINUSE:
		return kern_refuse(error, "the link-level address is the "
		    "interface's own; with \"pub\" this router answers for "
		    "the host");
	case ENXIO:
		return kern_refuse(error, "the interface is gone");
	case ENOBUFS:
		return kern_refuse(error, "the interface has as many "
		    "neighbours as it can have (net.inet.arp.maxentries), or "
		    "memory is out");
	default:
		return error;
	}
}

int
arp_request(struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX], void *answer,
    size_t *answerlen)
{
	const struct sockaddr_in *sin =
	    (const struct sockaddr_in *)(const void *)sa[0];
	struct arp_req ar;
	int error;

	*answerlen = 0;
	if (sin == NULL || sin->sin_family != AF_INET ||
	    !in_ordinary(sin->sin_addr.s_addr))
		return kern_refuse(EINVAL, "not an address a host can have");
	memset(&ar, 0, sizeof(ar));
	ar.ar_vnet = vn;
	ar.ar_addr = sin->sin_addr.s_addr;
	ar.ar_type = rtm->rtm_h.rtm_type;
	ar.ar_answer = answer;
	if (ar.ar_type == RTM_ADD || ar.ar_type == RTM_CHANGE) {
		error = arp_req_lladdr(&ar, rtm, sa[1]);
		if (error != 0)
			return error;
	}
	error = arp_req_ifp(vn, rtm, (const struct sockaddr_dl *)
	    (const void *)sa[4], ar.ar_addr, &ar.ar_handle);
	if (error != 0)
		return error;
	if ((ar.ar_type == RTM_ADD || ar.ar_type == RTM_CHANGE) &&
	    !arp_req_is_host(vn, ar.ar_handle, ar.ar_addr))
		return kern_refuse(EADDRNOTAVAIL, "the address is this "
		    "router's own, or its network's, not a neighbour's");
	kern_xcall(vn->vn_kern, arp_req_cpu, &ar);
	if (ar.ar_error == 0)
		*answerlen = ar.ar_answerlen;
	return arp_req_refuse(ar.ar_error);
}

/* --- dumps --------------------------------------------------------------- */

/* The number of addresses that a step of a dump collects. */
#define DUMP_ADDRS	1024

/*
 * The least addresses met so far, as a heap with the largest on top.
 */
struct least {
	unsigned	 le_n;
	uint32_t	 le_addr[DUMP_ADDRS];	/* host order */
};

static void
swap(uint32_t *a, uint32_t *b)
{
	uint32_t t = *a;

	*a = *b;
	*b = t;
}

static void
sift_down(uint32_t *a, unsigned n)
{
	unsigned i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && a[child + 1] > a[child])
			child++;
		if (a[i] >= a[child])
			break;
		swap(&a[i], &a[child]);
		i = child;
	}
}

static void
least_add(struct least *le, uint32_t addr)
{
	unsigned i;

	if (le->le_n == DUMP_ADDRS) {
		if (addr >= le->le_addr[0])
			return;
		le->le_addr[0] = addr;
		sift_down(le->le_addr, le->le_n);
		return;
	}
	i = le->le_n++;
	le->le_addr[i] = addr;
	for (; i > 0 && le->le_addr[i] > le->le_addr[(i - 1) / 2];
	    i = (i - 1) / 2)
		swap(&le->le_addr[i], &le->le_addr[(i - 1) / 2]);
}

static void
least_sort(struct least *le)
{
	unsigned n;

	for (n = le->le_n; n > 1; n--) {
		swap(&le->le_addr[0], &le->le_addr[n - 1]);
		sift_down(le->le_addr, n - 1);
	}
}

/* Send one neighbour as a message, if it still exists. */
static int
arp_dump_one(struct ifnet *ifp, uint32_t addr,
    int (*fn)(const void *, void *), void *arg)
{
	struct neigh_table *nt = neigh_table_of(ifp->if_vnet);
	uint64_t msg[RT_MSG_MAX / 8];
	struct neigh *ne;
	bool found;

	kspin_lock(&nt->nt_lock);
	ne = neigh_lookup4(nt, ifp, htonl(addr));
	found = ne != NULL && ne->ne_state != ARP_FAILED;
	if (found)
		rts_fill_neigh(ne, RTM_GET, msg);
	kspin_unlock(&nt->nt_lock);
	return found ? fn(msg, arg) : 0;
}

int
arp_dump(struct ifnet *ifp, uint64_t *place,
    int (*fn)(const void *, void *), void *arg)
{
	struct neigh_table *nt = neigh_table_of(ifp->if_vnet);
	struct in_ifdata *id = in_ifdata(ifp);
	struct least *le;
	struct neigh *ne;
	uint32_t addr;
	int error = 0;

	if (id == NULL)
		return ENOENT;
	kspin_lock(&nt->nt_lock);
	ne = arp_entry_next(id, NULL);
	kspin_unlock(&nt->nt_lock);
	if (ne == NULL)
		return ENOENT;
	le = kmem_zalloc(if_kern(ifp), sizeof(*le));
	if (le == NULL)
		return ENOMEM;
	kspin_lock(&nt->nt_lock);
	for (ne = NULL; (ne = arp_entry_next(id, ne)) != NULL;) {
		addr = ntohl(ne->ne_addr.na_4);
		if (addr >= *place)
			least_add(le, addr);
	}
	kspin_unlock(&nt->nt_lock);
	least_sort(le);
	/* fn may sleep, so each neighbour is looked up again outside the
	 * lock. */
	for (unsigned i = 0; i < le->le_n && error == 0; i++) {
		error = arp_dump_one(ifp, le->le_addr[i], fn, arg);
		*place = (uint64_t)le->le_addr[i] + 1;
	}
	if (le->le_n < DUMP_ADDRS && error == 0)
		error = ENOENT;
	kmem_free(if_kern(ifp), le);
	return error;
}
