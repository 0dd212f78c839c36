/*
 * client_test: a client whose messages a test carries, and command lines
 * through any client.
 */

#ifndef TESTS_CLIENT_TEST_H
#define TESTS_CLIENT_TEST_H

#include <stddef.h>

#include <ifnet/client.h>

/* Functions that carry messages. */
struct test_transport {
	/* To the stack, with a descriptor or -1; the errno. */
	int		(*tt_send)(void *, const void *msg, size_t len, int fd);
	/* The next one for the client: CTL_MSG_MAX bytes of room.  ETIMEDOUT:
	 * none comes within ms. */
	int		(*tt_recv)(void *, void *msg, size_t *len, int ms);
	void		(*tt_close)(void *);	/* the client is closed */
};

/* A client that has not greeted yet. */
struct ifnet_client *test_client(const struct test_transport *, void *arg);
/* Greet, as ifnet_connect() does; the errno. */
int	test_client_greet(struct ifnet_client *, struct ifnet_error *);
/*
 * Run a command line that must succeed.  Its output, which the caller frees.
 * connect opens a further connection for it; NULL: it has none.
 */
char	*test_client_command(struct ifnet_client *, const char *line,
	    struct ifnet_client *(*connect)(void *, struct ifnet_error *),
	    void *arg);

/* Run a command line, with its output, which the caller frees, and the reason
 * of a refusal in *e. */
int	test_client_try(struct ifnet_client *, const char *line, char **output,
	    struct ifnet_error *e);
/* Run a command line that must fail, with its reason in *e. */
void	test_client_refused(struct ifnet_client *, const char *line,
	    struct ifnet_error *e);

#endif /* !TESTS_CLIENT_TEST_H */
