/*
 * Addresses, flags and states as text.
 */

#include "command/command_impl.h"

#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include <ifnet/if_types.h>

#include "proto/prefix.h"

char *
cmd_put(char *to, const char *text, size_t width)
{
	size_t len = strlen(text);

	memcpy(to, text, len);
	if (len < width) {
		memset(to + len, ' ', width - len);
		len = width;
	}
	to[len] = '\0';
	return to + len;
}

char *
cmd_put_right(char *to, const char *text, size_t width)
{
	size_t len = strlen(text);

	if (len < width) {
		memset(to, ' ', width - len);
		to += width - len;
	}
	memcpy(to, text, len + 1);
	return to + len;
}

char *
cmd_put_u64(char *to, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	memcpy(to, digits + at, sizeof(digits) - at);
	to += sizeof(digits) - at;
	*to = '\0';
	return to;
}

/* "fe80::1%3": with the index of its zone, which cmd_zone_named() replaces. */
static const char *
inet6_text(const struct sockaddr *sa, char buf[CMD_TEXTSIZE])
{
	struct sockaddr_in6 sin6;
	char *end;

	memcpy(&sin6, sa, sizeof(sin6));
	(void)inet_ntop(AF_INET6, &sin6.sin6_addr, buf, CMD_TEXTSIZE);
	if (sin6.sin6_scope_id != 0) {
		end = cmd_put(buf + strlen(buf), "%", 0);
		(void)cmd_put_u64(end, sin6.sin6_scope_id);
	}
	return buf;
}

const char *
cmd_inet_text(const struct sockaddr *sa, char buf[CMD_TEXTSIZE])
{
	struct sockaddr_in sin;
	uint8_t byte[4];
	char *to = buf;

	buf[0] = '\0';
	if (sa != NULL && sa->sa_family == AF_INET6)
		return inet6_text(sa, buf);
	if (sa == NULL || sa->sa_family != AF_INET)
		return buf;
	memcpy(&sin, sa, sizeof(sin));
	memcpy(byte, &sin.sin_addr, sizeof(byte));
	for (unsigned i = 0; i < sizeof(byte); i++) {
		if (i != 0)
			*to++ = '.';
		to = cmd_put_u64(to, byte[i]);
	}
	return buf;
}

const char *
cmd_zone_named(char buf[CMD_TEXTSIZE], const char *ifname, uint32_t index)
{
	char rest[CMD_TEXTSIZE], *zone = strchr(buf, '%'), *end;

	if (zone == NULL || ifname[0] == '\0' ||
	    strtoul(zone + 1, &end, 10) != index)
		return buf;
	(void)strcpy(rest, end);
	(void)snprintf(zone, CMD_TEXTSIZE - (size_t)(zone - buf), "%%%.*s%s",
	    IFNAMSIZ, ifname, rest);
	return buf;
}

const char *
cmd_offset_text(uint32_t s, char buf[CMD_OFFSETSIZE])
{
	const struct {
		uint32_t	 seconds;
		char		 letter;
	} unit[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
		/* "0s", and nothing else that is 0 in front. */
		if (s < unit[i].seconds && n == 0 && unit[i].seconds != 1)
			continue;
		n += (size_t)snprintf(buf + n, CMD_OFFSETSIZE - n, "%u%c",
		    s / unit[i].seconds, unit[i].letter);
		s %= unit[i].seconds;
	}
	return buf;
}

int
cmd_sa_mask_len(const struct sockaddr *mask)
{

	if (mask != NULL && mask->sa_family == AF_INET)
		return cmd_mask_len(((const struct sockaddr_in *)
		    (const void *)mask)->sin_addr);
	if (mask != NULL && mask->sa_family == AF_INET6)
		return prefix_len_bytes(&((const struct sockaddr_in6 *)
		    (const void *)mask)->sin6_addr, 16);
	return -1;
}

int
cmd_addr_len(const struct cmd_addr *ca)
{

	if (ca->ca_mask.ss_family == ca->ca_addr.ss_family)
		return cmd_sa_mask_len((const struct sockaddr *)&ca->ca_mask);
	return ca->ca_addr.ss_family == AF_INET6 ? 128 : 32;
}

void
cmd_network(const struct cmd_addr *ca, struct sockaddr_storage *net)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)net;
	struct sockaddr_in *sin = (struct sockaddr_in *)net;
	const int len = cmd_addr_len(ca);
	struct prefix pf;

	*net = ca->ca_addr;
	if (net->ss_family == AF_INET)
		sin->sin_addr.s_addr &= cmd_mask(len).s_addr;
	if (net->ss_family != AF_INET6 || len < 0)
		return;
	pf = prefix_of6(&sin6->sin6_addr, (unsigned)len);
	prefix_addr6(&pf, &sin6->sin6_addr);
}

const char *
cmd_sa_text(const struct sockaddr *sa, char buf[CMD_TEXTSIZE])
{
	const struct sockaddr_dl *sdl;

	if (sa == NULL) {
		buf[0] = '\0';
		return buf;
	}
	switch (sa->sa_family) {
	case AF_INET:
	case AF_INET6:
		return cmd_inet_text(sa, buf);
	case AF_LINK:
		sdl = (const struct sockaddr_dl *)(const void *)sa;
		if (sdl->sdl_alen == 0 || sdl->sdl_alen > SDL_DATALEN)
			(void)snprintf(buf, CMD_TEXTSIZE, "link#%u",
			    sdl->sdl_index);
		else
			(void)lladdr_text(sdl->sdl_data, sdl->sdl_alen, buf);
		return buf;
	default:
		(void)snprintf(buf, CMD_TEXTSIZE, "family %u", sa->sa_family);
		return buf;
	}
}

const char *
cmd_dst_text(const struct sockaddr *dst, const struct sockaddr *mask,
    bool host, char buf[CMD_TEXTSIZE])
{
	const int bits = dst != NULL && dst->sa_family == AF_INET6 ? 128 : 32;
	const char *any = bits == 32 ? "0.0.0.0" : "::";
	char *end;
	int len = bits;

	if (dst == NULL || (dst->sa_family != AF_INET &&
	    dst->sa_family != AF_INET6))
		return cmd_sa_text(dst, buf);
	if (mask != NULL && mask->sa_family == dst->sa_family)
		len = cmd_sa_mask_len(mask);
	(void)cmd_inet_text(dst, buf);
	if (host || len == bits)
		return buf;
	if (len == 0 && strcmp(buf, any) == 0)
		return strcpy(buf, "default");
	end = cmd_put(buf + strlen(buf), "/", 0);
	if (len < 0)
		(void)strcpy(end, "-1");
	else
		(void)cmd_put_u64(end, (uint64_t)len);
	return buf;
}

const char *
cmd_bits_text(const struct cmd_bit *names, size_t n, uint64_t bits, char *buf,
    size_t size)
{
	size_t len, used = 0;

	for (size_t i = 0; i < n; i++) {
		if ((bits & names[i].cb_bits) == 0)
			continue;
		len = strlen(names[i].cb_name);
		/* Room is needed for a separator, the closing character, and
		 * NUL. */
		if (len + 3 > size - used)
			continue;
		buf[used] = used == 0 ? '<' : ',';
		memcpy(buf + used + 1, names[i].cb_name, len);
		used += len + 1;
	}
	if (used != 0)
		buf[used++] = '>';
	buf[used] = '\0';
	return buf;
}

void
cmd_bits_json(struct json *j, const char *key, const struct cmd_bit *names,
    size_t n, uint64_t bits)
{

	json_array(j, key);
	for (size_t i = 0; i < n; i++)
		if ((bits & names[i].cb_bits) != 0)
			json_text(j, NULL, names[i].cb_name);
	json_end(j);
}

static const struct cmd_bit ifflags[] = {
	{ IFF_UP, "UP" }, { IFF_BROADCAST, "BROADCAST" },
	{ IFF_DEBUG, "DEBUG" }, { IFF_LOOPBACK, "LOOPBACK" },
	{ IFF_POINTOPOINT, "POINTOPOINT" },
	{ IFF_UNNUMBERED, "UNNUMBERED" },
	{ IFF_RUNNING, "RUNNING" }, { IFF_NOARP, "NOARP" },
	{ IFF_PROMISC, "PROMISC" }, { IFF_ALLMULTI, "ALLMULTI" },
	{ IFF_OACTIVE, "OACTIVE" }, { IFF_SIMPLEX, "SIMPLEX" },
	{ IFF_LINK0, "LINK0" }, { IFF_LINK1, "LINK1" },
	{ IFF_LINK2, "LINK2" }, { IFF_MULTICAST, "MULTICAST" },
};
#define NIFFLAGS	(sizeof(ifflags) / sizeof(ifflags[0]))

const char *
cmd_ifflags_text(uint32_t flags, char *buf, size_t size)
{

	return cmd_bits_text(ifflags, NIFFLAGS, flags, buf, size);
}

void
cmd_ifflags_json(struct json *j, const char *key, uint32_t flags)
{

	cmd_bits_json(j, key, ifflags, NIFFLAGS, flags);
}

const char *
cmd_rtflags_text(uint32_t flags, char buf[32])
{
	static const struct {
		uint32_t bit;
		char	 c;
	} letters[] = {
		{ RTF_UP, 'U' }, { RTF_GATEWAY, 'G' }, { RTF_HOST, 'H' },
		{ RTF_REJECT, 'R' }, { RTF_DYNAMIC, 'D' },
		{ RTF_CONNECTED, 'C' }, { RTF_LLDATA, 'L' },
		{ RTF_STATIC, 'S' }, { RTF_BLACKHOLE, 'B' },
		{ RTF_ANNOUNCE, 'p' }, { RTF_PROTO1, '1' },
		{ RTF_LOCAL, 'l' }, { RTF_BROADCAST, 'b' },
	};
	size_t i, n = 0;

	for (i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if ((flags & letters[i].bit) != 0)
			buf[n++] = letters[i].c;
	buf[n] = '\0';
	return buf;
}

const char *
cmd_type_text(uint8_t type)
{

	switch (type) {
	case IFT_ETHER:
		return "ethernet";
	case IFT_LOOP:
		return "loopback";
	case IFT_PPP:
		return "ppp";
	case IFT_TUNNEL:
	case IFT_GIF:
		return "tunnel";
	case IFT_L2VLAN:
		return "vlan";
	case IFT_IEEE8023ADLAG:
		return "lagg";
	case IFT_BRIDGE:
		return "bridge";
	case IFT_CARP:
		return "carp";
	default:
		return "other";
	}
}

const char *
cmd_link_text(uint8_t state)
{

	switch (state) {
	case LINK_STATE_UP:
		return "up";
	case LINK_STATE_DOWN:
		return "down";
	default:
		return "unknown";
	}
}
