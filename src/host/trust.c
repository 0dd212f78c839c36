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
 * The uid that stands for all users that are not in this process's user
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

/* Is the user trusted?  Root and the process's own user are; in a user
 * namespace also the machine's root, which cannot be distinguished from other
 * users outside. */
static bool
is_trusted(uid_t uid)
{

	return uid == 0 || uid == geteuid() || uid == outsiders();
}

/* Check that other users could not have written `path', which has this
 * status. */
static int
judge(const char *path, const struct stat *st, char *why, size_t whylen)
{
	const char *what = S_ISDIR(st->st_mode) ? "directory" :
	    S_ISLNK(st->st_mode) ? "symbolic link" : "file";

	if (!is_trusted(st->st_uid))
		return refuse(why, whylen, EPERM, "%s: the %s belongs to user "
		    "%u, neither root nor who runs this", path, what,
		    (unsigned)st->st_uid);
	/* The mode of a link means nothing; in a sticky directory users cannot
	 * replace each other's files. */
	if (S_ISLNK(st->st_mode) ||
	    (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0))
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

/*
 * A path that is being walked: `at' is the part walked so far, without links,
 * and `rest' is the remaining part, with the targets of links put in.
 */
struct walk {
	char		 wk_at[PATH_MAX];	/* "": the root directory */
	char		 wk_rest[PATH_MAX];
	unsigned	 wk_links;
	char		*wk_why;
	size_t		 wk_whylen;
};

static int
walk_error(struct walk *wk, int error)
{

	return refuse(wk->wk_why, wk->wk_whylen, error, "%s: %s",
	    wk->wk_at[0] != '\0' ? wk->wk_at : "/", strerror(error));
}

/* Take the next part off the rest; "" at the end of the path. */
static int
walk_next(struct walk *wk, char part[NAME_MAX + 1])
{
	const char *from = wk->wk_rest + strspn(wk->wk_rest, "/");
	size_t len = strcspn(from, "/");

	if (len > NAME_MAX)
		return refuse(wk->wk_why, wk->wk_whylen, ENAMETOOLONG,
		    "%s/%.40s...: %s", wk->wk_at, from,
		    strerror(ENAMETOOLONG));
	memcpy(part, from, len);
	part[len] = '\0';
	from += len;
	memmove(wk->wk_rest, from, strlen(from) + 1);
	return 0;
}

/* `at' is a symbolic link: go back to its directory and put its target in front
 * of the rest. */
static int
walk_link(struct walk *wk, const struct stat *st, bool sticky)
{
	char target[PATH_MAX];
	size_t left = strlen(wk->wk_rest);
	ssize_t n;
	int error;

	/* The owner of a link can make it lead elsewhere.  In a directory that
	 * is not sticky, so can the users who may write there, but these were
	 * judged already. */
	error = sticky ? judge(wk->wk_at, st, wk->wk_why, wk->wk_whylen) : 0;
	if (error != 0)
		return error;
	n = readlink(wk->wk_at, target, sizeof(target));
	if (n < 0)
		return walk_error(wk, errno);
	if (++wk->wk_links > 40)
		return walk_error(wk, ELOOP);
	if ((size_t)n + 1 + left >= sizeof(wk->wk_rest))
		return walk_error(wk, ENAMETOOLONG);
	memmove(wk->wk_rest + n + 1, wk->wk_rest, left + 1);
	memcpy(wk->wk_rest, target, (size_t)n);
	wk->wk_rest[n] = '/';
	*(target[0] == '/' ? wk->wk_at : strrchr(wk->wk_at, '/')) = '\0';
	return 0;
}

/* Check the directory `at' and go to `part' in it.  A symbolic link that is the
 * last part is followed with `follow' only. */
static int
walk_step(struct walk *wk, const char *part, bool follow)
{
	const char *dir = wk->wk_at[0] != '\0' ? wk->wk_at : "/";
	struct stat st;
	size_t len = strlen(wk->wk_at);
	bool last = wk->wk_rest[strspn(wk->wk_rest, "/")] == '\0';
	bool sticky;
	int error;

	if (stat(dir, &st) != 0)
		return walk_error(wk, errno);
	error = judge(dir, &st, wk->wk_why, wk->wk_whylen);
	if (error != 0)
		return error;
	sticky = (st.st_mode & S_ISVTX) != 0;
	if (strcmp(part, ".") == 0)
		return 0;
	if (strcmp(part, "..") == 0) {
		if (len > 0)
			*strrchr(wk->wk_at, '/') = '\0';
		return 0;
	}
	if (len + 1 + strlen(part) >= sizeof(wk->wk_at))
		return walk_error(wk, ENAMETOOLONG);
	wk->wk_at[len] = '/';
	strcpy(wk->wk_at + len + 1, part);
	if (lstat(wk->wk_at, &st) != 0)
		return last && errno == ENOENT ? 0 : walk_error(wk, errno);
	if (!S_ISLNK(st.st_mode) || (last && !follow))
		return 0;
	return walk_link(wk, &st, sticky);
}

/* Check the directories and symbolic links on the way to a file that need not
 * exist. */
static int
judge_way(const char *path, bool follow, char *why, size_t whylen)
{
	struct walk wk = { .wk_why = why, .wk_whylen = whylen };
	char part[NAME_MAX + 1];
	size_t len = 0;
	int error;

	if (path[0] != '/') {
		if (getcwd(wk.wk_rest, sizeof(wk.wk_rest)) == NULL)
			return refuse(why, whylen, errno, "%s: the current "
			    "directory: %s", path, strerror(errno));
		len = strlen(wk.wk_rest);
		wk.wk_rest[len++] = '/';
	}
	if (len + strlen(path) >= sizeof(wk.wk_rest))
		return refuse(why, whylen, ENAMETOOLONG, "%s: %s", path,
		    strerror(ENAMETOOLONG));
	strcpy(wk.wk_rest + len, path);
	do {
		error = walk_next(&wk, part);
		if (error == 0 && part[0] != '\0')
			error = walk_step(&wk, part, follow);
	} while (error == 0 && part[0] != '\0');
	return error;
}

int
trust_way(const char *path, char *why, size_t whylen)
{

	return judge_way(path, false, why, whylen);
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
	return judge_way(path, true, why, whylen);
}
