/*
 * The control socket: several clients at once at the real server, with its
 * threads, who send whole messages, half ones, anything, or descriptors, read
 * their answers or do not, and leave when they like.  The server outlives them
 * all, and what it sends is well formed.
 */

#include "fuzz_msg.h"

#include "server/server.h"

#include <errno.h>

#define NRECORDS	40
#define NCLIENTS	4
#define PATH		"/fuzz"

/* A record's first bytes: REC_OP, REC_ROUGH, and whose it is. */
#define REC_WHO		0xa000

enum server_special { SV_RAW = CTL_OP_MAX, SV_LEAVE, SV_READ, SV_SLEEP,
	SV_HANDOVER, SV_FAULT };

struct run {
	struct host	*r_host;
	struct fuzz_in	*r_in;
	struct ifnet_stack *r_stack;
	int		 r_fd[NCLIENTS];	/* -1: not there */
	unsigned	 r_halts;
	uint8_t		*r_msg;
};

static int
server_halt(void *arg)
{
	struct run *r = arg;

	r->r_halts++;
	return 0;
}

/* Until all that can go on has done so. */
static void
pause_ms(struct run *r, unsigned ms)
{

	host_sleep(r->r_host, ms * 1000000ull);
}

static void
check_answer(const uint8_t *msg, size_t len)
{
	struct ctl_hdr h;

	KASSERT(len >= sizeof(h) && len <= CTL_MSG_MAX);
	memcpy(&h, msg, sizeof(h));
	KASSERT(h.ch_magic == CTL_MAGIC && h.ch_len == len);
	KASSERT(h.ch_flags & (CTL_ANSWER | CTL_EVENT));
	if (h.ch_flags & CTL_TEXT)
		KASSERT(msg[len - 1] == '\0');
}

/* Up to n of the answers; false: the server has hung up. */
static bool
receive(struct run *r, unsigned who, unsigned n)
{
	ssize_t len;
	int fd;

	for (; n > 0 && r->r_fd[who] != -1; n--) {
		len = host_sock_recv(r->r_host, r->r_fd[who], r->r_msg,
		    CTL_MSG_MAX, &fd);
		KASSERT(len < 0 || fd == -1);
		if (len == -EAGAIN)
			return true;
		if (len <= 0)
			return false;
		check_answer(r->r_msg, (size_t)len);
	}
	return true;
}

static void
leave(struct run *r, unsigned who)
{

	if (r->r_fd[who] != -1)
		host_sock_close(r->r_host, r->r_fd[who]);
	r->r_fd[who] = -1;
}

static size_t
hello(struct run *r, uint8_t *msg)
{
	uint8_t *payload = msg + sizeof(struct ctl_hdr);
	size_t len;

	len = fuzz_fill_hello(payload + sizeof(struct ctl_rec), CTL_VERSION);
	len = fuzz_put_rec(r->r_in, CTL_HELLO, payload, len);
	return fuzz_put_header(r->r_in, CTL_HELLO, 1, msg, len);
}

/* Setup comes before everything else. */
static void
greet(struct run *r, unsigned who)
{
	uint8_t msg[512];
	struct iovec iov = { msg, 0 };

	iov.iov_len = hello(r, msg);
	(void)host_sock_send(r->r_host, r->r_fd[who], &iov, 1);
}

static bool
join(struct run *r, unsigned who)
{
	struct host_peercred hp;

	if (r->r_fd[who] != -1)
		return true;
	memset(&hp, 0, sizeof(hp));
	/* One of them has no rights. */
	hp.hp_uid = who == 1 ? 65534 : 0;
	hp.hp_gid = hp.hp_uid;
	hp.hp_pid = 100 + (pid_t)who;
	if (sim_sock_connect(r->r_host, PATH, &hp, &r->r_fd[who]) != 0)
		r->r_fd[who] = -1;
	if (r->r_fd[who] == -1)
		return false;
	greet(r, who);
	return true;
}

static void
send_bytes(struct run *r, unsigned who, size_t len, bool handover)
{
	struct iovec iov = { r->r_msg, len };
	int tap = -1;

	if (!join(r, who))
		return;
	if (handover && sim_tun_create(r->r_host, "given", &tap) == 0)
		(void)sim_sock_sendfd(r->r_host, r->r_fd[who], &iov, 1, tap);
	else
		(void)host_sock_send(r->r_host, r->r_fd[who], &iov, 1);
	if (tap != -1)
		host_sock_close(r->r_host, tap);
}

static void
one_record(struct run *r, uint64_t seq)
{
	struct fuzz_in *in = r->r_in, part;
	unsigned rec = fuzz_rec(in);
	unsigned who = (rec >> 15 & 1) | (rec >> 12 & 2);
	bool handover = false;
	size_t len;

	switch (rec & REC_OP) {
	case SV_LEAVE:
		leave(r, who);
		return;
	case SV_READ:
		if (!receive(r, who, fuzz_u8(in)))
			leave(r, who);
		return;
	case SV_SLEEP:
		pause_ms(r, 1 + fuzz_u8(in));
		return;
	case SV_FAULT:
		sim_fail_alloc(r->r_host, fuzz_u8(in));
		return;
	case SV_RAW:
		part = fuzz_part(in, 1 + fuzz_u16(in) % 4096);
		len = part.fi_left;
		memcpy(r->r_msg, part.fi_data, len);
		break;
	default:
		if ((rec & REC_OP) == SV_HANDOVER) {
			handover = true;
			rec = (rec & ~(unsigned)REC_OP) | CTL_IOCTL;
		}
		len = fuzz_message(r->r_stack, in, rec & ~(unsigned)REC_WHO,
		    seq, r->r_msg, 0);
		break;
	}
	send_bytes(r, who, len, handover);
	/* Often in the middle of what the others asked for. */
	if (seq & 1)
		pause_ms(r, 1);
}

static void
run(struct host *h, void *arg)
{
	struct run r = { .r_host = h, .r_in = arg };
	struct server *sv;

	r.r_msg = malloc(CTL_MSG_MAX * 2);
	KASSERT(r.r_msg != NULL);
	r.r_stack = fuzz_stack_create_ncpu(h, 1);
	(void)fuzz_vnet_create(r.r_stack, "v");
	KASSERT(ctl_server_start(r.r_stack->st_kern, PATH, 0666, 3,
	    server_halt, &r, &sv) == 0);
	for (unsigned i = 0; i < NCLIENTS; i++)
		r.r_fd[i] = -1;
	for (unsigned i = 0; i < NRECORDS && r.r_in->fi_left > 0; i++)
		one_record(&r, i);
	pause_ms(&r, 10);
	sim_fail_alloc(h, 0);
	/* The server serves still, once there is room. */
	for (unsigned i = 0; i < NCLIENTS; i++)
		leave(&r, i);
	pause_ms(&r, 500);
	memset(r.r_msg, 0, sizeof(struct ctl_hdr));
	KASSERT(join(&r, 0));
	pause_ms(&r, 10);
	KASSERT(receive(&r, 0, 1));
	KASSERT(((struct ctl_hdr *)(void *)r.r_msg)->ch_error == 0);
	/* Stopped with a client there. */
	server_stop(sv);
	leave(&r, 0);
	free(r.r_msg);
	fuzz_stack_destroy_ncpu(r.r_stack);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	fuzz_on_sim(run, &in);
	return 0;
}
