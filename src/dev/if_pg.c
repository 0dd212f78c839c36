/*
 * pg: a packet generator on one side and a counting sink on the other, so
 * that the packet path is measured without a device.
 *
 * Packets sent to a pg are counted and freed.  With streams (pg_stream.h) it
 * also hands up, at every poll while it is up, a vector of packets as if they
 * had come in from a wire:
 *
 * 	ifconfig pg0 create dst 10.2.0.2 src 10.0.1.2 size 64 count 1000
 * 	ifctl pg set pg0 2 dst 10.3.0.0/16 random 1 rate 10kpps
 *
 * The words after "create" are stream 1; without `dst' among them there is
 * none.  The others come and go by request.
 */

#include "dev/dev.h"

#include <errno.h>
#include <string.h>

#include <ifnet/if_clone.h>
#include <ifnet/if_types.h>

#include "dev/dev_poll.h"
#include "dev/pg_stream.h"
#include "net/if_ioctl_impl.h"
#include "net/if_vnet_impl.h"

/* The pause after which buffers that were out are asked for again. */
#define PG_RETRY_NS	1000000

/* The streams of an interface, by ascending numbers.  Constant: to change them
 * is to publish another set. */
struct pg_set {
	unsigned	 pt_n;
	struct pg_stream *pt_stream[];
};

struct pg_softc {
	struct ifnet	*sc_ifp;	/* changes in pg_vmove alone */
	struct kern	*sc_kern;	/* constant */
	struct dev_poll	 sc_poll;	/* ioctl lock; while it has streams */
	struct callout	 sc_timer;	/* armed by the polling CPU: something
					 * is due then */
	struct pg_set	*sc_set;	/* never NULL; ioctl lock, published
					 * to the polling CPU */
	struct pg_packets *sc_packets;	/* ioctl lock; handed over, and of no
					 * stream yet; or NULL */
	uint64_t	 sc_packets_id;	/* ioctl lock; the last that was given
					 * away */
	unsigned	 sc_turn;	/* the polling CPU's: whose is next */
};

/* --- the packet path ------------------------------------------------------ */

/* CPU: the timer's function. */
static void
pg_due(void *arg)
{
	struct pg_softc *sc = arg;

	cpu_poller_kick(&sc->sc_poll.dp_poller);
}

/* CPU: a vector of the next stream that has one; streams take turns. */
static unsigned
pg_poll(struct cpu_poller *cp, unsigned budget)
{
	struct pg_softc *sc = cp->cp_arg;
	const struct pg_set *set = __atomic_load_n(&sc->sc_set,
	    __ATOMIC_ACQUIRE);
	uint64_t now = kern_now(sc->sc_kern), next = UINT64_MAX, due;
	struct pg_stream *ps;
	struct mvec mv;
	unsigned n;

	for (unsigned i = 0; i < set->pt_n; i++) {
		if (++sc->sc_turn >= set->pt_n)
			sc->sc_turn = 0;
		ps = set->pt_stream[sc->sc_turn];
		n = pg_stream_due(ps, now, budget, &due);
		if (n > 0) {
			pg_stream_make(ps, now, n, &mv);
			n = mv.mv_n;
			if (n > 0) {
				if_input_vec(sc->sc_ifp, &mv);
				return n;
			}
			due = now + PG_RETRY_NS;
		}
		if (due < next)
			next = due;
	}
	if (next != UINT64_MAX)
		callout_reset(&sc->sc_timer, next > now ? next - now : 1,
		    pg_due, sc);
	return 0;
}

static int
pg_transmit(struct ifnet *ifp, struct mvec *mv)
{
	const struct kern *k = curcpu()->ci_kern;
	const struct pg_flows *fs = __atomic_load_n(&k->k_pg_flows,
	    __ATOMIC_ACQUIRE);

	if (__builtin_expect(fs != NULL, 0))
		pg_flows_arrived(fs, mv, host_clock(k->k_host));
	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	mvec_free(mv);
	return 0;
}

/* --- streams -------------------------------------------------------------- */

/* With the ioctl lock: the poller runs while there are streams and the
 * interface is up. */
static void
pg_poll_sync(struct pg_softc *sc, bool up)
{
	int error;

	if (!up || sc->sc_set->pt_n == 0) {
		dev_poll_stop(sc->sc_ifp, &sc->sc_poll);
		callout_halt(&sc->sc_timer);
		return;
	}
	/* A poller without a descriptor needs nothing that could be missing. */
	error = dev_poll_start(sc->sc_ifp, &sc->sc_poll);
	KASSERT(error == 0);
	cpu_poller_kick(&sc->sc_poll.dp_poller);
}

/* The place of a stream in a set, or where it would be. */
static unsigned
pg_find(const struct pg_set *set, uint32_t number)
{
	unsigned i = 0;

	while (i < set->pt_n && set->pt_stream[i]->ps_number < number)
		i++;
	return i;
}

static bool
pg_is_at(const struct pg_set *set, unsigned i, uint32_t number)
{

	return i < set->pt_n && set->pt_stream[i]->ps_number == number;
}

static struct pg_set *
pg_set_alloc(struct kern *k, unsigned n)
{
	struct pg_set *set;

	set = kmem_zalloc(k, sizeof(*set) + n * sizeof(set->pt_stream[0]));
	if (set != NULL)
		set->pt_n = n;
	return set;
}

/* Destroy the streams of a set that are not in the set `keep' as well. */
static void
pg_set_destroy(struct kern *k, struct pg_set *set, const struct pg_set *keep)
{
	unsigned at;

	for (unsigned i = 0; i < set->pt_n; i++) {
		if (set->pt_stream[i] == NULL)
			continue;
		at = keep == NULL ? 0 :
		    pg_find(keep, set->pt_stream[i]->ps_number);
		if (keep == NULL || at >= keep->pt_n ||
		    keep->pt_stream[at] != set->pt_stream[i])
			pg_stream_destroy(k, set->pt_stream[i]);
	}
	kmem_free(k, set);
}

/* With the ioctl lock: these streams from now on. */
static void
pg_publish(struct pg_softc *sc, struct pg_set *set)
{
	struct pg_set *old = sc->sc_set;

	__atomic_store_n(&sc->sc_set, set, __ATOMIC_RELEASE);
	pg_poll_sync(sc, (sc->sc_ifp->if_flags & IFF_RUNNING) != 0);
	pserialize_perform(sc->sc_kern);
	pg_set_destroy(sc->sc_kern, old, set);
}

static int
pg_no_stream(const struct pg_softc *sc, uint32_t number)
{

	return kern_refuse(ENOENT, "%s has no stream %u",
	    sc->sc_ifp->if_xname, number);
}

static int
pg_make_stream(struct pg_softc *sc, uint32_t number, const char *words,
    struct pg_packets *pk, struct pg_stream **psp)
{
	int error;

	error = pg_stream_create(sc->sc_kern, number, words, pk, psp);
	if (error == 0 && *psp == NULL)
		error = kern_refuse(EINVAL, "a stream needs a destination "
		    "(dst ADDRS), or a file (replay FILE)");
	if (error == 0)
		pg_stream_address(*psp, if_sadl(sc->sc_ifp)->sdl_data);
	return error;
}

/* Put a stream in, in the place of the one with its number. */
static int
pg_set_stream(struct pg_softc *sc, uint32_t number, const char *words,
    struct pg_packets *pk)
{
	const struct pg_set *old = sc->sc_set;
	unsigned at = pg_find(old, number);
	bool there = pg_is_at(old, at, number);
	struct pg_stream *ps;
	struct pg_set *set;
	int error;

	if (!there && old->pt_n == PG_STREAMS_MAX)
		return kern_refuse(ENOSPC, "%s has %d streams, and takes no "
		    "more", sc->sc_ifp->if_xname, PG_STREAMS_MAX);
	error = pg_make_stream(sc, number, words, pk, &ps);
	if (error != 0)
		return error;
	set = pg_set_alloc(sc->sc_kern, old->pt_n + !there);
	if (set == NULL) {
		pg_stream_destroy(sc->sc_kern, ps);
		return ENOMEM;
	}
	memcpy(set->pt_stream, old->pt_stream, at * sizeof(ps));
	set->pt_stream[at] = ps;
	memcpy(set->pt_stream + at + 1, old->pt_stream + at + there,
	    (old->pt_n - at - there) * sizeof(ps));
	pg_publish(sc, set);
	return 0;
}

static int
pg_delete_stream(struct pg_softc *sc, uint32_t number)
{
	const struct pg_set *old = sc->sc_set;
	unsigned at = pg_find(old, number);
	struct pg_set *set;

	if (!pg_is_at(old, at, number))
		return pg_no_stream(sc, number);
	set = pg_set_alloc(sc->sc_kern, old->pt_n - 1);
	if (set == NULL)
		return ENOMEM;
	memcpy(set->pt_stream, old->pt_stream, at * sizeof(void *));
	memcpy(set->pt_stream + at, old->pt_stream + at + 1,
	    (old->pt_n - at - 1) * sizeof(void *));
	pg_publish(sc, set);
	return 0;
}

/* Start a stream, or all (0): fresh ones take their places. */
static int
pg_start_streams(struct pg_softc *sc, uint32_t number)
{
	const struct pg_set *old = sc->sc_set;
	const struct pg_stream *ps;
	struct pg_set *set;
	int error = 0;

	if (number != 0 && !pg_is_at(old, pg_find(old, number), number))
		return pg_no_stream(sc, number);
	set = pg_set_alloc(sc->sc_kern, old->pt_n);
	if (set == NULL)
		return ENOMEM;
	for (unsigned i = 0; i < old->pt_n && error == 0; i++) {
		ps = old->pt_stream[i];
		if (number != 0 && ps->ps_number != number)
			set->pt_stream[i] = old->pt_stream[i];
		else
			error = pg_make_stream(sc, ps->ps_number,
			    ps->ps_words, ps->ps_packets,
			    &set->pt_stream[i]);
	}
	if (error != 0)
		pg_set_destroy(sc->sc_kern, set, old);
	else
		pg_publish(sc, set);
	return error;
}

static int
pg_stop_streams(struct pg_softc *sc, uint32_t number)
{
	const struct pg_set *set = sc->sc_set;

	if (number != 0 && !pg_is_at(set, pg_find(set, number), number))
		return pg_no_stream(sc, number);
	for (unsigned i = 0; i < set->pt_n; i++)
		if (number == 0 || set->pt_stream[i]->ps_number == number)
			__atomic_store_n(&set->pt_stream[i]->ps_stopped, true,
			    __ATOMIC_RELAXED);
	return 0;
}

/* --- packets to be replayed ----------------------------------------------- */

/* The memory that the packets of all streams take. */
static uint64_t
pg_packets_size(const struct pg_softc *sc)
{
	const struct pg_set *set = sc->sc_set;
	uint64_t size = 0;

	for (unsigned i = 0; i < set->pt_n; i++)
		if (set->pt_stream[i]->ps_packets != NULL)
			size += set->pt_stream[i]->ps_packets->pk_size;
	return size;
}

static int
pg_no_packets(void)
{

	return kern_refuse(EBUSY, "the packets that were handed over are gone, "
	    "since another file is being read for this interface");
}

/* Add packets to those that are being handed over. */
static int
pg_add_packets(struct pg_softc *sc, struct if_pgadd *pga)
{
	struct pg_packets *pk = sc->sc_packets;

	if (pga->pga_len > sizeof(pga->pga_data))
		return kern_refuse(EINVAL, "there are less packets than the "
		    "request says");
	if (pga->pga_packets == 0) {
		pk = pg_packets_create(sc->sc_kern, sc->sc_packets_id + 1);
		if (pk == NULL)
			return ENOMEM;
		pg_packets_release(sc->sc_packets);
		sc->sc_packets = pk;
		pga->pga_packets = ++sc->sc_packets_id;
	} else if (pk == NULL || pk->pk_id != pga->pga_packets)
		return pg_no_packets();
	if (pg_packets_size(sc) + pk->pk_size + pga->pga_len > PG_REPLAY_MAX)
		return kern_refuse(ENOSPC, "the packets that %s replays would "
		    "take more than %u MiB", sc->sc_ifp->if_xname,
		    PG_REPLAY_MAX >> 20);
	return pg_packets_add(pk, pga->pga_data, pga->pga_len);
}

/* A stream with the packets that were handed over for it, which it takes along
 * whether it can be made or not. */
static int
pg_set_replay(struct pg_softc *sc, const struct if_pgreq *pgr)
{
	struct pg_packets *pk = sc->sc_packets;
	int error;

	if (pgr->pgr_packets == 0)
		return pg_set_stream(sc, pgr->pgr_stream, pgr->pgr_words,
		    NULL);
	if (pk == NULL || pk->pk_id != pgr->pgr_packets)
		return pg_no_packets();
	error = pg_set_stream(sc, pgr->pgr_stream, pgr->pgr_words, pk);
	sc->sc_packets = NULL;
	pg_packets_release(pk);
	return error;
}

/* --- requests ------------------------------------------------------------- */

static int
pg_change(struct pg_softc *sc, const struct if_pgreq *pgr)
{
	uint32_t number = pgr->pgr_stream;
	bool all = pgr->pgr_op == PG_START || pgr->pgr_op == PG_STOP;

	if (memchr(pgr->pgr_words, '\0', sizeof(pgr->pgr_words)) == NULL)
		return kern_refuse(EINVAL, "the words of the stream have no "
		    "end");
	if (number > PG_STREAM_MAX || (number == 0 && !all))
		return kern_refuse(EINVAL, "the number of a stream is 1 to "
		    "%d, and not %u", PG_STREAM_MAX, number);
	switch (pgr->pgr_op) {
	case PG_SET:
		return pg_set_replay(sc, pgr);
	case PG_DELETE:
		return pg_delete_stream(sc, number);
	case PG_START:
		return pg_start_streams(sc, number);
	case PG_STOP:
		return pg_stop_streams(sc, number);
	default:
		return kern_refuse(EINVAL, "streams are set, deleted, started "
		    "and stopped, and nothing else");
	}
}

static int
pg_get(struct pg_softc *sc, struct if_pgreq *pgr)
{
	const struct pg_set *set = sc->sc_set;
	unsigned at = pg_find(set, pgr->pgr_stream);

	if (at == set->pt_n || (pgr->pgr_op != PG_NEXT &&
	    !pg_is_at(set, at, pgr->pgr_stream)))
		return pg_no_stream(sc, pgr->pgr_stream);
	pgr->pgr_stream = set->pt_stream[at]->ps_number;
	pgr->pgr_packets = set->pt_stream[at]->ps_packets != NULL;
	memcpy(pgr->pgr_words, set->pt_stream[at]->ps_words,
	    sizeof(pgr->pgr_words));
	return 0;
}

static int
pg_stat(struct pg_softc *sc, struct if_pgstat *pgs)
{
	const struct pg_set *set = sc->sc_set;
	unsigned at = pg_find(set, pgs->pgs_stream);
	char name[IFNAMSIZ];

	if (!pg_is_at(set, at, pgs->pgs_stream))
		return pg_no_stream(sc, pgs->pgs_stream);
	memcpy(name, pgs->pgs_name, sizeof(name));
	memset(pgs, 0, sizeof(*pgs));
	memcpy(pgs->pgs_name, name, sizeof(name));
	pg_stream_stat(set->pt_stream[at], pgs);
	return 0;
}

static int
pg_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{
	struct pg_softc *sc = ifp->if_softc;

	switch (cmd) {
	case SIOCSPGSTREAM:
		return pg_change(sc, data);
	case SIOCGPGSTREAM:
		return pg_get(sc, data);
	case SIOCGPGSTAT:
		return pg_stat(sc, data);
	case SIOCAPGPACKETS:
		return pg_add_packets(sc, data);
	default:
		return ether_ioctl(ifp, cmd, data);
	}
}

/* --- life ----------------------------------------------------------------- */

static int
pg_init(struct ifnet *ifp)
{
	struct pg_softc *sc = ifp->if_softc;

	/* The link-level address may be another one than last time. */
	for (unsigned i = 0; i < sc->sc_set->pt_n && !sc->sc_poll.dp_on; i++)
		pg_stream_address(sc->sc_set->pt_stream[i],
		    if_sadl(ifp)->sdl_data);
	if_flags_update(ifp, IFF_RUNNING, 0);
	pg_poll_sync(sc, true);
	return 0;
}

static void
pg_stop(struct ifnet *ifp, bool disable)
{

	(void)disable;
	if_flags_update(ifp, 0, IFF_RUNNING);
	pg_poll_sync(ifp->if_softc, false);
}

static void
pg_vmove(struct ifnet *ifp, enum if_vmove_step step)
{
	struct pg_softc *sc = ifp->if_softc;

	if (step == IF_VMOVE_PAUSE) {
		pg_poll_sync(sc, false);
		return;
	}
	sc->sc_ifp = ifp;
	if ((ifp->if_flags & IFF_RUNNING) != 0)
		(void)pg_init(ifp);
}

static const struct if_ops pg_ops = {
	.transmit = pg_transmit,
	.ioctl = pg_ioctl,
	.init = pg_init,
	.stop = pg_stop,
	.vmove = pg_vmove,
};

static void
pg_free(struct kern *k, struct pg_softc *sc)
{

	if (sc->sc_set != NULL)
		pg_set_destroy(k, sc->sc_set, NULL);
	pg_packets_release(sc->sc_packets);
	kmem_free(k, sc);
}

/* The softc, with the stream of the words if they ask for one. */
static int
pg_alloc(struct kern *k, const char *params, struct pg_softc **scp)
{
	struct pg_stream *ps;
	struct pg_softc *sc;
	int error;

	sc = kmem_zalloc(k, sizeof(*sc));
	if (sc == NULL)
		return ENOMEM;
	error = pg_stream_create(k, 1, params, NULL, &ps);
	if (error != 0)
		goto fail;
	sc->sc_set = pg_set_alloc(k, ps != NULL);
	if (sc->sc_set == NULL) {
		if (ps != NULL)
			pg_stream_destroy(k, ps);
		error = ENOMEM;
		goto fail;
	}
	if (ps != NULL)
		sc->sc_set->pt_stream[0] = ps;
	sc->sc_kern = k;
	sc->sc_poll.dp_poller.cp_fd = -1;
	sc->sc_poll.dp_poller.cp_poll = pg_poll;
	sc->sc_poll.dp_poller.cp_arg = sc;
	callout_init(k, &sc->sc_timer);
	*scp = sc;
	return 0;
fail:
	pg_free(k, sc);
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

	error = pg_alloc(vnet->vn_kern, params, &sc);
	if (error != 0)
		return error;
	ifp = if_alloc(vnet, IFT_ETHER);
	if (ifp == NULL) {
		error = ENOMEM;
		goto fail_sc;
	}
	sc->sc_ifp = ifp;
	if_initname(ifp, ifc->ifc_name, unit);
	ifp->if_softc = sc;
	ifp->if_ops = &pg_ops;
	ifp->if_link_state = LINK_STATE_UP;
	ifp->if_mtu_max = 65535;
	ifp->if_csum_tx = M_CSUM_PARTIAL | M_GSO_MASK | M_TSO_ECN;
	ether_random_addr(vnet, lladdr);
	error = ether_ifattach(ifp, lladdr);
	if (error == 0)
		error = if_attach(ifp);
	if (error != 0)
		goto fail_ifp;
	return 0;

fail_ifp:
	if_free(ifp);
fail_sc:
	pg_free(vnet->vn_kern, sc);
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
	pg_free(k, sc);
	return 0;
}

IF_CLONE_DRIVER(pg, pg_create, pg_destroy, PG_STREAM_HELP);
