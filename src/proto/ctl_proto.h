/*
 * ctl_proto: the control protocol between a client and a stack.
 *
 * One request is one message of a sequenced-packet socket.  Its answers carry
 * the same op and seq; all but the last have CTL_MORE.  Events of a follow,
 * ping or tap carry CTL_EVENT.  Both ends are on one machine: integers are in
 * host order.
 *
 * The two ends may be of different releases.  A header is followed by a
 * sequence of records (struct ctl_rec), each with the length of its struct:
 * fields are only ever added at the end, a shorter struct is filled up with
 * zeros, a longer one is read as far as it is known.  A request that asks for
 * something in a field the stack does not know is refused in words
 * (proto_rec_get()); an unknown op is, too.  CTL_HELLO comes first and agrees
 * on the version, which changes only when a release cannot keep these rules,
 * and on features; numbers that listings show travel with their names
 * (CTL_NAMES).
 *
 * A message whose header makes no sense is answered and ends the connection.
 * The header itself, CTL_HELLO's op and the form of an answer with CTL_TEXT
 * never change, so that ends of any two versions can refuse each other in
 * words.
 */

#ifndef PROTO_CTL_PROTO_H
#define PROTO_CTL_PROTO_H

#include <stdint.h>

#include <netinet/in.h>

#define CTL_MAGIC	0x69666e31u	/* "ifn1" */
#define CTL_VERSION	2		/* the newest this code speaks, */
#define CTL_VERSION_MIN	2		/* and the oldest */
#define CTL_MSG_MAX	65536		/* largest message, either way */
#define CTL_VNETSIZE	32

/*
 * The payload of each op is one record: the struct named here, followed by the
 * data named after it.  "many": several records in a message.
 */
enum ctl_op {
	CTL_HELLO = 1,	/* struct ctl_hello, features; answer: the same */
	CTL_IOCTL,	/* struct ctl_ioctl, record, list [; a descriptor] */
	CTL_SYSCTL,	/* struct ctl_sysctl, new value */
	CTL_SYSCTL_NEXT, /* name with NUL; answer: name with NUL */
	CTL_SYSCTL_DESCR, /* name with NUL; answer: text with NUL */
	CTL_ROUTE,	/* routing message; answer: the same, or nothing */
	CTL_DUMP,	/* struct ctl_dump; answers: routing messages, each
			 * padded to 8, without records around them */
	CTL_FOLLOW,	/* struct ctl_dump; events: the same */
	CTL_VNET_CREATE, CTL_VNET_DESTROY,	/* name with NUL */
	CTL_VNET_LIST,	/* answers: struct ctl_vnet, many each */
	CTL_PING_BEGIN,	/* struct ctl_ping; events: struct ctl_ping_reply,
			 * many each */
	CTL_PING_SEND,	/* struct ctl_ping_send */
	CTL_PING_STOP,
	CTL_HALT,
	CTL_BATCH,	/* requests one after another, each with its header,
			 * 8-byte aligned; answers likewise; stops at the
			 * first that fails */
	CTL_HISTORY,	/* struct ctl_history; answers: struct if_history,
			 * many each */
	CTL_TAP_OPEN,	/* struct ctl_tap, instructions; events: struct
			 * ctl_tap_rec, many each, without records around
			 * them */
	CTL_TAP_STOP,	/* the captured packets still come, and then the end */
	CTL_FILTER_ADD,	/* struct ctl_filter, instructions, text with NUL;
			 * answer: struct ctl_rule_number */
	CTL_FILTER_DELETE,	/* struct ctl_rule_number */
	CTL_FILTER_ZERO,	/* the same; 0: all */
	CTL_FILTER_FLUSH,
	CTL_FILTER_LIST, /* answers: struct ctl_filter_rule, text with NUL,
			 * many each */
	CTL_NAMES,	/* answers: struct ctl_name, name with NUL, text with
			 * NUL, many each */
	CTL_BEGIN,	/* interfaces and vnets created from now on are
			 * destroyed when the session ends, and settings of
			 * other interfaces restored, until */
	CTL_COMMIT,	/* they are to stay, or */
	CTL_ROLLBACK,	/* are undone now; answer: struct ctl_undone */
	CTL_RULE_ADD,	/* struct ctl_rule; answer: struct ctl_rule_number */
	CTL_RULE_DELETE, /* struct ctl_rule_number */
	CTL_RULE_FLUSH,
	CTL_RULE_LIST,	/* answers: struct ctl_rule, many each */
	CTL_ROUTE_FLUSH, /* struct ctl_route_flush; answers: as to CTL_DUMP, of
			 * the routes that are deleted */
	CTL_MCAST_JOIN,	/* struct ctl_mcast: interface and group; the session's
			 * until it ends */
	CTL_MCAST_LEAVE, /* likewise */
	CTL_MCAST_LIST,	/* struct ctl_mcast: m_ifname ("": all); answers: the
			 * same, many each */
	CTL_OP_MAX
};

struct ctl_hdr {
	uint32_t	 ch_magic;
	uint32_t	 ch_len;	/* whole message */
	uint16_t	 ch_op;
	uint16_t	 ch_flags;
#define CTL_MORE	0x1	/* further answers follow */
#define CTL_EVENT	0x2	/* not an answer */
#define CTL_ANSWER	0x4
#define CTL_TEXT	0x8	/* error answer: payload is words, with NUL */
	int32_t		 ch_error;	/* answers: errno */
	uint64_t	 ch_seq;	/* the request's, echoed */
	char		 ch_vnet[CTL_VNETSIZE];	/* "": the first */
};

/* A record.  The next one begins at the next multiple of 8. */
struct ctl_rec {
	uint32_t	 rc_len;	/* with this header */
	uint16_t	 rc_fixed;	/* bytes of the struct; 8n */
	uint16_t	 rc_type;	/* 0 so far; refused in requests if it
					 * is another */
};

/*
 * The versions that the client speaks; the answer: the version spoken from now
 * on (h_version).  Names of features follow, each with NUL.
 */
struct ctl_hello {
	uint32_t	 h_version;	/* the newest */
	uint32_t	 h_oldest;
	uint32_t	 h_pid;
	uint32_t	 h_pad;
	uint64_t	 h_names;	/* proto_names_hash() */
	char		 h_text[64];	/* "ifnetd 0.1.0" */
};

/* A client of version 1 sends CTL_HELLO as a header alone; it understands an
 * answer with CTL_TEXT. */

/* A number's name: of a drop reason, ... (enum proto_names). */
struct ctl_name {
	uint32_t	 n_table;
	uint32_t	 n_number;
	uint32_t	 n_flags;
#define CTL_NAME_OUTPUT	0x1	/* a drop reason of the output side */
	uint32_t	 n_pad;
};

struct ctl_undone {
	uint64_t	 ud_objects;	/* interfaces and vnets destroyed */
};

struct ctl_ioctl {
	uint64_t	 i_cmd;
	uint32_t	 i_len;		/* of the record; a list, or room for
					 * one, follows it */
	uint32_t	 i_stride;	/* of what a SIOCGIFCONF lists */
};

struct ctl_sysctl {
	char		 s_name[128];
	uint32_t	 s_oldroom;	/* bytes wanted back at most */
	uint32_t	 s_setnew;	/* 0: read only, and no value follows */
	uint32_t	 s_type;	/* answer */
	uint32_t	 s_writable;	/* answer */
	uint32_t	 s_oldlen;	/* answer: length of the whole value */
	uint32_t	 s_pad[3];
};	/* the new value, or the old one, follows */

struct ctl_dump {
	uint32_t	 d_what;	/* IFNET_LINK ... */
#define CTL_DUMP_GROUP	0x40		/* d_ifname is the name of a group */
	uint32_t	 d_table;	/* of routes: its number plus 1; 0: of
					 * all tables */
	char		 d_ifname[16];	/* "": all */
};

struct ctl_route_flush {
	uint32_t	 rf_table;	/* as d_table */
	uint32_t	 rf_pad;
};

struct ctl_history {
	char		 hi_ifname[16];	/* "": all */
};

struct ctl_vnet {
	char		 v_name[CTL_VNETSIZE];
	uint32_t	 v_interfaces;
	uint32_t	 v_pad;
};

struct ctl_ping {
	uint32_t	 p_dst, p_src;	/* of IPv4 */
	uint32_t	 p_table;	/* of routes; 0: the main one */
	uint16_t	 p_port;	/* UDP packets to this port and the next
					 * ones; 0: echo requests */
	uint16_t	 p_flags;
#define CTL_PING_WHOLE	0x1		/* never in fragments */
#define CTL_PING_MINMTU	0x2		/* in fragments of 1280 bytes */
#define CTL_PING_FLAGS	0x3
	struct sockaddr_in6 p_dst6, p_src6;	/* family 0: not IPv6 */
	uint32_t	 p_ifindex;	/* on this link; 0: as routes say */
	uint32_t	 p_pad;
};

struct ctl_ping_send {
	uint32_t	 ps_seq, ps_bytes, ps_ttl, ps_pad;
};

struct ctl_ping_reply {
	uint32_t	 pr_from, pr_seq, pr_ttl, pr_type, pr_code, pr_bytes;
	int32_t		 pr_error;
	uint32_t	 pr_mtu;	/* of a message that says "too big" */
	uint64_t	 pr_rtt_ns;
	struct sockaddr_in6 pr_from6;	/* of IPv6; family 0: see pr_from */
	uint32_t	 pr_pad;
};

/* An instruction of a filter's program, as of classic BPF. */
struct ctl_insn {
	uint16_t	 in_code;
	uint8_t		 in_jt, in_jf;
	uint32_t	 in_k;
};

struct ctl_tap {
	char		 t_ifname[16];
	uint32_t	 t_dirs;	/* CTL_TAP_IN, CTL_TAP_OUT */
	uint32_t	 t_snaplen;	/* 0: the most there is */
	uint32_t	 t_ring;	/* bytes of each CPU; 0: the default */
	uint32_t	 t_dlt;		/* the program's link type */
	uint32_t	 t_ninsns;	/* that follow; 0: every packet */
	uint32_t	 t_flags;
#define CTL_TAP_PROMISC	0x1	/* make the interface promiscuous */
};

/* A record of a tap event; tr_caplen bytes follow, padded to 8. */
struct ctl_tap_rec {
	uint64_t	 tr_time_ns;	/* wall clock */
	uint32_t	 tr_len;	/* of the packet; the end: errno */
	uint32_t	 tr_caplen;
	uint32_t	 tr_flags;
#define CTL_TAP_IN	0x001
#define CTL_TAP_OUT	0x002
#define CTL_TAP_STATS	0x100	/* not a packet but struct ctl_tap_stats */
#define CTL_TAP_END	0x200	/* the same, and nothing comes after it */
	uint32_t	 tr_head;	/* bytes of this struct: the packet
					 * follows */
};

struct ctl_tap_stats {
	uint64_t	 ts_received, ts_filtered, ts_dropped;
};

#define CTL_FILTER_PROGS 2
enum { CTL_FILTER_PASS, CTL_FILTER_DROP, CTL_FILTER_MARK };

struct ctl_filter {
	uint32_t	 f_number;	/* 0: behind the last */
	uint32_t	 f_dir;		/* CTL_TAP_IN or CTL_TAP_OUT */
	uint32_t	 f_action;	/* CTL_FILTER_PASS ... */
	uint32_t	 f_nprogs;
	char		 f_ifname[16];	/* "": any */
	struct {
		uint32_t	 dlt, ninsns;
	}		 f_prog[CTL_FILTER_PROGS];
	uint32_t	 f_mark;	/* CTL_FILTER_MARK */
	uint32_t	 f_pad;
};	/* the instructions of all programs and the text follow */

/* Of the filter, or of the rules that pick a table. */
struct ctl_rule_number {
	uint32_t	 rn_number, rn_pad;
};

struct ctl_filter_rule {
	uint32_t	 fr_number, fr_dir, fr_action, fr_mark;
	char		 fr_ifname[16];
	uint64_t	 fr_packets, fr_bytes;
};	/* the text follows */

/* A rule that picks a table of routes. */
enum { CTL_RULE_TABLE, CTL_RULE_REJECT, CTL_RULE_BLACKHOLE };
struct ctl_rule {
	uint32_t	 r_number;	/* add: 0: behind the last */
	uint32_t	 r_family;	/* of the prefixes; 0: it has none */
	uint32_t	 r_srclen, r_dstlen;
	uint8_t		 r_src[16], r_dst[16];	/* network order */
	uint32_t	 r_mark, r_markmask;
	uint32_t	 r_action;	/* CTL_RULE_* */
	uint32_t	 r_table;
	char		 r_ifname[16];	/* "": any */
	uint64_t	 r_packets;	/* list: that it decided on */
};

/* A group of an interface. */
struct ctl_mcast {
	char		 m_ifname[16];
	uint32_t	 m_family;	/* AF_INET, AF_INET6 */
	uint32_t	 m_flags;	/* list, and all that follows m_addr */
#define CTL_MCAST_DRIVER 0x1	/* the driver receives it */
#define CTL_MCAST_ALL	0x2	/* the driver receives every group */
	uint8_t		 m_addr[16];	/* of the wire; IPv4: 4 bytes */
	uint8_t		 m_lladdr[8];	/* 6 bytes; zeroes: none */
	uint32_t	 m_refs, m_own;	/* joins; for the interface's own
					 * addresses */
	uint32_t	 m_version;	/* of reports: 0 the newest, 1, 2 */
	uint32_t	 m_robust;
};

#endif /* !PROTO_CTL_PROTO_H */
