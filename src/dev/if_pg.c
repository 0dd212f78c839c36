/*
 * pg: a packet generator on one side and a counting sink on the other, so
 * that the packet path is measured without a device.
 *
 * Packets sent to a pg are counted and freed.  With generation parameters it
 * also hands up, at every poll while it is up, a vector of UDP packets as if
 * they had come in from a wire:
 *
 * 	ifconfig pg0 create dst 10.0.2.2 [src 10.0.1.2] [size 64] [vector 256]
 * 	    [dsts 1] [count 0]
 *
 * size is the frame with its 4-byte check sequence, as on a wire (64 gives a
 * 60-byte frame); dsts spreads over that many consecutive destination
 * addresses; count ends it (0: never).  Without dst it is a sink only.
 */

#include "dev/dev.h"

#include <errno.h>
#include <string.h>

#include <ifnet/if_clone.h>
#include <ifnet/if_types.h>

#include "dev/dev_param.h"
#include "dev/dev_poll.h"
#include "net/if_ioctl_impl.h"
#include "net/if_vnet_impl.h"

#define PG_FCS		4
#define PG_UDP_PORT	9	/* discard, RFC 863 */
#define PG_HDRS		(ETHER_HDR_LEN + 20 + 8)

/*
 * The generation fields are constant after create; sc_left, sc_next and
 * sc_template's addresses are the polling CPU's.
 */
struct pg_softc {
	struct ifnet	*sc_ifp;	/* changes in pg_vmove alone */
	struct dev_poll	 sc_poll;	/* ioctl lock; while it generates */
	bool		 sc_generate;	/* constant */
	uint32_t	 sc_dst, sc_src; /* constant; network order */
	uint64_t	 sc_size, sc_vector, sc_dsts, sc_count;	/* constant */
	uint64_t	 sc_sent;
	uint64_t	 sc_next;	/* destination offset */
	uint32_t	 sc_ipsum;	/* header sum without the destination */
	uint8_t		 sc_template[MBUF_SIZE];
};

static uint32_t
pg_sum16(const uint8_t *p, unsigned len)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

/* Build the frame that every packet is copied from; the destination is filled
 * in per packet. */
static void
pg_template(struct pg_softc *sc)
{
	uint8_t *eh = sc->sc_template, *ip = eh + ETHER_HDR_LEN, *udp = ip + 20;
	unsigned iplen = (unsigned)sc->sc_size - PG_FCS - ETHER_HDR_LEN;

	memcpy(eh, if_sadl(sc->sc_ifp)->sdl_data, ETHER_ADDR_LEN);
	memcpy(eh + 6, "\x02\x70\x67\x00\x00\x01", ETHER_ADDR_LEN);
	eh[12] = ETHERTYPE_IP >> 8;
	eh[13] = ETHERTYPE_IP & 0xff;
	ip[0] = 0x45;
	ip[2] = (uint8_t)(iplen >> 8);
	ip[3] = (uint8_t)iplen;
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &sc->sc_src, 4);
	sc->sc_ipsum = pg_sum16(ip, 20);
	udp[0] = udp[2] = PG_UDP_PORT >> 8;
	udp[1] = udp[3] = PG_UDP_PORT;
	udp[4] = (uint8_t)((iplen - 20) >> 8);
	udp[5] = (uint8_t)(iplen - 20);
}

/* Fill in the destination and the header checksum (RFC 1071) of one packet. */
static void
pg_finish(struct pg_softc *sc, uint8_t *frame)
{
	uint8_t *ip = frame + ETHER_HDR_LEN;
	uint32_t dst, sum;

	dst = __builtin_bswap32(sc->sc_dst) + (uint32_t)sc->sc_next;
	if (++sc->sc_next >= sc->sc_dsts)
		sc->sc_next = 0;
	sum = sc->sc_ipsum + (dst >> 16) + (dst & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	dst = __builtin_bswap32(dst);
	memcpy(ip + 16, &dst, 4);
	ip[10] = (uint8_t)(~sum >> 8);
	ip[11] = (uint8_t)~sum;
}

static unsigned
pg_poll(struct cpu_poller *cp, unsigned budget)
{
	struct pg_softc *sc = cp->cp_arg;
	unsigned len = (unsigned)sc->sc_size - PG_FCS, n;
	struct mvec mv;

	n = budget < sc->sc_vector ? budget : (unsigned)sc->sc_vector;
	if (sc->sc_count != 0 && n > sc->sc_count - sc->sc_sent)
		n = (unsigned)(sc->sc_count - sc->sc_sent);
	mv.mv_n = m_get_bulk(mv.mv_m, n);
	for (unsigned i = 0; i < mv.mv_n; i++) {
		memcpy(mv.mv_m[i]->m_data, sc->sc_template, len);
		pg_finish(sc, mv.mv_m[i]->m_data);
		mv.mv_m[i]->m_len = mv.mv_m[i]->m_pktlen = len;
	}
	n = mv.mv_n;
	sc->sc_sent += n;
	if (n > 0)
		if_input_vec(sc->sc_ifp, &mv);
	return n;
}

static int
pg_transmit(struct ifnet *ifp, struct mvec *mv)
{

	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	mvec_free(mv);
	return 0;
}

static int
pg_init(struct ifnet *ifp)
{
	struct pg_softc *sc = ifp->if_softc;
	int error;

	if (sc->sc_generate) {
		error = dev_poll_start(ifp, &sc->sc_poll);
		if (error != 0)
			return error;
		cpu_poller_kick(&sc->sc_poll.dp_poller);
	}
	if_flags_update(ifp, IFF_RUNNING, 0);
	return 0;
}

static void
pg_stop(struct ifnet *ifp, bool disable)
{
	struct pg_softc *sc = ifp->if_softc;

	(void)disable;
	if_flags_update(ifp, 0, IFF_RUNNING);
	dev_poll_stop(ifp, &sc->sc_poll);
}

static void
pg_vmove(struct ifnet *ifp, enum if_vmove_step step)
{
	struct pg_softc *sc = ifp->if_softc;

	if (step == IF_VMOVE_PAUSE) {
		dev_poll_stop(ifp, &sc->sc_poll);
		return;
	}
	sc->sc_ifp = ifp;
	if ((ifp->if_flags & IFF_RUNNING) != 0 && pg_init(ifp) != 0)
		pg_stop(ifp, false);
}

static const struct if_ops pg_ops = {
	.transmit = pg_transmit,
	.ioctl = ether_ioctl,
	.init = pg_init,
	.stop = pg_stop,
	.vmove = pg_vmove,
};

extern const struct if_clone pg_cloner;

enum { PG_DST, PG_SRC, PG_SIZE, PG_VECTOR, PG_DSTS, PG_COUNT, PG_NPARAMS };

static const char *const pg_param[PG_NPARAMS] = {
	[PG_DST] = "dst", [PG_SRC] = "src", [PG_SIZE] = "size",
	[PG_VECTOR] = "vector", [PG_DSTS] = "dsts", [PG_COUNT] = "count",
};

static int
pg_parse_one(struct pg_softc *sc, int param, const char **params)
{

	switch (param) {
	case PG_DST:
		sc->sc_generate = true;
		return dev_param_inet(params, &sc->sc_dst);
	case PG_SRC:
		return dev_param_inet(params, &sc->sc_src);
	case PG_SIZE:
		return dev_param_num(params, PG_HDRS + PG_FCS + 4, 1518,
		    &sc->sc_size);
	case PG_VECTOR:
		return dev_param_num(params, 1, MVEC_MAX, &sc->sc_vector);
	case PG_DSTS:
		return dev_param_num(params, 1, 1u << 24, &sc->sc_dsts);
	default:
		return dev_param_num(params, 0, UINT64_MAX, &sc->sc_count);
	}
}

static int
pg_parse(struct pg_softc *sc, const char *params)
{
	char word[DEV_WORDSIZE];
	unsigned seen = 0;
	int error = 0, i;

	sc->sc_size = 64;
	sc->sc_vector = MVEC_MAX;
	sc->sc_dsts = 1;
	while (error == 0 && dev_param_word(&params, word)) {
		for (i = 0; i < PG_NPARAMS; i++)
			if (strcmp(word, pg_param[i]) == 0)
				break;
		if (i == PG_NPARAMS)
			return dev_param_unknown(word,
			    pg_cloner.ifc_params_help);
		if ((seen & 1u << i) != 0)
			return dev_param_again(word);
		seen |= 1u << i;
		error = pg_parse_one(sc, i, &params);
	}
	return error;
}

static int
pg_create(const struct if_clone *ifc, struct vnet *vnet, unsigned unit,
    const char *params)
{
	uint8_t lladdr[ETHER_ADDR_LEN];
	struct pg_softc *sc;
	struct ifnet *ifp;
	int error;

	sc = kmem_zalloc(vnet->vn_kern, sizeof(*sc));
	if (sc == NULL)
		return ENOMEM;
	error = pg_parse(sc, params);
	if (error != 0)
		goto fail_sc;
	ifp = if_alloc(vnet, IFT_ETHER);
	if (ifp == NULL) {
		error = ENOMEM;
		goto fail_sc;
	}
	sc->sc_ifp = ifp;
	sc->sc_poll.dp_poller.cp_fd = -1;
	sc->sc_poll.dp_poller.cp_poll = pg_poll;
	sc->sc_poll.dp_poller.cp_arg = sc;
	if_initname(ifp, ifc->ifc_name, unit);
	ifp->if_softc = sc;
	ifp->if_ops = &pg_ops;
	ifp->if_link_state = LINK_STATE_UP;
	ifp->if_mtu_max = 65535;
	ifp->if_csum_tx = M_CSUM_PARTIAL | M_GSO_MASK | M_TSO_ECN;
	ether_random_addr(vnet, lladdr);
	error = ether_ifattach(ifp, lladdr);
	if (error != 0)
		goto fail_ifp;
	pg_template(sc);
	error = if_attach(ifp);
	if (error != 0)
		goto fail_ifp;
	return 0;

fail_ifp:
	if_free(ifp);
fail_sc:
	kmem_free(vnet->vn_kern, sc);
	return error;
}

static int
pg_destroy(struct ifnet *ifp)
{
	struct pg_softc *sc = ifp->if_softc;
	struct kern *k = if_kern(ifp);

	if_ioctl_lock(ifp);
	pg_stop(ifp, true);
	if_ioctl_unlock(ifp);
	if_detach(ifp);
	if_free(ifp);
	kmem_free(k, sc);
	return 0;
}

IF_CLONE_DRIVER(pg, pg_create, pg_destroy,
    "dst ADDR: generate packets to this address; "
    "src ADDR: from this one; "
    "size BYTES: of a frame with its checksum, 50 to 1518; "
    "vector N: packets handed over at a time; "
    "dsts N: so many destinations from dst on, one after the other; "
    "count N: end after so many packets, 0 for never");
