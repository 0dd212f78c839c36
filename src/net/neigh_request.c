/*
 * neigh_request: neighbours by request: adding, changing, deleting, showing.
 *
 * A change can send or drop the packets that an entry holds, which only a CPU
 * does; so the change runs on a CPU, in a cross-call, and the requester waits.
 */

#include "net/neigh_cache.h"

#include <errno.h>

#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"

struct neigh_req {
	struct vnet	*nr_vnet;
	const struct neigh_proto *nr_proto;
	uint64_t	 nr_handle;	/* interface */
	union neigh_addr nr_addr;
	uint8_t		 nr_type;	/* RTM_* */
	uint8_t		 nr_lladdr[ETHER_ADDR_LEN];
	uint32_t	 nr_lleflags;
	uint64_t	 nr_expire_ns;	/* from now; 0: never expires */
	uint32_t	 nr_done;	/* atomic: a CPU took it */
	int		 nr_error;
	void		*nr_answer;
	size_t		 nr_answerlen;
};

/* t: */
static void
neigh_req_answer(struct neigh_req *nr, const struct neigh *ne)
{

	rts_fill_neigh(ne, nr->nr_type, nr->nr_answer);
	nr->nr_answerlen = ((struct rt_hdr *)nr->nr_answer)->rtm_len;
}

/* t: */
static int
neigh_req_delete(struct neigh_req *nr, struct neigh *ne,
    struct neigh_pkts *failed)
{

	if (ne == NULL || ne->ne_state == NEIGH_S_FAILED)
		return ESRCH;
	neigh_req_answer(nr, ne);
	neigh_entry_unhold(ne, failed);
	neigh_entry_free(ne);
	return 0;
}

/* t: */
static int
neigh_req_set(struct neigh_req *nr, struct ifnet *ifp, struct neigh *ne,
    struct neigh_pkts *held, struct neigh_pkts *pushed)
{
	struct neigh_fam *nf = neigh_fam(nr->nr_vnet, nr->nr_proto->np_slot);
	bool known = ne != NULL;
	enum neigh_class class = (nr->nr_lleflags & NEIGH_STATIC) != 0 ?
	    NEIGH_C_STATIC : NEIGH_C_USED;
	uint64_t now = net_curcpu()->ci_now;
	uint8_t own[ETHER_ADDR_LEN];
	int error;

	/* The interface's own link-level address can stand for another host's
	 * in a published entry only. */
	neigh_own_lladdr(ifp, own);
	if (memcmp(nr->nr_lladdr, own, ETHER_ADDR_LEN) == 0 &&
	    (nr->nr_lleflags & NEIGH_PUBLISHED) == 0)
		return EADDRINUSE;
	if (nr->nr_type == RTM_CHANGE && (ne == NULL || ne->ne_hdr == NULL))
		return ESRCH;
	if (nr->nr_type == RTM_ADD && ne != NULL &&
	    (ne->ne_flags & NEIGH_STATIC) != 0)
		return EEXIST;
	if (ne == NULL)
		ne = neigh_entry_new(nf, ifp, &nr->nr_addr, class, pushed);
	if (ne == NULL)
		return ENOBUFS;
	error = neigh_set(ne, nr->nr_lladdr);
	if (error != 0) {
		if (!known)
			neigh_entry_free(ne);
		return error;
	}
	neigh_entry_flags(ne, nr->nr_lleflags, (NEIGH_STATIC | NEIGH_PUBLISHED |
	    NEIGH_CLAIMED) & ~nr->nr_lleflags);
	ne->ne_tries = 0;
	neigh_class_set(ne, class);
	neigh_entry_state(ne, NEIGH_S_REACHABLE, now, nr->nr_expire_ns);
	neigh_entry_announce(ne, true, now);
	neigh_req_answer(nr, ne);
	neigh_entry_unhold(ne, held);
	return 0;
}

/* Cross-call: the first CPU carries out the request. */
static void
neigh_req_cpu(void *arg)
{
	struct neigh_req *nr = arg;
	const struct neigh_proto *proto = nr->nr_proto;
	struct neigh_cache *nc = nr->nr_vnet->vn_neigh;
	struct neigh_pkts held, failed, pushed;
	struct neigh *ne;
	struct ifnet *ifp;

	if (__atomic_exchange_n(&nr->nr_done, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	ifp = if_byhandle(nr->nr_vnet, nr->nr_handle);
	if (ifp == NULL) {
		nr->nr_error = ENXIO;
		return;
	}
	neigh_pkts_init(&held);
	neigh_pkts_init(&failed);
	neigh_pkts_init(&pushed);
	if (nr->nr_type == RTM_ADD)
		ne = neigh_lookup_drained(ifp, proto->np_slot, &nr->nr_addr,
		    nr->nr_lladdr);
	else {
		kspin_lock(&nc->nc_table.nt_lock);
		ne = neigh_lookup(&nc->nc_table, ifp, proto->np_family,
		    &nr->nr_addr);
	}
	switch (nr->nr_type) {
	case RTM_DELETE:
		nr->nr_error = neigh_req_delete(nr, ne, &failed);
		break;
	case RTM_GET:
		nr->nr_error = ne == NULL || ne->ne_state == NEIGH_S_FAILED ?
		    ESRCH : 0;
		if (nr->nr_error == 0)
			neigh_req_answer(nr, ne);
		break;
	default:
		nr->nr_error = neigh_req_set(nr, ifp, ne, &held, &pushed);
		break;
	}
	kspin_unlock(&nc->nc_table.nt_lock);
	neigh_release(ifp, proto->np_slot, &held, nr->nr_lladdr);
	neigh_drop_held(proto, &failed, proto->np_unresolved, false);
	neigh_drop_held(proto, &pushed, proto->np_pushed, false);
}

/*
 * The interface on which an address is a neighbour: the interface that the
 * request names, or else the one whose prefix has the address.
 */
static int
neigh_req_ifp(struct neigh_req *nr, const struct rt_msg *rtm,
    const struct sockaddr_dl *ifsdl)
{
	struct vnet *vn = nr->nr_vnet;
	struct ifnet *ifp = NULL;
	int error = 0;

	pserialize_read_enter();
	if (rtm->rtm_ifhandle != 0)
		ifp = if_byhandle(vn, rtm->rtm_ifhandle);
	else if (rtm->rtm_index != 0)
		ifp = if_byindex(vn, rtm->rtm_index);
	else if (ifsdl != NULL && ifsdl->sdl_index != 0)
		ifp = if_byindex(vn, ifsdl->sdl_index);
	else {
		ifp = nr->nr_proto->np_ifp(vn, &nr->nr_addr);
		if (ifp == NULL)
			error = kern_refuse(EHOSTUNREACH, "the address is on "
			    "no network of an interface with neighbours");
	}
	if (error == 0 && ifp == NULL)
		error = kern_refuse(ENXIO, "there is no such interface "
		    "(ifconfig -l lists them)");
	if (error == 0 && ifp->if_type != IFT_ETHER)
		error = kern_refuse(EINVAL, "%s has no neighbours: it is no "
		    "Ethernet", ifp->if_xname);
	if (error == 0)
		nr->nr_handle = ifp->if_handle;
	pserialize_read_exit();
	return error;
}

/* May the address be a neighbour's? */
static bool
neigh_req_is_host(const struct neigh_req *nr)
{
	struct ifnet *ifp;
	bool is;

	pserialize_read_enter();
	ifp = if_byhandle(nr->nr_vnet, nr->nr_handle);
	is = ifp == NULL || nr->nr_proto->np_is_host(ifp, &nr->nr_addr);
	pserialize_read_exit();
	return is;
}

/* The link-level address of a request that sets one. */
static int
neigh_req_lladdr(struct neigh_req *nr, const struct rt_msg *rtm,
    const struct sockaddr *gw)
{
	const struct sockaddr_dl *sdl =
	    (const struct sockaddr_dl *)(const void *)gw;

	if (gw == NULL || gw->sa_family != AF_LINK ||
	    sdl->sdl_alen != ETHER_ADDR_LEN ||
	    !lladdr_is_station(sdl->sdl_data, ETHER_ADDR_LEN))
		return kern_refuse(EINVAL, "the link-level address is not that "
		    "of a station: six bytes, not all zero, and no group");
	memcpy(nr->nr_lladdr, sdl->sdl_data, ETHER_ADDR_LEN);
	if (rtm->rtm_expire_s < 0)
		return kern_refuse(EINVAL, "a lifetime is not less than 0");
	if (rtm->rtm_expire_s == 0)
		nr->nr_lleflags |= NEIGH_STATIC;
	else
		nr->nr_expire_ns = NEIGH_NS * (uint64_t)(rtm->rtm_expire_s <
		    NEIGH_KEEP_MAX ? rtm->rtm_expire_s : NEIGH_KEEP_MAX);
	if ((rtm->rtm_flags & RTF_ANNOUNCE) != 0)
		nr->nr_lleflags |= NEIGH_PUBLISHED;
	return 0;
}

/* Add the words to the errno from a CPU, which has no request's context. */
static int
neigh_req_refuse(const struct neigh_proto *proto, int error)
{

	switch (error) {
	case ESRCH:
		return kern_refuse(error, "there is no such neighbour (%s -a "
		    "lists them)", proto->np_command);
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
		    "neighbours as it can have (%s), or memory is out",
		    proto->np_maxentries);
	default:
		return error;
	}
}

int
neigh_request(struct vnet *vn, unsigned slot, const struct rt_msg *rtm,
    const struct sockaddr *const *sa, void *answer,
    size_t *answerlen)
{
	struct neigh_req nr;
	bool sets;
	int error;

	*answerlen = 0;
	memset(&nr, 0, sizeof(nr));
	nr.nr_vnet = vn;
	nr.nr_proto = neigh_fam(vn, slot)->nf_proto;
	nr.nr_type = rtm->rtm_h.rtm_type;
	nr.nr_answer = answer;
	error = nr.nr_proto->np_get(sa[0], &nr.nr_addr);
	if (error != 0)
		return error;
	sets = nr.nr_type == RTM_ADD || nr.nr_type == RTM_CHANGE;
	if (sets) {
		error = neigh_req_lladdr(&nr, rtm, sa[1]);
		if (error != 0)
			return error;
	}
	error = neigh_req_ifp(&nr, rtm, (const struct sockaddr_dl *)
	    (const void *)sa[4]);
	if (error != 0)
		return error;
	if (sets && !neigh_req_is_host(&nr))
		return kern_refuse(EADDRNOTAVAIL, "the address is this "
		    "router's own, or its network's, not a neighbour's");
	kern_xcall(vn->vn_kern, neigh_req_cpu, &nr);
	if (nr.nr_error == 0)
		*answerlen = nr.nr_answerlen;
	return neigh_req_refuse(nr.nr_proto, nr.nr_error);
}

/* The states that messages carry are those of the cache. */
_Static_assert(RTN_INCOMPLETE == (int)NEIGH_S_INCOMPLETE &&
    RTN_REACHABLE == (int)NEIGH_S_REACHABLE &&
    RTN_STALE == (int)NEIGH_S_STALE && RTN_PROBE == (int)NEIGH_S_PROBE &&
    RTN_FAILED == (int)NEIGH_S_FAILED, "states of neighbours");

/* --- dumps --------------------------------------------------------------- */

/* The number of neighbours that a step of a dump collects. */
#define DUMP_ADDRS	1024

struct place {
	uint64_t	 pl_order;	/* np_order() */
	union neigh_addr pl_addr;
};

/*
 * The neighbours that come first, of those met so far, as a heap with the last
 * on top.
 */
struct least {
	unsigned	 le_n;
	struct place	 le_place[DUMP_ADDRS];
};

static void
swap(struct place *a, struct place *b)
{
	struct place t = *a;

	*a = *b;
	*b = t;
}

static void
sift_down(struct place *a, unsigned n)
{
	unsigned i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && a[child + 1].pl_order > a[child].pl_order)
			child++;
		if (a[i].pl_order >= a[child].pl_order)
			break;
		swap(&a[i], &a[child]);
		i = child;
	}
}

static void
least_add(struct least *le, const struct place *pl)
{
	struct place *a = le->le_place;
	unsigned i;

	if (le->le_n == DUMP_ADDRS) {
		if (pl->pl_order >= a[0].pl_order)
			return;
		a[0] = *pl;
		sift_down(a, le->le_n);
		return;
	}
	i = le->le_n++;
	a[i] = *pl;
	for (; i > 0 && a[i].pl_order > a[(i - 1) / 2].pl_order;
	    i = (i - 1) / 2)
		swap(&a[i], &a[(i - 1) / 2]);
}

static void
least_sort(struct least *le)
{

	for (unsigned n = le->le_n; n > 1; n--) {
		swap(&le->le_place[0], &le->le_place[n - 1]);
		sift_down(le->le_place, n - 1);
	}
}

/* Send one neighbour as a message, if it still exists. */
static int
neigh_dump_one(struct ifnet *ifp, unsigned slot, const union neigh_addr *addr,
    int (*fn)(const void *, void *), void *arg)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	uint64_t msg[RT_MSG_MAX / 8];
	struct neigh *ne;
	bool found;

	kspin_lock(&nc->nc_table.nt_lock);
	ne = neigh_lookup(&nc->nc_table, ifp, nc->nc_fam[slot].nf_proto->
	    np_family, addr);
	found = ne != NULL && ne->ne_state != NEIGH_S_FAILED;
	if (found)
		rts_fill_neigh(ne, RTM_GET, msg);
	kspin_unlock(&nc->nc_table.nt_lock);
	return found ? fn(msg, arg) : 0;
}

int
neigh_dump(struct ifnet *ifp, unsigned slot, uint64_t *place,
    int (*fn)(const void *, void *), void *arg)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	const struct neigh_proto *proto = nc->nc_fam[slot].nf_proto;
	struct neigh_table *nt = &nc->nc_table;
	struct neigh_if *ni = neigh_if(ifp, slot);
	struct least *le;
	struct neigh *ne;
	struct place pl;
	int error = 0;

	if (ni == NULL)
		return ENOENT;
	kspin_lock(&nt->nt_lock);
	ne = neigh_entry_next(ni, NULL);
	kspin_unlock(&nt->nt_lock);
	if (ne == NULL)
		return ENOENT;
	le = kmem_zalloc(if_kern(ifp), sizeof(*le));
	if (le == NULL)
		return ENOMEM;
	kspin_lock(&nt->nt_lock);
	for (ne = NULL; (ne = neigh_entry_next(ni, ne)) != NULL;) {
		pl.pl_addr = ne->ne_addr;
		pl.pl_order = proto->np_order(nt, &pl.pl_addr);
		if (pl.pl_order >= *place)
			least_add(le, &pl);
	}
	kspin_unlock(&nt->nt_lock);
	least_sort(le);
	/* fn may sleep, so each neighbour is looked up again outside the
	 * lock. */
	for (unsigned i = 0; i < le->le_n && error == 0; i++) {
		error = neigh_dump_one(ifp, slot, &le->le_place[i].pl_addr, fn,
		    arg);
		*place = le->le_place[i].pl_order + 1;
	}
	if (le->le_n < DUMP_ADDRS && error == 0)
		error = ENOENT;
	kmem_free(if_kern(ifp), le);
	return error;
}
