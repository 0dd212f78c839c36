/*
 * Ownership checks of files: the modes and owners of the file, of each
 * directory on the way to it, and of symbolic links.
 */

#include "host/trust.h"	/* under test */

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OTHER	65534u

static char top[] = "/tmp/t_trust.XXXXXX";
static char why[PATH_MAX + 128];

/* A path below the test's directory. */
static const char *
below(const char *name)
{
	static char path[2][2 * PATH_MAX];
	static unsigned n;

	n ^= 1;
	(void)snprintf(path[n], sizeof(path[n]), "%s/%s", top, name);
	return path[n];
}

static void
make_file(const char *name, mode_t mode)
{
	int fd;

	fd = open(below(name), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
make_dir(const char *name, mode_t mode)
{

	assert_int_equal(mkdir(below(name), mode), 0);
	assert_int_equal(chmod(below(name), mode), 0);
}

static void
make_link(const char *name, const char *target)
{

	assert_int_equal(symlink(target, below(name)), 0);
}

static void
taken(const char *path)
{

	why[0] = '\0';
	if (trust_file(path, why, sizeof(why)) != 0)
		fail_msg("%s", why);
}

/* Check that the file is refused with an errno, in these words. */
static void
refused(const char *path, int error, const char *words)
{

	assert_int_equal(trust_file(path, why, sizeof(why)), error);
	if (strstr(why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void
way_is(const char *path, int error, const char *words)
{

	why[0] = '\0';
	assert_int_equal(trust_way(path, why, sizeof(why)), error);
	if (strstr(why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static bool
may_chown(void)
{

	return geteuid() == 0 && chown(below("owned"), OTHER, (gid_t)-1) == 0;
}

static void
test_modes(void **state)
{

	(void)state;
	taken(below("file"));
	refused(below("wide"), EPERM, "everybody may write to the file");
	refused(below("none"), ENOENT, "none: No such file");
	/* The process's own group may write. */
	assert_int_equal(chown(below("shared"), (uid_t)-1, getegid()), 0);
	taken(below("shared"));
	taken(below("inner/file"));
	refused(below("open/file"), EPERM, "everybody may write to the "
	    "directory");
	assert_non_null(strstr(why, below("open")));
	taken(below("sticky/file"));
}

static void
test_owners(void **state)
{

	(void)state;
	if (!may_chown())
		skip();
	make_dir("theirs", 0775);
	make_file("theirs/file", 0644);
	refused(below("owned"), EPERM, "belongs to user 65534, neither root");
	assert_int_equal(chown(below("shared"), (uid_t)-1, 4242), 0);
	refused(below("shared"), EPERM, "group 4242 may write to the file");
	assert_int_equal(setegid(4242), 0);
	taken(below("shared"));
	assert_int_equal(setegid(0), 0);
	taken(below("theirs/file"));
	assert_int_equal(chown(below("theirs"), (uid_t)-1, 4242), 0);
	refused(below("theirs/file"), EPERM, "group 4242 may write to the "
	    "directory");
	assert_int_equal(chmod(below("theirs"), 01775), 0);
	taken(below("theirs/file"));
	/* A sticky directory is still its owner's. */
	assert_int_equal(chown(below("theirs"), OTHER, (gid_t)-1), 0);
	refused(below("theirs/file"), EPERM, "the directory belongs to user "
	    "65534");
	/* Root's and the effective user's own are taken. */
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(seteuid(OTHER), 0);
	taken(below("owned"));
	taken(below("file"));
	taken(below("theirs/file"));
	assert_int_equal(seteuid(0), 0);
}

static void
test_way(void **state)
{

	(void)state;
	/* The file itself is not judged, nor need it be there. */
	way_is(below("wide"), 0, "");
	way_is(below("none"), 0, "");
	way_is(below("none/"), 0, "");
	way_is(below("none/none"), ENOENT, "none: No such file");
	way_is(below("open/none"), EPERM, "everybody may write to the "
	    "directory");
	way_is(below("file/none"), ENOTDIR, "Not a directory");
	/* Every step counts, also where the way leads out again. */
	way_is(below("open/../file"), EPERM, "everybody may");
	way_is(below("open/."), EPERM, "everybody may");
	way_is(below(".//inner/.././inner/../file"), 0, "");
	way_is("/../../..", 0, "");
	way_is("/", 0, "");
}

static void
test_relative(void **state)
{

	(void)state;
	assert_int_equal(chdir(below("inner")), 0);
	taken("file");
	taken("../file");
	refused("../open/file", EPERM, "everybody may");
	assert_int_equal(chdir(below("open")), 0);
	refused("file", EPERM, "everybody may write to the directory");
	way_is("none", EPERM, "everybody may write to the directory");
	way_is("../none", EPERM, "everybody may write to the directory");
	assert_int_equal(chdir("/"), 0);
}

static void
test_links(void **state)
{
	char name[32], target[32];

	(void)state;
	make_link("near", "inner/file");
	make_link("far", below("inner/file"));
	make_link("out", "open/file");
	make_link("dir", "open");
	make_link("up", "inner/../open/../file");
	taken(below("near"));
	taken(below("far"));
	refused(below("out"), EPERM, "everybody may");
	refused(below("dir/file"), EPERM, "everybody may");
	refused(below("up"), EPERM, "everybody may");
	/* A link at the end of a way is not followed; one in it is. */
	way_is(below("out"), 0, "");
	way_is(below("dir"), 0, "");
	way_is(below("dir/none"), EPERM, "everybody may");
	way_is(below("dir/"), 0, "");

	make_link("a", "b");
	make_link("b", "a");
	refused(below("a"), ELOOP, "a: ");
	way_is(below("a/none"), ELOOP, "Too many levels");
	make_link("l0", "inner");
	for (unsigned i = 1; i <= 40; i++) {
		(void)snprintf(name, sizeof(name), "l%u", i);
		(void)snprintf(target, sizeof(target), "l%u", i - 1);
		make_link(name, target);
	}
	way_is(below("l39/none"), 0, "");
	way_is(below("l40/none"), ELOOP, "Too many levels");
}

/* A link in a sticky directory may be another user's. */
static void
test_links_of_others(void **state)
{

	(void)state;
	make_link("sticky/link", "../file");
	make_link("inner/link", "../file");
	taken(below("sticky/link"));
	taken(below("inner/link"));
	if (!may_chown())
		skip();
	assert_int_equal(lchown(below("sticky/link"), OTHER, OTHER), 0);
	refused(below("sticky/link"), EPERM, "the symbolic link belongs to "
	    "user 65534");
	/* Elsewhere nobody but the directory's owner can have put it there. */
	assert_int_equal(lchown(below("inner/link"), OTHER, OTHER), 0);
	taken(below("inner/link"));
}

static void
test_long(void **state)
{
	static char name[PATH_MAX + 300];

	(void)state;
	memset(name, 'x', NAME_MAX + 1);
	way_is(below(name), ENAMETOOLONG, "File name too long");
	name[NAME_MAX] = '\0';
	way_is(below(name), 0, "");
	for (size_t i = 0; i < PATH_MAX + 10; i++)
		name[i] = i % 2 ? '/' : '.';
	way_is(name, ENAMETOOLONG, "File name too long");
	assert_int_equal(chdir(top), 0);
	name[PATH_MAX - 8] = '\0';
	way_is(name, ENAMETOOLONG, "File name too long");
	assert_int_equal(chdir("/"), 0);
	/* Put into the rest of the path, the target of a link is too long. */
	name[PATH_MAX - 16] = '\0';
	assert_int_equal(symlink(name, below("long")), 0);
	way_is(below("long/a"), 0, "");
	way_is(below("long/inner/../inner/none"), ENAMETOOLONG, "File name");
}

/* A file that is open already has no way to it. */
static void
test_open(void **state)
{
	char path[32];
	int fd, pipes[2];

	(void)state;
	fd = open(below("open/file"), O_RDONLY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	(void)snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	taken(path);
	close(fd);
	fd = open(below("wide"), O_RDONLY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	refused(path, EPERM, "everybody may write to the file");
	close(fd);
	assert_int_equal(pipe(pipes), 0);
	(void)snprintf(path, sizeof(path), "/dev/fd/%d", pipes[0]);
	taken(path);
	close(pipes[0]);
	close(pipes[1]);
	/* A terminal, say, whoever may write to it; not by its name. */
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	(void)snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	taken(path);
	close(fd);
	refused("/dev/null", EPERM, "everybody may write");
}

/* In a user namespace the machine's root is one of many that cannot be told
 * apart, and has to be trusted. */
static void
test_namespace(void **state)
{
	char map[32];
	uid_t uid;
	int fd, status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (geteuid() == 0 && (setuid(OTHER) != 0 ||
		    prctl(PR_SET_DUMPABLE, 1) != 0))
			_exit(77);
		uid = geteuid();
		if (unshare(CLONE_NEWUSER) != 0)
			_exit(77);
		(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
		fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
		if (fd == -1 || write(fd, map, strlen(map)) !=
		    (ssize_t)strlen(map))
			_exit(77);
		_exit(trust_file("/etc/passwd", why, sizeof(why)));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
setup(void **state)
{

	(void)state;
	(void)umask(022);
	if (mkdtemp(top) == NULL)
		return -1;
	make_file("file", 0644);
	make_file("wide", 0666);
	make_file("shared", 0664);
	make_file("owned", 0644);
	make_dir("inner", 0755);
	make_file("inner/file", 0644);
	make_dir("open", 0777);
	make_file("open/file", 0644);
	make_dir("sticky", 01777);
	make_file("sticky/file", 0644);
	return 0;
}

static int
teardown(void **state)
{
	char line[64];

	(void)state;
	(void)snprintf(line, sizeof(line), "rm -rf %s", top);
	return system(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_way),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_links_of_others),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_namespace),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
