/*
 * dev_test: a whole stack on the simulated host, for tests of drivers.  It
 * has no thread; the body drives it with dev_run().
 *
 * Bodies check with KASSERT; see kern_test.h.
 */

#ifndef TESTS_DEV_TEST_H
#define TESTS_DEV_TEST_H

#include "addr_test.h"
#include "kern_test.h"

#include <errno.h>
#include <stdio.h>

#include <ifnet/stack.h>
#include <ifnet/if.h>

#include "kern/vnet.h"		/* the kern of a vnet */

struct dev_test {
	struct host	*dt_host;
	struct ifnet_stack *dt_stack;
	struct vnet	*dt_vnet;
	void		(*dt_body)(struct dev_test *);
};

static inline void
dev_test_main(void *arg)
{
	struct dev_test *dt = arg;
	struct ifnet_stack_config config = { .mbufs = 2048 };
	struct kern *k;

	config.host = dt->dt_host;
	dt->dt_stack = ifnet_stack_create(&config, NULL);
	KASSERT(dt->dt_stack != NULL);
	dt->dt_vnet = vnet_create(dt->dt_stack, "test", NULL);
	KASSERT(dt->dt_vnet != NULL);
	k = dt->dt_vnet->vn_kern;
	dt->dt_body(dt);
	vnet_destroy(dt->dt_vnet);
	ifnet_stack_run(dt->dt_stack);
	KASSERT(mbuf_free_count(k) == mbuf_total(k));
	ifnet_stack_destroy(dt->dt_stack);
}

static inline void
dev_on_sim(void (*body)(struct dev_test *))
{
	struct dev_test dt = { .dt_body = body };

	on_seeds(3, &dt.dt_host, dev_test_main, &dt);
}

static inline void
dev_run(struct dev_test *dt)
{

	for (int i = 0; i < 8; i++)
		ifnet_stack_run(dt->dt_stack);
}

static inline int
dev_try(struct vnet *vn, const char *line)
{
	struct ifnet_error e;
	char *output = NULL;
	int error;

	error = vnet_command_output(vn, line, &output, &e);
	free(output);
	return error;
}

static inline void
dev_command(struct dev_test *dt, const char *line)
{

	KASSERT(dev_try(dt->dt_vnet, line) == 0);
}

/* Check every equation of struct if_data; returns it for further checks. */
static inline struct if_data
dev_data(struct vnet *vn, const char *name)
{
	struct ifdatareq ifdr;
	struct if_data *d = &ifdr.ifdr_data;

	memset(&ifdr, 0, sizeof(ifdr));
	strcpy(ifdr.ifdr_name, name);
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFDATA, &ifdr,
	    sizeof(ifdr)) == 0);
	KASSERT(d->ifi_ipackets == d->ifi_delivered + d->ifi_forwarded +
	    d->ifi_idrops + d->ifi_iqueued);
	KASSERT(d->ifi_offered == d->ifi_opackets + d->ifi_odrops +
	    d->ifi_oqueued);
	return *d;
}

static inline uint64_t
dev_drops(struct vnet *vn, const char *name, enum drop_reason reason)
{
	struct ifdropreq ifdq;

	memset(&ifdq, 0, sizeof(ifdq));
	strcpy(ifdq.ifdq_name, name);
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFDROPS, &ifdq,
	    sizeof(ifdq)) == 0);
	return ifdq.ifdq_drop[reason];
}

/* The active link-level address. */
static inline void
dev_lladdr(struct vnet *vn, const char *name, uint8_t addr[6])
{
	struct ifnet *ifp;

	pserialize_read_enter();
	ifp = ifunit(vn, name);
	KASSERT(ifp != NULL);
	memcpy(addr, if_sadl(ifp)->sdl_data, 6);
	pserialize_read_exit();
}

/* --- frames ------------------------------------------------------------ */

#define DEV_HDRS	42	/* Ethernet, IPv4, UDP */

static inline void
dev_put16(uint8_t *p, unsigned v)
{

	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline unsigned
dev_get16(const uint8_t *p)
{

	return (unsigned)(p[0] << 8 | p[1]);
}

static inline unsigned
dev_sum(const uint8_t *p, unsigned len, unsigned sum)
{

	for (unsigned i = 0; i + 1 < len; i += 2)
		sum += dev_get16(p + i);
	if (len & 1)
		sum += (unsigned)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/*
 * A UDP frame with DF set and the checksum left to the device, as Linux
 * hands them over; proto IPPROTO_TCP makes it a TCP one.  Returns its length.
 */
static inline unsigned
dev_frame(uint8_t *p, const uint8_t dst[6], const char *from, const char *to,
    uint8_t proto, unsigned payload, uint8_t fill)
{
	unsigned l4 = proto == IPPROTO_TCP ? 20 : 8, iplen = 20 + l4 + payload;
	uint8_t *ip = p + 14, *th = p + 34;

	memset(p, 0, 14 + 20 + l4);
	memcpy(p, dst, 6);
	memcpy(p + 6, "\x02\0\0\0\0\x99", 6);
	dev_put16(p + 12, 0x0800);
	ip[0] = 0x45;
	dev_put16(ip + 2, iplen);
	dev_put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, &(uint32_t){ test_hop(from) }, 4);
	memcpy(ip + 16, &(uint32_t){ test_hop(to) }, 4);
	dev_put16(ip + 10, ~dev_sum(ip, 20, 0) & 0xffff);
	dev_put16(th, 1000);
	dev_put16(th + 2, 2000);
	if (proto == IPPROTO_TCP) {
		th[12] = 5 << 4;
		dev_put16(th + 16, dev_sum(ip + 12, 8, proto + l4 + payload));
	} else {
		dev_put16(th + 4, 8 + payload);
		dev_put16(th + 6, dev_sum(ip + 12, 8, proto + l4 + payload));
	}
	memset(th + l4, fill, payload);
	return 14 + iplen;
}

#endif /* !TESTS_DEV_TEST_H */
