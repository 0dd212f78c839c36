/*
 * nd6_impl: what the files nd6*.c share: layouts of messages (RFC 4861 4), and
 * neighbour discovery's part of a vnet.
 */

#ifndef NETINET6_ND6_IMPL_H
#define NETINET6_ND6_IMPL_H

#include "kern/wheel.h"
#include "net/neigh_cache.h"
#include "netinet6/ip6_var.h"
#include "netinet6/nd6.h"

#define ND6_RS		133
#define ND6_RA		134
#define ND6_NS		135
#define ND6_NA		136
#define ND6_REDIRECT	137

#define ND6_HLIM	255	/* of all of them: no router sent it on */

/* A solicitation, an advertisement; options follow. */
struct nd6_neighbor {
	struct icmphdr6	 nd_icmp;	/* the word: ND6_NA_*, network order */
	uint8_t		 nd_target[16];	/* of the wire */
} __attribute__((__packed__));
#define ND6_NA_ROUTER	0x80000000u	/* host order */
#define ND6_NA_SOLICITED 0x40000000u
#define ND6_NA_OVERRIDE	0x20000000u

/* Options: their type, and their length in units of 8. */
#define ND6_OPT_SLLA	1
#define ND6_OPT_TLLA	2
#define ND6_OPT_NONCE	14	/* RFC 3971 5.3.2 */
#define ND6_NONCE_LEN	6
#define ND6_OPTS_MAX	64	/* in a message; more are not looked at */
/* An option with a link-level address, or a nonce. */
struct nd6_opt {
	uint8_t		 no_type, no_len;
	uint8_t		 no_data[6];
} __attribute__((__packed__));
_Static_assert(sizeof(struct nd6_opt) == 8, "RFC 4861 4.6");

/* RFC 4861 10 */
#define ND6_RETRANS_NS	NEIGH_NS
#define ND6_DAD_WAIT_NS	NEIGH_NS	/* RFC 4862 5.4.2: before the first */
#define ND6_DAD_COUNT_MAX 100
#define ND6_DEFEND_NS	(10 * NEIGH_NS)
#define ND6_NDEFENDED	16

/* The wheel of addresses to check and announce. */
#define ND6_DAD_TICK_NS	(1ull << 26)	/* 67 ms */
#define ND6_DAD_LEVELS	2

/*
 *	a: the announcement lock
 */
struct nd6_vnet {
	struct vnet	*n6_vnet;		/* constant */
	int64_t		 n6_dad_count;		/* sysctl; default 1 */

	struct kspin	 n6_lock;
	struct wheel	 n6_wheel;		/* a: of addresses */
	struct wheel_level n6_level[ND6_DAD_LEVELS];
	uint64_t	 n6_seed;		/* a: random waits, nonces */
	uint64_t	 n6_defended_ns[ND6_NDEFENDED]; /* a: by a hash of the
							 * address */
};

/* A message as it was received, checked.  Addresses are inner ones. */
struct nd6_msg {
	uint8_t		 nm_type;
	bool		 nm_has_lladdr, nm_has_nonce;
	uint8_t		 nm_lladdr[ETHER_ADDR_LEN]; /* sender's, or target's */
	uint8_t		 nm_nonce[ND6_NONCE_LEN];
	uint32_t	 nm_flags;		/* ND6_NA_*, host order */
	union neigh_addr nm_src, nm_dst, nm_target;
};

/* nd6.c */
extern const struct neigh_proto nd6_proto;
/* CPU: ask for an address; unicast when lladdr is not NULL. */
void	nd6_ask(struct ifnet *, const union neigh_addr *,
	    const uint8_t *lladdr);
/* The solicited-node group of an address (RFC 4291 2.7.1), on a link. */
void	nd6_solicited_group(const struct ifnet *, const union neigh_addr *,
	    union neigh_addr *group);
/* A group ff02::id of a link. */
union neigh_addr nd6_link_group(const struct ifnet *, uint8_t id);
/*
 * CPU: send a solicitation, or an advertisement with flags but ND6_NA_ROUTER,
 * which it gets here.  src: NULL: ::.  lladdr: in the option; NULL: no such
 * option.  nonce: NULL: none.
 */
void	nd6_send(struct ifnet *, uint8_t type, const union neigh_addr *src,
	    const union neigh_addr *dst, const union neigh_addr *target,
	    uint32_t flags, const uint8_t *lladdr, const uint8_t *nonce);
/* Read section: is an address on a prefix of this interface's link? */
bool	nd6_is_onlink(const struct ifnet *, const union neigh_addr *);

/* nd6_nbr.c */
/* CPU: what a message other than an advertisement says of its sender (RFC 4861
 * 7.2.3): a link-level address; with `create' the sender is remembered.
 * router: NULL: not said.  false: the neighbour is not in the cache. */
bool	nd6_learn(struct ifnet *, const union neigh_addr *,
	    const uint8_t *lladdr, bool create, const bool *router);

/* nd6_dad.c */
void	nd6_dad_init(struct nd6_vnet *);
void	nd6_dad_fini(struct nd6_vnet *);
/* CPU: another host uses an address of ours, or, nm being a solicitation from
 * ::, checks it.  true: the address was still tentative, so there is nothing to
 * defend or answer. */
bool	nd6_dad_conflict(struct ifaddr *, const struct nd6_msg *);
/* CPU: likewise, and the address is used here: log it, and say so, both at a
 * limited rate. */
void	nd6_dad_defend(struct ifaddr *);

/* nd6_sysctl.c */
int	nd6_sysctl_init(struct vnet *);

/* Any: the inner address of an interface. */
static inline union neigh_addr
ia6_addr_of(const struct ifaddr *ifa)
{
	union neigh_addr na;

	(void)zone6_from_sa(&ifatoia6(ifa)->ia6_addr, &na);
	return na;
}

#endif /* !NETINET6_ND6_IMPL_H */
