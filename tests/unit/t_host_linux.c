/*
 * The Linux host, against the kernel: threads, locks, pollers, local
 * sockets, and tap devices in a network namespace of the test's own.
 */

#include "host/host.h"	/* under test */

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <netinet/in.h>

#include <cmocka.h>
#include <urcu/urcu-memb.h>

#define MSEC	UINT64_C(1000000)
#define SEC	UINT64_C(1000000000)

static struct host *h;
static char dir[64];

static void
test_clock_and_memory(void **state)
{
	uint64_t before = host_clock(h);
	unsigned char a[32], b[32];
	unsigned char *p;
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		assert_true(host_clock(h) >= before);
		before = host_clock(h);
	}
	host_sleep(h, 2 * MSEC);
	assert_true(host_clock(h) - before >= 2 * MSEC);
	assert_true(host_wallclock(h) > 1600000000 * SEC);

	p = host_alloc(h, 1000, 4096);
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 4096, 0);
	for (i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	host_free(h, p);
	p = host_alloc(h, 0, 0);
	assert_non_null(p);
	host_free(h, p);
	host_free(h, NULL);

	p = host_map(h, 5000);
	assert_non_null(p);
	assert_int_equal(p[4999], 0);
	p[4999] = 1;
	host_unmap(h, p, 5000);

	host_random(h, a, sizeof(a));
	host_random(h, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_true(host_ncpu(h) >= 1);
}

/* State that the threads of one test share. */
struct shared {
	struct host_mutex s_lock;
	struct host_cond s_cond;
	struct host_poller *s_poller;
	unsigned	 s_count;
	unsigned	 s_dtors;
	bool		 s_flag;
};

static void
count_dtor(void *arg)
{
	struct shared *s = arg;

	__atomic_add_fetch(&s->s_dtors, 1, __ATOMIC_SEQ_CST);
}

static void
set_kern(struct shared *s)
{

	host_curthread->ht_kern = s;
	host_curthread->ht_kern_dtor = count_dtor;
}

static void
counter(void *arg)
{
	struct shared *s = arg;
	sigset_t set;
	int i;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	assert_true(sigismember(&set, SIGTERM));
	assert_true(sigismember(&set, SIGALRM));
	set_kern(s);
	urcu_memb_read_lock();
	urcu_memb_read_unlock();
	for (i = 0; i < 10000; i++) {
		host_mutex_lock(h, &s->s_lock);
		s->s_count++;
		host_mutex_unlock(h, &s->s_lock);
	}
	host_mutex_lock(h, &s->s_lock);
	s->s_flag = true;
	host_cond_broadcast(h, &s->s_cond);
	host_mutex_unlock(h, &s->s_lock);
}

static void *
user_thread(void *arg)
{
	struct host_thread *t;

	assert_null(host_curthread);
	t = host_thread_attach(h);
	assert_non_null(t);
	assert_ptr_equal(host_thread_attach(h), t);
	set_kern(arg);
	urcu_memb_read_lock();
	urcu_memb_read_unlock();
	return NULL;
}

static bool
count_thread(struct host_thread *t, void *arg)
{
	unsigned *n = arg;

	assert_ptr_equal(t->ht_host, h);
	++*n;
	return true;
}

static unsigned
thread_count(void)
{
	unsigned n = 0;

	host_thread_foreach(h, count_thread, &n);
	return n;
}

static void
test_threads(void **state)
{
	struct host_thread *t[3];
	struct shared s;
	pthread_t user;
	unsigned known;
	int i;

	(void)state;
	memset(&s, 0, sizeof(s));
	assert_non_null(host_thread_attach(h));
	known = thread_count();
	host_mutex_init(h, &s.s_lock);
	host_cond_init(h, &s.s_cond);
	host_mutex_lock(h, &s.s_lock);
	for (i = 0; i < 3; i++)
		assert_int_equal(host_thread_create(h, "counter", i - 1,
		    counter, &s, &t[i]), 0);
	assert_int_equal(thread_count(), known + 3);
	while (!s.s_flag)
		assert_int_equal(host_cond_wait(h, &s.s_cond, &s.s_lock,
		    HOST_FOREVER), 0);
	assert_true(host_mutex_owned(h, &s.s_lock));
	host_mutex_unlock(h, &s.s_lock);
	host_rcu_synchronize(h);
	for (i = 0; i < 3; i++)
		host_thread_join(h, t[i]);
	assert_int_equal(s.s_count, 30000);
	assert_int_equal(s.s_dtors, 3);
	assert_int_equal(pthread_create(&user, NULL, user_thread, &s), 0);
	pthread_join(user, NULL);
	assert_int_equal(s.s_dtors, 4);
	assert_int_equal(thread_count(), known);
	host_cond_destroy(h, &s.s_cond);
	host_mutex_destroy(h, &s.s_lock);
}

static void
test_mutex_and_timeout(void **state)
{
	struct shared s;
	uint64_t before;

	(void)state;
	host_mutex_init(h, &s.s_lock);
	host_cond_init(h, &s.s_cond);
	assert_false(host_mutex_owned(h, &s.s_lock));
	assert_true(host_mutex_trylock(h, &s.s_lock));
	assert_true(host_mutex_owned(h, &s.s_lock));
	assert_false(host_mutex_trylock(h, &s.s_lock));
	before = host_clock(h);
	while (host_cond_wait(h, &s.s_cond, &s.s_lock, 5 * MSEC) == 0)
		continue;
	assert_true(host_clock(h) - before >= 5 * MSEC);
	assert_int_equal(host_cond_wait(h, &s.s_cond, &s.s_lock, 0),
	    ETIMEDOUT);
	assert_true(host_mutex_owned(h, &s.s_lock));
	host_mutex_unlock(h, &s.s_lock);
	host_cond_destroy(h, &s.s_cond);
	host_mutex_destroy(h, &s.s_lock);
}

static void
echo_ring(void *arg)
{
	struct shared *s = arg;
	unsigned i;

	for (i = 1; i <= 20000; i++) {
		__atomic_store_n(&s->s_count, i, __ATOMIC_RELAXED);
		host_poller_wake(h, s->s_poller);
	}
}

/* No ring is lost: what was written before the last one is seen. */
static void
test_doorbell(void **state)
{
	struct host_thread *t;
	struct host_event ev;
	struct shared s;
	unsigned n;

	(void)state;
	memset(&s, 0, sizeof(s));
	assert_int_equal(host_poller_create(h, &s.s_poller), 0);
	assert_int_equal(host_thread_create(h, "ringer", -1, echo_ring, &s,
	    &t), 0);
	while (__atomic_load_n(&s.s_count, __ATOMIC_RELAXED) < 20000) {
		assert_int_equal(host_poller_wait(h, s.s_poller, &ev, 1,
		    HOST_FOREVER, &n), 0);
		assert_int_equal(n, 0);
	}
	host_thread_join(h, t);
	host_poller_destroy(h, s.s_poller);
}

static void
test_poller(void **state)
{
	struct host_poller *p;
	struct host_event ev[4];
	struct pollfd pfd = { .events = POLLIN };
	uint64_t before;
	int fds[2];
	unsigned n;

	(void)state;
	assert_int_equal(host_poller_create(h, &p), 0);
	before = host_clock(h);
	assert_int_equal(host_poller_wait(h, p, ev, 4, 300000, &n), 0);
	assert_int_equal(n, 0);
	assert_true(host_clock(h) - before >= 300000);

	/* Rung before, twice: one wait ends at once, the next does not. */
	host_poller_wake(h, p);
	host_poller_wake(h, p);
	assert_int_equal(host_poller_wait(h, p, ev, 4, HOST_FOREVER, &n), 0);
	assert_int_equal(n, 0);
	before = host_clock(h);
	assert_int_equal(host_poller_wait(h, p, ev, 4, 2 * MSEC, &n), 0);
	assert_true(host_clock(h) - before >= 2 * MSEC);

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(host_poller_add(h, p, fds[0], HOST_POLL_IN, fds), 0);
	assert_int_equal(host_poller_add(h, p, fds[0], HOST_POLL_IN, fds),
	    EEXIST);
	assert_int_equal(host_poller_add(h, p, -1, HOST_POLL_IN, fds), EBADF);
	assert_int_equal(host_poller_wait(h, p, ev, 4, 0, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(host_poller_wait(h, p, ev, 4, HOST_FOREVER, &n), 0);
	assert_int_equal(n, 1);
	assert_ptr_equal(ev[0].he_cookie, fds);
	assert_int_equal(ev[0].he_events, HOST_POLL_IN);
	assert_int_equal(host_poller_mod(h, p, fds[0],
	    HOST_POLL_IN | HOST_POLL_OUT, &n), 0);
	assert_int_equal(host_poller_wait(h, p, ev, 4, HOST_FOREVER, &n), 0);
	assert_ptr_equal(ev[0].he_cookie, &n);
	assert_int_equal(ev[0].he_events, HOST_POLL_IN | HOST_POLL_OUT);
	close(fds[1]);
	assert_int_equal(host_poller_wait(h, p, ev, 4, HOST_FOREVER, &n), 0);
	assert_true(ev[0].he_events & HOST_POLL_HUP);
	host_poller_del(h, p, fds[0]);
	assert_int_equal(host_poller_wait(h, p, ev, 4, 0, &n), 0);
	assert_int_equal(n, 0);
	close(fds[0]);

	/* Watched from outside: a ring shows on the descriptor. */
	host_poller_wake(h, p);
	pfd.fd = host_poller_fd(h, p);
	assert_int_equal(poll(&pfd, 1, 0), 1);
	assert_int_equal(host_poller_wait(h, p, ev, 4, 0, &n), 0);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	host_poller_wake(h, p);
	assert_int_equal(poll(&pfd, 1, 0), 1);
	host_poller_destroy(h, p);
}

static int
client(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)),
	    0);
	return fd;
}

static void
test_sock(void **state)
{
	struct host_peercred hp;
	struct iovec iov;
	struct stat st;
	char path[100], *big;
	char buf[8];
	int c, l, other, passed, s;

	(void)state;
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(host_sock_listen(h, path, 0666, &l), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_int_equal(host_sock_accept(h, l, &s, &hp), EAGAIN);
	assert_int_equal(host_sock_listen(h, path, 0666, &other), EADDRINUSE);
	/* To know, the other one had to knock. */
	assert_int_equal(host_sock_accept(h, l, &s, &hp), 0);
	assert_int_equal(host_sock_recv(h, s, buf, 8, &passed), 0);
	host_sock_close(h, s);
	c = client(path);
	assert_int_equal(host_sock_accept(h, l, &s, &hp), 0);
	assert_int_equal(hp.hp_pid, getpid());
	assert_int_equal(hp.hp_uid, geteuid());
	assert_int_equal(hp.hp_gid, getegid());
	assert_int_equal(hp.hp_ngroups, getgroups(0, NULL));
	assert_int_equal(fcntl(s, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);

	passed = 7;
	assert_int_equal(host_sock_recv(h, s, buf, 8, &passed), -EAGAIN);
	assert_int_equal(passed, -1);
	assert_int_equal(send(c, "0123456789", 10, 0), 10);
	assert_int_equal(send(c, "ab", 2, 0), 2);
	assert_int_equal(host_sock_recv(h, s, buf, 8, &passed), 10);
	assert_memory_equal(buf, "01234567", 8);
	assert_int_equal(host_sock_recv(h, s, buf, 8, &passed), 2);

	/* A large answer goes as one message; a monstrous one is refused. */
	big = calloc(1, 8 << 20);
	assert_non_null(big);
	iov.iov_base = big;
	iov.iov_len = 150000;
	assert_int_equal(host_sock_send(h, s, &iov, 1), 150000);
	assert_int_equal(recv(c, big, 8 << 20, 0), 150000);
	iov.iov_len = 8 << 20;
	assert_int_equal(host_sock_send(h, s, &iov, 1), -EMSGSIZE);
	free(big);

	close(c);
	assert_int_equal(host_sock_recv(h, s, buf, 8, &passed), 0);
	iov.iov_len = 1;
	iov.iov_base = buf;
	assert_int_equal(host_sock_send(h, s, &iov, 1), -EPIPE);
	host_sock_close(h, s);
	host_sock_close(h, l);
	assert_int_equal(access(path, F_OK), -1);
}

static void
test_sock_path(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char path[100], tall[200];
	int fd, l, other;

	(void)state;
	snprintf(path, sizeof(path), "%s/stale", dir);
	strcpy(sun.sun_path, path);

	/* Left behind by a crash. */
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	assert_int_equal(host_sock_listen(h, path, 0600, &l), 0);
	/* A file that another program put in the socket's place stays when
	 * the socket is closed. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(host_sock_listen(h, path, 0600, &other), 0);
	host_sock_close(h, l);
	assert_int_equal(access(path, F_OK), 0);
	host_sock_close(h, other);
	assert_int_equal(access(path, F_OK), -1);

	/* Not a socket: not ours to remove. */
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(host_sock_listen(h, path, 0600, &l), EADDRINUSE);
	assert_int_equal(unlink(path), 0);

	memset(tall, 'x', sizeof(tall) - 1);
	tall[sizeof(tall) - 1] = '\0';
	assert_int_equal(host_sock_listen(h, tall, 0600, &l), ENAMETOOLONG);
	assert_int_equal(host_sock_listen(h, "/no/such/dir/s", 0600, &l),
	    ENOENT);
}

static void
send_fds(int s, const int *fds, int n)
{
	char control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec iov = { .iov_base = (void *)(uintptr_t)"f",
	    .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int)) };
	struct cmsghdr *cm;

	memset(control, 0, sizeof(control));
	cm = CMSG_FIRSTHDR(&msg);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	memcpy(CMSG_DATA(cm), fds, (size_t)n * sizeof(int));
	assert_int_equal(sendmsg(s, &msg, 0), 1);
}

static void
test_fd_passing(void **state)
{
	int fds[3], pair[2], pipes[2];
	char buf[4];
	int passed;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(pipes), 0);
	fds[0] = fds[1] = fds[2] = pipes[1];
	send_fds(pair[0], fds, 3);
	close(pipes[1]);
	assert_int_equal(host_sock_recv(h, pair[1], buf, 4, &passed), 1);
	assert_int_not_equal(passed, -1);
	assert_int_equal(fcntl(passed, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	/* With the one we got closed, the pipe has no writer left. */
	close(passed);
	assert_int_equal(read(pipes[0], buf, 1), 0);
	/* Unwanted ones are closed. */
	fds[0] = pipes[0];
	send_fds(pair[0], fds, 1);
	assert_int_equal(host_sock_recv(h, pair[1], buf, 4, NULL), 1);
	close(pipes[0]);
	close(pair[0]);
	close(pair[1]);
}

/* A tap needs the driver and the right to make one. */
static bool
tun_possible(void)
{
	int fd;

	fd = open("/dev/net/tun", O_RDWR);
	if (fd == -1) {
		print_message("no tap tests: /dev/net/tun: %s\n",
		    strerror(errno));
		return false;
	}
	close(fd);
	if (unshare(CLONE_NEWNET) != 0) {
		print_message("no tap tests: a network namespace: %s\n",
		    strerror(errno));
		return false;
	}
	return true;
}

/* A packet socket on the kernel's side of the tap. */
static int
packet_socket(const char *name)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
	    .sll_protocol = htons(0x88b5) };
	struct ifreq ifr;
	int fd;

	fd = socket(AF_PACKET, SOCK_RAW, htons(0x88b5));
	assert_int_not_equal(fd, -1);
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
	assert_true(ifr.ifr_flags & IFF_UP);
	assert_int_equal(ioctl(fd, SIOCGIFINDEX, &ifr), 0);
	sll.sll_ifindex = ifr.ifr_ifindex;
	assert_int_equal(bind(fd, (struct sockaddr *)&sll, sizeof(sll)), 0);
	return fd;
}

static void
exchange_packets(struct host_tun *t)
{
	struct host_vnethdr vh;
	unsigned char frame[60], got[200];
	struct iovec iov[2] = { { &vh, sizeof(vh) }, { frame, 60 } };
	struct host_poller *p;
	struct host_event ev;
	unsigned n;
	ssize_t len;
	int s;

	s = packet_socket(host_tun_name(h, t));
	memset(frame, 0xff, 6);
	memset(frame + 6, 2, 6);
	memset(frame + 12, 0x55, sizeof(frame) - 12);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	memset(&vh, 0, sizeof(vh));
	assert_int_equal(host_tun_send(h, t, iov, 2), 70);
	assert_int_equal(recv(s, got, sizeof(got), 0), 60);
	assert_memory_equal(got, frame, 60);

	assert_int_equal(host_poller_create(h, &p), 0);
	assert_int_equal(host_poller_add(h, p, host_tun_fd(h, t),
	    HOST_POLL_IN, t), 0);
	assert_int_equal(send(s, frame, 60, 0), 60);
	iov[1].iov_base = got;
	iov[1].iov_len = sizeof(got);
	/* The kernel has packets of its own to send on a new device. */
	do {
		assert_int_equal(host_poller_wait(h, p, &ev, 1, 5 * SEC, &n),
		    0);
		assert_int_equal(n, 1);
		len = host_tun_recv(h, t, iov, 2);
		assert_true(len > 0);
	} while (len != 70 || got[12] != 0x88);
	assert_memory_equal(got, frame, 60);
	assert_int_equal(vh.vh_gso_type, HOST_VH_GSO_NONE);
	host_poller_destroy(h, p);
	close(s);
}

static void
remove_device(const char *name)
{
	char command[64];

	snprintf(command, sizeof(command), "ip link del %s", name);
	assert_int_equal(system(command), 0);
}

static void
test_tun(void **state)
{
	struct host_tun_config tc = { .tc_name = "hosttest0", .tc_fd = -1,
	    .tc_offload = HOST_TUN_CSUM | HOST_TUN_TSO4 | HOST_TUN_TSO6 |
	    HOST_TUN_TSO_ECN | HOST_TUN_USO };
	struct host_tun *adopted, *second, *t;
	struct iovec iov;
	char buf[100];
	ssize_t len;

	(void)state;
	if (!tun_possible())
		skip();
	assert_int_equal(host_tun_open(h, &tc, &t), 0);
	assert_string_equal(host_tun_name(h, t), "hosttest0");
	assert_int_equal(host_tun_open(h, &tc, &second), EBUSY);
	tc.tc_name = "lo";
	assert_int_equal(host_tun_open(h, &tc, &second), EBUSY);
	tc.tc_name = "a-name-that-is-too-long";
	assert_int_equal(host_tun_open(h, &tc, &second), ENAMETOOLONG);
	exchange_packets(t);

	/* Adopt a second descriptor of it, made blocking first. */
	tc.tc_fd = dup(host_tun_fd(h, t));
	assert_int_equal(host_tun_open(h, &tc, &adopted), 0);
	assert_string_equal(host_tun_name(h, adopted), "hosttest0");
	host_tun_close(h, t);
	exchange_packets(adopted);

	/* The device goes away under us. */
	remove_device("hosttest0");
	iov.iov_base = buf;
	iov.iov_len = sizeof(buf);
	memset(buf, 0, sizeof(buf));
	do {
		len = host_tun_recv(h, adopted, &iov, 1);
	} while (len > 0);
	assert_int_equal(len, -EBADFD);
	assert_int_equal(host_tun_send(h, adopted, &iov, 1), -EBADFD);
	host_tun_close(h, adopted);

	tc.tc_name = "";
	tc.tc_fd = -1;
	assert_int_equal(host_tun_open(h, &tc, &t), 0);
	assert_string_equal(host_tun_name(h, t), "tap0");
	host_tun_close(h, t);
}

/* Calls of a watcher, and the thread that makes them; atomic. */
struct watched {
	uint32_t	 wa_calls;
	pid_t		 wa_thread;
};

static void
watcher(void *arg)
{
	struct watched *wa = arg;

	__atomic_store_n(&wa->wa_thread, (pid_t)syscall(SYS_gettid),
	    __ATOMIC_RELAXED);
	__atomic_fetch_add(&wa->wa_calls, 1, __ATOMIC_RELEASE);
}

static uint32_t
calls(const struct watched *wa)
{

	return __atomic_load_n(&wa->wa_calls, __ATOMIC_ACQUIRE);
}

static void
await_call(const struct watched *wa, uint32_t before)
{
	uint64_t late = host_clock(h) + 60 * SEC;

	while (calls(wa) == before) {
		assert_true(host_clock(h) < late);
		host_sleep(h, MSEC);
	}
}

static void
set_mtu(int fd, const char *name, int mtu)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	ifr.ifr_mtu = mtu;
	assert_int_equal(ioctl(fd, SIOCSIFMTU, &ifr), 0);
}

/*
 * Messages about all devices of a namespace are read by each query about one
 * device.  The watcher of another device is called all the same, also when the
 * thread that calls it slept all the while: here it is on the CPU of the
 * querying thread, and of the lowest priority.
 */
static void
test_tun_watchers(void **state)
{
	struct host_tun_config tc = { .tc_name = "hosttest0", .tc_fd = -1 };
	const struct sched_param sp = { .sched_priority = 0 };
	struct watched wa[2] = { { 0 }, { 0 } };
	struct host_tun *asked, *other;
	struct host_tun_far tf;
	cpu_set_t all, one;
	uint32_t before;
	pid_t thread;
	int fd;

	(void)state;
	if (!tun_possible())
		skip();
	assert_int_equal(host_tun_open(h, &tc, &asked), 0);
	tc.tc_name = "hosttest1";
	assert_int_equal(host_tun_open(h, &tc, &other), 0);
	assert_int_equal(host_tun_watch(h, asked, watcher, &wa[0]), 0);
	assert_int_equal(host_tun_watch(h, other, watcher, &wa[1]), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(fd, -1);
	before = calls(&wa[1]);
	set_mtu(fd, "hosttest1", 1399);
	await_call(&wa[1], before);
	thread = __atomic_load_n(&wa[1].wa_thread, __ATOMIC_RELAXED);
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(sched_setaffinity(thread, sizeof(one), &one), 0);
	assert_int_equal(sched_setscheduler(thread, SCHED_IDLE, &sp), 0);
	for (int i = 0; i < 5; i++) {
		/* The call for the last change is over. */
		host_sleep(h, MSEC);
		before = calls(&wa[1]);
		set_mtu(fd, "hosttest1", 1400 + i);
		host_tun_far(h, asked, &tf);
		await_call(&wa[1], before);
		host_tun_far(h, other, &tf);
		assert_int_equal(tf.tf_mtu, 1400 + i);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	close(fd);
	host_tun_close(h, asked);
	host_tun_close(h, other);
}

/* A watcher that does not return before it may; atomic. */
struct held_watcher {
	struct watched	 hw_wa;
	uint32_t	 hw_hold;	/* it may not return */
	uint32_t	 hw_held;	/* it runs, and may not return */
};

static void
held_watcher(void *arg)
{
	struct held_watcher *hw = arg;

	watcher(&hw->hw_wa);
	while (__atomic_load_n(&hw->hw_hold, __ATOMIC_ACQUIRE) != 0) {
		__atomic_store_n(&hw->hw_held, 1, __ATOMIC_RELEASE);
		host_sleep(h, MSEC / 10);
	}
	__atomic_store_n(&hw->hw_held, 0, __ATOMIC_RELEASE);
}

static void
hold_watcher(struct held_watcher *hw, int fd, int mtu)
{
	uint64_t late = host_clock(h) + 60 * SEC;

	__atomic_store_n(&hw->hw_hold, 1, __ATOMIC_RELEASE);
	set_mtu(fd, "hosttest0", mtu);
	while (!__atomic_load_n(&hw->hw_held, __ATOMIC_ACQUIRE)) {
		assert_true(host_clock(h) < late);
		host_sleep(h, MSEC / 10);
	}
}

static void
set_device_up(int fd, const char *name, bool up)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
	ifr.ifr_flags = (short)(up ? ifr.ifr_flags | IFF_UP :
	    ifr.ifr_flags & ~IFF_UP);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
}

/* Check the far side, and how often it was set down since falls. */
static void
far_is(struct host_tun *t, bool up, uint32_t falls)
{
	struct host_tun_far tf;

	host_tun_far(h, t, &tf);
	assert_int_equal((tf.tf_flags & HOST_TUN_UP) != 0, up);
	assert_int_equal(tf.tf_falls, falls);
}

struct closing {
	struct host_tun	*cl_tun;
	struct held_watcher *cl_watcher;
	uint32_t	 cl_begun;	/* atomic */
	bool		 cl_early;
};

static void
closer(void *arg)
{
	struct closing *cl = arg;

	__atomic_store_n(&cl->cl_begun, 1, __ATOMIC_RELEASE);
	host_tun_close(h, cl->cl_tun);
	cl->cl_early = __atomic_load_n(&cl->cl_watcher->hw_held,
	    __ATOMIC_ACQUIRE) != 0;
}

/*
 * While the thread that watches is held up by one watcher, a query knows the
 * state of another device all the same, also when more messages came than the
 * kernel keeps; that device's watcher is called afterwards; and a device that
 * is being closed waits for its watcher.
 */
static void
test_tun_held_up(void **state)
{
	struct host_tun_config tc = { .tc_name = "hosttest0", .tc_fd = -1 };
	struct held_watcher hw = { .hw_hold = 0 };
	struct watched wa = { 0 }, again = { 0 }, lost = { 0 };
	struct host_tun *first, *second, *third, *fourth;
	struct closing cl = { .cl_watcher = &hw };
	struct host_tun_far tf;
	struct host_thread *t;
	uint32_t before, before_lost;
	unsigned known = thread_count();
	int fd;

	(void)state;
	if (!tun_possible())
		skip();
	assert_int_equal(host_tun_open(h, &tc, &first), 0);
	tc.tc_name = "hosttest1";
	assert_int_equal(host_tun_open(h, &tc, &second), 0);
	tc.tc_name = "hosttest3";
	assert_int_equal(host_tun_open(h, &tc, &fourth), 0);
	tc.tc_name = "hosttest2";
	assert_int_equal(host_tun_open(h, &tc, &third), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(fd, -1);
	/* The state before a device is watched does not count. */
	set_device_up(fd, "hosttest3", false);
	assert_int_equal(host_tun_watch(h, fourth, watcher, &lost), 0);
	far_is(fourth, false, 0);
	set_device_up(fd, "hosttest3", true);
	await_call(&lost, 0);
	far_is(fourth, true, 0);
	assert_int_equal(host_tun_watch(h, second, watcher, &wa), 0);
	assert_int_equal(host_tun_watch(h, first, held_watcher, &hw), 0);
	hold_watcher(&hw, fd, 1300);
	before_lost = calls(&lost);

	assert_int_equal(host_tun_mtu(h, second, 1350), 0);
	host_tun_far(h, second, &tf);
	assert_true(tf.tf_flags & HOST_TUN_UP);
	assert_int_equal(tf.tf_mtu, 1350);
	set_device_up(fd, "hosttest1", false);
	far_is(second, false, tf.tf_falls + 1);
	set_mtu(fd, "hosttest1", 1400);
	far_is(second, false, tf.tf_falls + 1);
	set_device_up(fd, "hosttest1", true);
	set_device_up(fd, "hosttest1", false);
	set_device_up(fd, "hosttest1", true);
	far_is(second, true, tf.tf_falls + 2);
	for (int i = 0; i < 5000; i++)
		set_mtu(fd, "hosttest1", 1400 + i % 2);
	set_device_up(fd, "hosttest1", false);
	set_mtu(fd, "hosttest3", 1300);
	far_is(second, false, tf.tf_falls + 3);

	/* The last messages of two devices were lost. */
	before = calls(&wa);
	__atomic_store_n(&hw.hw_hold, 0, __ATOMIC_RELEASE);
	await_call(&wa, before);
	await_call(&lost, before_lost);
	far_is(second, false, tf.tf_falls + 3);
	host_tun_close(h, fourth);

	hold_watcher(&hw, fd, 1301);
	cl.cl_tun = first;
	assert_int_equal(host_thread_create(h, "closer", -1, closer, &cl, &t),
	    0);
	while (!__atomic_load_n(&cl.cl_begun, __ATOMIC_ACQUIRE))
		host_sleep(h, MSEC / 10);
	host_sleep(h, 20 * MSEC);
	__atomic_store_n(&hw.hw_hold, 0, __ATOMIC_RELEASE);
	host_thread_join(h, t);
	assert_false(cl.cl_early);

	/* With the last watcher the thread goes, and another one comes for the
	 * devices that are there. */
	assert_int_equal(thread_count(), known + 1);
	host_tun_close(h, second);
	assert_int_equal(thread_count(), known);
	assert_int_equal(host_tun_watch(h, third, watcher, &again), 0);
	await_call(&again, 0);
	before = calls(&again);
	set_mtu(fd, "hosttest2", 1300);
	await_call(&again, before);
	close(fd);
	host_tun_close(h, third);
	assert_int_equal(thread_count(), known);
}

/* Descriptors that will not do are refused, and stay the caller's. */
static void
test_tun_bad_fd(void **state)
{
	struct host_tun_config tc = { .tc_name = "" };
	struct host_tun *t;
	struct ifreq ifr;

	(void)state;
	tc.tc_fd = 9999;
	assert_int_equal(host_tun_open(h, &tc, &t), EBADF);
	tc.tc_fd = open("/dev/null", O_RDWR);
	assert_int_equal(host_tun_open(h, &tc, &t), EINVAL);
	assert_int_equal(close(tc.tc_fd), 0);
	if (!tun_possible())
		skip();
	tc.tc_fd = open("/dev/net/tun", O_RDWR);
	assert_int_equal(host_tun_open(h, &tc, &t), EINVAL);
	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
	assert_int_equal(ioctl(tc.tc_fd, TUNSETIFF, &ifr), 0);
	assert_int_equal(host_tun_open(h, &tc, &t), EINVAL);
	assert_int_equal(close(tc.tc_fd), 0);
	tc.tc_fd = open("/dev/net/tun", O_RDWR);
	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	assert_int_equal(ioctl(tc.tc_fd, TUNSETIFF, &ifr), 0);
	assert_int_equal(host_tun_open(h, &tc, &t), 0);
	assert_true(fcntl(host_tun_fd(h, t), F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(host_tun_fd(h, t), F_GETFD) & FD_CLOEXEC);
	host_tun_close(h, t);
}

static int
setup(void **state)
{

	(void)state;
	h = host_linux();
	strcpy(dir, "/tmp/t_host_linux.XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{

	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock_and_memory),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_mutex_and_timeout),
		cmocka_unit_test(test_doorbell),
		cmocka_unit_test(test_poller),
		cmocka_unit_test(test_sock),
		cmocka_unit_test(test_sock_path),
		cmocka_unit_test(test_fd_passing),
		cmocka_unit_test(test_tun),
		cmocka_unit_test(test_tun_watchers),
		cmocka_unit_test(test_tun_held_up),
		cmocka_unit_test(test_tun_bad_fd),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
