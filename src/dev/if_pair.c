/*
 * pair: two Ethernet interfaces joined back to back, in one vnet or in two.
 *
 * A packet sent by one end arrives at the other as the same mbuf, on the same
 * CPU, through the receiver's input queue (so a ring of routers cannot
 * recurse).
 *
 * 	ifconfig pair0 create			an end with nothing at it
 * 	ifconfig pair1 create peer pair0	joins it to an existing free end
 * 	ifconfig pair0 create peer lab:pair0	makes both ends
 *
 * An end has a link while it has a peer that is up and is not being moved to
 * another vnet.  Destroying one end leaves the other without a peer.  Each end
 * has an MTU of its own; packets larger than the peer's are dropped, as a
 * station drops frames that it cannot hold.
 *
 * Locks: the joint between two ends is changed with the kern's vnet lock
 * held, since the ends may be in two vnets; senders read it in their read
 * section.
 */

#include "dev/dev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ifnet/if_clone.h>

#include "dev/dev_param.h"
#include "net/if_ioctl_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"

struct pair_softc {
	struct ifnet	*sc_ifp;	/* vnet lock to change, while no packet
					 * is on its way here */
	struct pair_softc *sc_peer;	/* vnet lock to change: the other end */
	struct pair_softc *sc_out;	/* rcu; written with the vnet lock:
					 * where packets go: sc_peer, or NULL
					 * while it takes none */
	bool		 sc_up;		/* vnet lock: takes packets */
	bool		 sc_paused;	/* vnet lock: is being moved */
	bool		 sc_dying;	/* vnet lock: no peer any more */
};

/* The bytes of a packet that count against the peer's MTU; 0 for a packet that
 * the receiver cuts into segments. */
static uint32_t
pair_size(const struct mbuf *m)
{

	return (m->m_csum_flags & M_GSO_MASK) != 0 ? 0 :
	    m->m_pktlen - ETHER_HDR_LEN;
}

/* Drop the packets that exceed the peer's MTU, which is smaller than the
 * sender's. */
static void
pair_fit(struct ifnet *ifp, struct mvec *mv, uint32_t mtu)
{
	unsigned n = 0;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		if (pair_size(mv->mv_m[i]) <= mtu)
			mv->mv_m[n++] = mv->mv_m[i];
		else
			m_drop(ifp, mv->mv_m[i], DROP_TX_FAR_MTU);
	}
	mv->mv_n = n;
}

static int
pair_transmit(struct ifnet *ifp, struct mvec *mv)
{
	struct pair_softc *sc = ifp->if_softc, *peer;
	uint32_t mtu;

	peer = __atomic_load_n(&sc->sc_out, __ATOMIC_ACQUIRE);
	if (peer == NULL) {
		mvec_drop(ifp, mv, __atomic_load_n(&sc->sc_peer,
		    __ATOMIC_RELAXED) == NULL ? DROP_TX_NO_PEER :
		    DROP_TX_FAR_DOWN);
		return 0;
	}
	mtu = __atomic_load_n(&peer->sc_ifp->if_mtu, __ATOMIC_RELAXED);
	if (mtu < __atomic_load_n(&ifp->if_mtu, __ATOMIC_RELAXED))
		pair_fit(ifp, mv, mtu);
	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	if_percpuq_enqueue_vec(peer->sc_ifp, mv);
	return 0;
}

/* Vnet lock: open or close the path of packets from one end to the other. */
static void
pair_aim(struct pair_softc *from, struct pair_softc *to)
{
	bool link = to->sc_up && !to->sc_paused;

	__atomic_store_n(&from->sc_out, link && !from->sc_paused ? to : NULL,
	    __ATOMIC_RELEASE);
	/* An end that is being moved gets its link state in the last step of
	 * the move. */
	if (!from->sc_paused)
		if_link_state_change(from->sc_ifp, link ? LINK_STATE_UP :
		    LINK_STATE_DOWN);
}

/* Vnet lock: update both paths after a change of one of the ends. */
static void
pair_connect(struct pair_softc *a, struct pair_softc *b)
{

	pair_aim(a, b);
	pair_aim(b, a);
}

/* Start or stop the reception of packets by an end. */
static void
pair_set_up(struct pair_softc *sc, bool up)
{
	struct kern *k = if_kern(sc->sc_ifp);

	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	if (sc->sc_up != up) {
		sc->sc_up = up;
		if (sc->sc_peer != NULL)
			pair_connect(sc, sc->sc_peer);
	}
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
}

static int
pair_init(struct ifnet *ifp)
{

	if_flags_update(ifp, IFF_RUNNING, 0);
	pair_set_up(ifp->if_softc, true);
	return 0;
}

static void
pair_stop(struct ifnet *ifp, bool disable)
{

	(void)disable;
	pair_set_up(ifp->if_softc, false);
	if_flags_update(ifp, 0, IFF_RUNNING);
}

/*
 * While an end is being moved, its peer's packets are dropped, and counted
 * there.  The peer may be destroyed meanwhile, or a new one may join.
 */
static void
pair_vmove(struct ifnet *ifp, enum if_vmove_step step)
{
	struct pair_softc *sc = ifp->if_softc;
	struct kern *k = if_kern(sc->sc_ifp);

	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	sc->sc_paused = step == IF_VMOVE_PAUSE;
	if (step == IF_VMOVE_RESUME) {
		sc->sc_ifp = ifp;	/* before the path to it opens again */
		sc->sc_up = (if_flags_get(ifp) & IFF_RUNNING) != 0;
	}
	if (sc->sc_peer != NULL)
		pair_connect(sc, sc->sc_peer);
	else if (step == IF_VMOVE_RESUME)
		if_link_state_change(ifp, LINK_STATE_DOWN);
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	if (step == IF_VMOVE_PAUSE)
		pserialize_perform(k);	/* no sender uses this end now */
}

static int
pair_describe(struct ifnet *ifp, char *buf, size_t size)
{
	struct pair_softc *sc = ifp->if_softc, *peer;
	struct host *h = if_host(ifp);
	char name[IFNAMSIZ], mtu[32] = "";
	uint32_t far_mtu;

	host_mutex_lock(h, &if_kern(ifp)->k_vnet_lock);
	peer = sc->sc_peer;
	if (peer != NULL) {
		/* The peer's name may change at any time: copy it. */
		if_name_copy(peer->sc_ifp, name);
		far_mtu = __atomic_load_n(&peer->sc_ifp->if_mtu,
		    __ATOMIC_RELAXED);
		if (far_mtu != ifp->if_mtu)
			snprintf(mtu, sizeof(mtu), " (mtu %u)", far_mtu);
	}
	if (peer == NULL)
		snprintf(buf, size, "no peer");
	else if (peer->sc_ifp->if_vnet == ifp->if_vnet)
		snprintf(buf, size, "peer %s%s", name, mtu);
	else
		snprintf(buf, size, "peer %s:%s%s",
		    peer->sc_ifp->if_vnet->vn_name, name, mtu);
	host_mutex_unlock(h, &if_kern(ifp)->k_vnet_lock);
	return 0;
}

static const struct if_ops pair_ops = {
	.transmit = pair_transmit,
	.ioctl = ether_ioctl,
	.init = pair_init,
	.stop = pair_stop,
	.describe = pair_describe,
	.vmove = pair_vmove,
};

/* Create one end and attach it. */
static int
pair_attach(struct vnet *vnet, unsigned unit, struct pair_softc **scp)
{
	uint8_t lladdr[ETHER_ADDR_LEN];
	struct pair_softc *sc;
	struct ifnet *ifp;
	int error;

	sc = kslab_alloc(vnet->vn_kern, sizeof(*sc));
	if (sc == NULL)
		return ENOMEM;
	ifp = if_alloc(vnet, IFT_ETHER);
	if (ifp == NULL) {
		error = ENOMEM;
		goto fail;
	}
	sc->sc_ifp = ifp;
	if_initname(ifp, pair_cloner.ifc_name, unit);
	ifp->if_softc = sc;
	ifp->if_ops = &pair_ops;
	ifp->if_cloner = &pair_cloner;
	ifp->if_link_state = LINK_STATE_DOWN;
	ifp->if_mtu_max = 65535;
	ifp->if_capabilities = ifp->if_capenable = IFCAP_TSOv4 | IFCAP_TSOv6 |
	    IFCAP_CSUM_TCPv4_Tx | IFCAP_CSUM_UDPv4_Tx | IFCAP_CSUM_TCPv6_Tx |
	    IFCAP_CSUM_UDPv6_Tx;
	ifp->if_csum_tx = M_USO | M_TSO_ECN;
	ether_random_addr(vnet, lladdr);
	error = ether_ifattach(ifp, lladdr);
	if (error == 0)
		error = if_percpuq_create(ifp);
	if (error == 0)
		error = if_attach(ifp);
	if (error != 0) {
		if_free(ifp);
		goto fail;
	}
	*scp = sc;
	return 0;
fail:
	kslab_free(vnet->vn_kern, sc, sizeof(*sc));
	return error;
}

static void
pair_detach(struct pair_softc *sc)
{
	struct kern *k = if_kern(sc->sc_ifp);
	struct pair_softc *peer;

	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	sc->sc_dying = true;
	peer = sc->sc_peer;
	if (peer != NULL) {
		__atomic_store_n(&peer->sc_peer, NULL, __ATOMIC_RELAXED);
		__atomic_store_n(&sc->sc_peer, NULL, __ATOMIC_RELAXED);
		__atomic_store_n(&peer->sc_out, NULL, __ATOMIC_RELEASE);
		__atomic_store_n(&sc->sc_out, NULL, __ATOMIC_RELEASE);
		if_link_state_change(peer->sc_ifp, LINK_STATE_DOWN);
	}
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	if (peer != NULL)
		pserialize_perform(k);	/* no sender uses this end now */
	if_detach(sc->sc_ifp);
	if_free(sc->sc_ifp);
	kslab_free(k, sc, sizeof(*sc));
}

/* Join two ends; EBUSY when either has a peer, or is being destroyed. */
static int
pair_join(struct pair_softc *a, struct pair_softc *b)
{
	struct kern *k = if_kern(a->sc_ifp);
	int error = EBUSY;

	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	if (a != b && a->sc_peer == NULL && b->sc_peer == NULL &&
	    !a->sc_dying && !b->sc_dying) {
		__atomic_store_n(&a->sc_peer, b, __ATOMIC_RELAXED);
		__atomic_store_n(&b->sc_peer, a, __ATOMIC_RELAXED);
		pair_connect(a, b);
		error = 0;
	}
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	return error;
}

/*
 * Parse "peer [VNET:]NAME" into the vnet, which is held on return, and the
 * name.  EINVAL; ENOENT: no such vnet.
 */
static int
pair_parse(struct vnet *vnet, const char *params, struct vnet **peer_vnet,
    char name[IFNAMSIZ])
{
	char word[DEV_WORDSIZE], more[DEV_WORDSIZE], *colon, *base;

	if (!dev_param_word(&params, word))
		return EINVAL;
	if (strcmp(word, "peer") != 0)
		return dev_param_unknown(word, pair_cloner.ifc_params_help);
	if (!dev_param_word(&params, word))
		return kern_refuse(EINVAL, "peer needs the name of the other "
		    "end");
	colon = strchr(word, ':');
	base = colon == NULL ? word : colon + 1;
	if (strlen(base) >= IFNAMSIZ)
		return kern_refuse(EINVAL, "%s: an interface's name has at "
		    "most %d bytes", base, IFNAMSIZ - 1);
	strcpy(name, base);
	if (dev_param_word(&params, more))
		return strcmp(more, "peer") == 0 ? dev_param_again(more) :
		    dev_param_unknown(more, pair_cloner.ifc_params_help);
	if (colon != NULL)
		*colon = '\0';
	*peer_vnet = vnet_get(vnet->vn_kern,
	    colon == NULL ? vnet->vn_name : word);
	return *peer_vnet != NULL ? 0 : kern_refuse(ENOENT, "there is no vnet "
	    "%s for the other end (vnet list shows what there is)", word);
}

static int
pair_create_peer(struct vnet *vnet, struct pair_softc *sc, const char *name)
{
	struct pair_softc *peer;
	struct psref psref;
	struct ifnet *ifp;
	size_t baselen;
	unsigned unit;
	int error;

	/* An existing interface may have any name, so it is looked up before
	 * the name is checked. */
	ifp = if_get(vnet, name, &psref);
	if (ifp != NULL) {
		if (ifp->if_cloner != &pair_cloner)
			error = kern_refuse(EINVAL, "%s is no pair", name);
		else if ((error = pair_join(sc, ifp->if_softc)) == EBUSY)
			(void)kern_refuse(error, "%s has a peer already, or "
			    "is this one", name);
		if_put(ifp, &psref);
		return error;
	}
	if (if_name_split(name, &unit, &baselen) != 0 ||
	    baselen != strlen(pair_cloner.ifc_name) ||
	    strncmp(name, pair_cloner.ifc_name, baselen) != 0)
		return kern_refuse(EINVAL, "%s is not there, and cannot be "
		    "made as the other end: that is called pair and a number",
		    name);
	error = pair_attach(vnet, unit, &peer);
	if (error != 0)
		return error;
	error = pair_join(sc, peer);
	if (error != 0)
		pair_detach(peer);
	return error;
}

static int
pair_create(const struct if_clone *ifc, struct vnet *vnet, unsigned unit,
    const char *params)
{
	struct vnet *peer_vnet = NULL;
	struct pair_softc *sc;
	char name[IFNAMSIZ];
	int error;

	(void)ifc;
	if (params[0] != '\0') {
		error = pair_parse(vnet, params, &peer_vnet, name);
		if (error != 0)
			return error;
	}
	error = pair_attach(vnet, unit, &sc);
	if (error == 0 && peer_vnet != NULL) {
		error = pair_create_peer(peer_vnet, sc, name);
		if (error != 0)
			pair_detach(sc);
	}
	if (peer_vnet != NULL)
		vnet_put(peer_vnet);
	return error;
}

static int
pair_destroy(struct ifnet *ifp)
{

	pair_detach(ifp->if_softc);
	return 0;
}

IF_CLONE_DRIVER(pair, pair_create, pair_destroy,
    "peer [VNET:]IF: the other end, which is there without a peer or is made");
