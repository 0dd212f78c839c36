/*
 * fuzz_stack: a whole stack without a thread of its own, on the simulated
 * host, and requests made from fuzz input.
 */

#ifndef TESTS_FUZZ_STACK_H
#define TESTS_FUZZ_STACK_H

#include "fuzz.h"

#include <arpa/inet.h>

#include <ifnet/if_clone.h>
#include <ifnet/rtmsg.h>
#include <ifnet/stack.h>

#include "ctl/ctl.h"
#include "net/if_index_impl.h"
#include "net/if_stats_impl.h"
#include "net/route.h"
#include "stack/stack_impl.h"

static inline struct ifnet_stack *
fuzz_stack_create_ncpu(struct host *h, unsigned ncpu)
{
	struct ifnet_stack_config sc;
	struct ifnet_stack *st;

	memset(&sc, 0, sizeof(sc));
	sc.ncpu = ncpu;
	sc.mbufs = 512;
	sc.host = h;
	st = ifnet_stack_create(&sc, NULL);
	KASSERT(st != NULL);
	return st;
}

static inline struct ifnet_stack *
fuzz_stack_create(struct host *h)
{

	return fuzz_stack_create_ncpu(h, 0);
}

/* A vnet, with an interface joined to another, an address and a route. */
static inline struct vnet *
fuzz_vnet_create(struct ifnet_stack *st, const char *name)
{
	char pair[IFNAMSIZ] = "pair0";
	struct ifaliasreq ifra;
	struct sockaddr_in sin;
	struct rt_info ri;
	struct ifreq ifr;
	struct vnet *vn;

	vn = vnet_create(st, name, NULL);
	KASSERT(vn != NULL);
	KASSERT(if_clone_create(vn, pair, "peer pair1") == 0);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(0x0a000001);
	memset(&ifra, 0, sizeof(ifra));
	strcpy(ifra.ifra_name, "pair0");
	memcpy(&ifra.ifra_addr, &sin, sizeof(sin));
	sin.sin_addr.s_addr = htonl(0xffffff00);
	memcpy(&ifra.ifra_mask, &sin, sizeof(sin));
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCAIFADDR, &ifra,
	    sizeof(ifra)) == 0);
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "pair1");
	ifr.ifr_flags = IFF_UP;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCSIFFLAGS, &ifr,
	    sizeof(ifr)) == 0);
	memset(&ri, 0, sizeof(ri));
	ri.ri_gw.na_4 = htonl(0x0a000002);
	ri.ri_flags = RTF_GATEWAY;
	KASSERT(rt_add(vn, &ri) == 0);
	return vn;
}

/* Everything is accounted for, in every interface there is. */
static inline int
fuzz_books_one(struct ifnet *ifp, void *arg)
{
	struct if_data d;

	(void)arg;
	if_stats_get(ifp, &d);
	KASSERT(d.ifi_ipackets == d.ifi_delivered + d.ifi_forwarded +
	    d.ifi_idrops + d.ifi_iqueued);
	KASSERT(d.ifi_offered == d.ifi_opackets + d.ifi_odrops +
	    d.ifi_oqueued);
	return 0;
}

static inline int
fuzz_books_vnet(struct vnet *vn, void *arg)
{

	return if_foreach(vn, fuzz_books_one, arg);
}

/* One with CPUs of its own: nothing is asked of it any more. */
static inline void
fuzz_stack_destroy_ncpu(struct ifnet_stack *st)
{

	(void)vnet_foreach(st->st_kern, fuzz_books_vnet, NULL);
	/* Packets and requests that wait inside leave with their vnet. */
	for (struct vnet *vn; (vn = vnet_get(st->st_kern, "")) != NULL;)
		vnet_destroy_held(vn);
	kern_defer_barrier(st->st_kern);
	KASSERT(mbuf_free_count(st->st_kern) == mbuf_total(st->st_kern));
	ifnet_stack_destroy(st);
}

static inline void
fuzz_stack_destroy(struct ifnet_stack *st)
{

	ifnet_stack_run(st);
	fuzz_stack_destroy_ncpu(st);
}

/* --- requests from input --- */

/* A name that has a chance of being one. */
static inline void
fuzz_ifname(struct fuzz_in *in, char name[IFNAMSIZ])
{
	static const char *const known[] = {
		"lo0", "pair0", "pair1", "pair2", "pg0", "tap0", "lo1", "pair",
		"pg", "tap",
	};
	uint8_t which = fuzz_u8(in);

	memset(name, 0, IFNAMSIZ);
	if (which < sizeof(known) / sizeof(known[0]))
		memcpy(name, known[which], strlen(known[which]));
	else
		(void)fuzz_bytes(in, name, IFNAMSIZ);
}

/* An IPv4 address, mostly one of few. */
static inline uint32_t
fuzz_addr4(struct fuzz_in *in)
{
	uint8_t b = fuzz_u8(in);

	if (b >= 0xf0)
		return fuzz_u32(in);
	return __builtin_bswap32(0x0a000000u | (b & 0x30u) << 4 | (b & 0xfu) |
	    (b & 0x40u) << 1);
}

/* A socket address of up to `room' bytes; its length in a message, or 0. */
static inline size_t
fuzz_sockaddr(struct fuzz_in *in, void *buf, size_t room)
{
	struct sockaddr_in sin;
	struct sockaddr_dl sdl;
	uint8_t kind = fuzz_u8(in);

	memset(buf, 0, room);
	switch (kind & 3) {
	case 0:
		memset(&sin, 0, sizeof(sin));
		sin.sin_family = AF_INET;
		sin.sin_addr.s_addr = fuzz_addr4(in);
		memcpy(buf, &sin, sizeof(sin));
		return rt_sa_size(AF_INET);
	case 1:
		memset(&sin, 0, sizeof(sin));
		sin.sin_family = AF_INET;
		sin.sin_addr.s_addr = __builtin_bswap32((uint32_t)
		    (0xffffffff00000000u >> (kind >> 2) % 33));
		memcpy(buf, &sin, sizeof(sin));
		return rt_sa_size(AF_INET);
	case 2:
		memset(&sdl, 0, sizeof(sdl));
		sdl.sdl_family = AF_LINK;
		sdl.sdl_alen = kind >> 2;
		sdl.sdl_index = fuzz_u8(in);
		(void)fuzz_bytes(in, sdl.sdl_data, 6);
		memcpy(buf, &sdl, sizeof(sdl));
		return rt_sa_size(AF_LINK);
	default:
		return fuzz_bytes(in, buf, room < 48 ? room : 48);
	}
}

/* A routing message, whole or nearly, in RT_MSG_MAX bytes; its length. */
static inline size_t
fuzz_rtmsg(struct fuzz_in *in, void *buf)
{
	static const uint8_t types[] = {
		RTM_ADD, RTM_DELETE, RTM_CHANGE, RTM_GET,
	};
	struct rt_msg rtm;
	size_t len = sizeof(rtm);
	uint8_t how = fuzz_u8(in), *p = buf;

	memset(&rtm, 0, sizeof(rtm));
	rtm.rtm_h.rtm_version = RTM_VERSION;
	rtm.rtm_h.rtm_type = types[how & 3];
	rtm.rtm_h.rtm_addrs = fuzz_u8(in);
	rtm.rtm_flags = fuzz_u16(in) | (uint32_t)(how & 4) << 16;
	rtm.rtm_index = how & 8 ? fuzz_u8(in) : 0;
	rtm.rtm_mtu = how & 16 ? fuzz_u16(in) : 0;
	rtm.rtm_expire_s = how & 32 ? (int16_t)fuzz_u16(in) : 0;
	if (how & 64)
		fuzz_ifname(in, rtm.rtm_ifname);
	if (how & 128)
		(void)fuzz_bytes(in, (uint8_t *)&rtm + fuzz_u8(in) %
		    (sizeof(rtm) - 8), 8);
	for (unsigned i = 0; i < RTAX_MAX; i++)
		if (rtm.rtm_h.rtm_addrs & 1u << i)
			len += fuzz_sockaddr(in, p + len, 64);
	rtm.rtm_h.rtm_len = (uint32_t)len;
	memcpy(p, &rtm, sizeof(rtm));
	return len;
}

#endif /* !TESTS_FUZZ_STACK_H */
