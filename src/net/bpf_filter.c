/*
 * The classic BPF machine: the check of a program, and the interpreter.
 */

#include "net/bpf_filter.h"

#include <ifnet/mbuf.h>

#include <stddef.h>

/* --- the check ----------------------------------------------------------- */

static const char *
check_load(const struct bpf_insn *p)
{

	switch (p->code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_B | BPF_ABS:
	case BPF_LD | BPF_W | BPF_IND:
	case BPF_LD | BPF_H | BPF_IND:
	case BPF_LD | BPF_B | BPF_IND:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_IMM:
	case BPF_LDX | BPF_B | BPF_MSH:
		return NULL;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return p->k < BPF_MEMWORDS ? NULL :
		    "uses memory that is not there";
	default:
		return "has an unknown load or store";
	}
}

static const char *
check_alu(const struct bpf_insn *p)
{
	unsigned op = p->code & 0xf0u;
	bool constant = (p->code & BPF_X) == 0;

	if (p->code & ~0xffu)
		return "has an unknown instruction";
	switch (op) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
		return NULL;
	case BPF_NEG:
		return constant ? NULL : "has an unknown operation";
	case BPF_DIV:
	case BPF_MOD:
		return constant && p->k == 0 ? "divides by zero" : NULL;
	case BPF_LSH:
	case BPF_RSH:
		return constant && p->k > 31 ?
		    "shifts by more than a word has" : NULL;
	default:
		return "has an unknown operation";
	}
}

/* Jumps go forward, to an instruction: `left' is how many follow this one. */
static const char *
check_jump(const struct bpf_insn *p, unsigned left)
{
	static const char outside[] = "jumps out of itself";
	unsigned op = p->code & 0xf0u;

	if (p->code & ~0xffu)
		return "has an unknown instruction";
	if (p->code == (BPF_JMP | BPF_JA))
		return p->k < left ? NULL : outside;
	if (op != BPF_JEQ && op != BPF_JGT && op != BPF_JGE && op != BPF_JSET)
		return "has an unknown jump";
	return p->jt < left && p->jf < left ? NULL : outside;
}

static const char *
check_insn(const struct bpf_insn *p, unsigned left)
{

	switch (p->code & 0x07) {
	case BPF_LD:
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return check_load(p);
	case BPF_ALU:
		return check_alu(p);
	case BPF_JMP:
		return check_jump(p, left);
	case BPF_RET:
		return p->code == (BPF_RET | BPF_K) ||
		    p->code == (BPF_RET | BPF_A) ? NULL :
		    "returns what there is not";
	default:
		return p->code == (BPF_MISC | BPF_TAX) ||
		    p->code == (BPF_MISC | BPF_TXA) ? NULL :
		    "has an unknown instruction";
	}
}

const char *
bpf_check(const struct bpf_insn *prog, unsigned n)
{
	const char *why;

	if (n == 0)
		return "is empty";
	if (n > BPF_PROG_MAX)
		return "is longer than 4096 instructions";
	for (unsigned i = 0; i < n; i++) {
		why = check_insn(&prog[i], n - 1 - i);
		if (why != NULL)
			return why;
	}
	/* An instruction that is no jump and no return goes on with the next
	 * one, so the last must be a return. */
	return (prog[n - 1].code & 0x07) == BPF_RET ? NULL :
	    "does not end with a return";
}

/* --- the interpreter ----------------------------------------------------- */

/*
 * `size' bytes at an offset, which may lie in any of the packet's buffers or
 * across several.  false: the packet ends before.
 */
static bool
load(const struct mbuf *m, uint64_t off, unsigned size, uint32_t *v)
{
	const uint8_t *p;
	uint8_t far[4];

	if (off + size <= m->m_len)
		p = m->m_data + off;
	else if (off + size > m->m_pktlen ||
	    !m_copydata(m, (unsigned)off, size, far))
		return false;
	else
		p = far;
	*v = 0;
	while (size-- > 0)
		*v = *v << 8 | *p++;
	return true;
}

static unsigned
load_size(unsigned code)
{

	return (code & 0x18) == BPF_W ? 4 : (code & 0x18) == BPF_H ? 2 : 1;
}

/* The result of an operation; false: a division by zero. */
static bool
alu(unsigned op, uint32_t *a, uint32_t v)
{

	switch (op) {
	case BPF_ADD:
		*a += v;
		break;
	case BPF_SUB:
		*a -= v;
		break;
	case BPF_MUL:
		*a *= v;
		break;
	case BPF_DIV:
		if (v == 0)
			return false;
		*a /= v;
		break;
	case BPF_MOD:
		if (v == 0)
			return false;
		*a %= v;
		break;
	case BPF_OR:
		*a |= v;
		break;
	case BPF_AND:
		*a &= v;
		break;
	case BPF_XOR:
		*a ^= v;
		break;
	case BPF_LSH:
		*a = v > 31 ? 0 : *a << v;
		break;
	case BPF_RSH:
		*a = v > 31 ? 0 : *a >> v;
		break;
	default:
		*a = -*a;
		break;
	}
	return true;
}

static bool
jump(unsigned op, uint32_t a, uint32_t v)
{

	switch (op) {
	case BPF_JEQ:
		return a == v;
	case BPF_JGT:
		return a > v;
	case BPF_JGE:
		return a >= v;
	default:
		return (a & v) != 0;
	}
}

struct machine {
	uint32_t	 a, x;
	uint32_t	 mem[BPF_MEMWORDS];
};

/* A load or store; false: it lies beyond the packet. */
static bool
move(struct machine *mc, const struct bpf_insn *p, const struct mbuf *m)
{
	uint32_t *to = (p->code & 0x07) == BPF_LD ? &mc->a : &mc->x;

	switch (p->code & 0x07) {
	case BPF_ST:
		mc->mem[p->k] = mc->a;
		return true;
	case BPF_STX:
		mc->mem[p->k] = mc->x;
		return true;
	default:
		break;
	}
	switch (p->code & 0xe0) {
	case BPF_ABS:
		return load(m, p->k, load_size(p->code), to);
	case BPF_IND:
		return load(m, (uint64_t)mc->x + p->k, load_size(p->code),
		    to);
	case BPF_MSH:
		if (!load(m, p->k, 1, to))
			return false;
		*to = (*to & 0x0f) << 2;
		return true;
	case BPF_MEM:
		*to = mc->mem[p->k];
		return true;
	case BPF_LEN:
		*to = m->m_pktlen;
		return true;
	default:
		*to = p->k;
		return true;
	}
}

uint32_t
bpf_run(const struct bpf_insn *p, const struct mbuf *m)
{
	struct machine mc = { 0 };
	uint32_t v;

	for (;; p++) {
		v = p->code & BPF_X ? mc.x : p->k;
		switch (p->code & 0x07) {
		case BPF_RET:
			return p->code & BPF_A ? mc.a : p->k;
		case BPF_ALU:
			if (!alu(p->code & 0xf0u, &mc.a, v))
				return 0;
			break;
		case BPF_JMP:
			if (p->code == (BPF_JMP | BPF_JA))
				p += p->k;
			else
				p += jump(p->code & 0xf0u, mc.a, v) ?
				    p->jt : p->jf;
			break;
		case BPF_MISC:
			if (p->code == (BPF_MISC | BPF_TAX))
				mc.x = mc.a;
			else
				mc.a = mc.x;
			break;
		default:
			if (!move(&mc, p, m))
				return 0;
			break;
		}
	}
}
