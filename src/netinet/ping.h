/*
 * ping: packets that a client sends to learn of a host or of the way to it, and
 * what comes back: echo requests, or UDP packets to ports where nobody listens,
 * as traceroute sends.  Of any family; addresses are inner ones (net/zone6.h).
 *
 * Up to PING_MAX pings are open in a vnet, each with its identification: that
 * of its echo requests, or the source port of its UDP packets.  What comes back
 * finds its ping by that, and its probe by the sequence number, or the
 * destination port, which grows with it.
 */

#ifndef NETINET_PING_H
#define NETINET_PING_H

#include <stddef.h>

#include "net/neigh.h"

struct mbuf;
struct ping;
struct rt_table;
struct vnet;

#define PING_MAX	256	/* of a vnet at a time */
#define PING_HLEN	8	/* of an echo request, and of UDP */

/* How a ping's packets are sent. */
struct ping_how {
	const struct ping_family *ph_family;	/* &ping_inet, ... */
	uint32_t	 ph_table;	/* of routes, by number */
	uint32_t	 ph_ifindex;	/* IPv6: on this link, to the far end
					 * itself; 0: as routes and zones say */
	uint16_t	 ph_port;	/* UDP, the probe of number 0 to this
					 * port; host order; 0: echo requests */
	uint8_t		 ph_flags;	/* PING_* */
#define PING_WHOLE	0x1		/* never in fragments */
#define PING_MINMTU	0x2		/* IPv6: in fragments of the MTU that
					 * every link has */
};

/* A family, for ping.c.  All constant. */
struct ping_family {
	uint8_t		 pf_af;
	uint8_t		 pf_hlen;	/* of the IP header */
	uint8_t		 pf_echo;	/* ICMP type of an echo request */
	uint8_t		 pf_echoreply;
	uint32_t	 pf_datamax;	/* bytes of data in a probe, at most */
	/* Any: may packets be sent from the address in the table? */
	bool		(*pf_usable)(const struct rt_table *,
			    const union neigh_addr *src);
	/* CPU: complete a packet, which has the header and data of a probe
	 * behind an IP header that is 0, and send it; takes it.  0 or errno. */
	int		(*pf_send)(struct rt_table *, struct mbuf *,
			    const struct ping_how *,
			    const union neigh_addr *dst,
			    const union neigh_addr *src, uint8_t hlim);
};
extern const struct ping_family ping_inet;	/* ping4.c */
extern const struct ping_family ping_inet6;	/* netinet6/ping6.c */

/* A packet that came back for a probe, or the errno of sending one. */
struct ping_reply {
	union neigh_addr pr_from;
	uint64_t	 pr_rtt_ns;
	uint32_t	 pr_bytes;	/* of the ICMP message */
	uint32_t	 pr_mtu;	/* of a message that says "too big" */
	int		 pr_errno;	/* of sending; 0: a packet came back */
	uint16_t	 pr_seq;
	bool		 pr_again;	/* another one came before */
	uint8_t		 pr_hlim;	/* of the packet that came back */
	uint8_t		 pr_type, pr_code;	/* ICMP, or ICMPv6 */
};

/* CPU. */
typedef void ping_fn(void *arg, const struct ping_reply *);

size_t	ping_bytes(void);	/* any: memory of a ping */
/*
 * Control: open a ping, whose callback will be called for what comes back and
 * for what cannot be sent.  ESRCH (there is no such table), EAGAIN (PING_MAX
 * are open), ENOMEM.
 */
int	ping_open(struct vnet *, const struct ping_how *, ping_fn *, void *arg,
	    struct ping **);
/* Any: may it send from the address? */
bool	ping_source_usable(const struct ping *, const union neigh_addr *src);
/* Any: send a probe with so many bytes of data, from src (zeroes: the best
 * one); hlim 0: the family's default.  EMSGSIZE; ENOBUFS when too many wait to
 * be sent. */
int	ping_send(struct ping *, const union neigh_addr *dst,
	    const union neigh_addr *src, uint16_t seq, uint32_t datalen,
	    uint8_t hlim);
/* Control: close a ping; when this returns, the callback will not run any
 * more. */
void	ping_close(struct ping *);

/*
 * CPU: what came back for the probe that has this header, which is an echo's or
 * UDP's.  The caller fills in pr, but for its number, its time and whether it
 * is another one.  The table is that of the interface by which it came.  false:
 * no ping waits for it.
 */
bool	ping_input(const struct rt_table *, int family, bool udp,
	    const void *header, struct ping_reply *pr);

#endif /* !NETINET_PING_H */
