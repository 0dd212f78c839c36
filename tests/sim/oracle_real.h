/*
 * oracle_real: the interface layer on the simulated host, driven by the
 * operations that the oracle knows, and what it announced as the oracle's
 * texts.
 */

#ifndef TESTS_ORACLE_REAL_H
#define TESTS_ORACLE_REAL_H

#include "oracle.h"

struct host;

enum op_kind {
	OP_CREATE, OP_DESTROY, OP_RENAME, OP_UP, OP_DOWN, OP_MTU, OP_LINK,
	OP_ADDR, OP_UNADDR, OP_ROUTE, OP_REROUTE, OP_UNROUTE, OP_WAY, OP_UNWAY,
	OP_LOOKUP, OP_LISTEN, OP_READ, OP_SNAPSHOT, OP_MOVE, OP_GROUP,
	OP_UNGROUP,
	OP_LLADDR, OP_UNLLADDR, OP_PREFER, OP_SEND, OP_RECEIVE, OP_BUSY,
	OP_WAIT, OP_NKINDS
};

/*
 * Means the same wherever it stands in a list: interfaces are named by their
 * place among those there are, and addresses by what they are.
 */
struct op {
	uint8_t		 op_kind;
	uint8_t		 op_fault;	/* which allocation fails; 0: none */
	uint8_t		 op_a, op_b;
	uint32_t	 op_c;
};

void	op_random(uint64_t *seed, struct op *);
void	op_print(const struct op *);

/*
 * Run the list against both, with an error of the oracle made on purpose or
 * none; aborts at the first difference, having said what
 * it is.  *at is kept at the operation that runs.
 */
void	oracle_run(uint64_t seed, const struct op *, unsigned n,
	    enum o_plant, volatile unsigned *at);

#endif /* !TESTS_ORACLE_REAL_H */
