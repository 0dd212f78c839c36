/*
 * The client library against a real control socket: connecting and failing
 * to, requests, following with and without losses, ping.
 */

#include "stack_test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>

#include <errno.h>
#include <fcntl.h>

#include <ifnet/ifreq.h>
#include <ifnet/ifreq_old.h>
#include <ifnet/rtmsg.h>

/* The time after which an event does not come any more, on a busy machine
 * too. */
#define LONG_MS	60000

struct fixture {
	struct ifnet_stack *st;
	struct vnet	*vn;
	struct test_server ts;
	struct ifnet_client *c;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->st = test_stack(1);
	f->vn = test_vnet(f->st, "default");
	test_server_start(&f->ts, f->st, 0);
	f->c = test_connect(&f->ts);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ifnet_close(f->c);
	test_server_stop(&f->ts);
	ifnet_stack_destroy(f->st);
	free(f);
	return 0;
}

static void
says(const struct ifnet_error *e, const char *words)
{

	if (strstr(e->text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e->text, words);
}

/* Create or destroy through the client. */
static void
create(struct ifnet_client *c, const char *name)
{
	struct if_createreq ifcr;
	struct ifnet_error e;

	memset(&ifcr, 0, sizeof(ifcr));
	strcpy(ifcr.ifcr_name, name);
	if (ifnet_ioctl(c, SIOCIFCREATE, &ifcr, sizeof(ifcr), &e) != 0)
		fail_msg("%s", e.text);
}

static void
destroy(struct ifnet_client *c, const char *name)
{
	struct ifnet_error e;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	if (ifnet_ioctl(c, SIOCIFDESTROY, &ifr, sizeof(ifr), &e) != 0)
		fail_msg("%s", e.text);
}

/* --- connecting ---------------------------------------------------------- */

static void
test_connect_errors(void **state)
{
	struct fixture *f = *state;
	struct ifnet_error e;
	struct sockaddr_un sun;
	char path[80], url[100];
	int fd;

	assert_null(ifnet_connect("unix:///nonexistent/sock", &e));
	assert_int_equal(e.code, ENOENT);
	assert_string_equal(e.text, "no ifnetd at unix:///nonexistent/sock "
	    "(is it running? -s URL or $IFNETD names another)");
	assert_null(ifnet_connect("tcp://host", &e));
	assert_int_equal(e.code, EINVAL);
	assert_null(ifnet_connect("unix://", NULL));
	(void)snprintf(url, sizeof(url), "unix:///%090d", 0);
	assert_null(ifnet_connect(url, &e));
	/* $IFNETD. */
	assert_int_equal(setenv("IFNETD", "unix:///nonexistent/other", 1),
	    0);
	assert_null(ifnet_connect(NULL, &e));
	says(&e, "/nonexistent/other");
	assert_int_equal(setenv("IFNETD", f->ts.ts_url, 1), 0);
	ifnet_close(ifnet_connect(NULL, &e));
	assert_int_equal(unsetenv("IFNETD"), 0);
	/* A socket nobody listens on, and one of another kind. */
	(void)snprintf(path, sizeof(path), "%s/dead", f->ts.ts_dir);
	(void)snprintf(url, sizeof(url), "unix://%s", path);
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_null(ifnet_connect(url, &e));
	assert_int_equal(e.code, EPROTO);
	close(fd);
	assert_int_equal(unlink(path), 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_null(ifnet_connect(url, &e));
	assert_int_equal(e.code, ECONNREFUSED);
	close(fd);
	assert_int_equal(unlink(path), 0);
}

/* Requests in older layouts, of their own sizes and no others. */
static void
test_old_layouts(void **state)
{
	struct fixture *f = *state;
	struct {
		struct ifconf	 c;
		struct oifreq	 r[2];
	} conf;
	struct ifdatareq50 data;
	struct ifnet_error e;
	struct oifreq r;
	struct ifreq ifr;

	memset(&r, 0, sizeof(r));
	strcpy(r.oifr_name, "pair");
	assert_int_equal(ifnet_ioctl(f->c, OSIOCIFCREATE, &r, sizeof(r), &e),
	    0);
	assert_string_equal(r.oifr_name, "pair0");
	r.oifr_value = 1400;
	assert_int_equal(ifnet_ioctl(f->c, OSIOCSIFMTU, &r, sizeof(r), &e), 0);
	r.oifr_value = 0;
	assert_int_equal(ifnet_ioctl(f->c, OSIOCGIFMTU, &r, sizeof(r), &e), 0);
	assert_int_equal(r.oifr_value, 1400);
	/* Neither the new record with the old number, nor the reverse. */
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "pair0");
	assert_int_equal(ifnet_ioctl(f->c, OSIOCGIFMTU, &ifr, sizeof(ifr), &e),
	    EINVAL);
	says(&e, "does not fit");
	assert_int_equal(ifnet_ioctl(f->c, SIOCGIFMTU, &r, sizeof(r), &e),
	    EINVAL);
	memset(&data, 0, sizeof(data));
	strcpy(data.oifdr_name, "pair0");
	assert_int_equal(ifnet_ioctl(f->c, OSIOCGIFDATA, &data, sizeof(data),
	    &e), 0);
	assert_int_equal(data.oifdr_data.oifi_mtu, 1400);
	memset(&conf, 0, sizeof(conf));
	conf.c.ifc_len = sizeof(conf.r);
	assert_int_equal(ifnet_ioctl(f->c, OSIOCGIFCONF, &conf, sizeof(conf),
	    &e), 0);
	assert_int_equal(conf.c.ifc_len, sizeof(conf.r));
	assert_string_equal(conf.r[0].oifr_name, "lo0");
	assert_string_equal(conf.r[1].oifr_name, "pair0");
	conf.c.ifc_len = sizeof(conf.r) + 1;
	assert_int_equal(ifnet_ioctl(f->c, OSIOCGIFCONF, &conf, sizeof(conf),
	    &e), EINVAL);
	says(&e, "less room");
	assert_int_equal(ifnet_ioctl(f->c, OSIOCIFDESTROY, &r, sizeof(r), &e),
	    0);
}

/* The daemon goes away: what was asked fails, and nothing hangs. */
static void
test_gone(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = test_connect(&f->ts);
	struct ifnet_error e;
	struct ifnet_event ev;

	assert_int_equal(ifnet_follow(c, IFNET_ALL, &e), 0);
	test_server_stop(&f->ts);
	assert_int_equal(ifnet_next(c, &ev, &e), EPIPE);
	says(&e, "has closed the connection");
	assert_int_equal(ifnet_vnet_create(f->c, "a", &e), EPIPE);
	assert_int_equal(ifnet_vnet_create(f->c, "a", &e), EPIPE);
	ifnet_close(c);
	test_server_start(&f->ts, f->st, 0);
}

/* --- requests ------------------------------------------------------------ */

static void
test_requests(void **state)
{
	struct fixture *f = *state;
	struct ifnet_error e;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "lo0");
	assert_int_equal(ifnet_ioctl(f->c, SIOCGIFMTU, &ifr, sizeof(ifr),
	    &e), 0);
	assert_true(ifr.ifr_mtu > 0);
	ifr.ifr_mtu = 1;
	assert_int_equal(ifnet_ioctl(f->c, SIOCSIFMTU, &ifr, sizeof(ifr),
	    &e), EINVAL);
	says(&e, "the MTU of lo0 is 68 to ");
	assert_int_equal(ifnet_ioctl(f->c, SIOCSIFMTU, &ifr, sizeof(ifr),
	    NULL), EINVAL);
	assert_int_equal(ifnet_ioctl(f->c, SIOCINITIFADDR, &ifr, sizeof(ifr),
	    &e), EPERM);
	says(&e, "the stack alone makes this request");
	assert_int_equal(ifnet_set_vnet(f->c, "blue", &e), 0);
	assert_int_equal(ifnet_ioctl(f->c, SIOCGIFMTU, &ifr, sizeof(ifr),
	    &e), ENOENT);
	says(&e, "no vnet named blue");
	assert_int_equal(ifnet_set_vnet(f->c,
	    "a-name-that-is-longer-than-any-vnet-can-have", &e), ENOENT);
	assert_int_equal(ifnet_set_vnet(f->c, NULL, &e), 0);
}

/* The server is of this process, which does not end: nothing is waited for. */
static void
test_halt_self(void **state)
{
	struct fixture *f = *state;
	struct ifnet_error e;
	time_t began = time(NULL);

	assert_int_equal(ifnet_halt(f->c, &e), 0);
	assert_int_equal(f->ts.ts_halts, 1);
	assert_true(time(NULL) - began < 29);
}

static void
test_sysctl(void **state)
{
	struct fixture *f = *state;
	char name[128], next[128], text[200];
	struct ifnet_error e;
	int64_t v = 0, one = 1;
	size_t len = sizeof(v);
	unsigned n = 0;
	int type, writable, error;

	assert_int_equal(ifnet_sysctl(f->c, "net.inet.ip.forwarding", &v,
	    &len, &one, sizeof(one), &type, &writable, &e), 0);
	assert_int_equal(v, 0);
	assert_int_equal(ifnet_sysctl(f->c, "net.inet.ip.forwarding", &v,
	    &len, NULL, 0, &type, &writable, &e), 0);
	assert_int_equal(v, 1);
	assert_int_equal(len, 8);
	assert_int_equal(type, IFNET_SYSCTL_INT);
	assert_true(writable);
	len = 0;
	assert_int_equal(ifnet_sysctl(f->c, "net.inet.ip.forwarding", NULL,
	    &len, NULL, 0, NULL, NULL, &e), 0);
	assert_int_equal(len, 8);
	len = 2;
	assert_int_equal(ifnet_sysctl(f->c, "net.inet.ip.forwarding", &v,
	    &len, NULL, 0, NULL, NULL, &e), ENOMEM);
	assert_int_equal(len, 8);
	assert_int_equal(ifnet_sysctl(f->c, "no.such", &v, &len, NULL, 0,
	    NULL, NULL, &e), ENOENT);
	says(&e, "no.such: no such name");
	/* A walk meets all names and ends. */
	name[0] = '\0';
	while ((error = ifnet_sysctl_next(f->c, name, next, sizeof(next),
	    &e)) == 0) {
		strcpy(name, next);
		assert_int_equal(ifnet_sysctl_descr(f->c, name, text,
		    sizeof(text), &e), 0);
		assert_true(++n < 10000);
	}
	assert_int_equal(error, ENOENT);
	assert_true(n > 10);
}

struct count {
	unsigned	 messages, arrivals, stop_at;
};

static int
count_message(const void *msg, size_t len, void *arg)
{
	const struct rt_hdr *h = msg;
	struct count *n = arg;

	assert_int_equal(h->rtm_len, len);
	n->messages++;
	if (h->rtm_type == RTM_IFANNOUNCE || h->rtm_type == RTM_IFINFO)
		n->arrivals++;
	return n->messages == n->stop_at ? 42 : 0;
}

static int
count_vnet(const char *name, unsigned interfaces, void *arg)
{

	assert_true(strcmp(name, "default") == 0 ||
	    strcmp(name, "blue") == 0);
	assert_true(interfaces >= 1);
	++*(unsigned *)arg;
	return 0;
}

static void
test_dump(void **state)
{
	struct fixture *f = *state;
	struct count all = { 0, 0, 0 }, one = { 0, 0, 0 };
	struct count two = { 0, 0, 2 };
	struct ifnet_error e;
	unsigned vnets = 0;

	/* More than one message's worth. */
	for (int i = 0; i < 300; i++)
		create(f->c, "pair");
	assert_int_equal(ifnet_dump(f->c, IFNET_LINK | IFNET_ADDR, NULL,
	    count_message, &all, &e), 0);
	assert_true(all.arrivals >= 301);
	assert_int_equal(ifnet_dump(f->c, IFNET_LINK, "pair7", count_message,
	    &one, &e), 0);
	assert_true(one.messages >= 1 && one.messages <= 2);
	assert_int_equal(ifnet_dump(f->c, IFNET_LINK, NULL, count_message,
	    &two, &e), 42);
	assert_int_equal(two.messages, 2);
	assert_int_equal(ifnet_dump(f->c, IFNET_LINK, "none0", count_message,
	    &one, &e), ENXIO);
	assert_int_equal(ifnet_vnet_create(f->c, "blue", &e), 0);
	assert_int_equal(ifnet_vnet_create(f->c, "blue", &e), EEXIST);
	assert_int_equal(ifnet_vnet_list(f->c, count_vnet, &vnets, &e), 0);
	assert_int_equal(vnets, 2);
	assert_int_equal(ifnet_vnet_destroy(f->c, "blue", &e), 0);
}

static void
test_handover(void **state)
{
	struct fixture *f = *state;
	struct ifnet_error e;
	struct ifreq ifr;
	int fd;

	/* A descriptor that the stack has no use for: closed there, and the
	 * caller's still. */
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "lo0");
	fd = open("/dev/null", O_RDONLY);
	assert_true(fd >= 0);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(ifnet_ioctl_fd(f->c, SIOCGIFMTU, &ifr,
		    sizeof(ifr), fd, &e), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(ifnet_ioctl_fd(f->c, SIOCGIFMTU, &ifr, sizeof(ifr),
	    -1, &e), EBADF);
}

/* More than a message holds; the answers where they were asked for. */
static void
test_batch(void **state)
{
	enum { N = 500 };
	struct fixture *f = *state;
	struct if_createreq cr;
	struct ifnet_batch *b;
	struct ifreq ifr[N];
	struct ifnet_error e;
	size_t done = 7;

	b = ifnet_batch_begin(f->c, &e);
	assert_non_null(b);
	memset(&cr, 0, sizeof(cr));
	memset(ifr, 0, sizeof(ifr));
	for (unsigned i = 0; i < N; i++) {
		snprintf(cr.ifcr_name, sizeof(cr.ifcr_name), "pair%u", i);
		assert_int_equal(ifnet_batch_add_ioctl(b, SIOCIFCREATE, &cr,
		    sizeof(cr), &e), 0);
		snprintf(ifr[i].ifr_name, IFNAMSIZ, "pair%u", i);
		assert_int_equal(ifnet_batch_add_ioctl(b, SIOCGIFMTU, &ifr[i],
		    sizeof(ifr[i]), &e), 0);
	}
	assert_int_equal(ifnet_batch_run(b, &done, &e), 0);
	assert_int_equal(done, 2 * N);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(ifr[i].ifr_mtu, 1500);

	/* A batch stops at the first request that fails, and says why. */
	b = ifnet_batch_begin(f->c, &e);
	assert_non_null(b);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(ifr[i].ifr_name, IFNAMSIZ, "pair%u",
		    i == 1 ? N : i);
		assert_int_equal(ifnet_batch_add_ioctl(b, SIOCIFDESTROY,
		    &ifr[i], sizeof(ifr[i]), &e), 0);
	}
	assert_int_equal(ifnet_batch_run(b, &done, &e), ENXIO);
	assert_int_equal(done, 1);
	assert_non_null(strstr(e.text, "pair500: no such interface"));
	assert_int_equal(ifnet_ioctl(f->c, SIOCGIFMTU, &ifr[2], sizeof(ifr[2]),
	    &e), 0);

	/* An empty one is nothing; one that is given up neither. */
	b = ifnet_batch_begin(f->c, &e);
	assert_int_equal(ifnet_batch_run(b, &done, &e), 0);
	assert_int_equal(done, 0);
	b = ifnet_batch_begin(f->c, &e);
	assert_int_equal(ifnet_batch_add_ioctl(b, SIOCIFDESTROY, &ifr[2],
	    sizeof(ifr[2]), &e), 0);
	assert_int_equal(ifnet_batch_add_ioctl(b, SIOCIFDESTROY, &ifr[2],
	    65536, &e), EMSGSIZE);
	ifnet_batch_cancel(b);
	assert_int_equal(ifnet_ioctl(f->c, SIOCGIFMTU, &ifr[2], sizeof(ifr[2]),
	    &e), 0);
}

/* A batch that asks for an interface's MTU, or sets it, and is on its way. */
static struct ifnet_batch *
start(struct ifnet_client *c, struct ifreq *ifr, unsigned long cmd, int value)
{
	struct ifnet_batch *b;
	struct ifnet_error e;

	b = ifnet_batch_begin(c, &e);
	assert_non_null(b);
	ifr->ifr_mtu = value;
	assert_int_equal(ifnet_batch_add_ioctl(b, cmd, ifr, sizeof(*ifr), &e),
	    0);
	assert_int_equal(ifnet_batch_start(b, &e), 0);
	assert_int_equal(ifnet_batch_start(b, &e), 0);
	return b;
}

/* Batches on their way: each gets its own answers, whatever is asked for
 * meanwhile and in which order they are run. */
static void
test_started(void **state)
{
	struct fixture *f = *state;
	struct ifnet_batch *b[3];
	struct ifreq ifr[3], other;
	struct ifnet_error e;
	size_t done;

	memset(ifr, 0, sizeof(ifr));
	memset(&other, 0, sizeof(other));
	snprintf(other.ifr_name, IFNAMSIZ, "lo0");
	assert_int_equal(ifnet_ioctl(f->c, SIOCGIFMTU, &other, sizeof(other),
	    &e), 0);
	for (unsigned i = 0; i < 3; i++)
		snprintf(ifr[i].ifr_name, IFNAMSIZ, i == 0 ? "no0" : "lo0");
	b[0] = start(f->c, &ifr[0], SIOCGIFMTU, 0);
	b[1] = start(f->c, &ifr[1], SIOCSIFMTU, 2000);
	/* A third one begins when it is run. */
	b[2] = start(f->c, &ifr[2], SIOCSIFMTU, 3000);
	other.ifr_mtu = 0;
	assert_int_equal(ifnet_ioctl(f->c, SIOCGIFMTU, &other, sizeof(other),
	    &e), 0);
	assert_int_equal(other.ifr_mtu, 2000);
	assert_int_equal(ifnet_batch_run(b[1], &done, &e), 0);
	assert_int_equal(done, 1);
	assert_int_equal(ifnet_batch_run(b[2], &done, &e), 0);
	assert_int_equal(ifnet_batch_run(b[0], &done, &e), ENXIO);
	assert_int_equal(done, 0);
	assert_non_null(strstr(e.text, "no0: no such interface"));
	assert_int_equal(ifnet_ioctl(f->c, SIOCGIFMTU, &other, sizeof(other),
	    &e), 0);
	assert_int_equal(other.ifr_mtu, 3000);
	/* A batch that is given up leaves no answer, neither where its record
	 * was nor on the connection. */
	for (unsigned i = 0; i < 3000; i++) {
		b[0] = start(f->c, &ifr[1], SIOCGIFMTU, 7);
		ifnet_batch_cancel(b[0]);
		assert_int_equal(ifr[1].ifr_mtu, 7);
	}
	ifr[1].ifr_mtu = 1500;
	assert_int_equal(ifnet_ioctl(f->c, SIOCSIFMTU, &ifr[1],
	    sizeof(ifr[1]), &e), 0);
}

struct told {
	struct ifnet_client *c;
	unsigned	 n;
	int		 result;	/* what the first call returns */
};

static int
tell_deleted(const void *msg, size_t len, void *arg)
{
	const struct rt_msg *rtm = msg;
	struct told *to = arg;

	KASSERT(len == rtm->rtm_h.rtm_len &&
	    rtm->rtm_h.rtm_type == RTM_DELETE);
	to->n++;
	return to->result;
}

/* All of them go, whoever listens to which; what addresses need stays. */
static void
test_flush_routes(void **state)
{
	struct fixture *f = *state;
	struct told to = { .result = 0 };
	struct ifnet_error e;

	test_command(f->vn, "ifconfig pair0 create 10.0.0.1/24");
	for (int round = 0; round < 2; round++) {
		test_command(f->vn, "route add 10.7.0.0/16 10.0.0.2");
		test_command(f->vn, "route add 10.8.0.0/16 10.0.0.2");
		test_command(f->vn, "route add -table 9 10.8.0.0/16 10.0.0.2");
		to.n = 0;
		assert_int_equal(ifnet_flush_routes(f->c, 0, tell_deleted, &to,
		    &e), to.result);
		assert_int_equal(to.n, round == 0 ? 2 : 1);
		to.n = 0;
		assert_int_equal(ifnet_flush_routes(f->c, -1, tell_deleted,
		    &to, &e), to.result);
		assert_int_equal(to.n, 1);
		to.result = 0;
		to.n = 0;
		assert_int_equal(ifnet_flush_routes(f->c, -1, tell_deleted,
		    &to, &e), 0);
		assert_int_equal(to.n, 0);
		to.result = 77;
	}
	assert_int_equal(ifnet_flush_routes(f->c, 9, tell_deleted, &to, &e),
	    ESRCH);
	assert_int_equal(ifnet_flush_routes(f->c, -2, tell_deleted, &to, &e),
	    EINVAL);
	test_command(f->vn, "route get 10.0.0.2");
}

/* As somebody without rights. */
static void
test_denied(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c;
	struct ifnet_error e;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(1);
		c = ifnet_connect(f->ts.ts_url, &e);
		if (c == NULL)
			_exit(2);
		if (ifnet_vnet_create(c, "blue", &e) != EPERM)
			_exit(3);
		_exit(strncmp(e.text, "permission denied: uid 65534 may not "
		    "create or destroy vnets (run as root", 73) == 0 ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- following ----------------------------------------------------------- */

/* The next event of this type; everything before is passed over. */
static void
await(struct ifnet_client *c, struct ifnet_event *ev,
    enum ifnet_event_type type, const char *ifname)
{
	struct ifnet_error e;

	do {
		if (ifnet_next_timeout(c, LONG_MS, ev, &e) != 0)
			fail_msg("waiting for %s of %s: %s",
			    ifnet_event_text(type), ifname, e.text);
	} while (ev->type != type || strcmp(ev->ifname, ifname) != 0);
}

static void
test_follow(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *w = test_connect(&f->ts);
	unsigned long long handle;
	struct ifnet_event ev;
	struct ifnet_error e;

	create(f->c, "pair0");
	assert_int_equal(ifnet_next(w, &ev, &e), ENOTCONN);
	assert_int_equal(ifnet_follow(w, IFNET_ALL | IFNET_SNAPSHOT, &e), 0);
	assert_int_equal(ifnet_vnet_create(w, "x", &e), EBUSY);
	says(&e, "follows changes");
	await(w, &ev, IFNET_EV_ADDR_ADD, "lo0");
	assert_string_equal(ev.addr, "127.0.0.1/8");
	assert_true(ev.snapshot);
	await(w, &ev, IFNET_EV_SNAPSHOT_END, "");
	assert_int_equal(ifnet_next_timeout(w, 20, &ev, &e), ETIMEDOUT);
	create(f->c, "pair1");
	await(w, &ev, IFNET_EV_ARRIVAL, "pair1");
	assert_false(ev.snapshot);
	handle = ev.handle;
	test_command(f->vn, "ifconfig pair1 10.3.0.1/24 up");
	await(w, &ev, IFNET_EV_ADDR_ADD, "pair1");
	assert_string_equal(ev.addr, "10.3.0.1/24");
	assert_true(ev.handle == handle);
	destroy(f->c, "pair1");
	await(w, &ev, IFNET_EV_DEPARTURE, "pair1");
	assert_true(ev.handle == handle);
	ifnet_close(w);
}

/* Events of IPv6 addresses: zones, flags in the family's own numbers, and the
 * end of a lifetime. */
static void
test_follow_inet6(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *w = test_connect(&f->ts);
	struct in6_aliasreq ifra;
	struct ifnet_event ev;
	struct ifnet_error e;

	create(f->c, "pair0");
	assert_int_equal(ifnet_follow(w, IFNET_ADDR, &e), 0);
	memset(&ifra, 0, sizeof(ifra));
	strcpy(ifra.ifra_name, "pair0");
	ifra.ifra_addr.sin6_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1",
	    &ifra.ifra_addr.sin6_addr), 1);
	ifra.ifra_flags = IN6_IFF_ANYCAST;
	ifra.ifra_lifetime.ia6t_pltime = 1;
	ifra.ifra_lifetime.ia6t_vltime = 100000;
	assert_int_equal(ifnet_ioctl(f->c, SIOCAIFADDR_IN6, &ifra,
	    sizeof(ifra), &e), 0);
	await(w, &ev, IFNET_EV_ADDR_ADD, "pair0");
	assert_int_equal(strncmp(ev.addr, "fe80::", 6), 0);
	assert_non_null(strstr(ev.addr, "%2/64"));
	await(w, &ev, IFNET_EV_ADDR_ADD, "pair0");
	assert_string_equal(ev.addr, "2001:db8::1/64");
	assert_int_equal(ev.addrflags, 0);
	await(w, &ev, IFNET_EV_ADDR_CHANGE, "pair0");
	assert_string_equal(ev.addr, "2001:db8::1/64");
	ifnet_close(w);
}

/*
 * A reader that sleeps: its queue overruns, it is told, and a new snapshot
 * brings it up to date.
 */
static void
test_overrun(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *w = test_connect(&f->ts);
	unsigned long long seq = 0, lost = 0;
	struct ifnet_event ev;
	struct ifnet_error e;
	int sawlast = 0;

	assert_int_equal(ifnet_follow(w, IFNET_LINK | IFNET_SNAPSHOT, &e), 0);
	await(w, &ev, IFNET_EV_SNAPSHOT_END, "");
	seq = ev.seq;
	for (int i = 0; i < 6000; i++) {
		create(f->c, "pair3");
		destroy(f->c, "pair3");
	}
	create(f->c, "pair4");
	do {
		assert_int_equal(ifnet_next_timeout(w, LONG_MS, &ev, &e), 0);
		assert_true(ev.seq > seq || ev.type == IFNET_EV_OVERRUN);
		seq = ev.seq;
		if (ev.type == IFNET_EV_OVERRUN)
			lost += ev.lost;
	} while (ev.type != IFNET_EV_OVERRUN);
	assert_true(lost > 0);
	do {
		assert_int_equal(ifnet_next_timeout(w, LONG_MS, &ev, &e), 0);
		assert_true(ev.snapshot || ev.type == IFNET_EV_SNAPSHOT_END);
		if (strcmp(ev.ifname, "pair4") == 0)
			sawlast = 1;
	} while (ev.type != IFNET_EV_SNAPSHOT_END);
	assert_true(sawlast);
	create(f->c, "pair5");
	await(w, &ev, IFNET_EV_ARRIVAL, "pair5");
	ifnet_close(w);
}

/* --- ping ---------------------------------------------------------------- */

static void
ping_client(struct ifnet_client *c)
{
	struct ifnet_ping_reply r;
	struct ifnet_error e;
	uint32_t dst = htonl(0x7f000001);

	assert_int_equal(ifnet_ping_send(c, 1, 56, 64, &e), ENOTCONN);
	if (ifnet_ping_begin(c, dst, 0, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(ifnet_vnet_create(c, "x", &e), EBUSY);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(ifnet_ping_send(c, i, 56, 64, &e), 0);
		assert_int_equal(ifnet_ping_recv(c, LONG_MS, &r, &e), 0);
		assert_int_equal(r.error, 0);
		assert_int_equal(r.type, 0);
		assert_int_equal(r.seq, i);
		assert_int_equal(r.from, dst);
		assert_int_equal(r.bytes, 64);
	}
	assert_int_equal(ifnet_ping_recv(c, 10, &r, &e), ETIMEDOUT);
	assert_int_equal(ifnet_ping_send(c, 1, 56, 256, &e), EINVAL);
	assert_int_equal(ifnet_ping_send(c, 1, 70000, 64, &e), EINVAL);
	assert_int_equal(ifnet_ping_stop(c, &e), 0);
	assert_int_equal(ifnet_ping_recv(c, 10, &r, &e), ENOTCONN);
}

static void
test_ping(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *local;
	struct ifnet_error e;

	ping_client(f->c);
	local = vnet_client(f->vn, &e);
	assert_non_null(local);
	ping_client(local);
	ifnet_close(local);
}

/* The same library without a daemon, on the program's own loop. */
static void
test_local(void **state)
{
	struct ifnet_stack *st = test_stack(0);
	struct vnet *vn = test_vnet(st, "v");
	struct ifnet_client *c, *w;
	struct ifnet_event ev;
	struct ifnet_error e;
	unsigned before;

	(void)state;
	before = mbuf_free_count(st->st_kern);
	c = vnet_client(vn, &e);
	w = vnet_client(vn, &e);
	assert_non_null(c);
	assert_non_null(w);
	assert_int_equal(ifnet_follow(w, IFNET_ALL | IFNET_SNAPSHOT, &e), 0);
	await(w, &ev, IFNET_EV_SNAPSHOT_END, "");
	create(c, "pair0");
	await(w, &ev, IFNET_EV_ARRIVAL, "pair0");
	assert_int_equal(ifnet_halt(c, &e), EOPNOTSUPP);
	ping_client(c);
	assert_int_equal(mbuf_free_count(st->st_kern), before);
	ifnet_close(c);
	ifnet_close(w);
	ifnet_stack_destroy(st);
}

/* As in JSON. */
static void
test_unknown_link(void **state)
{

	(void)state;
	assert_string_equal(ifnet_operstate_text(IFNET_OPER_UNKNOWN), "up");
}

int
main(void)
{
#define T(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_link),
		T(test_connect_errors), T(test_gone), T(test_requests),
		T(test_halt_self),
		T(test_sysctl), T(test_dump), T(test_batch), T(test_started),
		T(test_flush_routes),
		T(test_handover),
		T(test_denied), T(test_follow), T(test_follow_inet6),
		T(test_overrun), T(test_ping),
		T(test_old_layouts),
		cmocka_unit_test(test_local),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
