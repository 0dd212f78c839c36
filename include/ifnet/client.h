/*
 * client: talk to a running ifnetd.
 *
 * Can be included anywhere: no name here meets the host's <net/if.h>.  The
 * records that requests carry are those of <ifnet/ifreq.h> and <ifnet/rtmsg.h>,
 * for programs that want them; most want the events and the texts.
 *
 * A client is used by one thread at a time.  All calls return 0 or an errno
 * value and fill *e, which may be NULL, and block until answered unless
 * said otherwise.  One connection either follows changes or makes requests;
 * open two to do both.
 */

#ifndef IFNET_CLIENT_H
#define IFNET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include <ifnet/error.h>

#pragma GCC visibility push(default)

#ifdef __cplusplus
extern "C" {
#endif

struct ifnet_client;

#define IFNET_URL_DEFAULT	"unix:///run/ifnetd.sock"
#define IFNET_NAMESIZE		16

/*
 * url: "unix:///path"; NULL: $IFNETD, or the default.  NULL on failure: ENOENT
 * or ECONNREFUSED (no daemon there), EACCES, EINVAL (no such kind of URL),
 * EPROTO (something else listens there).
 */
struct ifnet_client *ifnet_connect(const char *url, struct ifnet_error *);
/* Also after the daemon, or the stack of <ifnet/stack.h>, has gone; until then
 * every call answers EPIPE. */
void	ifnet_close(struct ifnet_client *);
/* Pollable for ifnet_next(); -1 for a client without a daemon. */
int	ifnet_fd(const struct ifnet_client *);

/*
 * The daemon may be of another release than this library.  What it calls
 * itself ("ifnetd 0.1.0"; "" for a client without a daemon), and whether it can
 * do something that not every release can (docs/architecture.md has the names).
 * Neither waits.
 */
const char *ifnet_server(const struct ifnet_client *);
int	ifnet_has_feature(const struct ifnet_client *, const char *name);
/*
 * The daemon's name for a drop reason, as it numbers them (RTM_IFDETAIL,
 * SIOCGIFDROPS), and what it says about it: drop_name() of <ifnet/drop.h> is
 * about the numbers of this build.  Never NULL; valid until the client is
 * closed.
 */
const char *ifnet_drop_name(const struct ifnet_client *, unsigned reason);
const char *ifnet_drop_text(const struct ifnet_client *, unsigned reason);
/* Not 0: packets offered for output are dropped for it. */
int	ifnet_drop_is_output(const struct ifnet_client *, unsigned reason);

/* The vnet that requests are about; "" or NULL: the first.  ENOENT comes
 * with the first request. */
int	ifnet_set_vnet(struct ifnet_client *, const char *name,
	    struct ifnet_error *);

/* A command of <ifnet/ifreq.h> with its record, in and out. */
int	ifnet_ioctl(struct ifnet_client *, unsigned long cmd, void *data,
	    size_t len, struct ifnet_error *);
/* ifnet_ioctl() with a descriptor handed over, which stays the caller's. */
int	ifnet_ioctl_fd(struct ifnet_client *, unsigned long cmd, void *data,
	    size_t len, int fd, struct ifnet_error *);

/*
 * Many of them with few round trips.  Requests are gathered by add, which
 * copies the record in but puts the answer at `data', and carried out one
 * after the other by run, which stops at the first that fails and says why.
 * *done is how many were carried out before.  Run and cancel free the batch.
 */
struct ifnet_batch;
struct ifnet_batch *ifnet_batch_begin(struct ifnet_client *,
	    struct ifnet_error *);
int	ifnet_batch_add_ioctl(struct ifnet_batch *, unsigned long cmd,
	    void *data, size_t len, struct ifnet_error *);
/* A routing-socket message; its answer is not kept. */
int	ifnet_batch_add_route(struct ifnet_batch *, const void *msg,
	    size_t len, struct ifnet_error *);
/* ifnet_commit() as the last of the requests: with them or not at all. */
int	ifnet_batch_add_commit(struct ifnet_batch *, struct ifnet_error *);
/*
 * Send the requests already, so that they are carried out while others are
 * gathered; run receives the answers.  The stack carries requests of a
 * connection out in the order in which they were sent, one batch also if an
 * earlier one failed.  A batch that is too large for one message, and a third
 * one, begins when it is run.  To cancel one that was started waits for its
 * end, and puts no answers anywhere; do either before ifnet_close().
 */
int	ifnet_batch_start(struct ifnet_batch *, struct ifnet_error *);
int	ifnet_batch_run(struct ifnet_batch *, size_t *done,
	    struct ifnet_error *);
void	ifnet_batch_cancel(struct ifnet_batch *);

/*
 * A change that is made whole or not at all.  When this client rolls back, or
 * ends before commit in whatever way, all that it did since begin is undone,
 * the last first: interfaces and vnets that it created go; what it set of other
 * interfaces (flags, values, texts, groups, names, vnet, addresses), and
 * settings, are as before; routes and neighbours that it added go, those that
 * it deleted or changed are made again; rules that it added to the filter go.
 * Interfaces that it destroys are there until commit destroys them: if the
 * first of these is refused, nothing of the change is done (commit says so).
 * EOPNOTSUPP: a request that cannot be undone and is therefore refused: setting
 * counters to zero, a driver's own requests, requests in older layouts,
 * deleting or changing a route that came with an address, destroying a vnet,
 * deleting rules of the filter, the halt; of what the change itself created all
 * of it can be asked for.  ENOBUFS: undoing it would take more than 64 MiB of
 * memory.  An address that comes back is the interface's last, and without the
 * routes that went with it; others see what is done before it is complete.
 * rollback: *undone (may be NULL) is how many interfaces and vnets went.
 * EBUSY: begun already; EINVAL: not begun.  A daemon without the feature
 * "whole-changes" undoes interfaces and vnets alone.
 */
int	ifnet_begin(struct ifnet_client *, struct ifnet_error *);
int	ifnet_commit(struct ifnet_client *, struct ifnet_error *);
int	ifnet_rollback(struct ifnet_client *, unsigned long long *undone,
	    struct ifnet_error *);

/*
 * sysctl.  *oldlen is the room, then the value's length (ENOMEM: did not
 * fit, nothing stored).  old or new may be NULL.  *type is one of
 * IFNET_SYSCTL_*.
 */
#define IFNET_SYSCTL_INT	1	/* int64_t */
#define IFNET_SYSCTL_QUAD	2	/* uint64_t */
#define IFNET_SYSCTL_STRING	3
#define IFNET_SYSCTL_OPAQUE	4
int	ifnet_sysctl(struct ifnet_client *, const char *name, void *old,
	    size_t *oldlen, const void *new_, size_t newlen, int *type,
	    int *writable, struct ifnet_error *);
/* The name after `after' ("": the first); ENOENT at the end. */
int	ifnet_sysctl_next(struct ifnet_client *, const char *after,
	    char *next, size_t size, struct ifnet_error *);
/* One line on a name, "" when there is none. */
int	ifnet_sysctl_descr(struct ifnet_client *, const char *name,
	    char *text, size_t size, struct ifnet_error *);

/* A routing-socket message of <ifnet/rtmsg.h>; *answerlen is room, then
 * length. */
int	ifnet_route(struct ifnet_client *, const void *msg, size_t len,
	    void *answer, size_t *answerlen, struct ifnet_error *);

/* Kinds of objects to dump or follow. */
#define IFNET_LINK	0x01
#define IFNET_ADDR	0x02
#define IFNET_ROUTE	0x04
#define IFNET_NEIGH	0x08
#define IFNET_ALL	0x0f
#define IFNET_SNAPSHOT	0x10	/* follow: first all there is */
#define IFNET_DETAIL	0x20	/* dump: RTM_IFDETAIL of each interface */
#define IFNET_GROUP	0x40	/* dump: ifname is the name of a group, whose
				 * members are meant.  ENOENT: none such */

/*
 * fn is called with each message; nonzero ends the dump and is returned.
 * ifname NULL: all interfaces.  One request; the answer comes in pieces, and
 * neither end ever holds more than a few of them.
 */
int	ifnet_dump(struct ifnet_client *, unsigned what, const char *ifname,
	    int (*fn)(const void *msg, size_t len, void *arg), void *arg,
	    struct ifnet_error *);

/* Likewise, the routes of one table, by its number; 0: the main one.  ESRCH:
 * there is none such.  (ifnet_dump() goes through all tables, by their
 * numbers.) */
int	ifnet_dump_table(struct ifnet_client *, unsigned table,
	    int (*fn)(const void *msg, size_t len, void *arg), void *arg,
	    struct ifnet_error *);

/*
 * Delete the routes of a table, by its number (0: the main one, -1: all), but
 * those that came with an address.  fn is called with each, as RTM_DELETE; what
 * it returns ends the calls and is returned, but all routes are deleted all the
 * same.  EPERM, ESRCH: there is no such table.
 */
int	ifnet_flush_routes(struct ifnet_client *, int table,
	    int (*fn)(const void *msg, size_t len, void *arg), void *arg,
	    struct ifnet_error *);

/* --- events ------------------------------------------------------------ */

enum ifnet_event_type {
	IFNET_EV_ARRIVAL = 1,
	IFNET_EV_DEPARTURE,
	IFNET_EV_LINK,		/* its flags, link state or MTU changed */
	IFNET_EV_ADDR_ADD,
	IFNET_EV_ADDR_DELETE,
	IFNET_EV_ADDR_CHANGE,
	IFNET_EV_ROUTE_ADD,
	IFNET_EV_ROUTE_DELETE,
	IFNET_EV_ROUTE_CHANGE,
	IFNET_EV_NEIGH,		/* learned, or its address changed */
	IFNET_EV_NEIGH_DELETE,
	IFNET_EV_OVERRUN,	/* `lost' events are missing here */
	IFNET_EV_SNAPSHOT_END,	/* what follows is news */
	IFNET_EV_RENAME		/* ifname is the new name, oldname the old */
};

enum ifnet_operstate {
	IFNET_OPER_UNKNOWN,
	IFNET_OPER_UP,
	IFNET_OPER_DOWN_ADMIN,
	IFNET_OPER_DOWN_CARRIER,
	IFNET_OPER_DOWN_LOWER,	/* what it stands on does not work */
	IFNET_OPER_TESTING
};

struct ifnet_event {
	enum ifnet_event_type type;
	int		 snapshot;	/* part of a snapshot, not news */
	unsigned long long seq;
	unsigned long long time_ns;	/* wall clock */
	unsigned long long lost;	/* IFNET_EV_OVERRUN */
	unsigned long long handle;	/* interface; 0: none */
	char		 ifname[IFNET_NAMESIZE];
	char		 oldname[IFNET_NAMESIZE];	/* IFNET_EV_RENAME */
	struct {
		enum ifnet_operstate operstate;
		unsigned flags;		/* IFF_* */
		unsigned mtu;
	}		 link;
	/* texts: addresses, prefixes ("10.0.0.0/24"), gateways */
	char		 addr[64];
	char		 dest[64];	/* far end, broadcast, or route */
	char		 gateway[64];
	unsigned	 rtflags;	/* RTF_* */
	unsigned	 addrflags;	/* IFNET_ADDR_*, of an address */
#define IFNET_ADDR_TENTATIVE	0x1	/* being checked for duplicates */
#define IFNET_ADDR_DUPLICATED	0x2	/* another host has it; not used */
	const void	*msg;		/* the message itself, until the next
					 * call */
	size_t		 msglen;
};

/*
 * Changes of all interfaces of the vnet.  To follow one, look its handle up
 * when ifnet_follow() has returned (ifnet_dump() on another connection, with
 * its name) and compare it with that of each event: a handle stays with the
 * interface through renames and is never used again.
 */
int	ifnet_follow(struct ifnet_client *, unsigned what,
	    struct ifnet_error *);
/*
 * The next event; blocks.  After an overrun the library asks for a new
 * snapshot by itself, if one was asked for at first.  EPIPE: the daemon went.
 * ifnet_next_timeout waits at most ms (ETIMEDOUT).
 */
int	ifnet_next(struct ifnet_client *, struct ifnet_event *,
	    struct ifnet_error *);
int	ifnet_next_timeout(struct ifnet_client *, int ms, struct ifnet_event *,
	    struct ifnet_error *);
const char *ifnet_operstate_text(enum ifnet_operstate);
const char *ifnet_event_text(enum ifnet_event_type);

/* --- history ------------------------------------------------------------ */

struct ifnet_history {
	unsigned long long seq;		/* in the vnet; gapless */
	unsigned long long handle;
	unsigned long long time_ns;	/* wall clock */
	unsigned long long mono_ns;	/* since an arbitrary point */
	char		 ifname[IFNET_NAMESIZE];	/* at that time */
	const char	*event;		/* "attach", "mtu", ... */
	/* texts, "" when there is none: what was, and what is since */
	char		 before[64], after[64];
	int		 asked;		/* 0: the stack did it by itself */
	unsigned	 uid;		/* who asked */
	int		 pid;		/* 0: the daemon's configuration */
};

/*
 * Events of the interfaces that have the name, or had it at some time (NULL: of
 * all interfaces), the oldest first.  fn as in ifnet_dump().  ENXIO: no
 * interface of this name is known or remembered.
 */
int	ifnet_history(struct ifnet_client *, const char *ifname,
	    int (*fn)(const struct ifnet_history *, void *arg), void *arg,
	    struct ifnet_error *);

/* --- vnets, daemon ------------------------------------------------------ */

int	ifnet_vnet_create(struct ifnet_client *, const char *name,
	    struct ifnet_error *);
int	ifnet_vnet_destroy(struct ifnet_client *, const char *name,
	    struct ifnet_error *);
/* fn as in ifnet_dump. */
int	ifnet_vnet_list(struct ifnet_client *,
	    int (*fn)(const char *name, unsigned interfaces, void *arg),
	    void *arg, struct ifnet_error *);
/* Ask the daemon to stop; returns when it has ended, or after 30 seconds.  A
 * daemon whose process cannot be seen from here, or is this one, is not waited
 * for. */
int	ifnet_halt(struct ifnet_client *, struct ifnet_error *);

/* --- ping ---------------------------------------------------------------- */

struct ifnet_ping_reply {
	uint32_t	 from;		/* IPv4, network order; IPv6: 0 */
	unsigned	 seq;
	unsigned	 ttl;
	unsigned	 type, code;	/* ICMP; of IPv6, ICMPv6 */
	unsigned	 bytes;
	uint64_t	 rtt_ns;
	int		 error;		/* sending failed: errno */
};

/* Begin; the connection serves this alone until ifnet_ping_stop(). */
int	ifnet_ping_begin(struct ifnet_client *, uint32_t dst, uint32_t src,
	    struct ifnet_error *);
/* Likewise, in a table of routes by its number.  ESRCH: there is none such. */
int	ifnet_ping_begin_table(struct ifnet_client *, unsigned table,
	    uint32_t dst, uint32_t src, struct ifnet_error *);
/* Either family, and probes for the way to a host; what is 0 is as usual. */
struct ifnet_ping_how {
	struct sockaddr_storage dst, src;	/* IPv4 or IPv6; a source of
						 * family 0: the best one */
	unsigned	 table;		/* of routes */
	unsigned	 ifindex;	/* IPv6: on this link, whatever routes
					 * say: for groups */
	unsigned	 port;		/* UDP packets, to this port plus their
					 * number; 0: echo requests */
	unsigned	 flags;
#define IFNET_PING_WHOLE  0x1		/* never in fragments */
#define IFNET_PING_MINMTU 0x2		/* IPv6: in fragments of 1280 bytes,
					 * which fit every link */
};
/* EINVAL: a link-local address has no zone (sin6_scope_id), or another has. */
int	ifnet_ping_begin_how(struct ifnet_client *,
	    const struct ifnet_ping_how *, struct ifnet_error *);
/* ttl: the hop limit; 0: the stack's default, of IPv6 groups 1. */
int	ifnet_ping_send(struct ifnet_client *, unsigned seq, unsigned bytes,
	    unsigned ttl, struct ifnet_error *);
/* ETIMEDOUT: none within ms. */
int	ifnet_ping_recv(struct ifnet_client *, int ms,
	    struct ifnet_ping_reply *, struct ifnet_error *);
/* Likewise, with all there is to know. */
struct ifnet_ping_answer {
	struct ifnet_ping_reply reply;
	struct sockaddr_storage from;	/* either family, with its zone */
	unsigned	 mtu;		/* of "packet too big"; else 0 */
};
int	ifnet_ping_answer(struct ifnet_client *, int ms,
	    struct ifnet_ping_answer *, struct ifnet_error *);
int	ifnet_ping_stop(struct ifnet_client *, struct ifnet_error *);

/* --- captures ------------------------------------------------------------ */

/* An instruction of a filter's program: struct bpf_insn of libpcap. */
struct ifnet_insn {
	uint16_t	 code;
	uint8_t		 jt, jf;
	uint32_t	 k;
};

#define IFNET_PKT_IN	0x1
#define IFNET_PKT_OUT	0x2
/* The most bytes that a capture keeps of a packet. */
#define IFNET_SNAPLEN_MAX 65280

struct ifnet_capture {
	const char	*ifname;
	unsigned	 dirs;		/* IFNET_PKT_IN, IFNET_PKT_OUT */
	unsigned	 snaplen;	/* 0: the most */
	unsigned	 buffer;	/* bytes for each CPU; 0: 1 MiB */
	unsigned	 linktype;	/* what the program was made for */
	const struct ifnet_insn *program;
	unsigned	 ninsns;	/* 0: every packet */
	unsigned	 flags;
#define IFNET_CAPTURE_PROMISC 0x1 /* promiscuous mode while it goes on: frames
				   * for other stations are seen, too */
};

struct ifnet_packet {
	uint64_t	 time_ns;	/* wall clock */
	unsigned	 len, caplen;
	unsigned	 dir;		/* IFNET_PKT_IN or _OUT */
	const void	*data;		/* caplen bytes, until the next call */
};

struct ifnet_capture_stats {
	uint64_t	 received;	/* seen in the directions asked for */
	uint64_t	 filtered;	/* of them, not wanted by the program */
	uint64_t	 dropped;	/* wanted, but read too slowly */
};

/* The link type (DLT_*) under which an interface's packets are captured. */
int	ifnet_linktype(struct ifnet_client *, const char *ifname,
	    unsigned *linktype, struct ifnet_error *);
/* Begin; the connection serves this alone.  ENXIO, EPERM, EINVAL. */
int	ifnet_capture_begin(struct ifnet_client *,
	    const struct ifnet_capture *, struct ifnet_error *);
/*
 * The next packet within ms (-1: no limit; ETIMEDOUT).  ENODATA: it was
 * stopped and all has been read; ENXIO: the interface went.
 */
int	ifnet_capture_next(struct ifnet_client *, int ms,
	    struct ifnet_packet *, struct ifnet_error *);
/* No more packets; what was captured before can still be read. */
int	ifnet_capture_stop(struct ifnet_client *, struct ifnet_error *);
/* As last told: exact once the end was read. */
void	ifnet_capture_stats(const struct ifnet_client *,
	    struct ifnet_capture_stats *);

/* --- rules that pick a table of routes ----------------------------------- */

enum { IFNET_RULE_TABLE, IFNET_RULE_REJECT, IFNET_RULE_BLACKHOLE };

/* Prefixes of length 0, a mask of 0 and an empty name fit every packet. */
struct ifnet_rule {
	unsigned	 number;	/* add: 0: behind the last */
	int		 family;	/* AF_INET; 0: no prefix is named */
	unsigned char	 src[16], dst[16];	/* network order */
	unsigned	 srclen, dstlen;
	unsigned	 mark, markmask;
	unsigned	 action;	/* IFNET_RULE_* */
	unsigned	 table;		/* IFNET_RULE_TABLE: by its number */
	char		 ifname[IFNET_NAMESIZE];	/* it came by */
	uint64_t	 packets;	/* list: that it decided on */
};

/* rule->number is the new rule's then.  EEXIST, ENOSPC. */
int	ifnet_rule_add(struct ifnet_client *, struct ifnet_rule *,
	    struct ifnet_error *);
/* ENOENT. */
int	ifnet_rule_delete(struct ifnet_client *, unsigned number,
	    struct ifnet_error *);
int	ifnet_rule_flush(struct ifnet_client *, struct ifnet_error *);
/* In the order in which they are tried; fn as in ifnet_dump. */
int	ifnet_rule_list(struct ifnet_client *,
	    int (*fn)(const struct ifnet_rule *, void *arg), void *arg,
	    struct ifnet_error *);

/* --- packet filter ------------------------------------------------------- */

enum { IFNET_FILTER_PASS, IFNET_FILTER_DROP, IFNET_FILTER_MARK };

struct ifnet_filter_rule {
	unsigned	 number;	/* add: 0: behind the last */
	unsigned	 dir;		/* IFNET_PKT_IN or _OUT */
	unsigned	 action;	/* IFNET_FILTER_* */
	unsigned	 mark;		/* IFNET_FILTER_MARK: for rules that
					 * pick a table; and the next rules of
					 * the filter are tried */
	char		 ifname[IFNET_NAMESIZE];	/* "": any */
	const char	*text;		/* as the user wrote it */
	uint64_t	 packets, bytes;	/* list: what matched */
};

/* A rule has a program for each link type it is about. */
struct ifnet_filter_prog {
	unsigned	 linktype;
	unsigned	 ninsns;
	const struct ifnet_insn *program;
};

/* rule->number is the new rule's then.  EEXIST. */
int	ifnet_filter_add(struct ifnet_client *, struct ifnet_filter_rule *,
	    const struct ifnet_filter_prog *, unsigned nprogs,
	    struct ifnet_error *);
int	ifnet_filter_delete(struct ifnet_client *, unsigned number,
	    struct ifnet_error *);
/* Counters of one rule, or of all (0). */
int	ifnet_filter_zero(struct ifnet_client *, unsigned number,
	    struct ifnet_error *);
int	ifnet_filter_flush(struct ifnet_client *, struct ifnet_error *);
/* fn as in ifnet_dump. */
int	ifnet_filter_list(struct ifnet_client *,
	    int (*fn)(const struct ifnet_filter_rule *, void *arg), void *arg,
	    struct ifnet_error *);

/* --- groups of interfaces ------------------------------------------------ */

struct sockaddr;

/* A multicast group that an interface has joined. */
struct ifnet_mcast {
	char		 ifname[16];
	int		 family;	/* AF_INET, AF_INET6 */
	unsigned char	 addr[16];	/* IPv4: the first 4 */
	unsigned char	 lladdr[6];	/* on the link; zeroes: none */
	unsigned	 joins;		/* 0: it is being left */
	unsigned	 own;		/* of them, for its own addresses */
	unsigned	 version;	/* of reports: 0 the newest, MLDv2 or
					 * IGMPv3; 1 the one before; 2
					 * IGMPv1 */
	unsigned	 robustness;	/* how often a change is told */
	bool		 driver;	/* the driver was told of it */
	bool		 allmulti;	/* the driver receives every group */
};

/*
 * Have an interface join a group, a sockaddr_in or a sockaddr_in6, and leave it
 * again.  The join ends with the connection.  ENXIO, EINVAL, ENOBUFS.
 */
int	ifnet_mcast_join(struct ifnet_client *, const char *ifname,
	    const struct sockaddr *group, struct ifnet_error *);
int	ifnet_mcast_leave(struct ifnet_client *, const char *ifname,
	    const struct sockaddr *group, struct ifnet_error *);
/* The groups of an interface, or of all (NULL); fn as in ifnet_dump. */
int	ifnet_mcast_list(struct ifnet_client *, const char *ifname,
	    int (*fn)(const struct ifnet_mcast *, void *arg), void *arg,
	    struct ifnet_error *);

#ifdef __cplusplus
}
#endif

#pragma GCC visibility pop

#endif /* !IFNET_CLIENT_H */
