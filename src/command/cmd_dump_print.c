/*
 * A captured packet in one line: its time, its direction, and its contents.  No
 * byte beyond the captured ones is read.
 */

#include "command/command_impl.h"
#include "command/dump_impl.h"

#include <arpa/inet.h>

#include <string.h>
#include <time.h>

void
dump_cut(FILE *fp, const char *what)
{

	(void)fprintf(fp, "%s, cut short", what);
}

void
dump_ip(FILE *fp, int af, const uint8_t *p)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(af, p, text, sizeof(text)) != NULL)
		(void)fputs(text, fp);
}

void
dump_mac(FILE *fp, const uint8_t *p)
{

	(void)fprintf(fp, "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2],
	    p[3], p[4], p[5]);
}

static void
print_arp(FILE *fp, const struct dump_bytes *b)
{

	if (b->n < 28 || b->p[4] != 6 || b->p[5] != 4) {
		dump_cut(fp, "ARP");
		return;
	}
	switch (dump_be16(b->p + 6)) {
	case 1:
		(void)fputs("ARP who has ", fp);
		dump_ip(fp, AF_INET, b->p + 24);
		(void)fputs(", tell ", fp);
		dump_ip(fp, AF_INET, b->p + 14);
		break;
	case 2:
		(void)fputs("ARP ", fp);
		dump_ip(fp, AF_INET, b->p + 14);
		(void)fputs(" is at ", fp);
		dump_mac(fp, b->p + 8);
		break;
	default:
		(void)fprintf(fp, "ARP operation %u", dump_be16(b->p + 6));
		break;
	}
}

static void
print_icmp(FILE *fp, const struct dump_bytes *b)
{

	if (b->n < 8) {
		dump_cut(fp, "ICMP");
		return;
	}
	switch (b->p[0]) {
	case 0:
	case 8:
		(void)fprintf(fp, "ICMP echo %s id %u seq %u",
		    b->p[0] == 8 ? "request" : "reply", dump_be16(b->p + 4),
		    dump_be16(b->p + 6));
		break;
	case 3:
		(void)fprintf(fp, "ICMP unreachable code %u", b->p[1]);
		break;
	case 5:
		(void)fputs("ICMP redirect", fp);
		break;
	case 11:
		(void)fputs("ICMP time exceeded", fp);
		break;
	default:
		(void)fprintf(fp, "ICMP type %u code %u", b->p[0], b->p[1]);
		break;
	}
}

static void
print_tcp(FILE *fp, const struct dump_bytes *b)
{
	static const char letters[] = "FSRPAUEC";

	(void)fprintf(fp, "TCP %u > %u [", dump_be16(b->p),
	    dump_be16(b->p + 2));
	for (int i = 0; i < 8; i++)
		if (b->p[13] & 1u << i)
			(void)fputc(letters[i], fp);
	(void)fputc(']', fp);
}

void
dump_transport(FILE *fp, unsigned proto, const struct dump_bytes *b)
{

	switch (proto) {
	case 1:
		print_icmp(fp, b);
		break;
	case 6:
		if (b->n < 20)
			dump_cut(fp, "TCP");
		else
			print_tcp(fp, b);
		break;
	case 17:
		if (b->n < 8)
			dump_cut(fp, "UDP");
		else
			(void)fprintf(fp, "UDP %u > %u", dump_be16(b->p),
			    dump_be16(b->p + 2));
		break;
	default:
		(void)fprintf(fp, "protocol %u", proto);
		break;
	}
}

static void
print_ipv4(FILE *fp, struct dump_bytes b)
{
	unsigned proto, hlen, frag;

	if (b.n < 20 || (hlen = (b.p[0] & 15u) * 4) < 20) {
		dump_cut(fp, "IPv4");
		return;
	}
	proto = b.p[9];
	frag = dump_be16(b.p + 6);
	(void)fputs("IPv4 ", fp);
	dump_ip(fp, AF_INET, b.p + 12);
	(void)fputs(" > ", fp);
	dump_ip(fp, AF_INET, b.p + 16);
	(void)fputs(": ", fp);
	if (frag & 0x1fff) {
		(void)fprintf(fp, "protocol %u, fragment at %u", proto,
		    (frag & 0x1fff) * 8);
		return;
	}
	dump_skip(&b, hlen);
	dump_transport(fp, proto, &b);
	if (frag & 0x2000)
		(void)fputs(", first fragment", fp);
}

static void
print_network(FILE *fp, unsigned type, const struct dump_bytes *b)
{

	if (type == 0x0800)
		print_ipv4(fp, *b);
	else if (type == 0x86dd)
		dump_ip6(fp, *b);
	else if (type == 0x0806)
		print_arp(fp, b);
	else
		(void)fprintf(fp, "type 0x%04x", type);
}

static void
print_ether(FILE *fp, struct dump_bytes b)
{
	unsigned type;

	if (b.n < 14) {
		dump_cut(fp, "Ethernet");
		return;
	}
	dump_mac(fp, b.p + 6);
	(void)fputs(" > ", fp);
	dump_mac(fp, b.p);
	(void)fputs(", ", fp);
	type = dump_be16(b.p + 12);
	dump_skip(&b, 14);
	while ((type == 0x8100 || type == 0x88a8) && b.n >= 4) {
		(void)fprintf(fp, "vlan %u, ", dump_be16(b.p) & 0xfff);
		type = dump_be16(b.p + 2);
		dump_skip(&b, 4);
	}
	print_network(fp, type, &b);
}

void
dump_print(FILE *fp, unsigned linktype, const struct ifnet_packet *p)
{
	time_t when = (time_t)(p->time_ns / 1000000000u);
	struct dump_bytes b = { p->data, p->caplen };
	struct tm tm;
	char clock[16];

	(void)localtime_r(&when, &tm);
	(void)strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	(void)fprintf(fp, "%s.%09u %-3s ", clock,
	    (unsigned)(p->time_ns % 1000000000u),
	    p->dir == IFNET_PKT_IN ? "in" : "out");
	if (linktype == CMD_DLT_ETHER)
		print_ether(fp, b);
	else
		print_network(fp, b.n > 0 && b.p[0] >> 4 == 6 ? 0x86dd :
		    0x0800, &b);
	(void)fprintf(fp, ", length %u\n", p->len);
}
