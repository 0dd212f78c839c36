/*
 * The words of a packet filter, checked before libpcap sees them.
 *
 * libpcap takes a word it does not know for the name of a host and asks the
 * system's resolver, which may wait for a network for many seconds, even in a
 * thread on which others wait.  So such words are refused here: hosts and
 * networks are named by their addresses.  Services and protocols keep their
 * names, which are looked up in files of this machine.
 */

#include "command/command_impl.h"

#include <arpa/inet.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX	64
#define DEPTH_MAX	64	/* of parentheses */

/* The words of the language, pcap-filter(7) of libpcap 1.10; sorted. */
static const char *const keywords[] = {
	"aarp", "addr1", "addr2", "addr3", "addr4", "address1", "address2",
	"address3", "address4", "ah", "and", "arp", "atalk", "bcc",
	"broadcast", "byte", "carp", "clnp", "connectmsg", "csnp", "decnet",
	"dir", "direction", "dpc", "dst", "es-is", "esis", "esp", "ether",
	"fddi", "fisu", "gateway", "geneve", "greater", "hdpc", "hfisu",
	"hlssu", "hmsu", "hopc", "host", "hsio", "hsls", "icmp", "icmp-echo",
	"icmp-echoreply", "icmp-ireq", "icmp-ireqreply", "icmp-maskreply",
	"icmp-maskreq", "icmp-paramprob", "icmp-redirect", "icmp-routeradvert",
	"icmp-routersolicit", "icmp-sourcequench", "icmp-timxceed",
	"icmp-tstamp", "icmp-tstampreply", "icmp-unreach", "icmp6",
	"icmp6-destinationunreach", "icmp6-echo", "icmp6-echoreply",
	"icmp6-homeagentdiscoveryreply", "icmp6-homeagentdiscoveryrequest",
	"icmp6-mobileprefixadvert", "icmp6-mobileprefixsolicit",
	"icmp6-multicastlistenerdone", "icmp6-multicastlistenerquery",
	"icmp6-multicastlistenerreportv1", "icmp6-multicastlistenerreportv2",
	"icmp6-neighboradvert", "icmp6-neighborsolicit",
	"icmp6-nodeinformationquery", "icmp6-nodeinformationresponse",
	"icmp6-packettoobig", "icmp6-parameterproblem", "icmp6-redirect",
	"icmp6-routeradvert", "icmp6-routerrenum", "icmp6-routersolicit",
	"icmp6-timeexceeded", "icmp6code", "icmp6type", "icmpcode",
	"icmptype", "ifindex", "igmp", "igrp", "iih", "ilmic", "inbound",
	"ip", "ip6", "ipx", "is-is", "isis", "iso", "l1", "l2", "lane", "lat",
	"len", "length", "less", "link", "llc", "lsp", "lssu", "lsu", "mask",
	"metac", "metaconnect", "moprc", "mopdl", "mpls", "msu", "multicast",
	"net", "netbeui", "not", "oam", "oamf4", "oamf4ec", "oamf4sc", "opc",
	"or", "outbound", "pim", "port", "portrange", "ppp", "pppoed",
	"pppoes", "proto", "protochain", "psnp", "ra", "radio", "rarp", "sc",
	"sca", "sctp", "sio", "slip", "sls", "snp", "src", "stp", "subtype",
	"ta", "tcp", "tcp-ack", "tcp-cwr", "tcp-ece", "tcp-fin", "tcp-push",
	"tcp-rst", "tcp-syn", "tcp-urg", "tcpflags", "tr", "type", "udp",
	"vci", "vlan", "vpi", "vrrp", "wlan",
};

static bool
is_keyword(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(keywords[i], word) == 0)
			return true;
	return false;
}

/* The kind of name that is allowed at a place. */
enum meaning {
	OF_HOST,		/* or of nothing: a name is refused */
	OF_SERVICE		/* or of a protocol */
};

/* The kind of names that may follow a keyword. */
static enum meaning
meaning_after(const char *word, enum meaning before)
{

	if (strcmp(word, "and") == 0 || strcmp(word, "or") == 0 ||
	    strcmp(word, "not") == 0)
		return before;	/* port (smtp or http) */
	return strcmp(word, "port") == 0 || strcmp(word, "portrange") == 0 ||
	    strcmp(word, "proto") == 0 || strcmp(word, "protochain") == 0 ?
	    OF_SERVICE : OF_HOST;
}

/* Match n groups of min to max hexadecimal digits, separated by a character. */
static bool
is_groups(const char *s, char sep, unsigned groups, unsigned min,
    unsigned max)
{
	unsigned n;

	for (; groups > 0; groups--) {
		for (n = 0; isxdigit((unsigned char)*s); n++)
			s++;
		if (n < min || n > max)
			return false;
		if (groups > 1 && *s++ != sep)
			return false;
	}
	return *s == '\0';
}

/* Match one to four decimal numbers with dots between them. */
static bool
is_dotted(const char *s)
{
	unsigned parts = 1;

	for (; *s != '\0'; s++) {
		if (*s == '.' && isdigit((unsigned char)s[1]))
			parts++;
		else if (!isdigit((unsigned char)*s))
			return false;
	}
	return parts <= 4;
}

/* Match a number or an address, as libpcap's scanner does. */
static bool
is_numeric(const char *s)
{
	struct in6_addr a6;
	size_t digits;

	if (isdigit((unsigned char)s[0]) && is_dotted(s))
		return true;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		digits = strspn(s + 2, "0123456789abcdefABCDEF");
		return digits > 0 && s[2 + digits] == '\0';
	}
	return is_groups(s, ':', 6, 1, 2) || is_groups(s, '-', 6, 1, 2) ||
	    is_groups(s, '.', 6, 1, 2) || is_groups(s, '.', 3, 4, 4) ||
	    is_groups(s, '\0', 1, 12, 12) ||
	    (strchr(s, ':') != NULL && inet_pton(AF_INET6, s, &a6) == 1);
}

/* Check one word; an escaped word is a name, even if it is also a keyword. */
static int
check_word(const char *word, bool escaped, enum meaning *means,
    struct ifnet_error *e)
{

	if (!escaped && is_keyword(word)) {
		*means = meaning_after(word, *means);
		return 0;
	}
	if ((!escaped && is_numeric(word)) || *means == OF_SERVICE)
		return 0;
	return ifnet_error_set(e, EINVAL, "unknown word or host name \"%s\": "
	    "use an address", word);
}

static int
check_run(const char *run, size_t len, bool escaped, enum meaning *means,
    struct ifnet_error *e)
{
	char word[WORD_MAX];

	if (len >= sizeof(word))
		return ifnet_error_set(e, EINVAL, "\"%.*s...\": no word is so "
		    "long", 40, run);
	memcpy(word, run, len);
	word[len] = '\0';
	return check_word(word, escaped, means, e);
}

/*
 * Check a word that may have colons: it is an address as a whole, or each part
 * is a word, as in tcp[0:2].
 */
static int
check_parts(const char *run, size_t len, bool escaped, enum meaning *means,
    struct ifnet_error *e)
{
	char whole[WORD_MAX];
	size_t n;
	int error = 0;

	if (escaped || memchr(run, ':', len) == NULL)
		return check_run(run, len, escaped, means, e);
	if (len < sizeof(whole)) {
		memcpy(whole, run, len);
		whole[len] = '\0';
		if (is_numeric(whole))
			return 0;
	}
	while (error == 0 && len > 0) {
		for (n = 0; n < len && run[n] != ':'; n++)
			continue;
		if (n > 0)
			error = check_run(run, n, false, means, e);
		if (n < len)
			n++;
		run += n;
		len -= n;
	}
	return error;
}

static bool
in_word(char c)
{

	return isalnum((unsigned char)c) || c == '-' || c == '_' ||
	    c == '.' || c == ':';
}

int
cmd_check_filter(const char *text, struct ifnet_error *e)
{
	enum meaning means = OF_HOST, before[DEPTH_MAX];
	unsigned depth = 0;
	bool escaped;
	size_t len;
	int error = 0;

	while (error == 0 && *text != '\0') {
		escaped = *text == '\\';
		if (escaped)
			len = strcspn(++text, " !()\n\t");
		else
			for (len = 0; in_word(text[len]); len++)
				continue;
		/* Handle a sign or a blank.  Words after a closing parenthesis
		 * are of the kind that was set before the opening one. */
		if (len == 0 || (text[0] == '-' && !escaped)) {
			if (*text == '(' && depth == DEPTH_MAX)
				return ifnet_error_set(e, EINVAL,
				    "parentheses more than %u deep", depth);
			if (*text == '(')
				before[depth++] = means;
			else if (*text == ')' && depth > 0)
				means = before[--depth];
			text += *text != '\0';
			continue;
		}
		error = check_parts(text, len, escaped, &means, e);
		text += len;
	}
	return error;
}
