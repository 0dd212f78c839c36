/*
 * tap: an Ethernet interface whose other end is a Linux tap device.
 *
 * 	ifconfig tap0 create			the device is called tap0
 * 	ifconfig tap0 create host vm7		it is called vm7
 * 	ifconfig tap0 create fd			it came as a descriptor with
 * 						the request
 *
 * Packets carry a vnet header both ways, so that checksums left to the other
 * side and segments of up to 64 KiB pass through in one piece.  The
 * capabilities say which offloads are used: those for sending are done by the
 * device, those for receiving (with IFCAP_LRO for segments) let the device
 * leave work to the stack, which it is told when the interface starts.  The
 * device is read by one CPU, which owns the receive buffers; any CPU may write.
 * While the interface is down the device is not read, and has no carrier.
 *
 * The two ends share one link.  The interface's link is up while the Linux side
 * is; an MTU given to one end is the other's too, and the last one given
 * counts; the device's name and namespace are queried when they are shown.  The
 * host reports changes (host_tun_watch()).  A device that is deleted takes the
 * link down; the interface remains until the user destroys it.  If the daemon
 * has no right in the device's namespace, the two MTUs are independent, and a
 * Linux side that went down is noticed with the first packet to it.
 */

#include "dev/dev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ifnet/if_clone.h>
#include <ifnet/if_types.h>

#include "dev/dev_param.h"
#include "dev/dev_poll.h"
#include "dev/tap_merge.h"
#include "dev/tap_vnethdr.h"
#include "kern/reqctx.h"
#include "net/if_attach_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_vnet_impl.h"

/* Buffers one packet can take: 64 KiB and a link-level header. */
#define TAP_NRX		33
/* The most bytes that one poll receives, so that large segments do not empty
 * the pool of buffers. */
#define TAP_POLL_BYTES	(1024 * 1024)

#define TAP_CAPS	(IFCAP_TSOv4 | IFCAP_TSOv6 | IFCAP_LRO | \
	    IFCAP_CSUM_TCPv4_Tx | IFCAP_CSUM_TCPv4_Rx | \
	    IFCAP_CSUM_UDPv4_Tx | IFCAP_CSUM_UDPv4_Rx | \
	    IFCAP_CSUM_TCPv6_Tx | IFCAP_CSUM_TCPv6_Rx | \
	    IFCAP_CSUM_UDPv6_Tx | IFCAP_CSUM_UDPv6_Rx)

/* The buffers of one poll, on its stack: the header, then the packet.  Those in
 * rx_m are reserved (m_reserve()). */
struct tap_rx {
	unsigned	 rx_n;		/* buffers ready in rx_m */
	struct mbuf	*rx_m[TAP_NRX];
	struct host_vnethdr rx_vh;
	struct iovec	 rx_iov[TAP_NRX + 1];
};

struct tap_softc {
	struct ifnet	*sc_ifp;	/* changes in tap_vmove alone */
	struct host_mutex sc_lock;	/* innermost but for lookups */
	struct vnet	*sc_vnet;	/* sc_lock: for tap_far_changed(); NULL:
					 * not attached */
	uint64_t	 sc_handle;	/* sc_lock */
	uint32_t	 sc_far_mtu;	/* ioctl lock: as last seen or set */
	char		 sc_far_name[IFNAMSIZ];	/* ioctl lock: likewise */
	uint32_t	 sc_far_falls;	/* ioctl lock: those accounted for */
	struct kspin	 sc_far_spin;	/* keeps reports in their order */
	bool		 sc_far_down;	/* atomic, written with sc_far_spin:
					 * the Linux side takes no packets */
	uint32_t	 sc_far_early;	/* sc_far_spin: times a sender found it
					 * down before that was reported */
	struct host	*sc_host;	/* constant */
	struct host_tun	*sc_tun;	/* constant */
	struct dev_poll	 sc_poll;	/* ioctl lock */
	unsigned	 sc_offload;	/* ioctl lock: HOST_TUN_* it was told */
	bool		 sc_gone;	/* atomic: the device went away */
	bool		 sc_nomerge;	/* atomic: it takes no UDP segments */
};

/* --- receiving ----------------------------------------------------------- */

/* Fill every element with a buffer; false when the pool is empty. */
static bool
tap_rx_fill(struct tap_rx *rx)
{
	unsigned n;

	if (rx->rx_n == TAP_NRX)
		return true;
	n = m_reserve(rx->rx_m + rx->rx_n, TAP_NRX - rx->rx_n);
	for (unsigned i = rx->rx_n; i < rx->rx_n + n; i++) {
		rx->rx_iov[i + 1].iov_base = m_room(rx->rx_m[i]);
		rx->rx_iov[i + 1].iov_len = MBUF_SIZE;
	}
	rx->rx_n += n;
	return rx->rx_n == TAP_NRX;
}

/* Make a packet of `len' bytes of the first buffers and move the remaining ones
 * to the front. */
static struct mbuf *
tap_rx_take(struct tap_rx *rx, size_t len)
{
	struct mbuf *m = rx->rx_m[0];
	unsigned left, n;

	m_setup(m);
	m->m_pktlen = (uint32_t)len;
	for (n = 0; len > MBUF_SIZE; n++, len -= MBUF_SIZE) {
		m_setup(rx->rx_m[n + 1]);
		rx->rx_m[n]->m_len = MBUF_SIZE;
		rx->rx_m[n]->m_next = rx->rx_m[n + 1];
	}
	rx->rx_m[n]->m_len = (uint32_t)len;
	n++;
	left = rx->rx_n - n;
	for (unsigned i = 0; i < n && i < left; i++) {
		rx->rx_m[i] = rx->rx_m[rx->rx_n - 1 - i];
		rx->rx_iov[i + 1] = rx->rx_iov[rx->rx_n - i];
	}
	rx->rx_n = left;
	return m;
}

static void
tap_rx_release(struct tap_rx *rx)
{

	m_unreserve(rx->rx_m, rx->rx_n);
	rx->rx_n = 0;
}

static void
tap_gone(struct tap_softc *sc)
{

	if (__atomic_exchange_n(&sc->sc_gone, true, __ATOMIC_ACQ_REL))
		return;
	if_klog(sc->sc_ifp, KLOG_WARNING, "the host device %s went away",
	    host_tun_name(sc->sc_host, sc->sc_tun));
	if_oper_reason(sc->sc_ifp, IF_OPER_DOWN_LOWER);
	if_link_state_change(sc->sc_ifp, LINK_STATE_DOWN);
}

/* sc_far_spin: the Linux side is up, or not, as far as is known now. */
static void
tap_far_set(struct tap_softc *sc, struct ifnet *ifp, bool up)
{

	if (sc->sc_far_down != up)
		return;
	__atomic_store_n(&sc->sc_far_down, !up, __ATOMIC_RELAXED);
	if_link_state_change(ifp, up ? LINK_STATE_UP : LINK_STATE_DOWN);
}

/* CPU: the device took no packet.  It may have come up, and been reported, in
 * between. */
static void
tap_far_refuses(struct tap_softc *sc)
{

	kspin_lock(&sc->sc_far_spin);
	if (!sc->sc_far_down)
		sc->sc_far_early++;
	tap_far_set(sc, sc->sc_ifp, false);
	if (host_tun_takes(sc->sc_host, sc->sc_tun))
		tap_far_set(sc, sc->sc_ifp, true);
	kspin_unlock(&sc->sc_far_spin);
}

/* Control: the Linux side was reported; it went down so many times since the
 * report before. */
static void
tap_far_reported(struct tap_softc *sc, struct ifnet *ifp, bool up,
    uint32_t falls)
{

	kspin_lock(&sc->sc_far_spin);
	/* Senders noticed some of them, or some that are reported later. */
	for (; sc->sc_far_early > 0 && falls > 0; falls--)
		sc->sc_far_early--;
	for (; falls > 0; falls--) {
		tap_far_set(sc, ifp, true);
		tap_far_set(sc, ifp, false);
	}
	tap_far_set(sc, ifp, up);
	kspin_unlock(&sc->sc_far_spin);
}

/* Drop a received packet that is malformed. */
static void
tap_rx_drop(struct tap_softc *sc, struct mbuf *m, enum drop_reason reason)
{

	if_stat_add(sc->sc_ifp, IF_STAT_IPACKETS, 1);
	if_stat_add(sc->sc_ifp, IF_STAT_IERRORS, 1);
	m_drop(sc->sc_ifp, m, reason);
}

/* Receive one packet, or none (NULL); *done says that there are no more. */
static struct mbuf *
tap_rx_one(struct tap_softc *sc, struct tap_rx *rx, bool *done)
{
	struct mbuf *m;
	ssize_t r;

	*done = false;
	r = host_tun_recv(sc->sc_host, sc->sc_tun, rx->rx_iov, TAP_NRX + 1);
	if (r < 0) {
		*done = true;
		if (r == -EBADFD || r == -ENXIO)
			tap_gone(sc);
		else if (r != -EAGAIN)
			if_stat_add(sc->sc_ifp, IF_STAT_IERRORS, 1);
		return NULL;
	}
	if ((size_t)r <= sizeof(rx->rx_vh)) {
		if_stat_add(sc->sc_ifp, IF_STAT_IERRORS, 1);
		return NULL;
	}
	m = tap_rx_take(rx, (size_t)r - sizeof(rx->rx_vh));
	if (tap_vnethdr_get(sc->sc_ifp, &rx->rx_vh, m))
		return m;
	tap_rx_drop(sc, m, DROP_RX_OFFLOAD);
	return NULL;
}

static unsigned
tap_poll(struct cpu_poller *cp, unsigned budget)
{
	struct tap_softc *sc = cp->cp_arg;
	struct tap_rx rx;
	struct mvec mv;
	struct mbuf *m;
	unsigned n;
	size_t bytes = 0;
	bool done = false;

	if (budget > MVEC_MAX)
		budget = MVEC_MAX;
	mv.mv_n = 0;
	rx.rx_n = 0;
	rx.rx_iov[0].iov_base = &rx.rx_vh;
	rx.rx_iov[0].iov_len = sizeof(rx.rx_vh);
	for (n = 0; n < budget && bytes < TAP_POLL_BYTES; n++) {
		if (!tap_rx_fill(&rx))
			break;
		m = tap_rx_one(sc, &rx, &done);
		if (done)
			break;
		if (m != NULL) {
			bytes += m->m_pktlen;
			mv.mv_m[mv.mv_n++] = m;
		}
	}
	tap_rx_release(&rx);
	if (mv.mv_n > 0)
		if_input_vec(sc->sc_ifp, &mv);
	return n;
}

/* --- sending ----------------------------------------------------------- */

/* Send one packet to the device; the reason for its drop, or DROP_NREASONS. */
static enum drop_reason
tap_tx(struct tap_softc *sc, struct mbuf *m)
{
	struct iovec iov[MBUF_MAXCHAIN + 1];
	struct host_vnethdr vh;
	struct mbuf *n;
	ssize_t r;
	int niov = 1;

	tap_vnethdr_put(m, &vh);
	iov[0].iov_base = &vh;
	iov[0].iov_len = sizeof(vh);
	for (n = m; n != NULL; n = n->m_next) {
		if (niov == MBUF_MAXCHAIN + 1)
			return DROP_TX_ERROR;
		iov[niov].iov_base = n->m_data;
		iov[niov].iov_len = n->m_len;
		niov++;
	}
	r = host_tun_send(sc->sc_host, sc->sc_tun, iov, niov);
	if (r >= 0)
		return DROP_NREASONS;
	if (r == -EBADFD || r == -ENXIO) {
		tap_gone(sc);
		return DROP_TX_NO_PEER;
	}
	if (r == -EIO) {
		tap_far_refuses(sc);
		return DROP_TX_FAR_DOWN;
	}
	return r == -EAGAIN || r == -ENOBUFS ? DROP_TX_RING_FULL :
	    DROP_TX_ERROR;
}

/*
 * Send a run of packets as one; false when they have to be sent one by one (an
 * older kernel does not know UDP segments).
 */
static bool
tap_tx_merged(struct tap_softc *sc, const struct mvec *mv, unsigned first,
    unsigned n)
{
	struct iovec iov[TAP_MERGE_MAX + 2];
	uint8_t hdr[TAP_MERGE_HDRS];
	struct host_vnethdr vh;
	ssize_t r;

	tap_vnethdr_put(mv->mv_m[first], &vh);
	vh.vh_gso_type = HOST_VH_GSO_UDP_L4;
	vh.vh_gso_size = (uint16_t)tap_merge_build(mv, first, n, hdr, iov + 1);
	vh.vh_hdr_len = TAP_MERGE_HDRS;
	iov[0].iov_base = &vh;
	iov[0].iov_len = sizeof(vh);
	r = host_tun_send(sc->sc_host, sc->sc_tun, iov, (int)n + 2);
	if (r == -EINVAL)
		__atomic_store_n(&sc->sc_nomerge, true, __ATOMIC_RELAXED);
	return r >= 0;
}

static int
tap_transmit(struct ifnet *ifp, struct mvec *mv)
{
	struct tap_softc *sc = ifp->if_softc;
	const bool merge = !__atomic_load_n(&sc->sc_nomerge, __ATOMIC_RELAXED);
	struct mvec sent;
	enum drop_reason reason;
	unsigned n;

	if (__atomic_load_n(&sc->sc_far_down, __ATOMIC_RELAXED)) {
		mvec_drop(ifp, mv, DROP_TX_FAR_DOWN);
		return 0;
	}
	sent.mv_n = 0;
	for (unsigned i = 0; i < mv->mv_n; i++) {
		n = merge ? tap_merge_run(mv, i) : 1;
		if (n > 1 && tap_tx_merged(sc, mv, i, n)) {
			for (; n > 0; n--)
				sent.mv_m[sent.mv_n++] = mv->mv_m[i++];
			i--;
			continue;
		}
		reason = tap_tx(sc, mv->mv_m[i]);
		if (reason == DROP_NREASONS)
			sent.mv_m[sent.mv_n++] = mv->mv_m[i];
		else
			m_drop(ifp, mv->mv_m[i], reason);
	}
	mv->mv_n = 0;
	if_stat_add_vec(ifp, IF_STAT_OUT, &sent);
	mvec_free(&sent);
	return 0;
}

/* --- control ----------------------------------------------------------- */

/*
 * The offloads for which the device may leave work to the stack: checksums,
 * when they are enabled for all protocols (the device knows no difference), and
 * with them segments.
 */
static unsigned
tap_offload(uint64_t enable)
{
	const uint64_t sums = IFCAP_CSUM_TCPv4_Rx | IFCAP_CSUM_UDPv4_Rx |
	    IFCAP_CSUM_TCPv6_Rx | IFCAP_CSUM_UDPv6_Rx;

	if ((enable & sums) != sums)
		return 0;
	return (enable & IFCAP_LRO) == 0 ? HOST_TUN_CSUM : HOST_TUN_CSUM |
	    HOST_TUN_TSO4 | HOST_TUN_TSO6 | HOST_TUN_TSO_ECN | HOST_TUN_USO;
}

static void
tap_tell_offload(struct tap_softc *sc, uint64_t enable)
{
	unsigned offload = tap_offload(enable);
	int error;

	if (offload == sc->sc_offload)
		return;
	error = host_tun_offload(sc->sc_host, sc->sc_tun, offload);
	if (error == 0)
		sc->sc_offload = offload;
	else
		/* The device goes on with its old offloads, which work as
		 * well. */
		if_klog(sc->sc_ifp, KLOG_WARNING, "the host device does not "
		    "change what it leaves to us: error %d", error);
}

/* This is also called when the interface runs and its capabilities change. */
static int
tap_init(struct ifnet *ifp)
{
	struct tap_softc *sc = ifp->if_softc;
	int error;

	tap_tell_offload(sc, ifp->if_capenable);
	error = dev_poll_start(ifp, &sc->sc_poll);
	if (error != 0)
		return error;
	if_flags_update(ifp, IFF_RUNNING, 0);
	host_tun_carrier(sc->sc_host, sc->sc_tun, true);
	return 0;
}

static void
tap_stop(struct ifnet *ifp, bool disable)
{
	struct tap_softc *sc = ifp->if_softc;

	(void)disable;
	if_flags_update(ifp, 0, IFF_RUNNING);
	dev_poll_stop(ifp, &sc->sc_poll);
	host_tun_carrier(sc->sc_host, sc->sc_tun, false);
}

/* Ioctl lock: set the MTU of the interface, by a request or after a change of
 * the device. */
static int
tap_set_mtu(struct tap_softc *sc, struct ifnet *ifp, struct ifreq *ifr)
{
	uint32_t before = ifp->if_mtu;
	int error, told;

	error = ether_ioctl(ifp, SIOCSIFMTU, ifr);
	if ((error != 0 && error != ENETRESET) || ifp->if_mtu == sc->sc_far_mtu)
		return error;
	told = host_tun_mtu(sc->sc_host, sc->sc_tun, ifp->if_mtu);
	if (told == 0)
		sc->sc_far_mtu = ifp->if_mtu;
	else if (told == EINVAL) {
		ifr->ifr_mtu = (int32_t)before;
		(void)ether_ioctl(ifp, SIOCSIFMTU, ifr);
		return kern_refuse(EINVAL, "the host device cannot have this "
		    "MTU");
	} else if (told != ENXIO && before != ifp->if_mtu)
		if_klog(ifp, KLOG_WARNING, "the host device keeps its MTU, %u "
		    "was refused: ifnetd has no right in its network "
		    "namespace", ifp->if_mtu);
	return error;
}

/* Ioctl lock: query the Linux side and take its state over. */
static void
tap_follow(struct tap_softc *sc, struct ifnet *ifp)
{
	struct host_tun_far far;
	struct ifreq ifr;
	int error;

	host_tun_far(sc->sc_host, sc->sc_tun, &far);
	if ((far.tf_flags & HOST_TUN_GONE) != 0) {
		tap_gone(sc);
		return;
	}
	tap_far_reported(sc, ifp, (far.tf_flags & HOST_TUN_UP) != 0,
	    far.tf_falls - sc->sc_far_falls);
	sc->sc_far_falls = far.tf_falls;
	if (strcmp(far.tf_name, sc->sc_far_name) != 0) {
		if_klog(ifp, KLOG_NOTICE, "the host device %s is now called "
		    "%s", sc->sc_far_name, far.tf_name);
		snprintf(sc->sc_far_name, sizeof(sc->sc_far_name), "%s",
		    far.tf_name);
	}
	if (far.tf_mtu == 0 || far.tf_mtu == sc->sc_far_mtu)
		return;
	sc->sc_far_mtu = far.tf_mtu;
	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_mtu = (int32_t)far.tf_mtu;
	error = ether_ioctl(ifp, SIOCSIFMTU, &ifr);
	if (error != 0 && error != ENETRESET)
		if_klog(ifp, KLOG_WARNING, "the host device has the MTU %u, "
		    "which the interface cannot have", far.tf_mtu);
}

/*
 * Control, on a thread of the host: the Linux side has changed.  The interface
 * is looked up and held, so that its detach or move waits for this function, or
 * the lookup fails.
 */
static void
tap_far_changed(void *arg)
{
	struct tap_softc *sc = arg;
	struct ifnet *ifp = NULL;
	struct psref psref;

	host_mutex_lock(sc->sc_host, &sc->sc_lock);
	if (sc->sc_vnet != NULL)
		ifp = if_get_byhandle(sc->sc_vnet, sc->sc_handle, &psref);
	host_mutex_unlock(sc->sc_host, &sc->sc_lock);
	if (ifp == NULL)
		return;
	if_ioctl_lock(ifp);
	if (ifp->if_state == IFS_ATTACHED)
		tap_follow(sc, ifp);
	if_ioctl_unlock(ifp);
	if_put(ifp, &psref);
}

/* Set the interface that tap_far_changed() looks up; NULL: none. */
static void
tap_far_enable(struct tap_softc *sc, struct ifnet *ifp)
{

	host_mutex_lock(sc->sc_host, &sc->sc_lock);
	sc->sc_vnet = ifp == NULL ? NULL : ifp->if_vnet;
	sc->sc_handle = ifp == NULL ? 0 : ifp->if_handle;
	host_mutex_unlock(sc->sc_host, &sc->sc_lock);
}

static int
tap_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	return cmd == SIOCSIFMTU ? tap_set_mtu(ifp->if_softc, ifp, data) :
	    ether_ioctl(ifp, cmd, data);
}

static void
tap_vmove(struct ifnet *ifp, enum if_vmove_step step)
{
	struct tap_softc *sc = ifp->if_softc;

	if (step == IF_VMOVE_PAUSE) {
		tap_far_enable(sc, NULL);
		dev_poll_stop(ifp, &sc->sc_poll);
		return;
	}
	sc->sc_ifp = ifp;
	tap_far_enable(sc, ifp);
	tap_follow(sc, ifp);
	if ((ifp->if_flags & IFF_RUNNING) != 0 && tap_init(ifp) != 0)
		tap_stop(ifp, false);
}

static int
tap_describe(struct ifnet *ifp, char *buf, size_t size)
{
	struct tap_softc *sc = ifp->if_softc;
	struct host_tun_far far;
	char where[48] = "";

	host_tun_far(sc->sc_host, sc->sc_tun, &far);
	if ((far.tf_flags & HOST_TUN_GONE) != 0) {
		snprintf(buf, size, "host %s (deleted)", sc->sc_far_name);
		return 0;
	}
	if ((far.tf_flags & HOST_TUN_AWAY) != 0 && far.tf_netns != 0)
		snprintf(where, sizeof(where), " in net:[%llu]",
		    (unsigned long long)far.tf_netns);
	snprintf(buf, size, "host %s%s%s", far.tf_name, where,
	    (far.tf_flags & HOST_TUN_UNSEEN) != 0 ?
	    " (no right to see its MTU)" : "");
	return 0;
}

static const struct if_ops tap_ops = {
	.transmit = tap_transmit,
	.ioctl = tap_ioctl,
	.init = tap_init,
	.stop = tap_stop,
	.describe = tap_describe,
	.vmove = tap_vmove,
};

extern const struct if_clone tap_cloner;

/* Parse "host NAME" and "fd", in any order. */
static int
tap_parse(const char *params, char name[DEV_WORDSIZE], bool *fd)
{
	char word[DEV_WORDSIZE];

	while (dev_param_word(&params, word)) {
		if (strcmp(word, "host") == 0) {
			if (name[0] != '\0')
				return dev_param_again(word);
			if (!dev_param_word(&params, name) ||
			    strlen(name) >= IFNAMSIZ)
				return kern_refuse(EINVAL, "host needs the "
				    "name of a device, of at most %d bytes",
				    IFNAMSIZ - 1);
		} else if (strcmp(word, "fd") == 0) {
			if (*fd)
				return dev_param_again(word);
			*fd = true;
		} else
			return dev_param_unknown(word,
			    tap_cloner.ifc_params_help);
	}
	return 0;
}

static int
tap_open(struct tap_softc *sc, const char *name, bool handed)
{
	struct host_tun_config tc = { 0 };
	const char *why = NULL;
	int error;

	tc.tc_name = name;
	tc.tc_fd = -1;
	tc.tc_offload = sc->sc_offload = tap_offload(TAP_CAPS);
	if (handed) {
		tc.tc_fd = kern_reqctx_take_fd();
		if (tc.tc_fd == -1)
			return kern_refuse(EBADF, "no descriptor came with "
			    "the request");
	}
	tc.tc_why = &why;
	error = host_tun_open(sc->sc_host, &tc, &sc->sc_tun);
	if (error != 0 && why != NULL)
		(void)kern_refuse(error, "%s%s%s", handed ? "" : name,
		    handed ? "" : ": ", why);
	if (error != 0 && handed)
		host_sock_close(sc->sc_host, tc.tc_fd);
	return error;
}

static int
tap_create(const struct if_clone *ifc, struct vnet *vnet, unsigned unit,
    const char *params)
{
	char name[DEV_WORDSIZE] = "";
	uint8_t lladdr[ETHER_ADDR_LEN];
	struct host_tun_far far;
	struct tap_softc *sc;
	struct ifnet *ifp;
	bool handed = false;
	int error;

	error = tap_parse(params, name, &handed);
	if (error != 0)
		return error;
	sc = kmem_zalloc(vnet->vn_kern, sizeof(*sc));
	if (sc == NULL)
		return ENOMEM;
	sc->sc_host = vnet->vn_kern->k_host;
	host_mutex_init(sc->sc_host, &sc->sc_lock);
	ifp = if_alloc(vnet, IFT_ETHER);
	if (ifp == NULL) {
		error = ENOMEM;
		goto fail_sc;
	}
	if_initname(ifp, ifc->ifc_name, unit);
	error = tap_open(sc, name[0] != '\0' ? name : ifp->if_xname, handed);
	if (error != 0)
		goto fail_ifp;
	sc->sc_ifp = ifp;
	sc->sc_poll.dp_poller.cp_fd = host_tun_fd(sc->sc_host, sc->sc_tun);
	sc->sc_poll.dp_poller.cp_poll = tap_poll;
	sc->sc_poll.dp_poller.cp_arg = sc;

	ifp->if_softc = sc;
	ifp->if_ops = &tap_ops;
	host_tun_far(sc->sc_host, sc->sc_tun, &far);
	sc->sc_far_down = (far.tf_flags & HOST_TUN_UP) == 0;
	host_tun_carrier(sc->sc_host, sc->sc_tun, false);
	strcpy(sc->sc_far_name, host_tun_name(sc->sc_host, sc->sc_tun));
	ifp->if_link_state = sc->sc_far_down ? LINK_STATE_DOWN :
	    LINK_STATE_UP;
	ifp->if_mtu_max = 65535 - ETHER_HDR_LEN;
	ifp->if_capabilities = ifp->if_capenable = TAP_CAPS;
	ifp->if_csum_tx = M_USO | M_TSO_ECN;
	ether_random_addr(vnet, lladdr);
	error = ether_ifattach(ifp, lladdr);
	if (error == 0)
		error = if_attach(ifp);
	if (error != 0)
		goto fail_tun;
	tap_far_enable(sc, ifp);
	error = host_tun_watch(sc->sc_host, sc->sc_tun, tap_far_changed, sc);
	if (error != 0)
		if_klog(ifp, KLOG_WARNING, "the host device is not watched: "
		    "error %d", error);
	/* Changes from before the watch began are taken over too. */
	tap_far_changed(sc);
	return 0;

fail_tun:
	host_tun_close(sc->sc_host, sc->sc_tun);
fail_ifp:
	if_free(ifp);
fail_sc:
	host_mutex_destroy(vnet->vn_kern->k_host, &sc->sc_lock);
	kmem_free(vnet->vn_kern, sc);
	return error;
}

static int
tap_destroy(struct ifnet *ifp)
{
	struct tap_softc *sc = ifp->if_softc;
	struct kern *k = if_kern(ifp);

	tap_far_enable(sc, NULL);
	if_ioctl_lock(ifp);
	tap_stop(ifp, true);
	if_ioctl_unlock(ifp);
	if_detach(ifp);
	host_tun_close(sc->sc_host, sc->sc_tun);
	host_mutex_destroy(k->k_host, &sc->sc_lock);
	if_free(ifp);
	kmem_free(k, sc);
	return 0;
}

IF_CLONE_DRIVER(tap, tap_create, tap_destroy,
    "host NAME: the name of its Linux device; "
    "here: make the device in the network namespace of ifctl; "
    "fd NUMBER: hand over an open descriptor of one");
