/*
 * Packet filters: libpcap's language through what ifctl does with it, and
 * programs that nobody compiled.  What is accepted ends, and says of a packet
 * what libpcap's own machine says, however the packet lies in its buffers.
 */

#include "fuzz.h"

#include <netdb.h>

#include <pcap/pcap.h>

#include "command/command_impl.h"

#define TEXT_MAX	256
#define PACKET_MAX	2000
#define PROG_MAX	4096
#define MEMWORDS	16

/* net/bpf_filter.h says the same in enums, whose names libpcap has macros
 * for; the instructions have one layout. */
const char *bpf_check(const struct bpf_insn *, unsigned);
uint32_t bpf_run(const struct bpf_insn *, const struct mbuf *);

/*
 * libpcap asks the system about names; there is no system here.  The program's
 * own functions come first.
 */
int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{

	(void)node;
	(void)service;
	(void)hints;
	(void)res;
	return EAI_NONAME;
}

struct netent *
getnetbyname(const char *name)
{

	(void)name;
	return NULL;
}

int
getnetbyname_r(const char *name, struct netent *ne, char *buf, size_t len,
    struct netent **res, int *err)
{

	(void)name;
	(void)ne;
	(void)buf;
	(void)len;
	*res = NULL;
	*err = HOST_NOT_FOUND;
	return 0;
}

struct run {
	const struct bpf_insn *r_prog;
	const uint8_t	*r_packet;
	unsigned	 r_len, r_piece;
	uint32_t	 r_says;
};

/* The packet in buffers of r_piece bytes. */
static void
run_cpu(void *arg)
{
	struct run *r = arg;
	struct mbuf *head = NULL, **tail = &head, *m;
	unsigned off = 0, n;

	do {
		n = r->r_len - off < r->r_piece ? r->r_len - off : r->r_piece;
		m = m_gethdr();
		KASSERT(m != NULL);
		memcpy(m->m_data, r->r_packet + off, n);
		m->m_len = n;
		*tail = m;
		tail = &m->m_next;
		off += n;
	} while (off < r->r_len);
	head->m_pktlen = r->r_len;
	r->r_says = bpf_run(r->r_prog, head);
	m_freem(head);
}

static struct kern *kern;

static void
agree(const struct bpf_insn *prog, unsigned n, struct run *r)
{

	if (bpf_check(prog, n) != NULL)
		return;
	KASSERT(bpf_validate(prog, (int)n));
	r->r_prog = prog;
	kern_xcall(kern, run_cpu, r);
	KASSERT(r->r_says == bpf_filter(prog, r->r_packet, r->r_len,
	    r->r_len));
}

/* Anything as a program; half of the fields are made to fit. */
static void
rough(struct fuzz_in *in, struct run *r)
{
	struct bpf_insn prog[MEMWORDS + 16];
	unsigned n = MEMWORDS + 1 + fuzz_u8(in) % 16;

	memset(prog, 0, sizeof(prog));
	/* libpcap's memory begins as it happens to be, ours as zeroes. */
	for (unsigned i = 0; i < MEMWORDS; i++)
		prog[i] = (struct bpf_insn){ 0x02, 0, 0, i };
	for (unsigned i = MEMWORDS; i < n; i++) {
		uint8_t how = fuzz_u8(in);

		prog[i].code = how & 0x80 ? fuzz_u16(in) : fuzz_u8(in);
		prog[i].jt = how & 7;
		prog[i].jf = how >> 3 & 7;
		prog[i].k = how & 0x40 ? fuzz_u32(in) : fuzz_u8(in);
	}
	if (fuzz_u8(in) & 1)
		prog[n - 1] = (struct bpf_insn){ 0x16, 0, 0, 0 };
	r->r_len = (unsigned)in->fi_left;
	r->r_packet = in->fi_data;
	agree(prog, n, r);
}

static void
compiled(struct fuzz_in *in, unsigned linktype, struct run *r)
{
	const uint8_t *end = memchr(in->fi_data, '\0', in->fi_left);
	size_t n = end == NULL ? in->fi_left : (size_t)(end - in->fi_data);
	char text[TEXT_MAX + 1];
	struct cmd_program cp;
	struct ifnet_error e;

	if (n > TEXT_MAX)
		return;
	(void)fuzz_bytes(in, text, n);
	text[n] = '\0';
	(void)fuzz_u8(in);
	memset(&e, 0, sizeof(e));
	if (cmd_compile(text, linktype, &cp, &e) != 0) {
		KASSERT(e.text[0] != '\0');
		return;
	}
	r->r_len = (unsigned)in->fi_left;
	r->r_packet = in->fi_data;
	if (cp.cp_n <= PROG_MAX)
		KASSERT(bpf_check((const struct bpf_insn *)(const void *)
		    cp.cp_insns, cp.cp_n) == NULL);
	agree((const struct bpf_insn *)(const void *)cp.cp_insns, cp.cp_n, r);
	cmd_program_free(&cp);
}

static void
run(struct host *h, void *arg)
{
	static const unsigned linktypes[] = { DLT_EN10MB, DLT_RAW, DLT_NULL,
	    DLT_EN10MB };
	struct fuzz_in *in = arg;
	struct kern_config kc;
	uint8_t how = fuzz_u8(in);
	struct run r;

	memset(&r, 0, sizeof(r));
	memset(&kc, 0, sizeof(kc));
	kc.kc_mbufs = 2 * PACKET_MAX;
	KASSERT(kern_create(h, &kc, &kern) == 0);
	r.r_piece = how & 4 ? 1 + (how >> 3) : 1500;
	if (how & 0x80)
		rough(in, &r);
	else
		compiled(in, linktypes[how & 3], &r);
	KASSERT(mbuf_free_count(kern) == mbuf_total(kern));
	kern_destroy(kern);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	if (size > PACKET_MAX)
		return 0;
	fuzz_on_sim(run, &in);
	return 0;
}
