/*
 * icmp: the part that ping and traceroute share: how packets are sent to a
 * host, and the text of answers.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <string.h>

#define ICMP_T_ECHOREPLY	0
#define ICMP_T_UNREACH		3
#define ICMP_T_REDIRECT		5
#define ICMP_T_TIMXCEED		11
#define ICMP_T_PARAMPROB	12

#define ICMP6_T_UNREACH		1
#define ICMP6_T_TOOBIG		2
#define ICMP6_T_TIMXCEED	3
#define ICMP6_T_PARAMPROB	4
#define ICMP6_T_ECHOREPLY	129

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

static bool
is_ip6(const struct ifnet_ping_answer *a)
{

	return a->from.ss_family == AF_INET6;
}

bool
cmd_icmp_is_reply(const struct ifnet_ping_answer *a)
{

	return a->reply.error == 0 && a->reply.type ==
	    (is_ip6(a) ? ICMP6_T_ECHOREPLY : ICMP_T_ECHOREPLY);
}

static const char *
icmp4_text(unsigned type, unsigned code)
{
	static const char *const unreach[] = {
		"Destination Net Unreachable", "Destination Host Unreachable",
		"Destination Protocol Unreachable",
		"Destination Port Unreachable",
		"frag needed and DF set", "Source Route Failed",
		"Net Unknown", "Host Unknown", "Source Isolated",
		"Dest. Net Administratively Prohibited",
		"Dest. Host Administratively Prohibited",
		"Destination Net Unreachable for TOS",
		"Destination Host Unreachable for TOS",
		"Communication Administratively Prohibited",
	};

	switch (type) {
	case ICMP_T_UNREACH:
		return code < NELEM(unreach) ? unreach[code] :
		    "Destination Unreachable";
	case ICMP_T_REDIRECT:
		return "Redirect";
	case ICMP_T_TIMXCEED:
		return code == 0 ? "Time to live exceeded" :
		    "Frag reassembly time exceeded";
	case ICMP_T_PARAMPROB:
		return "Parameter problem";
	default:
		return "ICMP message";
	}
}

/* RFC 4443 3. */
static const char *
icmp6_text(unsigned type, unsigned code)
{
	static const char *const unreach[] = {
		"No Route to Destination",
		"Communication Administratively Prohibited",
		"Beyond Scope of Source Address", "Address Unreachable",
		"Port Unreachable", "Source Address Failed Policy",
		"Reject Route to Destination",
	};
	static const char *const problem[] = {
		"Parameter problem: Erroneous Header Field",
		"Parameter problem: Unrecognized Next Header",
		"Parameter problem: Unrecognized Option",
		"Parameter problem: Incomplete Header Chain",
	};

	switch (type) {
	case ICMP6_T_UNREACH:
		return code < NELEM(unreach) ? unreach[code] :
		    "Destination Unreachable";
	case ICMP6_T_TOOBIG:
		return "Packet too big";
	case ICMP6_T_TIMXCEED:
		return code == 0 ? "Hop limit exceeded" :
		    "Frag reassembly time exceeded";
	case ICMP6_T_PARAMPROB:
		return code < NELEM(problem) ? problem[code] :
		    "Parameter problem";
	default:
		return "ICMPv6 message";
	}
}

const char *
cmd_icmp_text(const struct ifnet_ping_answer *a)
{

	return is_ip6(a) ? icmp6_text(a->reply.type, a->reply.code) :
	    icmp4_text(a->reply.type, a->reply.code);
}

enum cmd_icmp
cmd_icmp_kind(const struct ifnet_ping_answer *a, const char **note)
{
	/* RFC 792, RFC 1812 5.2.7.1; RFC 4443 3.1 */
	static const char *const notes4[] = {
		"!N", "!H", "!P", "", "!F", "!S", "!U", "!W", "!I", "!A", "!Z",
		"!Q", "!T", "!X", "!V", "!C",
	};
	static const char *const notes6[] = {
		"!N", "!X", "!S", "!A", "", "!P", "!R",
	};
	const unsigned type = a->reply.type, code = a->reply.code;
	const char *const *notes = is_ip6(a) ? notes6 : notes4;
	const size_t n = is_ip6(a) ? NELEM(notes6) : NELEM(notes4);

	*note = "";
	if (cmd_icmp_is_reply(a))
		return CMD_ICMP_ARRIVED;
	if (type == (is_ip6(a) ? ICMP6_T_TIMXCEED : ICMP_T_TIMXCEED) &&
	    code == 0)
		return CMD_ICMP_ONTHEWAY;
	if (type == (is_ip6(a) ? ICMP6_T_UNREACH : ICMP_T_UNREACH)) {
		*note = code < n ? notes[code] : "!?";
		return **note == '\0' ? CMD_ICMP_ARRIVED : CMD_ICMP_REFUSED;
	}
	if (is_ip6(a) && type == ICMP6_T_TOOBIG) {
		*note = "!F";
		return CMD_ICMP_REFUSED;
	}
	if (type == (is_ip6(a) ? ICMP6_T_PARAMPROB : ICMP_T_PARAMPROB)) {
		*note = "!B";
		return CMD_ICMP_REFUSED;
	}
	return CMD_ICMP_OTHER;
}

void
cmd_icmp_from(const struct ifnet_ping_answer *a, const char *ifname,
    const struct ifnet_ping_how *how, char text[CMD_TEXTSIZE])
{
	struct sockaddr_in6 sin6;
	uint32_t zone = how->ifindex;

	(void)cmd_inet_text((const struct sockaddr *)&a->from, text);
	if (how->dst.ss_family != AF_INET6 || ifname == NULL)
		return;
	memcpy(&sin6, &how->dst, sizeof(sin6));
	if (sin6.sin6_scope_id != 0)
		zone = sin6.sin6_scope_id;
	(void)cmd_zone_named(text, ifname, zone);
}

int
cmd_icmp_how(struct cmd_ctx *ctx, const struct cmd_ip *dst,
    const struct cmd_ip *src, const char *ifname, struct ifnet_ping_how *how,
    struct ifnet_error *e)
{
	const char *zone = dst->ip_zone[0] != '\0' ? dst->ip_zone : ifname;
	struct sockaddr_in6 sin6;
	struct cmd_if *ci;
	int error;

	error = cmd_ip_resolve(ctx, dst, ifname, &how->dst, e);
	if (error == 0)
		error = cmd_ip_resolve(ctx, src, zone, &how->src, e);
	if (error != 0 || ifname == NULL || dst->ip_family != AF_INET6)
		return error;
	memcpy(&sin6, &how->dst, sizeof(sin6));
	if (sin6.sin6_scope_id != 0)
		return 0;
	if (!IN6_IS_ADDR_MULTICAST(&dst->ip_in6))
		return ifnet_error_set(e, EINVAL, "-I %s goes with link-local "
		    "addresses and groups; routes say where others are",
		    ifname);
	error = cmd_iflist_get(ctx->cc_client, ifname, IFNET_LINK, &ci, e);
	if (error != 0)
		return error;
	how->ifindex = ci->ci_index;
	cmd_iflist_free(ci);
	return 0;
}
