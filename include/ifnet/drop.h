/*
 * drop: the names of all reasons for which a packet can be dropped.
 *
 * Every packet an interface received was delivered, forwarded, is queued, or
 * was dropped for one DROP_IN reason; every packet offered to it for output was
 * sent, is queued, or was dropped for one DROP_OUT reason.  There is one
 * counter for each reason, interface and CPU.  A reason belongs to one side.
 *
 * To add a reason add a line here; the counters, names in listings, JSON
 * and documents follow.
 */

#ifndef IFNET_DROP_H
#define IFNET_DROP_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* symbol, side, name, what happened */
#define DROP_REASONS(X) \
	X(DROP_IF_DOWN, IN, "if-down", \
	    "received while the interface was down") \
	X(DROP_IF_DETACHING, IN, "if-detaching", \
	    "was queued when its receiving interface went away") \
	X(DROP_RCVQ_FULL, IN, "rcvq-full", \
	    "per-CPU input queue was full") \
	X(DROP_IN_LOOP, IN, "in-loop", \
	    "passed through too many interfaces of this process") \
	X(DROP_PKTQ_FULL, IN, "pktq-full", \
	    "protocol input queue was full") \
	X(DROP_LOCAL_SHARE, IN, "local-share", \
	    "packets for this host had their share of the buffers") \
	X(DROP_NO_MBUF, IN, "no-mbuf", \
	    "no packet buffer was free") \
	X(DROP_FILTER_IN, IN, "filter-in", \
	    "a pfil hook refused it on input") \
	X(DROP_RX_ERROR, IN, "rx-error", \
	    "the driver could not read it whole") \
	X(DROP_RX_OFFLOAD, IN, "rx-offload", \
	    "offload header did not fit the packet") \
	X(DROP_DISCARD_INTERFACE, OUT, "discard", \
	    "the interface drops everything it is given") \
	X(DROP_ETHER_SHORT, IN, "ether-short", \
	    "shorter than an Ethernet header") \
	X(DROP_ETHER_NOT_OURS, IN, "ether-not-ours", \
	    "sent to another station") \
	X(DROP_ETHER_SRC, IN, "ether-src", \
	    "source is no station's address, or our own") \
	X(DROP_NO_PROTO, IN, "no-proto", \
	    "no protocol for this type") \
	X(DROP_ARP_SHORT, IN, "arp-short", \
	    "truncated ARP packet") \
	X(DROP_ARP_BAD, IN, "arp-bad", \
	    "ARP fields that make no sense") \
	X(DROP_ARP_NOT_OURS, IN, "arp-not-ours", \
	    "ARP for another host") \
	X(DROP_ARP_CONFLICT, IN, "arp-conflict", \
	    "somebody else claims our address") \
	X(DROP_ARP_LIMIT, IN, "arp-limit", \
	    "too many ARP packets a second; net.inet.arp.maxpps") \
	X(DROP_ARP_NOARP, IN, "arp-noarp", \
	    "interface does not speak ARP") \
	X(DROP_IP_SHORT, IN, "ip-short", \
	    "truncated IP header") \
	X(DROP_IP_VERSION, IN, "ip-version", \
	    "IP version is not 4") \
	X(DROP_IP_HLEN, IN, "ip-hlen", \
	    "IP header length below 20 or beyond the packet") \
	X(DROP_IP_CSUM, IN, "ip-csum", \
	    "IP header checksum wrong") \
	X(DROP_IP_LEN, IN, "ip-len", \
	    "IP total length beyond the packet or below the header") \
	X(DROP_IP_SRC, IN, "ip-src", \
	    "no possible source: loopback, group, broadcast, a network") \
	X(DROP_IP_DST, IN, "ip-dst", \
	    "no possible destination: loopback, zero, class E") \
	X(DROP_IP_SPECIAL, IN, "ip-special", \
	    "special-purpose address (RFC 6890) that may not be used so") \
	X(DROP_IP_LINKLOCAL, IN, "ip-linklocal", \
	    "link-local address (169.254/16), which stays on its link") \
	X(DROP_IP_RPF, IN, "ip-rpf", \
	    "source does not belong on the interface it came by") \
	X(DROP_IP_LAND, IN, "ip-land", \
	    "source is our own address") \
	X(DROP_IP_OPTIONS, IN, "ip-options", \
	    "malformed IP options") \
	X(DROP_IP_SRCROUTE, IN, "ip-srcroute", \
	    "source-routed; not accepted") \
	X(DROP_IP_TTL, IN, "ip-ttl", \
	    "time to live ran out") \
	X(DROP_IP_NOFORWARD, IN, "ip-noforward", \
	    "not for us and forwarding is off") \
	X(DROP_IP_CANTFORWARD, IN, "ip-cantforward", \
	    "a destination that is never forwarded") \
	X(DROP_IP_LINKBCAST, IN, "ip-linkbcast", \
	    "to one host, but in a link-level broadcast or multicast") \
	X(DROP_IP_NOROUTE, IN, "ip-noroute", \
	    "no route to the destination") \
	X(DROP_IP_UNREACHABLE, IN, "ip-unreachable", \
	    "the route's gateway cannot be reached now") \
	X(DROP_IP_REJECT, IN, "ip-reject", \
	    "reject route") \
	X(DROP_IP_BLACKHOLE, IN, "ip-blackhole", \
	    "blackhole route") \
	X(DROP_IP_NEEDFRAG, IN, "ip-needfrag", \
	    "larger than the MTU and may not be fragmented") \
	X(DROP_IP_MCAST, IN, "ip-mcast", \
	    "multicast group with no member here") \
	X(DROP_FRAG_BAD, IN, "frag-bad", \
	    "fragment with impossible offset or length") \
	X(DROP_FRAG_OVERLAP, IN, "frag-overlap", \
	    "overlapping fragments: the whole packet is given up") \
	X(DROP_FRAG_DUP, IN, "frag-dup", \
	    "exact duplicate of a fragment held") \
	X(DROP_FRAG_SHARE, IN, "frag-share", \
	    "fragments had their share of the buffers") \
	X(DROP_FRAG_LIMIT, IN, "frag-limit", \
	    "reassembly limit reached") \
	X(DROP_FRAG_TIMEOUT, IN, "frag-timeout", \
	    "the rest of the packet never came") \
	X(DROP_L4_CSUM, IN, "l4-csum", \
	    "TCP or UDP checksum wrong, or the length it is over") \
	X(DROP_ICMP_SHORT, IN, "icmp-short", \
	    "truncated ICMP message") \
	X(DROP_ICMP_CSUM, IN, "icmp-csum", \
	    "ICMP checksum wrong") \
	X(DROP_ICMP_BCAST, IN, "icmp-bcast", \
	    "echo to a broadcast address; not answered") \
	X(DROP_ICMP_UNWANTED, IN, "icmp-unwanted", \
	    "ICMP message nobody here waits for") \
	X(DROP_IP_PORTUNREACH, IN, "ip-portunreach", \
	    "no such UDP port here") \
	X(DROP_IP_PROTOUNREACH, IN, "ip-protounreach", \
	    "no such protocol here") \
	X(DROP_IP_NOTREADY, IN, "ip-notready", \
	    "to an address of ours that is not known to be ours alone") \
	X(DROP_IP_IFDOWN, IN, "ip-if-down", \
	    "to an address or a network of an interface that is down") \
	X(DROP_IP_WRONGIF, IN, "ip-wrong-if", \
	    "to our address on another interface; net.inet.ip.checkinterface") \
	X(DROP_IP6_SHORT, IN, "ip6-short", \
	    "truncated IPv6 header") \
	X(DROP_IP6_VERSION, IN, "ip6-version", \
	    "IP version is not 6") \
	X(DROP_IP6_LEN, IN, "ip6-len", \
	    "IPv6 payload length beyond the packet") \
	X(DROP_IP6_SRC, IN, "ip6-src", \
	    "no possible IPv6 source: loopback, multicast, unspecified") \
	X(DROP_IP6_DST, IN, "ip6-dst", \
	    "no possible IPv6 destination: loopback, unspecified, no scope") \
	X(DROP_IP6_SCOPE, IN, "ip6-scope", \
	    "link-local address, which stays on its link (RFC 4007)") \
	X(DROP_IP6_LAND, IN, "ip6-land", \
	    "IPv6 source is our own address") \
	X(DROP_IP6_RPF, IN, "ip6-rpf", \
	    "IPv6 source does not belong on the interface it came by") \
	X(DROP_IP6_HEADERS, IN, "ip6-headers", \
	    "extension headers truncated, or too many") \
	X(DROP_IP6_OPTION, IN, "ip6-option", \
	    "malformed option, or one not known that must be") \
	X(DROP_IP6_ROUTING, IN, "ip6-routing", \
	    "source-routed; not accepted (RFC 5095)") \
	X(DROP_IP6_HLIM, IN, "ip6-hlim", \
	    "hop limit ran out") \
	X(DROP_IP6_NOFORWARD, IN, "ip6-noforward", \
	    "not for us and net.inet6.ip6.forwarding is off") \
	X(DROP_IP6_CANTFORWARD, IN, "ip6-cantforward", \
	    "an IPv6 packet that is never forwarded") \
	X(DROP_IP6_NOROUTE, IN, "ip6-noroute", \
	    "no route to the IPv6 destination") \
	X(DROP_IP6_UNREACHABLE, IN, "ip6-unreachable", \
	    "the IPv6 route's gateway cannot be reached now") \
	X(DROP_IP6_REJECT, IN, "ip6-reject", \
	    "reject route of IPv6") \
	X(DROP_IP6_BLACKHOLE, IN, "ip6-blackhole", \
	    "blackhole route of IPv6") \
	X(DROP_IP6_TOOBIG, IN, "ip6-toobig", \
	    "larger than the next hop's MTU; the source was told") \
	X(DROP_IP6_MCAST, IN, "ip6-mcast", \
	    "IPv6 multicast group with no member here") \
	X(DROP_IP6_NOTREADY, IN, "ip6-notready", \
	    "to an IPv6 address of ours that is not known to be ours alone") \
	X(DROP_IP6_IFDOWN, IN, "ip6-if-down", \
	    "to an IPv6 address or network of an interface that is down") \
	X(DROP_IP6_PORTUNREACH, IN, "ip6-portunreach", \
	    "no such TCP or UDP port here") \
	X(DROP_IP6_NEXTHEADER, IN, "ip6-nextheader", \
	    "a next header that is not known here") \
	X(DROP_ICMP6_SHORT, IN, "icmp6-short", \
	    "truncated ICMPv6 message") \
	X(DROP_ICMP6_CSUM, IN, "icmp6-csum", \
	    "ICMPv6 checksum wrong") \
	X(DROP_ICMP6_UNWANTED, IN, "icmp6-unwanted", \
	    "ICMPv6 message nobody here waits for") \
	X(DROP_ND6_HLIM, IN, "nd6-hlim", \
	    "neighbour discovery from beyond the link: hop limit not 255") \
	X(DROP_ND6_FRAGMENT, IN, "nd6-fragment", \
	    "neighbour discovery in fragments (RFC 6980)") \
	X(DROP_ND6_BAD, IN, "nd6-bad", \
	    "neighbour discovery with fields that make no sense") \
	X(DROP_ND6_NOT_OURS, IN, "nd6-not-ours", \
	    "solicitation for another host") \
	X(DROP_ND6_CONFLICT, IN, "nd6-conflict", \
	    "somebody else claims our address") \
	X(DROP_ND6_UNWANTED, IN, "nd6-unwanted", \
	    "neighbour discovery that nobody here asked for") \
	X(DROP_ND6_LIMIT, IN, "nd6-limit", \
	    "too many such messages a second; net.inet6.icmp6.nd6_maxpps") \
	X(DROP_IGMP_SHORT, IN, "igmp-short", \
	    "truncated IGMP message") \
	X(DROP_IGMP_CSUM, IN, "igmp-csum", \
	    "IGMP checksum wrong") \
	X(DROP_IGMP_BAD, IN, "igmp-bad", \
	    "IGMP with fields that make no sense, or from beyond the link") \
	X(DROP_IGMP_UNWANTED, IN, "igmp-unwanted", \
	    "IGMP message for routers, or of a type not known") \
	X(DROP_IGMP_LIMIT, IN, "igmp-limit", \
	    "too many IGMP queries a second; net.multicast.maxqueries") \
	X(DROP_MLD_BAD, IN, "mld-bad", \
	    "MLD with fields that make no sense, or from beyond the link") \
	X(DROP_MLD_UNWANTED, IN, "mld-unwanted", \
	    "MLD message for routers") \
	X(DROP_MLD_LIMIT, IN, "mld-limit", \
	    "too many MLD queries a second; net.multicast.maxqueries") \
	X(DROP_OUT_IF_DOWN, OUT, "out-if-down", \
	    "output interface is down") \
	X(DROP_OUT_DETACHING, OUT, "out-detaching", \
	    "output interface went away") \
	X(DROP_SNDQ_FULL, OUT, "sndq-full", \
	    "send queue was full") \
	X(DROP_SNDQ_PURGED, OUT, "sndq-purged", \
	    "send queue was purged when the interface went down") \
	X(DROP_FILTER_OUT, OUT, "filter-out", \
	    "a pfil hook refused it on output") \
	X(DROP_OUT_NOBUF, OUT, "out-nobuf", \
	    "no buffer for the link-level header or a copy") \
	X(DROP_OUT_FAMILY, OUT, "out-family", \
	    "link type does not carry this protocol") \
	X(DROP_ARP_SHARE, OUT, "arp-share", \
	    "packets waiting for neighbours had their share of the buffers") \
	X(DROP_ARP_QUEUE, OUT, "arp-queue", \
	    "pushed out of the hold queue by a later packet") \
	X(DROP_ARP_UNRESOLVED, OUT, "arp-unresolved", \
	    "neighbour did not answer") \
	X(DROP_ARP_RATE, OUT, "arp-rate", \
	    "too many new neighbours a second; net.inet.arp.maxasks") \
	X(DROP_ARP_FULL, OUT, "arp-full", \
	    "no room, or memory, for another neighbour") \
	X(DROP_ARP_PUSHED, OUT, "arp-pushed", \
	    "its neighbour had not answered and made room for another") \
	X(DROP_ARP_GONE, OUT, "arp-gone", \
	    "the neighbour's network left the interface") \
	X(DROP_ND6_SHARE, OUT, "nd6-share", \
	    "packets waiting for neighbours had their share of the buffers") \
	X(DROP_ND6_QUEUE, OUT, "nd6-queue", \
	    "pushed out of the hold queue by a later packet") \
	X(DROP_ND6_UNRESOLVED, OUT, "nd6-unresolved", \
	    "neighbour did not answer") \
	X(DROP_ND6_RATE, OUT, "nd6-rate", \
	    "too many new neighbours a second; net.inet6.icmp6.nd6_maxasks") \
	X(DROP_ND6_FULL, OUT, "nd6-full", \
	    "no room, or memory, for another neighbour") \
	X(DROP_ND6_PUSHED, OUT, "nd6-pushed", \
	    "its neighbour had not answered and made room for another") \
	X(DROP_ND6_GONE, OUT, "nd6-gone", \
	    "the neighbour's network left the interface") \
	X(DROP_TX_ERROR, OUT, "tx-error", \
	    "the driver could not send it") \
	X(DROP_TX_OFFLOAD, OUT, "tx-offload", \
	    "could not be segmented or checksummed for this interface") \
	X(DROP_TX_NO_PEER, OUT, "tx-no-peer", \
	    "nothing is on the other end") \
	X(DROP_TX_FAR_DOWN, OUT, "tx-far-down", \
	    "the other end was down") \
	X(DROP_TX_FAR_MTU, OUT, "tx-far-mtu", \
	    "larger than the other end's MTU") \
	X(DROP_TX_RING_FULL, OUT, "tx-ring-full", \
	    "the device's queue was full") \
	X(DROP_OUT_LOOP, OUT, "out-loop", \
	    "passed through too many interfaces of this process")

enum drop_reason {
#define X(sym, side, name, text)	sym,
	DROP_REASONS(X)
#undef X
	DROP_NREASONS
};

/* The name in listings and JSON ("ip-ttl"), and what happened, in words. */
const char *drop_name(enum drop_reason);
const char *drop_text(enum drop_reason);
/* Is it a reason of the output side? */
bool	drop_is_output(enum drop_reason);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* !IFNET_DROP_H */
