/*
 * A captured packet of IPv6 in one line: its extension headers (RFC 8200 4),
 * ICMPv6 (RFC 4443), neighbour discovery with its options (RFC 4861 4), and
 * multicast listeners (RFC 2710, RFC 3810).
 */

#include "command/command_impl.h"
#include "command/dump_impl.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

#define HLEN		40
#define HEADERS_MAX	16	/* extension headers that are written */

/* Numbers of headers. */
#define HOPBYHOP	0
#define TCP		6
#define UDP		17
#define ROUTING		43
#define FRAGMENT	44
#define ICMPV6		58
#define NONE		59
#define DSTOPTS		60

/* --- neighbour discovery -------------------------------------------------- */

/* Seconds; all ones: for ever. */
static void
lifetime(FILE *fp, const char *what, uint32_t seconds)
{

	if (seconds == UINT32_MAX)
		(void)fprintf(fp, " %s infinity", what);
	else
		(void)fprintf(fp, " %s %us", what, seconds);
}

/* Letters of the bits that are set, from the highest on: " [AB]". */
static void
letters(FILE *fp, unsigned bits, const char *names)
{
	bool any = false;

	for (unsigned i = 0; names[i] != '\0'; i++) {
		if (names[i] == '-' || (bits & 0x80u >> i) == 0)
			continue;
		(void)fprintf(fp, any ? "%c" : " [%c", names[i]);
		any = true;
	}
	if (any)
		(void)fputc(']', fp);
}

static void
nd_prefix(FILE *fp, const uint8_t *p, size_t n)
{

	if (n < 32) {
		dump_cut(fp, ", prefix");
		return;
	}
	(void)fputs(", prefix ", fp);
	dump_ip(fp, AF_INET6, p + 16);
	(void)fprintf(fp, "/%u", p[2]);
	letters(fp, p[3], "LAR");
	lifetime(fp, "valid", dump_be32(p + 4));
	lifetime(fp, "preferred", dump_be32(p + 8));
}

/* Route information (RFC 4191 2.3), whose prefix may be cut to its length. */
static void
nd_route(FILE *fp, const uint8_t *p, size_t n)
{
	static const char *const preference[] = { "", " high", " reserved",
	    " low" };
	uint8_t prefix[16] = { 0 };

	for (size_t i = 0; i < sizeof(prefix) && 8 + i < n; i++)
		prefix[i] = p[8 + i];
	(void)fputs(", route ", fp);
	dump_ip(fp, AF_INET6, prefix);
	(void)fprintf(fp, "/%u%s", p[2], preference[p[3] >> 3 & 3]);
	lifetime(fp, "for", dump_be32(p + 4));
}

/* Servers of names (RFC 8106 5.1). */
static void
nd_servers(FILE *fp, const uint8_t *p, size_t n)
{

	(void)fputs(", rdnss", fp);
	for (size_t at = 8; at + 16 <= n; at += 16) {
		(void)fputc(' ', fp);
		dump_ip(fp, AF_INET6, p + at);
	}
	lifetime(fp, "for", dump_be32(p + 4));
}

/* An option of n bytes, at least 8. */
static void
nd_option(FILE *fp, const uint8_t *p, size_t n)
{

	switch (p[0]) {
	case 1:
	case 2:
		(void)fprintf(fp, ", %s link ", p[0] == 1 ? "source" :
		    "target");
		dump_mac(fp, p + 2);
		break;
	case 3:
		nd_prefix(fp, p, n);
		break;
	case 4:
		(void)fputs(", redirected packet", fp);
		break;
	case 5:
		(void)fprintf(fp, ", mtu %u", dump_be32(p + 4));
		break;
	case 14:	/* RFC 3971 5.3.2 */
		(void)fputs(", nonce ", fp);
		dump_mac(fp, p + 2);
		break;
	case 24:
		nd_route(fp, p, n);
		break;
	case 25:
		nd_servers(fp, p, n);
		break;
	case 31:
		(void)fputs(", dnssl", fp);
		break;
	default:
		(void)fprintf(fp, ", option %u", p[0]);
		break;
	}
}

static void
nd_options(FILE *fp, struct dump_bytes b)
{
	size_t n;

	while (b.n != 0) {
		n = b.n < 2 ? 0 : 8u * b.p[1];
		if (n == 0 || n > b.n) {
			(void)fputs(n == 0 && b.n >= 2 ?
			    ", option of length 0" : ", options cut short",
			    fp);
			return;
		}
		nd_option(fp, b.p, n);
		dump_skip(&b, n);
	}
}

/* A router's advertisement, behind the first 4 bytes (RFC 4861 4.2, RFC 4191
 * 2.2). */
static void
nd_router(FILE *fp, struct dump_bytes b)
{
	static const char *const preference[] = { "", " high", " reserved",
	    " low" };

	(void)fprintf(fp, "hop limit %u", b.p[4]);
	letters(fp, b.p[5], "MOH--P");
	(void)fprintf(fp, "%s lifetime %us, reachable %ums, retrans %ums",
	    preference[b.p[5] >> 3 & 3], dump_be16(b.p + 6),
	    dump_be32(b.p + 8), dump_be32(b.p + 12));
	dump_skip(&b, 16);
	nd_options(fp, b);
}

/* A message of neighbour discovery. */
static void
nd(FILE *fp, struct dump_bytes b)
{
	static const struct {
		const char	*name;
		size_t		 len;
	} kinds[] = {
		{ "router solicitation", 8 },
		{ "router advertisement ", 16 },
		{ "neighbour solicitation, who has ", 24 },
		{ "neighbour advertisement, ", 24 },
		{ "redirect, ", 40 },
	};
	const unsigned kind = b.p[0] - 133u;

	(void)fprintf(fp, "ICMPv6 %s", kinds[kind].name);
	if (b.n < kinds[kind].len) {
		(void)fputs("(cut short)", fp);
		return;
	}
	switch (kind) {
	case 1:
		nd_router(fp, b);
		return;
	case 2:
		dump_ip(fp, AF_INET6, b.p + 8);
		break;
	case 3:
		dump_ip(fp, AF_INET6, b.p + 8);
		(void)fputs(" is here", fp);
		letters(fp, b.p[4], "RSO");
		break;
	case 4:
		dump_ip(fp, AF_INET6, b.p + 24);
		(void)fputs(" by ", fp);
		dump_ip(fp, AF_INET6, b.p + 8);
		break;
	default:
		break;
	}
	dump_skip(&b, kinds[kind].len);
	nd_options(fp, b);
}

/* --- multicast listeners -------------------------------------------------- */

/* Addresses in braces, as many as there are of n. */
static void
sources(FILE *fp, struct dump_bytes *b, unsigned n)
{

	(void)fputs(" {", fp);
	for (unsigned i = 0; i < n; i++) {
		if (b->n < 16) {
			(void)fputs(" cut short", fp);
			break;
		}
		(void)fputc(' ', fp);
		dump_ip(fp, AF_INET6, b->p);
		dump_skip(b, 16);
	}
	(void)fputs(" }", fp);
}

/* A query; what is longer than 24 bytes is of version 2 (RFC 3810 8.1). */
static void
mld_query(FILE *fp, struct dump_bytes b)
{
	unsigned n;

	(void)fputs("MLD query for ", fp);
	dump_ip(fp, AF_INET6, b.p + 8);
	(void)fprintf(fp, ", max response %u", dump_be16(b.p + 4));
	if (b.n < 28)
		return;
	n = dump_be16(b.p + 26);
	(void)fprintf(fp, ", robustness %u, interval %u", b.p[24] & 7u,
	    b.p[25]);
	dump_skip(&b, 28);
	if (n != 0)
		sources(fp, &b, n);
}

/* A report of version 2 (RFC 3810 5.2). */
static void
mld_report(FILE *fp, struct dump_bytes b)
{
	static const char *const types[] = {
		"?", "is_in", "is_ex", "to_in", "to_ex", "allow", "block",
	};
	unsigned n = dump_be16(b.p + 6), nsources, aux;

	(void)fprintf(fp, "MLDv2 report of %u", n);
	dump_skip(&b, 8);
	for (unsigned i = 0; i < n; i++) {
		if (b.n < 20) {
			(void)fputs(", cut short", fp);
			return;
		}
		(void)fprintf(fp, ", %s ", types[b.p[0] < NELEM(types) ?
		    b.p[0] : 0]);
		dump_ip(fp, AF_INET6, b.p + 4);
		aux = b.p[1] * 4u;
		nsources = dump_be16(b.p + 2);
		dump_skip(&b, 20);
		if (nsources != 0)
			sources(fp, &b, nsources);
		dump_skip(&b, aux);
	}
}

static void
mld(FILE *fp, struct dump_bytes b)
{

	if (b.n < (b.p[0] == 143 ? 8 : 24)) {
		dump_cut(fp, "MLD");
		return;
	}
	if (b.p[0] == 130) {
		mld_query(fp, b);
	} else if (b.p[0] == 143) {
		mld_report(fp, b);
	} else {
		(void)fprintf(fp, "MLD %s ", b.p[0] == 131 ? "report" : "done");
		dump_ip(fp, AF_INET6, b.p + 8);
	}
}

/* --- ICMPv6 --------------------------------------------------------------- */

/* To which address the packet was that an error quotes. */
static void
quoted(FILE *fp, const struct dump_bytes *b)
{

	if (b->n < 8 + HLEN || b->p[8] >> 4 != 6)
		return;
	(void)fputs(", to ", fp);
	dump_ip(fp, AF_INET6, b->p + 8 + 24);
}

static void
icmp6_error(FILE *fp, const struct dump_bytes *b)
{
	static const char *const unreach[] = {
		"no route", "prohibited", "beyond scope", "address", "port",
		"source policy", "reject route",
	};

	switch (b->p[0]) {
	case 1:
		(void)fputs("ICMPv6 unreachable ", fp);
		if (b->p[1] < NELEM(unreach))
			(void)fputs(unreach[b->p[1]], fp);
		else
			(void)fprintf(fp, "code %u", b->p[1]);
		break;
	case 2:
		(void)fprintf(fp, "ICMPv6 too big, mtu %u",
		    dump_be32(b->p + 4));
		break;
	case 3:
		(void)fprintf(fp, "ICMPv6 time exceeded %s", b->p[1] == 0 ?
		    "in transit" : "in reassembly");
		break;
	default:
		(void)fprintf(fp, "ICMPv6 parameter problem code %u at %u",
		    b->p[1], dump_be32(b->p + 4));
		break;
	}
	quoted(fp, b);
}

static void
icmp6(FILE *fp, const struct dump_bytes *b)
{

	if (b->n < 8) {
		dump_cut(fp, "ICMPv6");
		return;
	}
	switch (b->p[0]) {
	case 1:
	case 2:
	case 3:
	case 4:
		icmp6_error(fp, b);
		break;
	case 128:
	case 129:
		(void)fprintf(fp, "ICMPv6 echo %s id %u seq %u",
		    b->p[0] == 128 ? "request" : "reply",
		    dump_be16(b->p + 4), dump_be16(b->p + 6));
		break;
	case 130:
	case 131:
	case 132:
	case 143:
		mld(fp, *b);
		break;
	case 133:
	case 134:
	case 135:
	case 136:
	case 137:
		nd(fp, *b);
		break;
	default:
		(void)fprintf(fp, "ICMPv6 type %u code %u", b->p[0], b->p[1]);
		break;
	}
}

/* --- headers -------------------------------------------------------------- */

/* Is there a router alert (RFC 2711) among the options of n bytes? */
static bool
has_alert(const uint8_t *p, size_t n)
{
	size_t at = 2;

	while (at < n) {
		if (p[at] == 5)
			return true;
		at += p[at] == 0 ? 1 : at + 1 < n ? 2u + p[at + 1] : n;
	}
	return false;
}

/*
 * Write the extension header of a number, step over it, and find the next
 * one's.  false: the line is complete.
 */
static bool
extension(FILE *fp, unsigned *nxt, struct dump_bytes *b)
{
	const char *name = *nxt == HOPBYHOP ? "hop-by-hop" :
	    *nxt == ROUTING ? "routing" : *nxt == DSTOPTS ?
	    "destination options" : "fragment";
	size_t n = b->n < 8 ? 0 : *nxt == FRAGMENT ? 8 : 8 * (b->p[1] + 1u);
	unsigned off;

	if (n == 0 || n > b->n) {
		dump_cut(fp, name);
		return false;
	}
	(void)fputs(name, fp);
	switch (*nxt) {
	case HOPBYHOP:
		if (has_alert(b->p, n))
			(void)fputs(" (router alert)", fp);
		break;
	case ROUTING:
		(void)fprintf(fp, " type %u left %u", b->p[2], b->p[3]);
		break;
	case FRAGMENT:
		off = dump_be16(b->p + 2);
		(void)fprintf(fp, " %#x at %u%s", dump_be32(b->p + 4),
		    off & 0xfff8u, (off & 1) != 0 ? "+" : "");
		if ((off & 0xfff8) != 0) {
			(void)fprintf(fp, " of next header %u", b->p[0]);
			return false;
		}
		break;
	default:
		break;
	}
	*nxt = b->p[0];
	dump_skip(b, n);
	(void)fputs(", ", fp);
	return true;
}

void
dump_ip6(FILE *fp, struct dump_bytes b)
{
	unsigned nxt, n;

	if (b.n < HLEN) {
		dump_cut(fp, "IPv6");
		return;
	}
	nxt = b.p[6];
	(void)fputs("IPv6 ", fp);
	dump_ip(fp, AF_INET6, b.p + 8);
	(void)fputs(" > ", fp);
	dump_ip(fp, AF_INET6, b.p + 24);
	(void)fputs(": ", fp);
	/* Padding of the link may follow the packet.  A packet that is to be
	 * cut in segments may have no length. */
	n = dump_be16(b.p + 4);
	dump_skip(&b, HLEN);
	if (n != 0 && n < b.n)
		b.n = n;
	for (n = 0; n < HEADERS_MAX; n++) {
		if (nxt != HOPBYHOP && nxt != ROUTING && nxt != FRAGMENT &&
		    nxt != DSTOPTS)
			break;
		if (!extension(fp, &nxt, &b))
			return;
	}
	switch (nxt) {
	case ICMPV6:
		icmp6(fp, &b);
		break;
	case TCP:
	case UDP:
		dump_transport(fp, nxt, &b);
		break;
	case NONE:
		(void)fputs("no next header", fp);
		break;
	default:
		(void)fprintf(fp, "next header %u", nxt);
		break;
	}
}
