/*
 * domain: what a protocol family tells the interface layer: its addresses'
 * shape, and what to call when something happens to an interface.
 */

#ifndef NET_DOMAIN_H
#define NET_DOMAIN_H

#include <ifnet/if.h>

struct ifa_msg;
struct neigh;
union neigh_addr;
struct prefix;

enum dom_slot { DOM_SLOT_INET, DOM_SLOT_INET6, DOM_SLOT_MAX };

/* On another network, in the range of networks, on that very one. */
enum dom_match { DOM_MATCH_NONE, DOM_MATCH_RANGE, DOM_MATCH_EXACT };

/*
 * Constant.  NULL members are skipped.  Control context unless said.
 */
struct domain {
	int		 dom_family;
	enum dom_slot	 dom_slot;
	const char	*dom_name;
	size_t		 dom_salen;	/* of its socket addresses */
	size_t		 dom_addr_offset; /* where in its addresses' structure
					 * ifa_addr points; a hint */

	/* Per-interface data into if_afdata; ENOMEM undoes the attach. */
	int	(*dom_ifattach)(struct ifnet *);
	void	(*dom_ifdetach)(struct ifnet *);	/* addresses are gone */
	/* ioctl lock: an address's interface goes down (PRC_IFDOWN); before
	 * anybody is told of it, and while the send queue is full still */
	void	(*dom_ifa_down)(struct ifaddr *);
	/* ioctl lock held */
	void	(*dom_if_up)(struct ifnet *);
	void	(*dom_if_down)(struct ifnet *);
	/* CPU (link-state soft interrupt) */
	void	(*dom_if_link_state)(struct ifnet *, int state);
	/* ioctl lock: its MTU is another one now */
	void	(*dom_if_mtu)(struct ifnet *);
	/* ioctl lock: the active link-level address changed */
	void	(*dom_lladdr_changed)(struct ifnet *);
	/* ioctl lock: remove every address of the family */
	void	(*dom_purgeif)(struct ifnet *);
	/* At detach, when every family's data of it is gone: give up what
	 * outlives addresses, such as group memberships (PR_PURGEIF) */
	void	(*dom_purgelast)(struct ifnet *);
	/* A request to which the driver answered ENOTTY.  ioctl lock. */
	int	(*dom_ioctl)(struct ifnet *, unsigned long cmd, void *data);
	/* CPU, cross-call at detach: drop queued packets that came from ifp */
	void	(*dom_sweep)(struct ifnet *);
	/* CPU: a packet whose next hop is to be resolved (m_nh); takes it
	 * (holds or drops it) */
	void	(*dom_resolve)(struct ifnet *, struct mbuf *);
	/* where a packet's header has its destination, and how long that is */
	unsigned dom_dst_offset, dom_dst_len;
	/* CPU: the link-level address of the group that an M_MCAST packet is
	 * for, by its destination */
	void	(*dom_group_lladdr)(const uint8_t *dst, uint8_t lladdr[6]);
	/*
	 * CPU: tell routers of n groups (inner addresses, all of the family's
	 * that are reported) what (enum mcast_what) in the messages of a
	 * version (enum mcast_version); last: it is the end of a report of all
	 * groups, which may be without any (net/mcast.h)
	 */
	void	(*dom_mcast_report)(struct ifnet *, int version, int what,
		    const union neigh_addr *, unsigned n, bool last);
	/* CPU: network packets from lo or a raw link, m_data at the header */
	void	(*dom_input)(struct ifnet *, struct mvec *);
	/* Any: packets of ifp in the family's queues, for the books. */
	uint64_t (*dom_iqueued)(struct ifnet *);
	uint64_t (*dom_oqueued)(struct ifnet *);

	/* Control, route lock: is a route marked FWD_SPECIAL, because packets
	 * may not be forwarded to all of its destinations? */
	bool	(*dom_rtmark)(const struct rtentry *);

	/* Any: an address was given, or its interface may be ready now: check
	 * that no other host has it, if it is tentative, and announce it. */
	void	(*dom_ifa_ready)(struct ifaddr *);
	/* Control: an address is being removed: it is neither checked nor
	 * announced after this. */
	void	(*dom_ifa_stop)(struct ifaddr *);
	/* Any: what a message about an address says besides: flags and
	 * lifetimes */
	void	(*dom_ifa_describe)(const struct ifaddr *, struct ifa_msg *);
	/* the requests that give an address, and answer with the one that would
	 * give it again; their record */
	unsigned long	 dom_alias_give, dom_alias_get;
	/* Control: an address is about to bring a route to its prefix along. */
	void	(*dom_ifa_prefix)(struct ifaddr *, const struct prefix *);
	/* Control, no lock: delete the neighbours of the interface that are on
	 * none of its prefixes any more. */
	void	(*dom_neigh_sweep)(struct ifnet *);

	/* Neighbour requests and dumps of the routing socket. */
	int	(*dom_neigh_request)(struct vnet *, const void *rt_msg,
		    const struct sockaddr *const *sa, void *answer,
		    size_t *answerlen);
	/* some neighbours of an interface, from *place (first 0) on; ENOENT:
	 * no more */
	int	(*dom_neigh_dump)(struct ifnet *, uint64_t *place,
		    int (*fn)(const void *msg, void *arg), void *arg);

	/* address shape */
	bool	(*dom_sa_equal)(const struct sockaddr *,
		    const struct sockaddr *);
	uint32_t (*dom_sa_hash)(const struct sockaddr *);
	/* well-formed, and may be an interface's: 0 or EINVAL */
	int	(*dom_sa_check)(const struct sockaddr *);
	/* is a within the prefix b/mask? */
	bool	(*dom_sa_within)(const struct sockaddr *a,
		    const struct sockaddr *b, const struct sockaddr *mask);
	/*
	 * No user yet, and none of the parts to come: families without
	 * netmasks (AppleTalk): is the destination on the
	 * network of an address?  Any, read section.  Such a family has few
	 * addresses, for all of them are asked.
	 */
	enum dom_match (*dom_net_match)(const struct ifaddr *,
		    const struct sockaddr *);
};

/* At the vnet's start, before any interface. */
void	domain_attach(struct vnet *, const struct domain *);
const struct domain *domain_find(struct vnet *, int family);

#endif /* !NET_DOMAIN_H */
