/*
 * client_private: declarations that only the files of src/client use.
 */

#ifndef CLIENT_CLIENT_PRIVATE_H
#define CLIENT_CLIENT_PRIVATE_H

#include <sys/queue.h>

#include <stdbool.h>

#include <ifnet/rtmsg.h>

#include "client/client_impl.h"
#include "proto/proto_names.h"
#include "proto/proto_rec.h"

/* Replies kept for ifnet_ping_recv(); the oldest are lost beyond. */
#define CLIENT_PINGS_MAX	1024

struct client_ping {
	STAILQ_ENTRY(client_ping) cp_link;
	struct ctl_ping_reply cp_reply;
};

/* A message of a capture that arrived during the wait for an answer. */
struct client_kept {
	STAILQ_ENTRY(client_kept) ck_link;
	size_t		 ck_len;
	uint8_t		 ck_data[];
};

struct client_call;

/* Answers that are waited for: to a request that was sent. */
struct client_wait {
	LIST_ENTRY(client_wait) cw_link;	/* c_waits, until it is over */
	const struct client_call *cw_call;	/* there until it is over */
	uint64_t	 cw_seq;		/* number of the request */
	bool		 cw_over;		/* the last answer came */
	int		 cw_error;		/* its errno, */
	struct ifnet_error *cw_words;		/* and its words */
};

struct ifnet_client {
	struct client_transport c_tr;
	void		*c_arg;			/* the transport's */
	char		 c_peer[256];
	char		 c_vnet[CTL_VNETSIZE];
	uint64_t	 c_seq;			/* of the last request */
	LIST_HEAD(, client_wait) c_waits;
	unsigned	 c_started;		/* batches on their way */
	int		 c_answer_ms;		/* -1: no limit */
	bool		 c_broken;		/* nothing sensible comes */
	char		 c_server[64];		/* "ifnetd 0.1.0"; "": local */
	char		*c_features;		/* names, each with NUL, then
						 * ""; NULL: all of ours */
	struct client_names *c_names;		/* the stack's, where they are
						 * not ours; NULL: they are */
	uint8_t		*c_tx, *c_rx, *c_ev;	/* CTL_MSG_MAX bytes each */

	/* ifnet_follow() */
	unsigned	 c_follow;		/* what; 0: nothing */
	uint64_t	 c_follow_seq;
	bool		 c_insnapshot;
	bool		 c_resync;		/* ask for a new snapshot */
	uint64_t	 c_evseq, c_evbase;	/* the last number given; the
						 * offset from the stack's */
	size_t		 c_evlen, c_evoff;	/* of c_ev */
	uint8_t		 c_fit[RT_MSG_MAX]	/* a message made to fit */
			    __attribute__((__aligned__(8)));

	/* ifnet_ping_*() */
	bool		 c_pinging;
	uint64_t	 c_ping_seq;
	STAILQ_HEAD(, client_ping) c_pings;
	unsigned	 c_npings;

	/* ifnet_capture_*(): messages that came before their turn; c_ev has
	 * the one that is read */
	bool		 c_capturing;
	uint64_t	 c_capture_seq;
	STAILQ_HEAD(, client_kept) c_kept;
	struct ctl_tap_stats c_capture_stats;
};

/*
 * The function that gets an answer (there can be several): its header, and its
 * payload.
 */
typedef void client_answer(void *arg, const struct ctl_hdr *,
    const void *data, size_t len);

/* A request of one record: its struct and data.  `what' names it in
 * messages. */
struct client_call {
	unsigned	 cc_op;
	const char	*cc_what;
	struct {
		const void	*data;
		size_t		 len;
	}		 cc_part[2];
	bool		 cc_raw;	/* a batch: no record around it */
	bool		 cc_has_fd;
	int		 cc_fd;
	client_answer	*cc_answer;	/* may be NULL */
	void		*cc_arg;
};

/* The function that gets a record of a list.  *result is 0; what it puts there
 * ends the list.  Returns false if the record is malformed. */
typedef bool client_one(const struct proto_rec *, void *arg, int *result);

/* Send a request and receive its answers; returns the last answer's errno. */
int	client_call(struct ifnet_client *, const struct client_call *,
	    struct ifnet_error *);
/*
 * The two halves of that.  client_send(): send a request, the words of whose
 * answer go to cw_words; an error is the sending's.  client_finish(): receive
 * the answers to it; those to others that come meanwhile are theirs.  Each
 * request that was sent is finished.
 */
int	client_send(struct ifnet_client *, const struct client_call *,
	    struct client_wait *, struct ifnet_error *);
int	client_finish(struct ifnet_client *, struct client_wait *);
/* Request a list, with the call's fields but for cc_answer and cc_arg; returns
 * the last answer's errno, or what ended it. */
int	client_list(struct ifnet_client *, const struct client_call *,
	    client_one *, void *, struct ifnet_error *);
/* Request what concerns a rule of this number. */
int	client_call_number(struct ifnet_client *, unsigned op,
	    const char *what, unsigned number, struct ifnet_error *);
/* A client_answer: the number of the new rule, to an unsigned. */
void	client_take_number(void *, const struct ctl_hdr *, const void *,
	    size_t);
/* As client_call(), also on a connection that follows or pings. */
int	client_call_any(struct ifnet_client *, const struct client_call *,
	    struct ifnet_error *);
/*
 * Receive the next message into buf (CTL_MSG_MAX bytes), and check its header.
 */
int	client_recv(struct ifnet_client *, void *buf, struct ctl_hdr *,
	    size_t *len, int ms, struct ifnet_error *);
/* Fill in the errno of a message, and the words that came with it. */
int	client_error(const struct ctl_hdr *, const void *data, size_t len,
	    const char *what, struct ifnet_error *);
/* Read the single record of an answer: its struct, of size bytes here, and its
 * data.  false: it is malformed. */
bool	client_record(const void *payload, size_t len, void *fixed,
	    size_t size, struct proto_rec *);
/* Fill in the error for a malformed message. */
int	client_nonsense(const struct ifnet_client *, struct ifnet_error *);
/* The number that this build has for a number of the stack; -1: none. */
int	client_number(const struct ifnet_client *, enum proto_names,
	    unsigned number);
/* The stack's name of one of its numbers; NULL: it has none. */
const char *client_name(const struct ifnet_client *, enum proto_names,
	    unsigned number, const char **text);
/* rt_msg_fit(), which also converts the stack's numbers to this build's. */
int	client_fit(const struct ifnet_client *, const void *msg, size_t len,
	    void *room, const void **out);
/* Convert the numbers in a struct if_data; unknown ones become 0, "unknown". */
void	client_renumber(const struct ifnet_client *, struct if_data *);
/* Request the stack's tables of names; client_names.c. */
int	client_names_get(struct ifnet_client *, struct ifnet_error *);
void	client_names_free(struct client_names *);
/* Keep a message of the capture; ENOMEM. */
int	client_keep_capture(struct ifnet_client *, const struct ctl_hdr *,
	    const void *data, size_t len);
/* Forget the capture and free its kept messages. */
void	client_forget_capture(struct ifnet_client *);
/* Keep the replies in a message of a ping for ifnet_ping_recv(). */
void	client_keep_ping(struct ifnet_client *, const void *data, size_t len);
/* Milliseconds of a monotonic clock. */
uint64_t client_now_ms(void);
/* The milliseconds left until a deadline; -1: no limit. */
int	client_left_ms(uint64_t deadline, bool limited);

#endif /* !CLIENT_CLIENT_PRIVATE_H */
