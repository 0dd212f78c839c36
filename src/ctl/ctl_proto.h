/*
 * ctl_proto: the control protocol between a client and a stack.
 *
 * One request is one message of a sequenced-packet socket: the header and the
 * operation's payload.  Its answers carry the same op and seq; all but the
 * last have CTL_MORE.  Events of a follow or ping carry CTL_EVENT.  Both ends
 * are on one machine: integers are in host order.  Whatever does not fit its
 * header is refused whole (EPROTO, and the connection ends only when the
 * header itself makes no sense).
 */

#ifndef CTL_CTL_PROTO_H
#define CTL_CTL_PROTO_H

#include <stdint.h>

#define CTL_MAGIC	0x69666e31u	/* "ifn1" */
#define CTL_MSG_MAX	65536		/* largest message, either way */
#define CTL_VNETSIZE	32

enum ctl_op {
	CTL_HELLO = 1,	/* answer: struct ctl_hello */
	CTL_IOCTL,	/* struct ctl_ioctl, record [, a descriptor] */
	CTL_SYSCTL,	/* struct ctl_sysctl, new value */
	CTL_SYSCTL_NEXT, /* name with NUL; answer: name with NUL */
	CTL_SYSCTL_DESCR, /* name with NUL; answer: text with NUL */
	CTL_ROUTE,	/* message; answer: message or nothing */
	CTL_DUMP,	/* struct ctl_dump; answers: messages, many each */
	CTL_FOLLOW,	/* struct ctl_dump; events: messages, many each */
	CTL_VNET_CREATE, CTL_VNET_DESTROY,	/* name with NUL */
	CTL_VNET_LIST,	/* answers: struct ctl_vnet, many each */
	CTL_PING_BEGIN,	/* struct ctl_ping; events: struct ctl_ping_reply */
	CTL_PING_SEND,	/* struct ctl_ping_send */
	CTL_PING_STOP,
	CTL_HALT,
	CTL_BATCH,	/* requests one after another, each with its header,
			 * 8-byte aligned; answers likewise; stops at the
			 * first that fails */
	CTL_HISTORY,	/* struct ctl_history; answers: struct if_history,
			 * many each */
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

struct ctl_hello {
	uint32_t	 h_version;
	uint32_t	 h_pid;
	char		 h_text[64];	/* "ifnetd 0.1.0" */
};

struct ctl_ioctl {
	uint64_t	 i_cmd;
};

struct ctl_sysctl {
	char		 s_name[128];
	uint32_t	 s_oldroom;	/* bytes wanted back at most */
	uint32_t	 s_newlen;	/* bytes that follow; */
	uint32_t	 s_setnew;	/* 0: read only */
	uint32_t	 s_type;	/* answer */
	uint32_t	 s_writable;	/* answer */
	uint32_t	 s_oldlen;	/* answer: length of the whole value */
};	/* the new value, or the old one, follows */

struct ctl_dump {
	uint32_t	 d_what;	/* IFNET_LINK ... */
	uint32_t	 d_pad;
	char		 d_ifname[16];	/* "": all */
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
	uint32_t	 p_dst, p_src;
};

struct ctl_ping_send {
	uint32_t	 ps_seq, ps_bytes, ps_ttl, ps_pad;
};

struct ctl_ping_reply {
	uint32_t	 pr_from, pr_seq, pr_ttl, pr_type, pr_code, pr_bytes;
	int32_t		 pr_error;
	uint32_t	 pr_pad;
	uint64_t	 pr_rtt_ns;
};

#endif /* !CTL_CTL_PROTO_H */
