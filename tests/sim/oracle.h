/*
 * oracle: what the interface layer is to do, in the plainest way there is:
 * arrays, one thread, no memory to run out of.  Every operation changes the
 * state and appends what is to be announced, as text; it returns the errno that
 * the layer is to return.
 */

#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define O_NIFS		12
#define O_NADDRS	48
#define O_NROUTES	256
#define O_NEVENTS	1024
#define O_TEXT		120
#define O_NAMESIZE	16

/* The cloners: an Ethernet, a point-to-point link. */
enum o_kind { O_ETH, O_PTP, O_NKINDS };
extern const char *const o_kind_name[O_NKINDS];

#define O_IFGROUPS	4
#define O_NLLADDRS	8
#define O_SNDQ		8	/* room in a send queue */
#define O_LINKQ		8	/* changes of a link that can wait */
#define O_MTU_MIN	576
#define O_MTU_MAX	9000

/* All addresses are in host order. */
struct o_if {
	char		 oi_name[O_NAMESIZE];
	enum o_kind	 oi_kind;
	unsigned	 oi_unit;
	uint64_t	 oi_handle;
	bool		 oi_up;
	int		 oi_link;
	unsigned	 oi_mtu;
	bool		 oi_was_up;	/* while it moves */
	/* Groups it was put into. */
	char		 oi_group[O_IFGROUPS][O_NAMESIZE];
	unsigned	 oi_ngroups;
	/* Link-level addresses, the last byte of each. */
	uint8_t		 oi_lladdr[O_NLLADDRS];
	unsigned	 oi_nlladdrs;
	uint8_t		 oi_active, oi_factory;
	/* Books of a point-to-point link since it came to its vnet. */
	bool		 oi_busy;	/* its driver takes none */
	unsigned	 oi_queued;
	uint64_t	 oi_offered, oi_sent, oi_full, oi_down, oi_purged;
};

struct o_addr {
	struct o_if	*oa_if;
	uint32_t	 oa_addr, oa_dst;
	unsigned	 oa_len;
	int32_t		 oa_preference;
};

/* Routes are in the main table, 0, or in this one, which no interface is bound
 * to: its gateways may be in the main one. */
#define O_TABLE	5

/* One way of a route: the only one, or one of those that share its flows. */
#define O_NWAYS	64
struct o_way {
	uint32_t	 ow_gw;		/* 0: the route came with an address */
	struct o_if	*ow_if;		/* NULL: the gateway is unreachable */
	struct o_addr	*ow_addr;
};

struct o_route {
	unsigned	 or_table;
	uint32_t	 or_dst;
	unsigned	 or_len;
	uint32_t	 or_flags;
	uint32_t	 or_metric;
	struct o_way	 or_way[O_NWAYS];
	unsigned	 or_nways;
};

/* Errors made on purpose, to see that they are found. */
enum o_plant { O_PLANT_NONE, O_PLANT_MTU, O_PLANT_HEIR, O_PLANT_MOVE,
	O_PLANT_QUEUE, O_PLANT_GROUP, O_PLANT_WAY, O_NPLANTS };

struct oracle {
	enum o_plant	 o_plant;
	struct o_if	*o_if[O_NIFS];		/* in order of creation */
	unsigned	 o_nifs;
	struct o_addr	*o_addr[O_NADDRS];	/* in order of arrival */
	unsigned	 o_naddrs;
	struct o_route	*o_route[O_NROUTES];	/* in order of arrival */
	unsigned	 o_nroutes;
	char		 o_event[O_NEVENTS][O_TEXT];
	unsigned	 o_nevents;
};

void	o_free(struct oracle *);
struct o_if *o_if_name(const struct oracle *, const char *name);
struct o_addr *o_addr_find(const struct oracle *, uint32_t addr);
/* The address that stands for a prefix; NULL: there is none such. */
struct o_addr *o_addr_prefix(const struct oracle *, uint32_t addr,
	    unsigned len);
/* The addresses of the longest prefix that holds addr: its length, or -1. */
int	o_net_len(const struct oracle *, uint32_t addr);
struct o_route *o_route_lookup(const struct oracle *, unsigned table,
	    uint32_t addr);
/* How well a way can be used: 0: not at all, 1: its interface is down, 2. */
int	o_way_use(const struct o_way *);
/* How well the best of a route's can. */
int	o_route_use(const struct o_route *);
/* After any change: find out where routes lead. */
void	o_resolve(struct oracle *);
/* Is it used, or does its prefix have a better one? */
bool	o_route_used(const struct oracle *, const struct o_route *);

/* The name with its unit is returned in `name'; the handle is known later. */
int	o_create(struct oracle *, char name[O_NAMESIZE]);
void	o_arrived(struct oracle *, struct o_if *, uint64_t handle);
int	o_destroy(struct oracle *, const char *name);
/* To another one, to arrive there; to the same: nothing happens. */
int	o_move(struct oracle *, struct oracle *to, const char *name);
int	o_rename(struct oracle *, const char *name, const char *new_);
int	o_flags(struct oracle *, const char *name, bool up);
int	o_mtu(struct oracle *, const char *name, unsigned mtu);
/* A burst of changes that nobody has handled in between. */
void	o_link(struct oracle *, const char *name, const int *state,
	    unsigned n);
int	o_addr_add(struct oracle *, const char *name, uint32_t addr,
	    unsigned len);
int	o_addr_delete(struct oracle *, const char *name, uint32_t addr);
int	o_route_add(struct oracle *, unsigned table, uint32_t dst,
	    unsigned len, uint32_t gw, uint32_t metric);
/* The one of the metric, or (O_ANY) the one that is used. */
#define O_ANY	UINT32_MAX
int	o_route_change(struct oracle *, unsigned table, uint32_t dst,
	    unsigned len, uint32_t gw, uint32_t metric);
int	o_route_delete(struct oracle *, unsigned table, uint32_t dst,
	    unsigned len, uint32_t metric);
/* One more way of the route of the metric, or that route. */
int	o_way_add(struct oracle *, unsigned table, uint32_t dst, unsigned len,
	    uint32_t gw, uint32_t metric);
/* The way goes, with its route if it was the only one; of any metric, the one
 * of the first route that has it. */
int	o_way_delete(struct oracle *, unsigned table, uint32_t dst,
	    unsigned len, uint32_t gw, uint32_t metric);

/* oracle_more.c: groups, link-level addresses, preferences, packets. */
int	o_group(struct oracle *, const char *name, const char *group, bool in);
bool	o_group_has(const struct o_if *, const char *group);
int	o_lladdr(struct oracle *, const char *name, uint8_t last, bool add,
	    bool active);
int	o_preference(struct oracle *, const char *name, uint32_t addr,
	    int32_t preference);
/* Announce link-level addresses that are not active as come, or gone. */
void	o_lladdrs(struct oracle *, const struct o_if *, const char *verb);
void	o_send(struct o_if *, unsigned n, enum o_plant);
void	o_busy(struct o_if *, bool busy);
void	o_purge(struct o_if *);
/* Forget state that does not move with an interface. */
void	o_forget(struct o_if *);

static inline uint32_t
o_mask(unsigned len)
{

	return len == 0 ? 0 : (uint32_t)(UINT64_MAX << (32 - len));
}

/* The far end of a point-to-point address. */
static inline uint32_t
o_far(uint32_t addr)
{

	return addr | 0x00010000;
}

/* oracle_text.c: announcements, as the oracle and its companion write them. */
char	*o_event(struct oracle *);
void	o_event_if(struct oracle *, const char *verb, const struct o_if *);
void	o_event_addr(struct oracle *, const char *verb, const struct o_addr *);
void	o_event_lladdr(struct oracle *, const char *verb,
	    const struct o_if *, uint8_t last);
void	o_event_route(struct oracle *, const char *verb,
	    const struct o_route *, bool used);
void	o_text_if(char *, const char *verb, uint64_t handle, const char *name,
	    bool up, int link, unsigned mtu);
void	o_text_rename(char *, uint64_t handle, const char *old,
	    const char *new_);
void	o_text_addr(char *, const char *verb, uint64_t handle, uint32_t addr,
	    unsigned len, uint32_t dst);
void	o_text_lladdr(char *, const char *verb, uint64_t handle, uint8_t last);
void	o_text_route(char *, const char *verb, unsigned table, uint32_t dst,
	    unsigned len, uint64_t handle, uint32_t flags, uint32_t metric,
	    uint32_t gw, uint32_t ifa);
/* Likewise of a route with several ways, which one message does not tell. */
void	o_text_ways(char *, const char *verb, unsigned table, uint32_t dst,
	    unsigned len, uint32_t metric);
void	o_text_of(char *, const char *verb, const struct o_route *, bool used);

#endif /* !TESTS_ORACLE_H */
