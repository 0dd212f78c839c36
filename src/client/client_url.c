/*
 * The usual places of a daemon's socket: the calling user's own one.
 */

#include "client/client_url.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ifnet/client.h>

#define RUN_DIR		"/run"
#define SOCKET_NAME	"ifnetd.sock"

/* The directory for the user's sockets; NULL: there is none. */
static const char *
runtime_dir(char buf[], size_t size)
{
	const char *dir;
	struct stat st;

	/* secure_getenv() is NULL in a program that has more rights than its
	 * user. */
	dir = secure_getenv("XDG_RUNTIME_DIR");
	if (dir != NULL && dir[0] == '/')
		return dir;
	(void)snprintf(buf, size, RUN_DIR "/user/%u", (unsigned)geteuid());
	if (stat(buf, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid())
		return buf;
	return NULL;
}

bool
client_url_own(char url[CLIENT_URL_MAX])
{
	char buf[64];
	const char *dir;
	int n;

	/* The root of a user namespace may not write to the machine's /run. */
	if (geteuid() == 0 && access(RUN_DIR, W_OK) == 0) {
		(void)snprintf(url, CLIENT_URL_MAX, "%s", IFNET_URL_DEFAULT);
		return true;
	}
	dir = runtime_dir(buf, sizeof(buf));
	if (dir == NULL)
		return false;
	n = snprintf(url, CLIENT_URL_MAX, CLIENT_URL_SCHEME "%s/" SOCKET_NAME,
	    dir);
	return n > 0 && n < CLIENT_URL_MAX;
}
