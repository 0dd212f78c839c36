/*
 * Send UDP packets as fast as one core can for a bounded time:
 *
 *	udpblast ADDR PORT BYTES SECONDS
 *
 * prints how many the kernel took.  Batches through sendmmsg(2), no
 * segmentation offload: every packet is one packet.
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 64 };

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct mmsghdr msgs[BATCH];
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct iovec iov;
	static char payload[65536];
	uint64_t sent = 0;
	double end;
	int n, s;

	if (argc != 5)
		errx(2, "usage: udpblast ADDR PORT BYTES SECONDS");
	if (inet_pton(AF_INET, argv[1], &sin.sin_addr) != 1)
		errx(2, "%s: not an IPv4 address", argv[1]);
	sin.sin_port = htons((uint16_t)atoi(argv[2]));
	iov.iov_base = payload;
	iov.iov_len = strtoul(argv[3], NULL, 10);
	if (iov.iov_len > 65507)
		errx(2, "%s: too many bytes for one packet", argv[3]);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	if (s == -1 || connect(s, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "%s", argv[1]);
	memset(msgs, 0, sizeof(msgs));
	for (int i = 0; i < BATCH; i++) {
		msgs[i].msg_hdr.msg_iov = &iov;
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	end = now() + atof(argv[4]);
	while (now() < end) {
		n = sendmmsg(s, msgs, BATCH, 0);
		if (n > 0)
			sent += (uint64_t)n;
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}
