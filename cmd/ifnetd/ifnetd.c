/*
 * ifnetd: a network stack as a daemon.
 *
 * The configuration is applied before the socket listens, so a client that can
 * connect finds the stack as configured; a failure before that takes everything
 * down again.
 */

#include "ifnetd.h"

#include <sys/resource.h>
#include <sys/un.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ifnet/client.h>

#include "command/command.h"
#include "ctl/ctl.h"
#include "server/server.h"
#include "host/trust.h"
#include "stack/stack_impl.h"

#define FIRST_VNET	"default"

/* Raise the limit of descriptors: every tap device and every client needs
 * some. */
static void
raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

/*
 * Set up signals, before there is any thread, so that all threads inherit it:
 * only the main thread takes the signals that end the process.  Signals that
 * the parent had blocked or ignored are reset, except SIGINT: a shell without
 * job control ignores it in background processes, for which ^C is not meant.
 */
static void
prepare_signals(sigset_t *ends)
{
	struct sigaction sa;

	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	/* A log file at its size limit loses lines but does not end the
	 * process. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(ends);
	sigaddset(ends, SIGTERM);
	if (sigaction(SIGINT, NULL, &sa) != 0 || sa.sa_handler != SIG_IGN)
		sigaddset(ends, SIGINT);
	(void)sigprocmask(SIG_SETMASK, ends, NULL);
}

/* The N of a path /dev/fd/N, which is to be kept open; -1: the path is another
 * file. */
static int
inherited(const char *path)
{
	int fd = -1, n = 0;

	if (path == NULL || sscanf(path, "/dev/fd/%d%n", &fd, &n) != 1 ||
	    path[n] != '\0')
		return -1;
	return fd;
}

/* A client's request to stop has the effect of a signal. */
static int
halt(void *arg)
{

	(void)arg;
	return kill(getpid(), SIGTERM) == 0 ? 0 : errno;
}

static void
wait_for_end(const sigset_t *ends)
{
	int sig;

	while (sigwait(ends, &sig) != 0)
		continue;
}

/*
 * A second daemon at the same place is noticed before it touches devices
 * that the first one uses.
 */
static bool
place_is_free(const struct options *o)
{
	struct ifnet_client *c;
	struct ifnet_error e;

	c = ifnet_connect(o->o_url, &e);
	if (c != NULL) {
		ifnet_close(c);
		complain("another ifnetd listens at %s already", o->o_url);
		return false;
	}
	if (e.code == EPROTO || e.code == EUSERS) {
		complain("something listens at %s already: %s", o->o_url,
		    e.text);
		return false;
	}
	return true;
}

static struct ifnet_client *
connect_local(void *arg, struct ifnet_error *e)
{

	return vnet_client(arg, e);
}

/*
 * Read the configuration into memory, before the process has anything to clean
 * up: a pipe whose writer never comes is waited for, and a signal ends that.
 */
static bool
read_config(const struct options *o, FILE **fpp)
{
	char why[PATH_MAX + 128], *text = NULL, buf[4096];
	size_t size = 0, n;
	FILE *in, *copy;
	sigset_t ends;
	bool ok;

	*fpp = NULL;
	if (o->o_config == NULL)
		return true;
	(void)signal(SIGTERM, SIG_DFL);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	(void)sigprocmask(SIG_UNBLOCK, &ends, NULL);
	if (trust_file(o->o_config, why, sizeof(why)) != 0) {
		complain("-f: %s", why);
		return false;
	}
	in = fopen(o->o_config, "re");
	copy = open_memstream(&text, &size);
	if (in == NULL || copy == NULL) {
		complain("%s: %s", o->o_config, strerror(errno));
		return false;
	}
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		(void)fwrite(buf, 1, n, copy);
	ok = !ferror(in);
	if (!ok)
		complain("%s: %s", o->o_config, strerror(errno));
	(void)fclose(in);
	if (fclose(copy) != 0 || (ok && (*fpp = size == 0 ?
	    fopen("/dev/null", "re") : fmemopen(text, size, "r")) == NULL)) {
		complain("%s: %s", o->o_config, strerror(errno));
		ok = false;
	}
	return ok;	/* the text is there as long as the process */
}

static bool
configure(const struct options *o, FILE *config, struct vnet *vn)
{
	struct cmd_ctx ctx = {
		.cc_connect = connect_local, .cc_connect_arg = vn,
		.cc_out = stdout, .cc_err = stderr, .cc_vnet = "",
		.cc_config = true,
		.cc_program = "ifnetd",
	};
	struct ifnet_error e;
	int error;

	if (config == NULL)
		return true;
	ctx.cc_client = vnet_client(vn, &e);
	if (ctx.cc_client == NULL) {
		complain("%s", e.text);
		return false;
	}
	error = command_stream(&ctx, config, o->o_config, &e);
	ifnet_close(ctx.cc_client);
	(void)fflush(stdout);
	if (error != 0)
		complain("%s", e.text);
	return error == 0;
}

static bool
listen_at(const struct options *o, struct kern *k, struct server **svp)
{
	const char *path = o->o_url + strlen("unix://");
	char why[PATH_MAX + 128];
	int error;

	error = trust_way(path, why, sizeof(why));
	if (error == EPERM) {
		complain("cannot listen at %s: %s", o->o_url, why);
		return false;
	}
	error = ctl_server_start(k, path, o->o_mode, 0, halt, NULL, svp);
	if (error == EADDRINUSE)
		complain("cannot listen at %s: something listens there "
		    "already, or it is no socket", o->o_url);
	else if (error == ENAMETOOLONG)
		complain("cannot listen at %s: a socket's path has at most "
		    "%zu characters", o->o_url,
		    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	else if (error != 0)
		complain("cannot listen at %s: %s", o->o_url,
		    strerror(error));
	else if (o->o_ctl_timeout != 0)
		server_set_limit(*svp, o->o_ctl_timeout * 1000);
	return error == 0;
}

/* Run the daemon, from configuration to the end; returns the exit code. */
static int
serve(const struct options *o, FILE *config, struct ifnet_stack *st,
    const sigset_t *ends)
{
	struct server *sv;
	struct ifnet_error e;
	struct vnet *vn;

	vn = vnet_create(st, FIRST_VNET, &e);
	if (vn == NULL) {
		complain("%s", e.text);
		return 1;
	}
	if (!configure(o, config, vn))
		return 1;
	/* From here on an administrator may destroy the vnet, like any
	 * other. */
	vnet_disown(vn);
	if (!listen_at(o, st->st_kern, &sv))
		return 1;
	klog(st->st_kern, KLOG_NOTICE, "ready, listening at %s", o->o_url);
	background_ready();
	wait_for_end(ends);
	klog(st->st_kern, KLOG_INFO, "stopping");
	server_stop(sv);
	return 0;
}

static int
run(const struct options *o, FILE *config, const sigset_t *ends)
{
	struct ifnet_stack_config sc;
	struct ifnet_stack *st;
	struct ifnet_error e;
	int code;

	memset(&sc, 0, sizeof(sc));
	sc.ncpu = o->o_cpus;
	sc.mbufs = o->o_mbufs;
	sc.log_level = o->o_log_level;
	st = ifnet_stack_create(&sc, &e);
	if (st == NULL) {
		complain("%s", e.text);
		return 1;
	}
	/* The group is not part of the stack's configuration, where 0 would
	 * mean none: group 0 is valid, too. */
	kauth_set_admin_group(st->st_kern, o->o_group);
	code = serve(o, config, st, ends);
	ifnet_stack_destroy(st);
	return code;
}

int
main(int argc, char **argv)
{
	struct options o;
	sigset_t ends;
	FILE *config;
	int code;

	parse_options(&o, argc, argv);
	if (!background_prepare(inherited(o.o_config)))
		return 1;
	raise_limits();
	if (!place_is_free(&o))
		return 1;
	if (o.o_daemon && !background_fork())
		return 1;
	if (!read_config(&o, &config))
		return 1;
	prepare_signals(&ends);
	background_log_init();
	if (o.o_pidfile != NULL && !pidfile_create(o.o_pidfile))
		return 1;
	code = run(&o, config, &ends);
	pidfile_remove();
	return code;
}
