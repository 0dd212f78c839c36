/*
 * client_private: what the files of src/client show each other.
 */

#ifndef CLIENT_CLIENT_PRIVATE_H
#define CLIENT_CLIENT_PRIVATE_H

#include <sys/queue.h>

#include <stdbool.h>

#include "client/client_impl.h"

/* Replies kept for ifnet_ping_recv(); the oldest are lost beyond. */
#define CLIENT_PINGS_MAX	1024

struct client_ping {
	STAILQ_ENTRY(client_ping) cp_link;
	struct ctl_ping_reply cp_reply;
};

/* A message of a capture that came while an answer was waited for. */
struct client_kept {
	STAILQ_ENTRY(client_kept) ck_link;
	size_t		 ck_len;
	uint8_t		 ck_data[];
};

struct ifnet_client {
	struct client_transport c_tr;
	void		*c_arg;			/* the transport's */
	char		 c_peer[256];
	char		 c_vnet[CTL_VNETSIZE];
	uint64_t	 c_seq;			/* of the last request */
	int		 c_answer_ms;		/* -1: no limit */
	bool		 c_broken;		/* nothing sensible comes */
	uint8_t		*c_tx, *c_rx, *c_ev;	/* CTL_MSG_MAX bytes each */

	/* ifnet_follow() */
	unsigned	 c_follow;		/* what; 0: nothing */
	uint64_t	 c_follow_seq;
	bool		 c_insnapshot;
	bool		 c_resync;		/* ask for a new snapshot */
	uint64_t	 c_evseq, c_evbase;	/* the last number given; what
						 * is added to the stack's */
	size_t		 c_evlen, c_evoff;	/* of c_ev */

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
 * One answer (there can be several): its header, and what follows it.
 */
typedef void client_answer(void *arg, const struct ctl_hdr *,
    const void *data, size_t len);

/* A request: `what' is for messages. */
struct client_call {
	unsigned	 cc_op;
	const char	*cc_what;
	struct {
		const void	*data;
		size_t		 len;
	}		 cc_part[2];
	bool		 cc_has_fd;
	int		 cc_fd;
	client_answer	*cc_answer;	/* may be NULL */
	void		*cc_arg;
};

/* Send it and take its answers; the last one's errno. */
int	client_call(struct ifnet_client *, const struct client_call *,
	    struct ifnet_error *);
/* The same on a connection that follows or pings. */
int	client_call_any(struct ifnet_client *, const struct client_call *,
	    struct ifnet_error *);
/*
 * The next message into buf (CTL_MSG_MAX bytes), its header checked.
 */
int	client_recv(struct ifnet_client *, void *buf, struct ctl_hdr *,
	    size_t *len, int ms, struct ifnet_error *);
/* The errno of a message that carries one, with its words. */
int	client_error(const struct ctl_hdr *, const void *data, size_t len,
	    const char *what, struct ifnet_error *);
/* Is anybody there, and does it speak our protocol? */
int	client_hello(struct ifnet_client *, struct ifnet_error *);
/* A message of the capture; ENOMEM. */
int	client_keep_capture(struct ifnet_client *, const struct ctl_hdr *,
	    const void *data, size_t len);
void	client_forget_capture(struct ifnet_client *);
void	client_keep_ping(struct ifnet_client *, const void *data, size_t len);
/* Milliseconds of a monotonic clock. */
uint64_t client_now_ms(void);
/* What is left until then; -1: no limit. */
int	client_left_ms(uint64_t deadline, bool limited);

#endif /* !CLIENT_CLIENT_PRIVATE_H */
