/*
 * Capture files, read.
 *
 * pcap: a header of 24 bytes, whose magic tells the order of bytes and the unit
 * of time, and for each packet one of 16 bytes.
 *
 * pcapng: blocks of a type, a length, a body and the length again.  A section
 * begins with the order of its bytes; its interfaces have a link type and a
 * unit of time each; packets name their interface.  Other blocks are passed by.
 */

#include "command/capread.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define PCAP_MICRO	0xa1b2c3d4u
#define PCAP_NANO	0xa1b23c4du
#define PCAP_HEADER	24
#define PCAP_PACKET	16
/* Above the link type stand flags about check sequences. */
#define PCAP_LINKTYPE	0x0fffffffu

#define BLOCK_SECTION	0x0a0d0d0au
#define BLOCK_INTERFACE	1
#define BLOCK_SIMPLE	3
#define BLOCK_PACKET	6
#define SECTION_MAGIC	0x1a2b3c4du
#define OPT_TSRESOL	9
#define INTERFACES_MAX	64
#define NS_PER_SEC	1000000000ull

struct interface {
	unsigned	 linktype;
	uint8_t		 resolution;	/* of time: 10^-n s, or 2^-n with the
					 * highest bit */
};

struct reader {
	const uint8_t	*file;
	size_t		 size;
	bool		 swapped;
	capread_fn	*fn;
	void		*arg;
	struct ifnet_error *e;
	uint64_t	 packets;
	struct interface interface[INTERFACES_MAX];	/* of the section */
	unsigned	 interfaces;
};

static uint32_t
get32(const struct reader *r, size_t at)
{
	uint32_t v;

	memcpy(&v, r->file + at, sizeof(v));
	return r->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t
get16(const struct reader *r, size_t at)
{
	uint16_t v;

	memcpy(&v, r->file + at, sizeof(v));
	return r->swapped ? __builtin_bswap16(v) : v;
}

static int
cut_off(struct reader *r, size_t at)
{

	return ifnet_error_set(r->e, EINVAL, "the file ends in the middle of "
	    "something that begins at byte %zu, behind packet %llu", at,
	    (unsigned long long)r->packets);
}

/* --- pcap ----------------------------------------------------------------- */

static int
read_pcap(struct reader *r, bool nano)
{
	struct capread_packet p;
	size_t at = PCAP_HEADER;
	int error;

	memset(&p, 0, sizeof(p));
	if (r->size < PCAP_HEADER)
		return cut_off(r, 0);
	if (get16(r, 4) != 2)
		return ifnet_error_set(r->e, EINVAL, "a pcap file of version "
		    "%u, and not 2", get16(r, 4));
	p.linktype = get32(r, 20) & PCAP_LINKTYPE;
	for (; at < r->size; at += PCAP_PACKET + p.len) {
		if (r->size - at < PCAP_PACKET)
			return cut_off(r, at);
		p.number = r->packets + 1;
		p.ns = get32(r, at) * NS_PER_SEC +
		    get32(r, at + 4) * (nano ? 1ull : 1000ull);
		p.len = get32(r, at + 8);
		p.wirelen = get32(r, at + 12);
		if (r->size - at - PCAP_PACKET < p.len)
			return cut_off(r, at);
		p.data = r->file + at + PCAP_PACKET;
		error = r->fn(&p, r->arg, r->e);
		if (error != 0)
			return error;
		r->packets++;
	}
	return 0;
}

/* --- pcapng --------------------------------------------------------------- */

/* A time in an interface's units as nanoseconds. */
static uint64_t
to_ns(const struct interface *i, uint64_t t)
{
	unsigned n = i->resolution & 0x7f;
	uint64_t tens = 1;

	if (i->resolution & 0x80)
		return n > 63 ? 0 : (uint64_t)(((unsigned __int128)t *
		    NS_PER_SEC) >> n);
	for (unsigned j = n < 9 ? n : 9; j < (n < 9 ? 9 : n) && j < 28; j++)
		tens *= 10;
	return n < 9 ? t * tens : t / tens;
}

/* The interface of a block whose body is from `at' to `end'. */
static int
read_interface(struct reader *r, size_t at, size_t end)
{
	struct interface *i = &r->interface[r->interfaces];
	unsigned code, len;

	if (r->interfaces == INTERFACES_MAX)
		return ifnet_error_set(r->e, EINVAL, "more than %d interfaces",
		    INTERFACES_MAX);
	if (end - at < 8)
		return cut_off(r, at);
	i->linktype = get16(r, at);
	i->resolution = 6;
	for (at += 8; end - at >= 4; at += 4 + ((len + 3u) & ~3u)) {
		code = get16(r, at);
		len = get16(r, at + 2);
		if (code == 0)
			break;
		if (end - at - 4 < ((len + 3u) & ~3u))
			return cut_off(r, at);
		if (code == OPT_TSRESOL && len >= 1)
			i->resolution = r->file[at + 4];
	}
	r->interfaces++;
	return 0;
}

static int
read_packet(struct reader *r, size_t at, size_t end)
{
	struct capread_packet p;
	uint32_t index;

	if (end - at < 20)
		return cut_off(r, at);
	index = get32(r, at);
	if (index >= r->interfaces)
		return ifnet_error_set(r->e, EINVAL, "packet %llu is of an "
		    "interface that the file does not have",
		    (unsigned long long)r->packets + 1);
	p.number = r->packets + 1;
	p.ns = to_ns(&r->interface[index],
	    (uint64_t)get32(r, at + 4) << 32 | get32(r, at + 8));
	p.len = get32(r, at + 12);
	p.wirelen = get32(r, at + 16);
	p.data = r->file + at + 20;
	p.linktype = r->interface[index].linktype;
	if (end - at - 20 < p.len)
		return cut_off(r, at);
	r->packets++;
	return r->fn(&p, r->arg, r->e);
}

/* The order of bytes of a section whose header's body is at `at'. */
static int
read_section(struct reader *r, size_t at)
{

	if (r->size - at < 16)
		return cut_off(r, at);
	r->swapped = false;
	if (get32(r, at) != SECTION_MAGIC) {
		r->swapped = true;
		if (get32(r, at) != SECTION_MAGIC)
			return ifnet_error_set(r->e, EINVAL, "a section at "
			    "byte %zu that is none", at);
	}
	if (get16(r, at + 4) != 1)
		return ifnet_error_set(r->e, EINVAL, "a pcapng file of version "
		    "%u, and not 1", get16(r, at + 4));
	r->interfaces = 0;
	return 0;
}

static int
read_pcapng(struct reader *r)
{
	uint32_t type, len;
	size_t at = 0, end;
	int error = 0;

	for (; error == 0 && at < r->size; at += len) {
		if (r->size - at < 12)
			return cut_off(r, at);
		type = get32(r, at);
		/* The type reads the same in both orders. */
		if (type == BLOCK_SECTION)
			error = read_section(r, at + 8);
		if (error != 0)
			break;
		len = get32(r, at + 4);
		if (len < 12 || len % 4 != 0 || r->size - at < len)
			return cut_off(r, at);
		end = at + len - 4;
		if (get32(r, end) != len)
			return ifnet_error_set(r->e, EINVAL, "the block at "
			    "byte %zu has two lengths", at);
		if (type == BLOCK_INTERFACE)
			error = read_interface(r, at + 8, end);
		else if (type == BLOCK_PACKET)
			error = read_packet(r, at + 8, end);
		else if (type == BLOCK_SIMPLE)
			error = ifnet_error_set(r->e, EINVAL, "packets "
			    "without a time, from packet %llu on",
			    (unsigned long long)r->packets + 1);
	}
	return error;
}

int
capread(const uint8_t *file, size_t size, capread_fn *fn, void *arg,
    struct ifnet_error *e)
{
	struct reader r = {
		.file = file, .size = size, .fn = fn, .arg = arg, .e = e,
	};
	uint32_t magic;

	if (size < sizeof(magic))
		return ifnet_error_set(e, EINVAL, "it has %zu bytes, and is "
		    "no capture file", size);
	for (unsigned i = 0; i < 2; i++) {
		r.swapped = i == 1;
		magic = get32(&r, 0);
		if (magic == PCAP_MICRO || magic == PCAP_NANO)
			return read_pcap(&r, magic == PCAP_NANO);
	}
	if (magic == BLOCK_SECTION || get32(&r, 0) == BLOCK_SECTION)
		return read_pcapng(&r);
	return ifnet_error_set(e, EINVAL, "no capture file: neither pcap nor "
	    "pcapng begins like this");
}
