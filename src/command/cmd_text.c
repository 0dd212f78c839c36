/*
 * Addresses, flags and states as text.
 */

#include "command/command_impl.h"

#include <arpa/inet.h>

#include <string.h>

#include <ifnet/if_types.h>

const char *
cmd_inet_text(const struct sockaddr *sa, char buf[CMD_TEXTSIZE])
{
	struct sockaddr_in sin;

	buf[0] = '\0';
	if (sa != NULL && sa->sa_family == AF_INET) {
		memcpy(&sin, sa, sizeof(sin));
		(void)inet_ntop(AF_INET, &sin.sin_addr, buf, CMD_TEXTSIZE);
	}
	return buf;
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
	const struct sockaddr_in *sin, *sm;
	size_t used;
	int len;

	if (dst == NULL || dst->sa_family != AF_INET)
		return cmd_sa_text(dst, buf);
	sin = (const struct sockaddr_in *)(const void *)dst;
	sm = (const struct sockaddr_in *)(const void *)mask;
	len = sm == NULL || sm->sin_family != AF_INET ? 32 :
	    cmd_mask_len(sm->sin_addr);
	(void)cmd_inet_text(dst, buf);
	if (host || len == 32)
		return buf;
	if (len == 0 && sin->sin_addr.s_addr == 0)
		return strcpy(buf, "default");
	used = strlen(buf);
	(void)snprintf(buf + used, CMD_TEXTSIZE - used, "/%d", len);
	return buf;
}

void
cmd_bits_begin(struct cmd_bits *cb, char *buf, size_t size)
{

	cb->cb_buf = buf;
	cb->cb_size = size;
	cb->cb_used = 0;
	buf[0] = '\0';
}

void
cmd_bits_add(struct cmd_bits *cb, const char *name)
{
	size_t len = strlen(name);

	/* Room is needed for a separator, the closing character, and NUL. */
	if (len + 3 > cb->cb_size - cb->cb_used)
		return;
	cb->cb_buf[cb->cb_used] = cb->cb_used == 0 ? '<' : ',';
	memcpy(cb->cb_buf + cb->cb_used + 1, name, len);
	cb->cb_used += len + 1;
}

const char *
cmd_bits_end(struct cmd_bits *cb)
{

	if (cb->cb_used != 0)
		cb->cb_buf[cb->cb_used++] = '>';
	cb->cb_buf[cb->cb_used] = '\0';
	return cb->cb_buf;
}

struct flagname {
	uint32_t	 bit;
	const char	*name;
};

const char *
cmd_ifflags_text(uint32_t flags, char *buf, size_t size)
{
	static const struct flagname names[] = {
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
	struct cmd_bits cb;
	size_t i;

	cmd_bits_begin(&cb, buf, size);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((flags & names[i].bit) != 0)
			cmd_bits_add(&cb, names[i].name);
	return cmd_bits_end(&cb);
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
