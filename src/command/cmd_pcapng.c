/*
 * Captures as pcapng: a section with one interface, its packets, and at the end
 * its counters.  All numbers are in this machine's order, as the section's
 * header says.
 */

#include "command/command_impl.h"

#include <string.h>
#include <time.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5, BLOCK_PACKET = 6
};

enum {
	OPT_END = 0, OPT_SECTION_APPL = 4,
	OPT_IF_NAME = 2, OPT_IF_TSRESOL = 9, OPT_IF_FILTER = 11,
	OPT_PACKET_FLAGS = 2,
	OPT_STAT_END = 3, OPT_STAT_RECEIVED = 4, OPT_STAT_DROPPED = 5,
	OPT_STAT_ACCEPTED = 6, OPT_STAT_DELIVERED = 8
};

#define LINKTYPE_RAW	101
#define BLOCK_MAX	2048	/* of all but packets */

/* A block that is being built; an option that does not fit is left out
 * completely. */
struct block {
	uint8_t		 b_data[BLOCK_MAX];
	size_t		 b_len;
};

static void
put(struct block *b, const void *data, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;

	if (len == 0 || padded > sizeof(b->b_data) - b->b_len)
		return;
	memset(b->b_data + b->b_len, 0, padded);
	memcpy(b->b_data + b->b_len, data, len);
	b->b_len += padded;
}

static void
put32(struct block *b, uint32_t v)
{

	put(b, &v, sizeof(v));
}

/* A time is stored upper half first, in any byte order. */
static void
put_time(struct block *b, uint64_t ns)
{

	put32(b, (uint32_t)(ns >> 32));
	put32(b, (uint32_t)ns);
}

static void
option(struct block *b, unsigned code, const void *value, size_t len)
{
	uint16_t head[2] = { (uint16_t)code, (uint16_t)len };

	if (sizeof(b->b_data) - b->b_len < sizeof(head) + len + 64)
		return;
	put(b, head, sizeof(head));
	put(b, value, len);
}

static void
option64(struct block *b, unsigned code, uint64_t v)
{

	option(b, code, &v, sizeof(v));
}

/* The length stands at both ends. */
static bool
write_block(FILE *fp, uint32_t type, const struct block *b)
{
	uint32_t total = (uint32_t)b->b_len + 12;
	uint32_t head[2] = { type, total };

	return fwrite(head, sizeof(head), 1, fp) == 1 &&
	    fwrite(b->b_data, b->b_len, 1, fp) == 1 &&
	    fwrite(&total, sizeof(total), 1, fp) == 1;
}

bool
pcapng_begin(FILE *fp, const char *ifname, unsigned linktype,
    unsigned snaplen, const char *filter)
{
	static const char appl[] = "ifctl " IFNET_VERSION;
	const uint16_t version[2] = { 1, 0 };
	const uint8_t nanoseconds = 9;
	const int64_t unknown = -1;
	uint16_t link[2] = { linktype == CMD_DLT_RAW ? LINKTYPE_RAW :
	    (uint16_t)linktype, 0 };
	char text[1024];
	struct block b;
	int n;

	b.b_len = 0;
	put32(&b, 0x1a2b3c4d);
	put(&b, version, sizeof(version));
	put(&b, &unknown, sizeof(unknown));
	option(&b, OPT_SECTION_APPL, appl, sizeof(appl) - 1);
	put32(&b, OPT_END);
	if (!write_block(fp, BLOCK_SECTION, &b))
		return false;
	b.b_len = 0;
	put(&b, link, sizeof(link));
	put32(&b, snaplen);
	option(&b, OPT_IF_NAME, ifname, strlen(ifname));
	option(&b, OPT_IF_TSRESOL, &nanoseconds, 1);
	/* The first byte says that a text in libpcap's language follows. */
	n = snprintf(text, sizeof(text), "%c%s", 0, filter);
	if (filter[0] != '\0' && n < (int)sizeof(text))
		option(&b, OPT_IF_FILTER, text, (size_t)n);
	put32(&b, OPT_END);
	return write_block(fp, BLOCK_INTERFACE, &b);
}

bool
pcapng_packet(FILE *fp, const struct ifnet_packet *p)
{
	static const uint8_t zeroes[4];
	size_t pad = (4 - p->caplen % 4) % 4;
	uint32_t total = 44 + (uint32_t)(p->caplen + pad);
	const uint32_t head[7] = { BLOCK_PACKET, total, 0,
	    (uint32_t)(p->time_ns >> 32), (uint32_t)p->time_ns,
	    p->caplen, p->len };
	struct block b;
	uint32_t dir = p->dir == IFNET_PKT_IN ? 1 : 2;

	b.b_len = 0;
	option(&b, OPT_PACKET_FLAGS, &dir, sizeof(dir));
	put32(&b, OPT_END);
	put32(&b, total);
	return fwrite(head, sizeof(head), 1, fp) == 1 &&
	    (p->caplen == 0 || fwrite(p->data, p->caplen, 1, fp) == 1) &&
	    (pad == 0 || fwrite(zeroes, pad, 1, fp) == 1) &&
	    fwrite(b.b_data, b.b_len, 1, fp) == 1;
}

bool
pcapng_end(FILE *fp, const struct ifnet_capture_stats *cs, uint64_t written)
{
	struct timespec ts;
	uint32_t when[2];
	struct block b;
	uint64_t now;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	when[0] = (uint32_t)(now >> 32);
	when[1] = (uint32_t)now;
	b.b_len = 0;
	put32(&b, 0);
	put_time(&b, now);
	option(&b, OPT_STAT_END, when, sizeof(when));
	option64(&b, OPT_STAT_RECEIVED, cs->received);
	option64(&b, OPT_STAT_DROPPED, cs->dropped);
	option64(&b, OPT_STAT_ACCEPTED, cs->received - cs->filtered);
	option64(&b, OPT_STAT_DELIVERED, written);
	put32(&b, OPT_END);
	return write_block(fp, BLOCK_STATISTICS, &b);
}
