/*
 * ctl_impl: the insides of control sessions, for src/ctl.
 *
 * A session belongs to one thread, its client's.  Its watch for the client (a
 * follow, a ping or a tap) holds a reference to the vnet; when the vnet is to
 * be destroyed, the destroying thread ends the watch (ctl_revoke), so the
 * fields of the watch have a lock.  No message is sent with the lock held.
 */

#ifndef CTL_CTL_IMPL_H
#define CTL_CTL_IMPL_H

#include <sys/queue.h>

#include "ctl/ctl.h"
#include "kern/kern_impl.h"
#include "kern/kuser.h"
#include "kern/request.h"
#include "net/bpf.h"
#include "netinet/in_var.h"
#include "netinet/ping.h"
#include "net/rtsock.h"
#include "net/zone6.h"
#include "proto/proto_rec.h"

/* The bytes of messages that a follower may leave unread: an administrator's,
 * and another user's. */
#define CTL_FOLLOW_BYTES	(1024 * 1024)
#define CTL_FOLLOW_BYTES_USER	(128 * 1024)
/* Replies of a ping that wait to be sent; further ones are lost. */
#define CTL_PING_RING		256
/* The most that fits a record of a message, also inside a batch. */
#define CTL_PAYLOAD_MAX		(CTL_MSG_MAX - 2 * sizeof(struct ctl_hdr) - \
				    sizeof(struct ctl_rec))

struct ctl_session;

/*
 *	cr_lock		before every session's cs_lock
 */
struct ctl_registry {
	struct host_mutex cr_lock;
	LIST_HEAD(, ctl_session) cr_watching;	/* cr_lock */
};

/* One request: its header and its record, checked and as this build has it. */
struct ctl_request {
	struct ctl_hdr	 rq_hdr;
	union {
		struct ctl_hello hello;
		struct ctl_ioctl ioctl;
		struct ctl_sysctl sysctl;
		struct ctl_dump	 dump;
		struct ctl_route_flush route_flush;
		struct ctl_history history;
		struct ctl_ping	 ping;
		struct ctl_ping_send ping_send;
		struct ctl_tap	 tap;
		struct ctl_filter filter;
		struct ctl_rule_number number;
		struct ctl_rule	 rule;
		struct ctl_mcast mcast;
	}		 rq_rec;
	size_t		 rq_nfixed;	/* bytes of it that the client sent */
	const uint8_t	*rq_data;	/* data behind it */
	size_t		 rq_len;
	struct vnet	*rq_vnet;	/* held until the answer is sent;
					 * NULL: the op needs none */
};

/*
 * Answers that need more than one message, or whose number is not known
 * beforehand: collected first, so that no lock is held while the client reads.
 */
struct ctl_chunk {
	TAILQ_ENTRY(ctl_chunk) ck_link;
	size_t		 ck_len;
	uint8_t		 ck_msg[CTL_MSG_MAX] __attribute__((__aligned__(16)));
};

struct ctl_out {
	struct ctl_session *co_session;
	size_t		 co_bytes;
	TAILQ_HEAD(ctl_chunks, ctl_chunk) co_chunks;
};

/*
 *	constant	from creation
 *	o:		the thread whose session it is
 *	l:		cs_lock
 *	r:		cs_ring_lock
 */
struct ctl_session {
	struct kern	*cs_kern;		/* constant */
	struct kauth_cred cs_cred;		/* constant */
	struct ctl_sink	 cs_sink;		/* constant */
	struct ctl_out	*cs_batch;		/* o: answers go here */
	int		 cs_error;		/* o: of the last answer */
	bool		 cs_greeted;		/* o: version is agreed on */
	bool		 cs_mustgreet;		/* constant */
	struct ctl_undo	*cs_undo;		/* o: NULL: no change begun */
	char		 cs_created[IFNAMSIZ];	/* o: by the request; "" */
	const struct ctl_request *cs_unlogged;	/* o: until its answer */
	bool		 cs_limited;		/* constant: without privilege:
						 * paced, takes turns */
	bool		 cs_turn;		/* o: has one */
	struct vnet	*cs_held;		/* o: for the request; released
						 * before anything is sent */

	struct host_mutex cs_lock;
	LIST_ENTRY(ctl_session) cs_link;	/* cr_lock; while cs_vnet */
	struct vnet	*cs_vnet;		/* cr_lock, atomic: the watched
						 * vnet; held */
	struct rt_listener *cs_listener;	/* l: */
	struct ping	*cs_ping;		/* l: */
	struct bpf_tap	*cs_tap;		/* l: */
	uint64_t	 cs_tap_dropped;	/* l: as last told */
	bool		 cs_tap_ended;		/* l: the end was told */
	bool		 cs_revoked;		/* l: the vnet went */
	bool		 cs_charged;		/* l: the watch, to its user */
	enum kuser_resource cs_resource;	/* l: as this */
	uint64_t	 cs_watch_bytes;	/* l: likewise */
	uint64_t	 cs_bytes;		/* o: charged until the session
						 * ends */
	LIST_HEAD(, ctl_join) cs_joins;		/* o: ctl_mcast.c's */
	unsigned	 cs_njoins;		/* o: */
	struct ctl_hdr	 cs_watch;		/* o: the request's */
	const struct ping_family *cs_ping_family;	/* constant while it
						 * is open, as these */
	union neigh_addr cs_ping_dst, cs_ping_src;	/* inner */
	uint8_t		*cs_evbuf;		/* o: CTL_MSG_MAX, mapped */

	struct kspin	 cs_ring_lock;
	unsigned	 cs_ring_head, cs_ring_n;	/* r: */
	struct ctl_ping_reply *cs_ring;		/* constant from the first
						 * ping; CTL_PING_RING */
};

/* One operation. */
struct ctl_op_def {
	const char	*od_name;
	/* The privilege needed.  Operations that carry a request of
	 * kern/request.h are open to all users; the request is judged by its
	 * own entry there. */
	enum kauth_action od_action;
	size_t		 od_size;		/* of its struct */
	size_t		 od_min, od_max;	/* data bytes behind that */
	bool		 od_vnet;		/* is about a vnet */
	bool		 od_batch;		/* allowed in a batch */
	/* Is the payload well formed?  NULL, or a text that says what is
	 * wrong. */
	const char	*(*od_check)(const struct ctl_request *);
	/* Carry it out and answer; 0, or the sink's errno. */
	int		(*od_run)(struct ctl_session *,
			    const struct ctl_request *);
};

/* ctl_session.c */
/*
 * Spend n of a rate of the session's user, sleeping until that is earned.
 * EAGAIN: it would take too long; `why' (KUSER_TEXT) says so in words.
 */
int	ctl_pace(struct ctl_session *, enum kuser_rate, uint64_t n, char *why);
/*
 * Charge the session's user for bytes that are kept for it (KUSER_BYTES).
 * EUSERS, with the reason; ENOMEM.
 */
int	ctl_bytes_charge(struct ctl_session *, uint64_t n);
void	ctl_bytes_release(struct ctl_session *, uint64_t n);
/*
 * Work for the session's user begins, and ends or has to wait: a user without
 * privilege takes a turn for it (kern/kturn.h).  ctl_turn_end(): had it one?
 */
void	ctl_turn_begin(struct ctl_session *);
bool	ctl_turn_end(struct ctl_session *);

/* ctl_dispatch.c */
int	ctl_reply(struct ctl_session *, const struct ctl_hdr *, int error,
	    const char *fmt, ...)
	    __attribute__((__format__(__printf__, 4, 5)));
/* Send an answer of one record. */
int	ctl_reply_rec(struct ctl_session *, const struct ctl_hdr *, int error,
	    const void *fixed, size_t nfixed, const void *data, size_t len);
/* Send a message that has room for its header in front, which is filled in. */
int	ctl_reply_msg(struct ctl_session *, const struct ctl_hdr *, int error,
	    unsigned flags, void *msg, size_t len);
/* Answer EPERM in words that name the action. */
int	ctl_reply_perm(struct ctl_session *, const struct ctl_hdr *,
	    enum kauth_action);
/* Is the payload a name that ends with a NUL? */
const char *ctl_check_name(const struct ctl_request *);
const struct ctl_op_def *ctl_op_find(unsigned op);

/* ctl_log.c: log a request that was carried out, if it is a change. */
void	ctl_log_change(struct ctl_session *, const struct ctl_request *);
/* Log a request to an interface that was carried out later than it was made. */
void	ctl_log_done(struct ctl_session *, struct vnet *, unsigned long cmd,
	    const void *record, size_t);
/* Log a request that undid another: to an interface, and any other. */
void	ctl_log_undone(struct ctl_session *, struct vnet *, unsigned long cmd,
	    const void *record, size_t);
struct undo_piece;
void	ctl_log_undone_step(struct ctl_session *, struct vnet *,
	    const struct undo_piece *);

/* ctl_ops.c */
const char *ctl_check_ioctl(const struct ctl_request *);
const char *ctl_check_route(const struct ctl_request *);
int	ctl_run_hello(struct ctl_session *, const struct ctl_request *);
int	ctl_run_names(struct ctl_session *, const struct ctl_request *);
int	ctl_run_ioctl(struct ctl_session *, const struct ctl_request *);
int	ctl_run_route(struct ctl_session *, const struct ctl_request *);
int	ctl_run_vnet_create(struct ctl_session *, const struct ctl_request *);
int	ctl_run_vnet_destroy(struct ctl_session *,
	    const struct ctl_request *);
int	ctl_run_halt(struct ctl_session *, const struct ctl_request *);

/* ctl_sysctl.c */
const char *ctl_check_sysctl(const struct ctl_request *);
int	ctl_run_sysctl(struct ctl_session *, const struct ctl_request *);
int	ctl_run_sysctl_next(struct ctl_session *, const struct ctl_request *);
int	ctl_run_sysctl_descr(struct ctl_session *,
	    const struct ctl_request *);

/* ctl_dump.c */
void	ctl_out_init(struct ctl_out *, struct ctl_session *);
void	ctl_out_free(struct ctl_out *);
/* Append, padded to 8 bytes.  ENOMEM; EUSERS: the user has too many bytes
 * waiting; EMSGSIZE: more than a message. */
int	ctl_out_add(struct ctl_out *, const void *, size_t);
/* As ctl_out_add(), with a record's header and struct in front of the data. */
int	ctl_out_add_rec(struct ctl_out *, const void *fixed, size_t nfixed,
	    const void *data, size_t len);
/* Send all that was added as the answer to a request, and free it. */
int	ctl_out_send(struct ctl_out *, struct ctl_session *,
	    const struct ctl_hdr *, int error);
/* Send all that was added, with CTL_MORE, and empty the output. */
int	ctl_out_flush(struct ctl_out *, struct ctl_session *,
	    const struct ctl_hdr *);
const char *ctl_check_dump(const struct ctl_request *);
int	ctl_run_dump(struct ctl_session *, const struct ctl_request *);
int	ctl_run_route_flush(struct ctl_session *, const struct ctl_request *);
const char *ctl_check_history(const struct ctl_request *);
int	ctl_run_history(struct ctl_session *, const struct ctl_request *);
int	ctl_run_vnet_list(struct ctl_session *, const struct ctl_request *);

/* ctl_inverse.c */
/* The records of requests to an interface; each begins with its name. */
union ctl_if_record {
	struct ifreq	 ifr;
	struct if_createreq create;
	struct ifaliasreq alias;
	struct in6_aliasreq alias6;
	struct in6_ifreq ifr6;
	struct if_laddrreq laddr;
	struct if_addrprefreq pref;
	struct ifcapreq	 cap;
	struct if_groupreq group;
	struct if_pgreq	 pg;
};

/* A request that undoes one, or a part of it. */
#define CTL_INVERSE_MAX	6
struct ctl_inverse {
	unsigned long	 ci_cmd;
	union ctl_if_record ci_record;
};

/*
 * The requests that undo a request that has not been carried out yet; the last
 * is to be made first.  *n: their number, CTL_INVERSE_MAX at most, and 0 when
 * the request will be refused.  false: the request cannot be undone.
 */
bool	ctl_inverse(struct ctl_session *, struct vnet *, unsigned long cmd,
	    const union ctl_if_record *, struct ctl_inverse *, unsigned *n);

/* ctl_undo.c */
int	ctl_run_begin(struct ctl_session *, const struct ctl_request *);
int	ctl_run_commit(struct ctl_session *, const struct ctl_request *);
int	ctl_run_rollback(struct ctl_session *, const struct ctl_request *);
/* Make room for a note, before an interface of this vnet, or the vnet, is
 * created.  ENOBUFS: the change is too large; EUSERS, ENOMEM; the reason is
 * left in words.  This and the functions that note something do nothing in a
 * session that has not begun a change. */
int	ctl_undo_reserve(struct ctl_session *, const char *vnet, uint32_t id);
/* Note an interface, or the vnet, as created. */
void	ctl_undo_note_if(struct ctl_session *, struct vnet *,
	    const char *ifname);
void	ctl_undo_note_vnet(struct ctl_session *, uint32_t id);
/* Note the interfaces that the present request attached (KERN_MADE_MAX of
 * them).  As above: they are destroyed again. */
int	ctl_undo_note_made(struct ctl_session *);
/* Forget all notes: the created interfaces and vnets stay. */
void	ctl_undo_forget(struct ctl_session *);
/* Did the change create the interface, or the vnet?  Undoing ends it. */
bool	ctl_undo_has_created(struct ctl_session *, struct vnet *,
	    const char *ifname);
bool	ctl_undo_has_vnet(struct ctl_session *, uint32_t id);
/*
 * Note how a request to an interface is undone, before it is carried out.
 * As above; EOPNOTSUPP: it cannot be undone; the reason is left in words.
 * *created: the change created the interface, and will destroy it.
 */
int	ctl_undo_prepare(struct ctl_session *, struct vnet *, unsigned long,
	    const void *, size_t, bool *created);
/* Drop the note: the request was refused.  Keep it.  Keep it, the request
 * moved the interface. */
void	ctl_undo_cancel(struct ctl_session *);
void	ctl_undo_keep(struct ctl_session *);
void	ctl_undo_keep_moved(struct ctl_session *, struct vnet *to,
	    const char *ifname);
/*
 * true: the interface is destroyed by CTL_COMMIT, which has been noted (or not:
 * *error, as above); false: at once, because the change created it, or there is
 * no change.
 */
bool	ctl_undo_destroys(struct ctl_session *, struct vnet *,
	    const char *ifname, int *error);
/* Answer that something is no part of a change: "a vnet that is destroyed". */
int	ctl_undo_refuse(struct ctl_session *, const struct ctl_request *,
	    const char *what);
/* The session ends: destroy the noted interfaces and vnets, and restore the
 * noted settings. */
void	ctl_undo_session(struct ctl_session *);

/* Kinds of notes of a change. */
enum undo_kind {
	UNDO_CREATED,		/* interfaces, and the vnet itself */
	UNDO_IOCTL,		/* a request to an interface */
	UNDO_DESTROY,		/* an interface that goes at the end */
	UNDO_ROUTE,		/* a routing message */
	UNDO_SYSCTL,		/* the old value of a setting */
	UNDO_RULE,		/* a rule of routing that was added */
	UNDO_FILTER		/* one of the filter */
};

/* ctl_undo_step.c */
/* rtsock_request(), and inside a change a note how to undo it.  Also as
 * above, and EOPNOTSUPP: it cannot be undone. */
int	ctl_undo_route(struct ctl_session *, struct vnet *, const void *msg,
	    size_t, void *answer, size_t *answerlen);
/* Note the value of a setting, or room for a rule, before the request; kept or
 * dropped as above, a rule with its number.  As above. */
int	ctl_undo_sysctl(struct ctl_session *, struct vnet *,
	    const char *name);
int	ctl_undo_rule(struct ctl_session *, struct vnet *, enum undo_kind);
void	ctl_undo_rule_added(struct ctl_session *, uint32_t number);

/* ctl_watch.c */
const char *ctl_check_follow(const struct ctl_request *);
const char *ctl_check_ping_begin(const struct ctl_request *);
const char *ctl_check_ping_send(const struct ctl_request *);
int	ctl_run_follow(struct ctl_session *, const struct ctl_request *);
int	ctl_run_ping_begin(struct ctl_session *, const struct ctl_request *);
int	ctl_run_ping_send(struct ctl_session *, const struct ctl_request *);
int	ctl_run_ping_stop(struct ctl_session *, const struct ctl_request *);
/*
 * Make the listener, ping or tap the session's watch.  ENOENT: the vnet is
 * dying, and the destroying thread may have looked for watches already.
 */
int	ctl_watch_begin(struct ctl_session *, const struct ctl_request *,
	    struct rt_listener *, struct ping *, struct bpf_tap *);
/*
 * End the present watch and charge the session's user for a new one, with
 * buffers of that many bytes; the charge is released when that ends.  EUSERS,
 * ENOMEM: `why' (KUSER_TEXT) says so in words.
 */
int	ctl_watch_charge(struct ctl_session *, enum kuser_resource,
	    uint64_t bytes, char *why);
/* Allocate the buffer for events, at the first watch.  ENOMEM, EUSERS. */
int	ctl_watch_buffer(struct ctl_session *);
/* Any context: there are events for the session's client. */
void	ctl_watch_wakeup(void *);
/* End the session's watch. */
void	ctl_watch_stop(struct ctl_session *);
/* kern's k_vnet_revoke. */
void	ctl_revoke(struct vnet *);

/* ctl_tap.c */
const char *ctl_check_tap(const struct ctl_request *);
int	ctl_run_tap_open(struct ctl_session *, const struct ctl_request *);
int	ctl_run_tap_stop(struct ctl_session *, const struct ctl_request *);
/* l: fill the event buffer with the tap's packets; returns its length. */
size_t	ctl_tap_read(struct ctl_session *);
/* A copy of n instructions of a payload, aligned; NULL: out of memory. */
struct bpf_insn *ctl_tap_program(struct ctl_session *, const uint8_t *,
	    unsigned n);

/* ctl_rule.c */
const char *ctl_check_rule(const struct ctl_request *);
int	ctl_run_rule_add(struct ctl_session *, const struct ctl_request *);
int	ctl_run_rule_delete(struct ctl_session *, const struct ctl_request *);
int	ctl_run_rule_flush(struct ctl_session *, const struct ctl_request *);
int	ctl_run_rule_list(struct ctl_session *, const struct ctl_request *);

/* ctl_mcast.c */
const char *ctl_check_mcast(const struct ctl_request *);
int	ctl_run_mcast_join(struct ctl_session *, const struct ctl_request *);
int	ctl_run_mcast_leave(struct ctl_session *, const struct ctl_request *);
int	ctl_run_mcast_list(struct ctl_session *, const struct ctl_request *);
/* The session ends: leave what it has joined. */
void	ctl_mcast_session(struct ctl_session *);

/* ctl_filter.c */
const char *ctl_check_filter(const struct ctl_request *);
int	ctl_run_filter_add(struct ctl_session *, const struct ctl_request *);
int	ctl_run_filter_delete(struct ctl_session *,
	    const struct ctl_request *);
int	ctl_run_filter_zero(struct ctl_session *, const struct ctl_request *);
int	ctl_run_filter_flush(struct ctl_session *,
	    const struct ctl_request *);
int	ctl_run_filter_list(struct ctl_session *, const struct ctl_request *);

#endif /* !CTL_CTL_IMPL_H */
