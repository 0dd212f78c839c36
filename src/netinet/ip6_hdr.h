/*
 * ip6_hdr: layouts of headers (RFC 8200, RFC 4443), for both families' files.
 * Addresses are those of the wire; fields are in network order.
 */

#ifndef NETINET_IP6_HDR_H
#define NETINET_IP6_HDR_H

#include <stdint.h>

#include <ifnet/mbuf.h>

#define IP6_HLEN	40
#define IP6_MMTU	1280	/* every link's least MTU (RFC 8200 5) */

struct iphdr6 {
	uint32_t	 ip6_flow;	/* version, traffic class, flow label */
#define IP6_FLOWLABEL	0x000fffff	/* host order */
	uint16_t	 ip6_plen;
	uint8_t		 ip6_nxt;
	uint8_t		 ip6_hlim;
	uint8_t		 ip6_src[16], ip6_dst[16];
} __attribute__((__packed__));
_Static_assert(sizeof(struct iphdr6) == IP6_HLEN, "RFC 8200 3");

/* Extension headers begin alike, but the fragment header: the next header, and
 * their length beyond 8 bytes, in units of 8. */
struct ip6_ext {
	uint8_t		 ip6e_nxt, ip6e_len;
} __attribute__((__packed__));

struct ip6_routing {
	uint8_t		 ip6r_nxt, ip6r_len;
	uint8_t		 ip6r_type, ip6r_left;
} __attribute__((__packed__));

struct ip6_frag {
	uint8_t		 ip6f_nxt, ip6f_zero;
	uint16_t	 ip6f_off;
#define IP6F_OFFMASK	0xfff8		/* host order */
#define IP6F_MORE	0x0001
	uint32_t	 ip6f_id;
} __attribute__((__packed__));
#define IP6_FRAG_HLEN	8
_Static_assert(sizeof(struct ip6_frag) == IP6_FRAG_HLEN, "RFC 8200 4.5");

/* Options (RFC 8200 4.2, RFC 2711); what a node does that does not know one
 * is in its two high bits. */
#define IP6OPT_PAD1	0
#define IP6OPT_PADN	1
#define IP6OPT_ALERT	5
#define IP6OPT_ACTION	0xc0
#define IP6OPT_SKIP	0x00
#define IP6OPT_DROP	0x40
#define IP6OPT_TELL	0x80		/* drop, and tell the source */
#define IP6OPT_TELLUNI	0xc0		/* likewise, but for multicast */

struct icmphdr6 {
	uint8_t		 icmp6_type, icmp6_code;
	uint16_t	 icmp6_cksum;
	union {
		struct {
			uint16_t id, seq;
		}	 icmp6_echo;
		uint32_t icmp6_word;
	};
} __attribute__((__packed__));
#define ICMP6_HLEN	8

#define ICMP6H_UNREACH	1
#define ICMP6H_UNREACH_NOROUTE	0
#define ICMP6H_UNREACH_SCOPE	2
#define ICMP6H_UNREACH_ADDR	3
#define ICMP6H_UNREACH_PORT	4
#define ICMP6H_UNREACH_REJECT	6
#define ICMP6H_TOOBIG	2
#define ICMP6H_TIMXCEED	3
#define ICMP6H_TIMXCEED_HLIM	0
#define ICMP6H_TIMXCEED_REASS	1
#define ICMP6H_PARAMPROB	4
#define ICMP6H_PARAMPROB_FIELD	0
#define ICMP6H_PARAMPROB_NEXT	1
#define ICMP6H_PARAMPROB_OPTION	2
#define ICMP6H_PARAMPROB_CHAIN	3	/* RFC 7112 5 */
#define ICMP6H_ECHO	128		/* errors are below */
#define ICMP6H_ECHOREPLY	129
#define ICMP6H_ND_FIRST	133		/* router solicitation */
#define ICMP6H_ND_ADVERT	136	/* of a neighbour */
#define ICMP6H_ND_REDIRECT	137	/* the last of them */

static inline struct iphdr6 *
mtoip6(const struct mbuf *m)
{

	return (struct iphdr6 *)(void *)m->m_data;
}

/* Is a packet, which has a byte at least, of IPv6? */
static inline bool
m_is_ip6(const struct mbuf *m)
{

	return m->m_data[0] >> 4 == 6;
}

#endif /* !NETINET_IP6_HDR_H */
