/*
 * rtsock: the routing socket: requests in messages, dumps, listeners.
 */

#ifndef NET_RTSOCK_H
#define NET_RTSOCK_H

#include <ifnet/if.h>
#include <ifnet/rtmsg.h>

#include "net/route.h"

struct neigh;
struct rtentry;
struct rtfull;
struct rt_listener;

/*
 * Control: one request (RTM_ADD, DELETE, CHANGE, GET; with RTF_LLDATA about a
 * neighbour) of exactly len bytes.  The answer, at most RT_MSG_MAX bytes, goes
 * to `answer' (RTM_GET and all that succeed; *answerlen 0 otherwise).  EPERM,
 * EINVAL, EAFNOSUPPORT, ESRCH, EEXIST, ENETUNREACH, ENOMEM.
 */
int	rtsock_request(struct vnet *, const struct kauth_cred *,
	    const void *msg, size_t len, void *answer, size_t *answerlen);

/*
 * Control: describe the route that a request (RTM_ADD, DELETE, CHANGE; checked,
 * with its addresses) is about to delete, change or give one more way, as the
 * RTM_ADD that would make it again; RT_MSG_MAX bytes of room.  ESRCH: there is
 * none, or the request would be refused; or as rt_get_request().
 */
int	rtsock_get_request(struct vnet *, const struct rt_msg *,
	    const struct sockaddr *const sa[RTAX_MAX], void *msg);

/* Kinds of messages that a dump or a listener wants. */
#define RTS_LINK	0x01	/* interfaces: RTM_IFANNOUNCE, RTM_IFINFO */
#define RTS_ADDR	0x02
#define RTS_ROUTE	0x04
#define RTS_NEIGH	0x08
#define RTS_ALL		0x0f
#define RTS_SNAPSHOT	0x10	/* first all there is, then RTM_SNAPSHOT_END */
#define RTS_DETAIL	0x20	/* dump: RTM_IFDETAIL of each interface, too */

/*
 * Control: call fn with a message for everything of the kinds in `what'
 * (interfaces each followed by their addresses; then routes, in the order of
 * prefixes; then neighbours, by interface and address), of one interface when
 * handle is not 0 (ENXIO: there is no such).  fn may sleep; its first nonzero
 * value ends the dump and is returned.
 */
int	rtsock_dump(struct vnet *, unsigned what, uint64_t handle,
	    int (*fn)(const void *msg, void *arg), void *arg);

/*
 * A dump in pieces of one interface, some routes or some neighbours each:
 * nothing is held between two calls, not even the vnet, and an object that is
 * there all the time is met once.  The dump goes on as long as rc_what is not
 * 0.
 */
struct rtsock_cursor {
	uint64_t	 rc_handle;
	unsigned	 rc_what;	/* RTS_*: kinds not finished */
	unsigned	 rc_index;	/* next interface */
	unsigned	 rc_slot;	/* its next family of neighbours, */
	uint64_t	 rc_neigh;	/* and place among them */
	struct rt_place	 rc_route;
};

/* rc_route may be set to a place where the routes begin. */
void	rtsock_dump_begin(struct rtsock_cursor *, unsigned what,
	    uint64_t handle);
int	rtsock_dump_next(struct vnet *, struct rtsock_cursor *,
	    int (*fn)(const void *msg, void *arg), void *arg);

/*
 * A listener: a bounded queue of its own (bytes), filled from the vnet's log
 * when it reads, and gapless sequence numbers, given as messages are read.
 * When the queue is full, or the log went over what was not read yet, messages
 * are lost for it alone, and one RTM_OVERRUN record stands where they would
 * have been.  wakeup is called, in control context and soon rather than at
 * once, when there is something to read again after a read that found nothing;
 * it must not call back.  Control; one thread at a time reads a listener.
 * ENOMEM.
 */
int	rt_listener_open(struct vnet *, unsigned what, size_t queue_bytes,
	    void (*wakeup)(void *), void *arg, struct rt_listener **);
void	rt_listener_close(struct rt_listener *);
/* The next message (RT_MSG_MAX bytes of room); 0 bytes: nothing there. */
size_t	rt_listener_read(struct rt_listener *, void *msg);

/*
 * Announcements, after the change is visible.  Any context.
 *
 * Objects that were announced and not taken back stand in one list, in the
 * order of announcement; an object must be taken back (departure, RTM_DELADDR,
 * RTM_DELETE) before it is freed.  A snapshot is a walk of that list and not of
 * the tables, as far as it went when the walk began.  While a listener walks it
 * is not told of the objects that its walk has yet to come to, only of those
 * before, and of those that were announced since.  So it gets neither a gap nor
 * a repeat, and the walk holds no lock between two objects.  An address and its
 * own routes stand there as one; when a part of that is announced later than
 * another, the whole of it is told to those whose walk had yet to come to it,
 * as announced now: what the new part replaces was told of before.  One thing
 * may look odd: an address that came while a listener walked is told of, and
 * that it went, also when its interface went before the walk had come to it.
 */
void	rt_ifannounce(struct ifnet *, int what);	/* IFAN_* */
void	rt_ifmsg(struct ifnet *);			/* RTM_IFINFO */
/* RTM_IFRENAME: it has its new name; the old one is IFNAMSIZ bytes. */
void	rt_ifrename(struct ifnet *, const char *oldname);
void	rt_newaddrmsg(uint8_t type, struct ifaddr *);	/* RTM_*ADDR */
void	rt_routemsg(struct vnet *, uint8_t type, const struct rtentry *);
/*
 * RTM_DELETE takes it back, everything else (RTM_ADD, RTM_LLINFO_UPD) is news.
 */
void	rt_neighmsg(uint8_t type, const struct neigh *);
/* RTM_CHANGE: `new' stands where `old' was. */
void	rt_routechange(struct vnet *, const struct rtentry *old,
	    const struct rtfull *new);

/* Any: around a change of what a standing object is described by, for those who
 * describe it in between. */
void	rts_change_begin(struct vnet *);
void	rts_change_end(struct vnet *);

/* rtsock_describe.c: describe, in RT_MSG_MAX bytes.  Any context. */
void	rts_fill_if(struct ifnet *, uint8_t type, int what, void *msg);
void	rts_fill_rename(struct ifnet *, const char *oldname, void *msg);
void	rts_fill_ifa(struct ifaddr *, uint8_t type, void *msg);
void	rts_fill_neigh(const struct neigh *, uint8_t type, void *msg);
/* Take back without a word, if it stands in the list: an object going that was
 * not announced as gone. */
void	rts_forget(struct vnet *, struct rts_node *);

extern const struct vnet_subsys rtsock_subsys;

#endif /* !NET_RTSOCK_H */
