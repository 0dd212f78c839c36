/*
 * Ownership checks of files: could another user have written or exchanged one?
 */

#include "host/trust.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int __attribute__((__format__(__printf__, 4, 5)))
refuse(char *why, size_t whylen, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, whylen, fmt, ap);
	va_end(ap);
	return error;
}

/*
 * The user whose files are those of users that are not in this process's user
 * namespace, the machine's root among them; (uid_t)-1 in the machine's own
 * namespace.  See user_namespaces(7).
 */
static uid_t
outsiders(void)
{
	unsigned first, outside, n, uid = 65534;
	bool whole = true;
	FILE *fp;

	fp = fopen("/proc/self/uid_map", "re");
	if (fp != NULL) {
		whole = fscanf(fp, "%u %u %u", &first, &outside, &n) != 3 ||
		    (first == 0 && outside == 0 && n == UINT_MAX);
		(void)fclose(fp);
	}
	if (whole)
		return (uid_t)-1;
	fp = fopen("/proc/sys/kernel/overflowuid", "re");
	if (fp != NULL) {
		if (fscanf(fp, "%u", &uid) != 1)
			uid = 65534;
		(void)fclose(fp);
	}
	return uid;
}

/*
 * Check that other users could not have written `path', which has this status.
 * In a user namespace, files of the machine's root cannot be told from those of
 * others outside: both pass.
 */
static int
judge(const char *path, const struct stat *st, char *why, size_t whylen)
{
	const char *what = S_ISDIR(st->st_mode) ? "directory" : "file";

	if (st->st_uid != 0 && st->st_uid != geteuid() &&
	    st->st_uid != outsiders())
		return refuse(why, whylen, EPERM, "%s: the %s belongs to user "
		    "%u, neither root nor who runs this", path, what,
		    (unsigned)st->st_uid);
	/* In a sticky directory users cannot replace each other's files. */
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0)
		return 0;
	if ((st->st_mode & S_IWOTH) != 0)
		return refuse(why, whylen, EPERM, "%s: everybody may write to "
		    "the %s (chmod o-w)", path, what);
	if ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 &&
	    st->st_gid != getegid())
		return refuse(why, whylen, EPERM, "%s: group %u may write to "
		    "the %s (chmod g-w)", path, (unsigned)st->st_gid, what);
	return 0;
}

/* Check the directories above the last part of an absolute path. */
static int
judge_way(const char *path, char *why, size_t whylen)
{
	char dir[PATH_MAX];
	const char *slash;
	struct stat st;
	size_t len;
	int error;

	for (slash = strchr(path, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		len = slash == path ? 1 : (size_t)(slash - path);
		if (len >= sizeof(dir))
			return refuse(why, whylen, ENAMETOOLONG, "%s: %s",
			    path, strerror(ENAMETOOLONG));
		memcpy(dir, path, len);
		dir[len] = '\0';
		if (stat(dir, &st) != 0)
			return refuse(why, whylen, errno, "%s: %s", dir,
			    strerror(errno));
		error = judge(dir, &st, why, whylen);
		if (error != 0)
			return error;
	}
	return 0;
}

/* The path is checked as written, and with its symbolic links resolved. */
int
trust_way(const char *path, char *why, size_t whylen)
{
	char absolute[PATH_MAX], real[PATH_MAX], cwd[PATH_MAX];
	const char *dir = "";
	int error, n;

	if (path[0] != '/') {
		dir = getcwd(cwd, sizeof(cwd));
		if (dir == NULL)
			return refuse(why, whylen, errno, "%s: the current "
			    "directory: %s", path, strerror(errno));
	}
	n = snprintf(absolute, sizeof(absolute), "%s%s%s", dir,
	    path[0] != '/' ? "/" : "", path);
	if (n < 0 || (size_t)n >= sizeof(absolute))
		return refuse(why, whylen, ENAMETOOLONG, "%s: %s", path,
		    strerror(ENAMETOOLONG));
	error = judge_way(absolute, why, whylen);
	if (error != 0)
		return error;
	if (realpath(absolute, real) == NULL) {
		/* The file need not exist; its directory was checked. */
		*strrchr(absolute, '/') = '\0';
		if (realpath(absolute[0] != '\0' ? absolute : "/", real) ==
		    NULL)
			return refuse(why, whylen, errno, "%s: %s", absolute,
			    strerror(errno));
		n = (int)strlen(real);
		if ((size_t)n + 2 > sizeof(real))
			return refuse(why, whylen, ENAMETOOLONG, "%s: %s",
			    path, strerror(ENAMETOOLONG));
		memcpy(real + n, "/", 2);
	}
	return judge_way(real, why, whylen);
}

static bool
is_open_already(const char *path)
{

	return strcmp(path, "/dev/stdin") == 0 ||
	    strncmp(path, "/dev/fd/", 8) == 0 ||
	    strncmp(path, "/proc/self/fd/", 14) == 0;
}

int
trust_file(const char *path, char *why, size_t whylen)
{
	struct stat st;
	int error, fd;

	/* O_PATH finds the file without opening it: a pipe's other end must not
	 * notice. */
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd == -1)
		return refuse(why, whylen, errno, "%s: %s", path,
		    strerror(errno));
	if (fstat(fd, &st) != 0)
		error = refuse(why, whylen, errno, "%s: %s", path,
		    strerror(errno));
	else if (is_open_already(path) && S_ISCHR(st.st_mode))
		error = 0;
	else
		error = judge(path, &st, why, whylen);
	close(fd);
	if (error != 0 || is_open_already(path))
		return error;
	return trust_way(path, why, whylen);
}
