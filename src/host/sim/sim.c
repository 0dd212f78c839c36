/*
 * The simulated host: its life, its random numbers, its clock and its log.
 */

#include "host/sim/impl.h"
#include "host/common.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Wall-clock time at the start of every run: 2024-01-01. */
#define WALLCLOCK_START	UINT64_C(1704067200000000000)

/* splitmix64: spreads one word of seed over a generator's state. */
static uint64_t
spread(uint64_t *x)
{
	uint64_t z;

	*x += UINT64_C(0x9e3779b97f4a7c15);
	z = *x;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
sim_rng_seed(struct sim_rng *r, uint64_t seed)
{
	int i;

	for (i = 0; i < 4; i++)
		r->sr_s[i] = spread(&seed);
}

static uint64_t
rotate_left(uint64_t x, int by)
{

	return x << by | x >> (64 - by);
}

/* xoshiro256**. */
uint64_t
sim_rng_next(struct sim_rng *r)
{
	uint64_t *s = r->sr_s;
	uint64_t result, shifted;

	result = rotate_left(s[1] * 5, 7) * 9;
	shifted = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/* A random number below n, which is small enough for the modulo's bias not to
 * matter. */
uint64_t
sim_rng_below(struct sim_rng *r, uint64_t n)
{

	return sim_rng_next(r) % n;
}

bool
sim_io_fault(struct sim *s)
{

	return s->s_config.sc_io_fail_ppm != 0 &&
	    sim_rng_below(&s->s_rng_fault, 1000000) <
	    s->s_config.sc_io_fail_ppm;
}

/*
 * Each call takes some virtual time, so that a loop that polls the clock ends.
 */
static uint64_t
sim_ho_clock(struct host *h)
{
	struct sim *s = sim_of(h);

	s->s_now += 20;
	return s->s_now;
}

static uint64_t
sim_ho_wallclock(struct host *h)
{

	return WALLCLOCK_START + sim_ho_clock(h);
}

static void
sim_ho_random(struct host *h, void *buf, size_t len)
{
	struct sim *s = sim_of(h);
	char *p = buf;
	uint64_t word;
	size_t n;

	while (len > 0) {
		word = sim_rng_next(&s->s_rng_user);
		n = len < sizeof(word) ? len : sizeof(word);
		memcpy(p, &word, n);
		p += n;
		len -= n;
	}
}

static unsigned
sim_ho_ncpu(struct host *h)
{

	return sim_of(h)->s_config.sc_ncpu;
}

static void
sim_ho_log(struct host *h, enum host_log_level level, const char *line)
{
	struct sim *s = sim_of(h);

	snprintf(s->s_log, sizeof(s->s_log), "%s", line);
	if (!s->s_config.sc_quiet)
		fprintf(stderr, "sim %" PRIu64 ".%09" PRIu64 " <%d> %s\n",
		    s->s_now / 1000000000u, s->s_now % 1000000000u,
		    (int)level, line);
}

/* A simulated machine has no modules, unless it is set to load the real
 * machine's. */
static int
sim_ho_module_open(struct host *h, const char *name, const char *symbol,
    struct host_module **mp,
    char *why, size_t whylen)
{

	sim_of(h)->s_module_opens++;
	if (sim_of(h)->s_config.sc_modules)
		return host_common_module_open(h, name, symbol, mp, why,
		    whylen);
	(void)snprintf(why, whylen, "no %s.so", name);
	return ENOENT;
}

static const struct host_ops sim_ops = {
	.ho_name = "sim",
	.ho_clock = sim_ho_clock,
	.ho_wallclock = sim_ho_wallclock,
	.ho_random = sim_ho_random,
	.ho_alloc = sim_ho_alloc,
	.ho_free = sim_ho_free,
	.ho_map = sim_ho_map,
	.ho_unmap = sim_ho_unmap,
	.ho_ncpu = sim_ho_ncpu,
	.ho_thread_create = sim_ho_thread_create,
	.ho_thread_join = sim_ho_thread_join,
	.ho_thread_attach = sim_ho_thread_attach,
	.ho_thread_foreach = sim_ho_thread_foreach,
	.ho_sleep = sim_ho_sleep,
	.ho_yield = sim_ho_yield,
	.ho_rcu_synchronize = sim_ho_rcu_synchronize,
	.ho_mutex_init = sim_ho_mutex_init,
	.ho_mutex_destroy = sim_ho_mutex_destroy,
	.ho_mutex_lock = sim_ho_mutex_lock,
	.ho_mutex_trylock = sim_ho_mutex_trylock,
	.ho_mutex_unlock = sim_ho_mutex_unlock,
	.ho_mutex_owned = sim_ho_mutex_owned,
	.ho_cond_init = sim_ho_cond_init,
	.ho_cond_destroy = sim_ho_cond_destroy,
	.ho_cond_wait = sim_ho_cond_wait,
	.ho_cond_broadcast = sim_ho_cond_broadcast,
	.ho_poller_create = sim_ho_poller_create,
	.ho_poller_destroy = sim_ho_poller_destroy,
	.ho_poller_add = sim_ho_poller_add,
	.ho_poller_mod = sim_ho_poller_mod,
	.ho_poller_del = sim_ho_poller_del,
	.ho_poller_wait = sim_ho_poller_wait,
	.ho_poller_wake = sim_ho_poller_wake,
	.ho_poller_fd = sim_ho_poller_fd,
	.ho_tun_open = sim_ho_tun_open,
	.ho_tun_close = sim_ho_tun_close,
	.ho_tun_fd = sim_ho_tun_fd,
	.ho_tun_offload = sim_ho_tun_offload,
	.ho_tun_name = sim_ho_tun_name,
	.ho_tun_watch = sim_ho_tun_watch,
	.ho_tun_takes = sim_ho_tun_takes,
	.ho_tun_far = sim_ho_tun_far,
	.ho_tun_mtu = sim_ho_tun_mtu,
	.ho_tun_carrier = sim_ho_tun_carrier,
	.ho_tun_recv = sim_ho_tun_recv,
	.ho_tun_send = sim_ho_tun_send,
	.ho_sock_listen = sim_ho_sock_listen,
	.ho_sock_accept = sim_ho_sock_accept,
	.ho_sock_recv = sim_ho_sock_recv,
	.ho_sock_send = sim_ho_sock_send,
	.ho_sock_close = sim_ho_sock_close,
	.ho_module_open = sim_ho_module_open,
	.ho_module_sym = host_common_module_sym,
	.ho_module_close = host_common_module_close,
	.ho_log = sim_ho_log,
};

struct host *
sim_create(const struct sim_config *sc)
{
	struct sim *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->s_host.h_ops = &sim_ops;
	s->s_config = *sc;
	if (s->s_config.sc_ncpu == 0)
		s->s_config.sc_ncpu = 2;
	sim_rng_seed(&s->s_rng_sched, sc->sc_seed);
	sim_rng_seed(&s->s_rng_fault, sc->sc_seed ^ UINT64_C(0xfa017));
	sim_rng_seed(&s->s_rng_user, sc->sc_seed ^ UINT64_C(0x05e4));
	/* Time does not begin at zero, which programs take for "never". */
	s->s_now = 1000000000u;
	TAILQ_INIT(&s->s_tasks);
	LIST_INIT(&s->s_allocs);
	LIST_INIT(&s->s_pollers);
	LIST_INIT(&s->s_taps);
	LIST_INIT(&s->s_listeners);
	host_rcu_register();
	return &s->s_host;
}

static void
detach_boot(struct sim *s)
{
	struct host_thread *t = &s->s_boot;

	if (!s->s_boot_attached)
		return;
	s->s_boot_attached = false;
	if (t->ht_kern_dtor != NULL)
		t->ht_kern_dtor(t->ht_kern);
	if (host_curthread == t)
		host_curthread = NULL;
}

void
sim_destroy(struct host *h)
{
	struct sim *s = sim_of(h);
	unsigned i;

	assert(!s->s_running);
	detach_boot(s);
	if (s->s_nallocs != 0 && !s->s_deadlocked) {
		sim_alloc_report(s);
		assert(s->s_nallocs == 0);
	}
	for (i = 0; i < s->s_nfds; i++) {
		if (s->s_fds[i] != NULL)
			sim_obj_drop(s, s->s_fds[i]);
	}
	free(s->s_fds);
	/* Stacks and locks of stuck tasks are freed while still in use. */
	sim_tasks_free(s);
	sim_alloc_free_all(s);
	host_rcu_unregister();
	free(s);
}

void
sim_set_faults(struct host *h, unsigned alloc_ppm, unsigned io_ppm)
{
	struct sim *s = sim_of(h);

	s->s_config.sc_alloc_fail_ppm = alloc_ppm;
	s->s_config.sc_io_fail_ppm = io_ppm;
}

unsigned
sim_module_opens(struct host *h)
{

	return sim_of(h)->s_module_opens;
}

const char *
sim_last_log(struct host *h)
{

	return sim_of(h)->s_log;
}

uint64_t
sim_random(struct host *h)
{

	return sim_rng_next(&sim_of(h)->s_rng_user);
}

uint64_t
sim_trace(struct host *h)
{

	return sim_of(h)->s_trace;
}
