/*
 * Pollers of the simulated host: level-triggered, like epoll, and like epoll
 * in no order that a program may count on.
 */

#include "host/sim/impl.h"

#include <errno.h>

struct registration {
	TAILQ_ENTRY(registration) re_link;
	int		 re_fd;
	unsigned	 re_events;
	void		*re_cookie;
};

struct host_poller {
	LIST_ENTRY(host_poller) hp_link;
	TAILQ_HEAD(, registration) hp_regs;
	unsigned	 hp_nregs;
	bool		 hp_rung;
};

int
sim_ho_poller_create(struct host *h, struct host_poller **pp)
{
	struct sim *s = sim_of(h);
	struct host_poller *p;

	p = sim_new(s, sizeof(*p));
	if (p == NULL)
		return ENOMEM;
	TAILQ_INIT(&p->hp_regs);
	LIST_INSERT_HEAD(&s->s_pollers, p, hp_link);
	*pp = p;
	return 0;
}

static void
remove_registration(struct sim *s, struct host_poller *p,
    struct registration *re)
{

	TAILQ_REMOVE(&p->hp_regs, re, re_link);
	p->hp_nregs--;
	sim_ho_free(&s->s_host, re);
}

void
sim_ho_poller_destroy(struct host *h, struct host_poller *p)
{
	struct sim *s = sim_of(h);

	if (p == NULL)
		return;
	while (!TAILQ_EMPTY(&p->hp_regs))
		remove_registration(s, p, TAILQ_FIRST(&p->hp_regs));
	LIST_REMOVE(p, hp_link);
	sim_ho_free(h, p);
}

static struct registration *
find(struct host_poller *p, int fd)
{
	struct registration *re;

	TAILQ_FOREACH(re, &p->hp_regs, re_link) {
		if (re->re_fd == fd)
			break;
	}
	return re;
}

int
sim_ho_poller_add(struct host *h, struct host_poller *p, int fd,
    unsigned events, void *cookie)
{
	struct sim *s = sim_of(h);
	struct registration *re;

	if (sim_fd_get(s, fd, NULL) == NULL)
		return EBADF;
	if (find(p, fd) != NULL)
		return EEXIST;
	re = sim_new(s, sizeof(*re));
	if (re == NULL)
		return ENOMEM;
	re->re_fd = fd;
	re->re_events = events;
	re->re_cookie = cookie;
	TAILQ_INSERT_TAIL(&p->hp_regs, re, re_link);
	p->hp_nregs++;
	s->s_iogen++;
	return 0;
}

int
sim_ho_poller_mod(struct host *h, struct host_poller *p, int fd,
    unsigned events, void *cookie)
{
	struct registration *re;

	re = find(p, fd);
	if (re == NULL)
		return ENOENT;
	re->re_events = events;
	re->re_cookie = cookie;
	sim_of(h)->s_iogen++;
	return 0;
}

void
sim_ho_poller_del(struct host *h, struct host_poller *p, int fd)
{
	struct registration *re;

	re = find(p, fd);
	if (re != NULL)
		remove_registration(sim_of(h), p, re);
}

/* A closed descriptor leaves all pollers by itself. */
void
sim_poller_forget(struct sim *s, int fd)
{
	struct host_poller *p;

	LIST_FOREACH(p, &s->s_pollers, hp_link)
		sim_ho_poller_del(&s->s_host, p, fd);
}

static unsigned
ready_events(struct sim *s, const struct registration *re)
{
	struct sim_obj *so;

	so = sim_fd_get(s, re->re_fd, NULL);
	if (so == NULL)
		return 0;
	return so->so_ops->soo_ready(s, so) &
	    (re->re_events | HOST_POLL_HUP);
}

/* For the scheduler: would a wait on the poller end?  Descriptors are examined
 * only after a change. */
bool
sim_poller_pending(struct sim *s, const void *wait, uint64_t *seen)
{
	const struct host_poller *p = wait;
	const struct registration *re;

	if (p->hp_rung)
		return true;
	if (*seen == s->s_iogen)
		return false;
	*seen = s->s_iogen;
	TAILQ_FOREACH(re, &p->hp_regs, re_link) {
		if (ready_events(s, re) != 0)
			return true;
	}
	return false;
}

/* Store the ready descriptors, beginning at a random one, so that none is
 * always first. */
static unsigned
collect(struct sim *s, struct host_poller *p, struct host_event *ev,
    unsigned n)
{
	struct registration *re;
	unsigned i, events;
	unsigned stored = 0;

	if (p->hp_nregs == 0)
		return 0;
	re = TAILQ_FIRST(&p->hp_regs);
	i = (unsigned)sim_rng_below(&s->s_rng_sched, p->hp_nregs);
	while (i-- > 0)
		re = TAILQ_NEXT(re, re_link);
	for (i = 0; i < p->hp_nregs && stored < n; i++) {
		events = ready_events(s, re);
		if (events != 0) {
			ev[stored].he_cookie = re->re_cookie;
			ev[stored].he_events = events;
			stored++;
		}
		re = TAILQ_NEXT(re, re_link);
		if (re == NULL)
			re = TAILQ_FIRST(&p->hp_regs);
	}
	return stored;
}

int
sim_ho_poller_wait(struct host *h, struct host_poller *p,
    struct host_event *ev, unsigned n, uint64_t ns, unsigned *np)
{
	struct sim *s = sim_of(h);
	uint64_t seen = s->s_iogen - 1;

	*np = 0;
	sim_may_switch(s);
	if (ns != 0 && sim_io_fault(s))
		return EINTR;
	if (ns != 0 && !sim_poller_pending(s, p, &seen))
		(void)sim_block(s, TASK_POLL, p, ns);
	p->hp_rung = false;
	*np = collect(s, p, ev, n);
	return 0;
}

void
sim_ho_poller_wake(struct host *h, struct host_poller *p)
{

	(void)h;
	p->hp_rung = true;
}

int
sim_ho_poller_fd(struct host *h, struct host_poller *p)
{

	(void)h;
	(void)p;
	return -1;
}
