/*
 * spawn COMMAND [ARG...]: run it with its output thrown away, and print how
 * long it took in milliseconds and the most memory it had in KiB.  From a small
 * process: a child's peak begins with its parent's.
 */

#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int
main(int argc, char **argv)
{
	struct rusage ru;
	double began;
	int status, fd;
	pid_t pid;

	if (argc < 2)
		errx(2, "usage: spawn COMMAND [ARG...]");
	fd = open("/dev/null", O_WRONLY);
	if (fd == -1)
		err(1, "/dev/null");
	began = now_ms();
	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		execvp(argv[1], argv + 1);
		err(127, "%s", argv[1]);
	}
	if (wait4(pid, &status, 0, &ru) == -1)
		err(1, "wait");
	printf("%.3f %ld\n", now_ms() - began, ru.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
