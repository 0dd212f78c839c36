/*
 * oracle_impl: the insides of oracle_real, which is in several files.
 */

#ifndef TESTS_ORACLE_IMPL_H
#define TESTS_ORACLE_IMPL_H

#include "oracle_real.h"

#include "../unit/addr_test.h"
#include "kern/vnet.h"
#include "net/rtsock.h"

/* Objects that stand announced, as a listener would know them. */
struct mirror {
	char		 mi_text[O_NIFS * (1 + O_NLLADDRS) + O_NADDRS +
			    O_NROUTES][O_TEXT];
	unsigned	 mi_n;
};

union msgbuf {
	struct rt_hdr	 mb_hdr;
	struct rt_msg	 mb_rtm;
	struct if_msg	 mb_ifm;
	struct ifa_msg	 mb_ifam;
	struct if_rename_msg mb_ifrn;
	struct rt_overrun_msg mb_overrun;
	uint8_t		 mb_room[RT_MSG_MAX];
};

#define O_NVNETS	2
#define O_NDEAD		16
#define O_NNAMES	6

/* A vnet beside its oracle, and who listens there. */
struct net {
	struct vnet	*n_vn;
	char		 n_name[8];
	struct oracle	 n_o;
	struct rt_listener *n_news;	/* read after every operation */
	struct rt_listener *n_slow;	/* read now and then; NULL */
	uint64_t	*n_log;		/* hashes of all there was to hear */
	size_t		 n_nlog, n_logroom;
	size_t		 n_slow_at;	/* its place in that */
	uint64_t	 n_slow_seq, n_news_seq;
	char		 n_heard[O_NEVENTS][O_TEXT];	/* in this operation */
	unsigned	 n_nheard;
	uint64_t	 n_dead[O_NDEAD];
	unsigned	 n_ndead;
	struct mirror	 n_mirror;
};

struct run {
	struct host	*r_host;
	struct kern	*r_kern;
	struct net	 r_net[O_NVNETS];
	unsigned	 r_ncpu;
	const struct op	*r_ops;
	unsigned	 r_nops;
	volatile unsigned *r_at;
	uint32_t	 r_stop, r_waits; /* for the reader */
};

struct outcome {
	int		 oc_real, oc_wanted;
	bool		 oc_nomem;	/* nothing happened, for that reason */
};

/* oracle_real.c */
extern const char *const o_names[O_NNAMES];
void	o_fail(struct run *, const char *, ...)
	    __attribute__((__format__(__printf__, 2, 3), __noreturn__));
/* Until the CPUs have done what there is to do. */
void	o_settle(struct run *);

/* oracle_op.c: what an operation names. */
struct net *op_net(struct run *, const struct op *);
uint32_t op_addr(const struct op *);
uint32_t op_dst(const struct op *);
/* Is the destination one of the networks that addresses bring along? */
bool	op_dst_near(const struct op *);
/* The table of the route. */
unsigned op_table(const struct op *);
unsigned op_len(const struct op *);
unsigned op_mtu(const struct op *);
const char *op_group(const struct op *);
uint8_t	op_lladdr(const struct op *);
void	op_create_name(const struct op *, char name[IFNAMSIZ]);

/* oracle_do.c */
void	o_do(struct run *, struct net *, const struct op *, struct outcome *);

/* oracle_packets.c */
void	o_do_packets(struct run *, struct net *, const struct op *,
	    const char *name);
/* Every packet is accounted for, and those that the oracle counts are where
 * it says. */
void	compare_packets(struct run *, struct net *);

/* oracle_compare.c: against the oracle, or it fails. */
void	compare_mirror(struct run *, struct net *, struct mirror *,
	    const char *what);
void	compare_all(struct run *, struct net *);
void	compare_lookups(struct run *, struct net *);
void	compare_addr(struct run *, struct net *, uint32_t addr);
/* The groups of its interfaces, and their link-level addresses. */
void	compare_members(struct run *, struct net *);

/* oracle_listen.c */
void	news_open(struct net *);
/* Append messages announced since to n_heard. */
void	news_hear(struct run *, struct net *);
void	slow_open(struct run *, struct net *, size_t queue);
void	slow_read(struct run *, struct net *, unsigned n);
void	slow_close(struct run *, struct net *);
void	snapshot(struct run *, struct net *);

/* oracle_drivers.c */
extern const struct vnet_subsys *const oracle_subsys[];

/* oracle_hear.c */
/* The n-th address of the family, and which one an address is; NULL, and other
 * families: 0. */
union test_addr o_sa(uint32_t n);
uint32_t o_sa_n(const struct sockaddr *);
unsigned mask_len(const struct sockaddr *);
/* A message as the oracle writes it. */
void	describe(const union msgbuf *, char *);
/* Class i, a, r: interface, address, route; the text without its verb. */
void	mirror_put(struct mirror *, char class, const char *rest);
void	mirror_take(struct mirror *, char class, const char *rest);
void	mirror_hear(struct mirror *, const char *text);

#endif /* !TESTS_ORACLE_IMPL_H */
