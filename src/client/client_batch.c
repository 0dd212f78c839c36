/*
 * Batches: many requests with few round trips.  They are collected in the
 * messages that will be sent, each filled as far as possible.
 */

#include "client/client_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/ifreq.h>
#include <ifnet/rtmsg.h>

#include "proto/rtmsg_fit.h"

#define PAYLOAD_MAX	(CTL_MSG_MAX - sizeof(struct ctl_hdr))

/* The head of a request; its record follows, padded. */
struct request_head {
	struct ctl_hdr	 rh_hdr;
	struct ctl_rec	 rh_rec;
};

/* The requests of one message. */
struct piece {
	STAILQ_ENTRY(piece) pi_link;
	size_t		 pi_len;
	unsigned	 pi_count;
	struct client_call pi_call;	/* that sent it, */
	struct client_wait pi_wait;	/* until its answers came, */
	struct ifnet_error pi_words;	/* with these words */
	uint8_t		 pi_data[PAYLOAD_MAX];
};

/* The destination of a request's answer. */
struct target {
	void		*ta_data;
	size_t		 ta_len;
};

struct ifnet_batch {
	struct ifnet_client *b_client;
	STAILQ_HEAD(, piece) b_pieces;
	struct piece	*b_last;
	struct target	*b_target;
	size_t		 b_count, b_room;
	size_t		 b_done;		/* answered without error */
	struct ifnet_error b_error;		/* the answers' */
	int		 b_result;		/* of the first that failed */
	size_t		 b_expected;		/* of the pieces answered */
	bool		 b_started;		/* its one piece was sent */
	bool		 b_is_whole;		/* committed with the last */
};

/* Batches of a connection that are on their way, at most.  Their answers have
 * room where they wait, so that neither end waits for the other. */
#define STARTED_MAX	2

struct ifnet_batch *
ifnet_batch_begin(struct ifnet_client *c, struct ifnet_error *e)
{
	struct ifnet_batch *b;

	b = calloc(1, sizeof(*b));
	if (b == NULL) {
		(void)ifnet_error_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	b->b_client = c;
	STAILQ_INIT(&b->b_pieces);
	return b;
}

static void
batch_free(struct ifnet_batch *b)
{
	struct piece *pi;

	while ((pi = STAILQ_FIRST(&b->b_pieces)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->b_pieces, pi_link);
		free(pi);
	}
	free(b->b_target);
	free(b);
}

/* Make room for another answer's destination. */
static bool
reserve_target(struct ifnet_batch *b)
{
	struct target *ta;
	size_t room;

	if (b->b_count < b->b_room)
		return true;
	room = b->b_room == 0 ? 64 : b->b_room * 2;
	ta = realloc(b->b_target, room * sizeof(*ta));
	if (ta == NULL)
		return false;
	b->b_target = ta;
	b->b_room = room;
	return true;
}

/* The piece that has room for len more bytes. */
static struct piece *
piece_for(struct ifnet_batch *b, size_t len)
{
	struct piece *pi = b->b_last;

	if (pi != NULL && sizeof(pi->pi_data) - pi->pi_len >= len)
		return pi;
	pi = malloc(sizeof(*pi));
	if (pi == NULL)
		return NULL;
	pi->pi_len = 0;
	pi->pi_count = 0;
	STAILQ_INSERT_TAIL(&b->b_pieces, pi, pi_link);
	b->b_last = pi;
	return pi;
}

/* Add a request: the fixed part of its record, and the data behind it. */
static int
add_request(struct ifnet_batch *b, enum ctl_op op, const void *fixed,
    size_t nfixed, const void *data, size_t len, void *answer,
    struct ifnet_error *e)
{
	struct request_head rh;
	struct piece *pi;
	size_t need = proto_padded(sizeof(rh) + nfixed + len);
	uint8_t *p;

	if (nfixed + len > PAYLOAD_MAX - sizeof(rh) - 7)
		return ifnet_error_set(e, EMSGSIZE, "a record of %zu bytes "
		    "is longer than a request can be", len);
	if (!reserve_target(b) || (pi = piece_for(b, need)) == NULL)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	memset(&rh, 0, sizeof(rh));
	rh.rh_hdr.ch_magic = CTL_MAGIC;
	rh.rh_hdr.ch_len = (uint32_t)(sizeof(rh) + nfixed + len);
	rh.rh_hdr.ch_op = (uint16_t)op;
	rh.rh_hdr.ch_seq = b->b_count;
	memcpy(rh.rh_hdr.ch_vnet, b->b_client->c_vnet,
	    sizeof(rh.rh_hdr.ch_vnet));
	rh.rh_rec = proto_rec_head(nfixed, len);
	p = pi->pi_data + pi->pi_len;
	memset(p, 0, need);
	memcpy(p, &rh, sizeof(rh));
	if (nfixed > 0)
		memcpy(p + sizeof(rh), fixed, nfixed);
	if (len > 0)
		memcpy(p + sizeof(rh) + nfixed, data, len);
	pi->pi_len += need;
	pi->pi_count++;
	b->b_target[b->b_count].ta_data = answer;
	b->b_target[b->b_count++].ta_len = answer == NULL ? 0 : len;
	return 0;
}

int
ifnet_batch_add_ioctl(struct ifnet_batch *b, unsigned long cmd, void *data,
    size_t len, struct ifnet_error *e)
{
	struct ctl_ioctl ci = {
		.i_cmd = cmd, .i_len = (uint32_t)IFIOC_SIZE(cmd),
		.i_stride = sizeof(struct ifreq),
	};

	return add_request(b, CTL_IOCTL, &ci, sizeof(ci), data, len, data, e);
}

int
ifnet_batch_add_route(struct ifnet_batch *b, const void *msg, size_t len,
    struct ifnet_error *e)
{
	uint8_t stamped[RT_MSG_MAX] __attribute__((__aligned__(8)));

	/* The stack refuses a malformed message. */
	if (len >= sizeof(struct rt_hdr) && len <= sizeof(stamped)) {
		memcpy(stamped, msg, len);
		rt_msg_stamp(stamped);
		msg = stamped;
	}
	return add_request(b, CTL_ROUTE, NULL, 0, msg, len, NULL, e);
}

int
ifnet_batch_add_commit(struct ifnet_batch *b, struct ifnet_error *e)
{

	b->b_is_whole = true;
	return add_request(b, CTL_COMMIT, NULL, 0, NULL, 0, NULL, e);
}

/* Handle the answer to one request. */
static void
take_answer(struct ifnet_batch *b, const struct ctl_hdr *h,
    const uint8_t *data, size_t len)
{
	const struct target *ta;
	struct proto_rec pr;
	struct ctl_ioctl ci;

	if (h->ch_error != 0) {
		if (b->b_result == 0)
			b->b_result = client_error(h, data, len, NULL,
			    &b->b_error);
		return;
	}
	if (h->ch_seq >= b->b_count || b->b_result != 0)
		return;
	ta = &b->b_target[h->ch_seq];
	if (ta->ta_len > 0 &&
	    client_record(data, len, &ci, sizeof(ci), &pr) &&
	    pr.pr_len == ta->ta_len)
		memcpy(ta->ta_data, pr.pr_data, ta->ta_len);
	b->b_done++;
}

static void
take_answers(void *arg, const struct ctl_hdr *outer, const void *data,
    size_t len)
{
	const uint8_t *p = data;
	struct ctl_hdr h;
	size_t step;

	(void)outer;
	while (len >= sizeof(h)) {
		memcpy(&h, p, sizeof(h));
		if (h.ch_magic != CTL_MAGIC || h.ch_len < sizeof(h) ||
		    h.ch_len > len)
			return;
		take_answer(arg, &h, p + sizeof(h), h.ch_len - sizeof(h));
		step = proto_padded(h.ch_len);
		if (step > len)
			step = len;
		p += step;
		len -= step;
	}
}

static int
send_piece(struct ifnet_batch *b, struct piece *pi, struct ifnet_error *e)
{

	pi->pi_call = (struct client_call){
		.cc_op = CTL_BATCH, .cc_what = "batch", .cc_raw = true,
		.cc_part = { { pi->pi_data, pi->pi_len } },
		.cc_answer = take_answers, .cc_arg = b,
	};
	pi->pi_wait.cw_words = &pi->pi_words;
	return client_send(b->b_client, &pi->pi_call, &pi->pi_wait, e);
}

/* Receive the answers to a piece that was sent. */
static int
take_piece(struct ifnet_batch *b, struct piece *pi)
{
	int error;

	/* The words of the request that failed say more. */
	error = client_finish(b->b_client, &pi->pi_wait);
	b->b_expected += pi->pi_count;
	if (b->b_result != 0)
		return b->b_result;
	if (error != 0)
		return ifnet_error_set(&b->b_error, error, "%s",
		    pi->pi_words.text);
	if (b->b_done != b->b_expected)
		return ifnet_error_set(&b->b_error, EPROTO, "ifnetd at %s "
		    "answered part of a batch", b->b_client->c_peer);
	return 0;
}

int
ifnet_batch_start(struct ifnet_batch *b, struct ifnet_error *e)
{
	struct piece *pi = STAILQ_FIRST(&b->b_pieces);
	int error;

	if (b->b_started || pi == NULL || STAILQ_NEXT(pi, pi_link) != NULL ||
	    b->b_client->c_started == STARTED_MAX)
		return 0;
	error = send_piece(b, pi, e);
	if (error != 0)
		return error;
	b->b_started = true;
	b->b_client->c_started++;
	return 0;
}

void
ifnet_batch_cancel(struct ifnet_batch *b)
{

	if (b == NULL)
		return;
	/* Requests that were sent are carried out; nobody wants the answers,
	 * and their destinations may be gone. */
	if (b->b_started) {
		b->b_result = ECANCELED;
		(void)take_piece(b, STAILQ_FIRST(&b->b_pieces));
		b->b_client->c_started--;
	}
	batch_free(b);
}

/* Send the pieces and receive their answers.  Requests that are carried out
 * together or not at all are sent before those before them are answered, except
 * the last ones, with which they are committed. */
static int
run_pieces(struct ifnet_batch *b)
{
	struct piece *pi, *sent = NULL;
	int error = 0;

	STAILQ_FOREACH(pi, &b->b_pieces, pi_link) {
		if (sent != NULL && (!b->b_is_whole ||
		    STAILQ_NEXT(pi, pi_link) == NULL)) {
			error = take_piece(b, sent);
			sent = NULL;
		}
		if (error == 0 && !b->b_started)
			error = send_piece(b, pi, &b->b_error);
		if (error != 0)
			break;
		if (sent != NULL)
			error = take_piece(b, sent);
		sent = pi;
		if (error != 0)
			break;
	}
	if (sent == NULL)
		return error;
	if (error == 0)
		return take_piece(b, sent);
	(void)take_piece(b, sent);
	return error;
}

int
ifnet_batch_run(struct ifnet_batch *b, size_t *done, struct ifnet_error *e)
{
	int error;

	error = run_pieces(b);
	if (error != 0 && e != NULL)
		*e = b->b_error;
	if (done != NULL)
		*done = b->b_done;
	if (b->b_started)
		b->b_client->c_started--;
	batch_free(b);
	return error;
}
