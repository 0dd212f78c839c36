/*
 * Queueing disciplines: attach, enable, and what the send queue asks of one.
 *
 * if_snd.ifq_managed says that one is enabled.  While it is, the queue's own
 * list is empty and ifq_len counts what the discipline holds.
 */

#include <ifnet/ifq_discipline.h>

#include <errno.h>

#include "net/if_ext_impl.h"
#include "net/if_vnet_impl.h"
#include "net/ifq_impl.h"

/* i: to change, and constant while ifq_managed. */
struct place {
	const struct ifq_discipline *pl_disc;
	void		*pl_state;
};

static const struct if_ext_tenant discipline_tenant = {
	.et_id = IF_EXT_DISCIPLINE,
	.et_size = sizeof(struct place),
};

/* --- for the send queue.  ifq_lock held, and it is managed. -------------- */

struct mbuf *
ifq_discipline_put(struct ifnet *ifp, struct mbuf *m)
{
	const struct place *pl = if_ext_find(ifp, IF_EXT_DISCIPLINE);
	struct ifqueue *ifq = &ifp->if_snd;
	struct mbuf *over = m;
	uint32_t n = 0;

	if (!if_is_deactivated(ifp))
		over = pl->pl_disc->qd_enqueue(pl->pl_state, m);
	for (m = over; m != NULL; m = m->m_nextpkt)
		n++;
	KASSERT(n <= ifq->ifq_len + 1);
	ifq->ifq_drops += n;
	cpu_len_set(&ifq->ifq_len, ifq->ifq_len + 1 - n);
	return over;
}

struct mbuf *
ifq_discipline_get(struct ifnet *ifp)
{
	const struct place *pl = if_ext_find(ifp, IF_EXT_DISCIPLINE);
	struct ifqueue *ifq = &ifp->if_snd;
	struct mbuf *m;

	m = pl->pl_disc->qd_dequeue(pl->pl_state);
	if (m != NULL) {
		KASSERT(ifq->ifq_len > 0);
		cpu_len_set(&ifq->ifq_len, ifq->ifq_len - 1);
		m->m_nextpkt = NULL;
	}
	return m;
}

struct mbuf *
ifq_discipline_purge(struct ifnet *ifp)
{
	const struct place *pl = if_ext_find(ifp, IF_EXT_DISCIPLINE);
	struct ifqueue *ifq = &ifp->if_snd;
	struct mbuf *list, *m;
	uint32_t n = 0;

	list = pl->pl_disc->qd_purge(pl->pl_state);
	for (m = list; m != NULL; m = m->m_nextpkt)
		n++;
	KASSERT(n == ifq->ifq_len);
	cpu_len_set(&ifq->ifq_len, 0);
	return list;
}

/* --- switching.  On CPU 0, where packets may be dropped. ------------------ */

static void
switch_on(void *arg)
{
	struct mbuf *m, *next, *over = NULL, **tail = &over;
	struct ifnet *ifp = arg;
	struct ifqueue *ifq = &ifp->if_snd;

	if (cpu_index(curcpu()) != 0)
		return;
	kspin_lock(&ifq->ifq_lock);
	m = ifq->ifq_head;
	ifq->ifq_head = ifq->ifq_tail = NULL;
	cpu_len_set(&ifq->ifq_len, 0);
	__atomic_store_n(&ifq->ifq_managed, 1, __ATOMIC_RELAXED);
	for (; m != NULL; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		*tail = ifq_discipline_put(ifp, m);
		while (*tail != NULL)
			tail = &(*tail)->m_nextpkt;
	}
	kspin_unlock(&ifq->ifq_lock);
	ifq_drop_list(ifp, over, DROP_SNDQ_FULL);
}

static void
switch_off(void *arg)
{
	struct ifnet *ifp = arg;
	struct ifqueue *ifq = &ifp->if_snd;
	uint32_t len;

	if (cpu_index(curcpu()) != 0)
		return;
	kspin_lock(&ifq->ifq_lock);
	len = ifq->ifq_len;
	ifq->ifq_head = ifq->ifq_tail = ifq_discipline_purge(ifp);
	if (len != 0)
		while (ifq->ifq_tail->m_nextpkt != NULL)
			ifq->ifq_tail = ifq->ifq_tail->m_nextpkt;
	cpu_len_set(&ifq->ifq_len, len);
	__atomic_store_n(&ifq->ifq_managed, 0, __ATOMIC_RELAXED);
	kspin_unlock(&ifq->ifq_lock);
	/* Some may have been held back. */
	if (len != 0)
		ifq_start(ifp);
}

/* --- control -------------------------------------------------------------- */

/* Take the ioctl lock unless it is ours; did we? */
static bool
enter(struct ifnet *ifp)
{

	if (if_ioctl_locked(ifp))
		return false;
	if_ioctl_lock(ifp);
	return true;
}

static void
leave(struct ifnet *ifp, bool entered)
{

	if (entered)
		if_ioctl_unlock(ifp);
}

static bool
has_discipline(const struct ifnet *ifp)
{
	const struct place *pl = if_ext_find(ifp, IF_EXT_DISCIPLINE);

	return pl != NULL && pl->pl_disc != NULL;
}

int
ifq_discipline_attach(struct ifnet *ifp, const struct ifq_discipline *qd,
    void *state)
{
	bool entered = enter(ifp);
	struct place *pl;
	int error = 0;

	if (if_is_deactivated(ifp))
		error = ENXIO;
	else if (ifp->if_ops->start == NULL)
		error = EOPNOTSUPP;
	else if (has_discipline(ifp))
		error = EBUSY;
	else if ((pl = if_ext_get(ifp, &discipline_tenant)) == NULL)
		error = ENOMEM;
	else {
		pl->pl_state = state;
		pl->pl_disc = qd;
	}
	leave(ifp, entered);
	return error;
}

int
ifq_discipline_enable(struct ifnet *ifp)
{
	bool entered = enter(ifp);
	int error = 0;

	if (if_is_deactivated(ifp) || !has_discipline(ifp))
		error = ENXIO;
	else if (!ifp->if_snd.ifq_managed)
		kern_xcall(if_kern(ifp), switch_on, ifp);
	leave(ifp, entered);
	return error;
}

int
ifq_discipline_disable(struct ifnet *ifp)
{
	bool entered = enter(ifp);
	int error = 0;

	if (!has_discipline(ifp))
		error = ENXIO;
	else if (ifp->if_snd.ifq_managed)
		kern_xcall(if_kern(ifp), switch_off, ifp);
	leave(ifp, entered);
	return error;
}

int
ifq_discipline_detach(struct ifnet *ifp)
{
	struct place *pl = if_ext_find(ifp, IF_EXT_DISCIPLINE);
	bool entered = enter(ifp);
	int error;

	error = ifq_discipline_disable(ifp);
	if (error == 0)
		pl->pl_disc = NULL;
	leave(ifp, entered);
	return error;
}

void
ifq_discipline_ifdetach(struct ifnet *ifp)
{
	const struct place *pl = if_ext_find(ifp, IF_EXT_DISCIPLINE);
	const struct ifq_discipline *qd;

	if (!has_discipline(ifp))
		return;
	qd = pl->pl_disc;
	(void)ifq_discipline_detach(ifp);
	if (qd->qd_gone != NULL)
		qd->qd_gone(pl->pl_state, ifp);
}
