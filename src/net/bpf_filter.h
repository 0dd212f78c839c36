/*
 * bpf_filter: programs of the classic BPF machine, the form in which libpcap
 * hands out compiled filters.
 *
 * A program is checked once, when it is accepted; one that passed ends after
 * at most as many steps as it has instructions, whatever the packet, and
 * reads nothing but the packet and its own 16 words of memory.
 */

#ifndef NET_BPF_FILTER_H
#define NET_BPF_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct mbuf;

#define BPF_PROG_MAX	4096	/* instructions */
#define BPF_MEMWORDS	16

struct bpf_insn {
	uint16_t	 code;
	uint8_t		 jt, jf;
	uint32_t	 k;
};

/* code: class; then, by class, size and mode, or operation and source. */
enum {
	BPF_LD = 0x00, BPF_LDX = 0x01, BPF_ST = 0x02, BPF_STX = 0x03,
	BPF_ALU = 0x04, BPF_JMP = 0x05, BPF_RET = 0x06, BPF_MISC = 0x07,

	BPF_W = 0x00, BPF_H = 0x08, BPF_B = 0x10,
	BPF_IMM = 0x00, BPF_ABS = 0x20, BPF_IND = 0x40, BPF_MEM = 0x60,
	BPF_LEN = 0x80, BPF_MSH = 0xa0,

	BPF_ADD = 0x00, BPF_SUB = 0x10, BPF_MUL = 0x20, BPF_DIV = 0x30,
	BPF_OR = 0x40, BPF_AND = 0x50, BPF_LSH = 0x60, BPF_RSH = 0x70,
	BPF_NEG = 0x80, BPF_MOD = 0x90, BPF_XOR = 0xa0,

	BPF_JA = 0x00, BPF_JEQ = 0x10, BPF_JGT = 0x20, BPF_JGE = 0x30,
	BPF_JSET = 0x40,
	BPF_K = 0x00, BPF_X = 0x08,
	BPF_A = 0x10,		/* RET: the accumulator */
	BPF_TAX = 0x00, BPF_TXA = 0x80
};

/* Any: the fault of a program, in words; NULL: it has none. */
const char *bpf_check(const struct bpf_insn *, unsigned n);
/*
 * Run a checked program: the bytes to keep of a packet; 0: it is not wanted.
 * Reading beyond the packet's end gives 0.  Any context; writes nothing.
 */
uint32_t bpf_run(const struct bpf_insn *, const struct mbuf *);

#endif /* !NET_BPF_FILTER_H */
