/*
 * The server, with a protocol of the test's own: who has a place, who is told
 * that there is none, and who is left alone for how long.
 */

#include "kern_test.h"

#include <errno.h>
#include <stdio.h>

#include "user_test.h"
#include "server/server.h"	/* under test */

#define PATH	"/server"
#define S	UINT64_C(1000000000)

/* --- a protocol: what comes goes back; 'w' watches from then on, 's' takes
 * five seconds --------------------------------------------------------------
 */

struct echo {
	struct server_sink e_sink;
	enum server_state e_state;
};

static int
echo_open(struct kern *k, const struct kauth_cred *cred,
    const struct server_sink *ss, void **sp)
{
	struct echo *e = kmem_zalloc(k, sizeof(*e));

	(void)cred;
	if (e == NULL)
		return ENOMEM;
	e->e_sink = *ss;
	*sp = e;
	return 0;
}

static struct kern *echo_kern;

static int
echo_message(void *arg, const void *msg, size_t len, int fd)
{
	struct echo *e = arg;

	KASSERT(fd == -1 && len > 0);
	e->e_state = *(const char *)msg == 'w' ? SERVER_WATCHING :
	    SERVER_IDLE;
	if (*(const char *)msg == 'q')
		return EPROTO;
	if (*(const char *)msg == 's')
		host_sleep(echo_kern->k_host, 5 * S);
	return e->e_sink.ss_send(e->e_sink.ss_arg, msg, len);
}

static int
echo_events(void *arg)
{

	(void)arg;
	return 0;
}

static enum server_state
echo_state(void *arg)
{

	return ((struct echo *)arg)->e_state;
}

static void
echo_close(void *arg)
{

	kmem_free(echo_kern, arg);
}

static size_t
echo_goodbye(void *room, int error, const char *text)
{

	return (size_t)snprintf(room, SERVER_GOODBYE, "bye %d %s", error,
	    text) + 1;
}

static const struct server_proto echo_proto = {
	.sp_msg_max = 1024, .sp_open = echo_open,
	.sp_message = echo_message, .sp_events = echo_events,
	.sp_state = echo_state, .sp_close = echo_close,
	.sp_goodbye = echo_goodbye,
};

/* --- clients ------------------------------------------------------------- */

static void
start(struct kern *k, unsigned max, struct server **sv)
{
	const struct server_halt sh = { NULL, NULL };

	echo_kern = k;
	KASSERT(server_start(k, &echo_proto, PATH, 0666, max, &sh, sv) == 0);
}

static int
dial(struct kern *k, uid_t uid)
{
	struct host_peercred hp;
	int fd;

	memset(&hp, 0, sizeof(hp));
	hp.hp_uid = uid;
	hp.hp_gid = uid;
	hp.hp_pid = 4711;
	KASSERT(sim_sock_connect(k->k_host, PATH, &hp, &fd) == 0);
	/* Until it has been accepted or refused. */
	host_sleep(k->k_host, S / 100);
	return fd;
}

static ssize_t
hear(struct kern *k, int fd, char buf[1024])
{
	int passed;

	memset(buf, 0, 1024);
	return host_sock_recv(k->k_host, fd, buf, 1023, &passed);
}

/* Is it served? */
static bool
echoes(struct kern *k, int fd, const char *word)
{
	struct iovec iov = { (void *)(uintptr_t)word, strlen(word) + 1 };
	char buf[1024];

	(void)host_sock_send(k->k_host, fd, &iov, 1);
	host_sleep(k->k_host, S / 100);
	return hear(k, fd, buf) > 0 && strcmp(buf, word) == 0;
}

/* Refused or ended with these words, and nothing after them. */
static void
bye(struct kern *k, int fd, int error, const char *words)
{
	char buf[1024], code[16];

	(void)snprintf(code, sizeof(code), "bye %d ", error);
	KASSERT(hear(k, fd, buf) > 0);
	KASSERT(strncmp(buf, code, strlen(code)) == 0);
	KASSERT(strstr(buf, words) != NULL);
	KASSERT(hear(k, fd, buf) == 0);
	host_sock_close(k->k_host, fd);
}

/* --- tests --------------------------------------------------------------- */

/* One user has so many places; others, and administrators, have theirs. */
static void
each_body(struct kern *k)
{
	struct server *sv;
	int fd[64], more, root;

	start(k, 0, &sv);
	for (unsigned i = 0; i < 64; i++) {
		fd[i] = dial(k, 1000);
		KASSERT(echoes(k, fd[i], "a"));
	}
	KASSERT(test_user_clients(k, 1000) == 64);
	bye(k, dial(k, 1000), EUSERS, "kern.user.clients.each");
	more = dial(k, 1001);
	KASSERT(echoes(k, more, "b"));
	root = dial(k, 0);
	KASSERT(echoes(k, root, "c"));
	/* A place that is given back is taken again. */
	host_sock_close(k->k_host, fd[7]);
	host_sleep(k->k_host, S / 10);
	fd[7] = dial(k, 1000);
	KASSERT(echoes(k, fd[7], "d"));
	for (unsigned i = 0; i < 64; i++)
		host_sock_close(k->k_host, fd[i]);
	host_sleep(k->k_host, S / 10);
	KASSERT(test_user_clients(k, 1000) == 0);
	KASSERT(echoes(k, root, "e"));
	/* Stopped with some there. */
	server_stop(sv);
	host_sock_close(k->k_host, more);
	host_sock_close(k->k_host, root);
	KASSERT(test_user_clients(k, 1001) == 0);
}

static void
test_each(void **state)
{

	(void)state;
	on_sim(1, each_body);
}

/* All users together leave places that only administrators can have. */
static void
all_body(struct kern *k)
{
	struct server *sv;
	int fd[192], root[20];

	start(k, 0, &sv);
	for (unsigned i = 0; i < 192; i++) {
		fd[i] = dial(k, 1000 + i % 48);
		KASSERT(echoes(k, fd[i], "a"));
	}
	bye(k, dial(k, 2000), EUSERS, "kern.user.clients.all");
	for (unsigned i = 0; i < 20; i++) {
		root[i] = dial(k, 0);
		KASSERT(echoes(k, root[i], "r"));
	}
	server_stop(sv);
	for (unsigned i = 0; i < 192; i++)
		host_sock_close(k->k_host, fd[i]);
	for (unsigned i = 0; i < 20; i++)
		host_sock_close(k->k_host, root[i]);
}

static void
test_all(void **state)
{

	(void)state;
	on_sim(1, all_body);
}

/* A client that says nothing keeps its place for a while. */
static void
idle_body(struct kern *k)
{
	struct server *sv;
	int dumb, dumbroot, user, watcher, root;

	start(k, 0, &sv);
	dumb = dial(k, 1000);
	dumbroot = dial(k, 0);
	user = dial(k, 1000);
	watcher = dial(k, 1000);
	root = dial(k, 0);
	KASSERT(echoes(k, user, "a"));
	KASSERT(echoes(k, watcher, "w"));
	KASSERT(echoes(k, root, "b"));
	host_sleep(k->k_host, 11 * S);
	bye(k, dumb, ETIMEDOUT, "too long");
	bye(k, dumbroot, ETIMEDOUT, "too long");
	KASSERT(echoes(k, user, "c"));
	/* The time runs from its last request. */
	host_sleep(k->k_host, 3500 * S);
	KASSERT(echoes(k, user, "d"));
	host_sleep(k->k_host, 3500 * S);
	KASSERT(echoes(k, user, "e"));
	host_sleep(k->k_host, 3601 * S);
	bye(k, user, ETIMEDOUT, "kern.clients.idle");
	KASSERT(test_user_clients(k, 1000) == 1);
	KASSERT(echoes(k, watcher, "w"));
	KASSERT(echoes(k, root, "f"));
	/* 0: for ever. */
	__atomic_store_n(&k->k_client_idle_s, 0, __ATOMIC_RELAXED);
	KASSERT(echoes(k, watcher, "g"));
	host_sleep(k->k_host, 100000 * S);
	KASSERT(echoes(k, watcher, "h"));
	host_sock_close(k->k_host, watcher);
	host_sock_close(k->k_host, root);
	server_stop(sv);
}

static void
test_idle(void **state)
{

	(void)state;
	on_sim(1, idle_body);
}

/* All places are taken, whoever has them. */
static void
full_body(struct kern *k)
{
	struct server *sv;
	int fd[3];

	start(k, 3, &sv);
	for (unsigned i = 0; i < 3; i++) {
		fd[i] = dial(k, 0);
		KASSERT(echoes(k, fd[i], "a"));
	}
	bye(k, dial(k, 1000), EUSERS, "as many clients");
	/* The protocol ends one. */
	KASSERT(!echoes(k, fd[0], "q"));
	host_sleep(k->k_host, S / 10);
	host_sock_close(k->k_host, fd[0]);
	fd[0] = dial(k, 0);
	KASSERT(echoes(k, fd[0], "a"));
	server_stop(sv);
	for (unsigned i = 0; i < 3; i++)
		host_sock_close(k->k_host, fd[i]);
}

static void
test_full(void **state)
{

	(void)state;
	on_sim(1, full_body);
}

/*
 * An administrator is let in all the same: whoever has the places, also other
 * connections of administrators, the quietest one gives up its own.
 */
static void
displaced_body(struct kern *k)
{
	struct server *sv;
	int fd[4], more[100];

	start(k, 4, &sv);
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = dial(k, i == 2 ? 1000 : 0);
		KASSERT(echoes(k, fd[i], i == 1 ? "w" : "a"));
	}
	/* The oldest. */
	more[0] = dial(k, 0);
	KASSERT(echoes(k, more[0], "b"));
	bye(k, fd[0], EUSERS, "an administrator came");
	/* Then the user's: 1 waits for events, and 3 came later. */
	KASSERT(echoes(k, fd[1], "w"));
	more[1] = dial(k, 0);
	bye(k, fd[2], EUSERS, "an administrator came");
	KASSERT(echoes(k, more[1], "c"));
	/* A follower goes when nobody else is there. */
	KASSERT(echoes(k, fd[3], "w"));
	KASSERT(echoes(k, more[0], "w"));
	KASSERT(echoes(k, more[1], "w"));
	more[2] = dial(k, 0);
	KASSERT(echoes(k, more[2], "w"));
	bye(k, fd[1], EUSERS, "an administrator came");
	/* Others get no place so. */
	bye(k, dial(k, 1000), EUSERS, "as many clients");
	KASSERT(echoes(k, fd[3], "w"));
	for (unsigned i = 3; i < 100; i++) {
		more[i] = dial(k, 0);
		KASSERT(echoes(k, more[i], "a"));
	}
	server_stop(sv);
	host_sock_close(k->k_host, fd[3]);
	for (unsigned i = 0; i < 100; i++)
		host_sock_close(k->k_host, more[i]);
}

static void
test_displaced(void **state)
{

	(void)state;
	on_sim(1, displaced_body);
}

/* Many administrators come at once while none of the clients that have to go
 * can go yet: each waits and is let in. */
static void
crowd_body(struct kern *k)
{
	enum { PLACES = 50 };
	struct iovec iov = { (void *)(uintptr_t)"s", 2 };
	struct host_peercred hp = { .hp_pid = 4711 };
	struct server *sv;
	int fd[PLACES], more[PLACES];
	char buf[1024];

	start(k, PLACES, &sv);
	for (unsigned i = 0; i < PLACES; i++) {
		fd[i] = dial(k, 0);
		KASSERT(echoes(k, fd[i], "a"));
	}
	for (unsigned i = 0; i < PLACES; i++)
		(void)host_sock_send(k->k_host, fd[i], &iov, 1);
	host_sleep(k->k_host, S / 10);
	for (unsigned i = 0; i < PLACES; i++) {
		KASSERT(sim_sock_connect(k->k_host, PATH, &hp, &more[i]) ==
		    0);
		(void)host_sock_send(k->k_host, more[i], &iov, 1);
		host_sleep(k->k_host, S / 100);
	}
	host_sleep(k->k_host, 30 * S);
	/* Each was served before it had to go for another. */
	for (unsigned i = 0; i < PLACES; i++)
		KASSERT(hear(k, more[i], buf) == 2 && strcmp(buf, "s") == 0);
	server_stop(sv);
	for (unsigned i = 0; i < PLACES; i++) {
		host_sock_close(k->k_host, fd[i]);
		host_sock_close(k->k_host, more[i]);
	}
}

static void
test_crowd(void **state)
{

	(void)state;
	on_sim(1, crowd_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each), cmocka_unit_test(test_all),
		cmocka_unit_test(test_idle), cmocka_unit_test(test_full),
		cmocka_unit_test(test_displaced), cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
