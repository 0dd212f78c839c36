/*
 * stress_change: the threads of t_stress that make changes: they move and
 * rename interfaces, capture, and change settings.
 */

#ifndef TESTS_STRESS_CHANGE_H
#define TESTS_STRESS_CHANGE_H

/* Move an interface to and fro between the vnets, with packets on their way,
 * under two names. */
static void *
move_main(void *arg)
{
	struct vnet *a = stress.s_vnet[0], *b = stress.s_vnet[1];
	struct ifnet_ping *p, *q;
	uint64_t first, second, third;

	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	for (int i = 0; i < ROUNDS / 2; i++) {
		KASSERT(try(a, "ifconfig pair%d create peer pair%d", MOVE_UNIT,
		    MOVE_UNIT + 1) == 0);
		KASSERT(try(a, "ifconfig pair41 up") == 0);
		KASSERT(try(a, "ifconfig pair40 inet 10.11.0.1/24 up") == 0);
		first = handle_of(a, "pair40");
		p = ifnet_ping_start(a, "10.11.0.9", 1, NULL);
		KASSERT(p != NULL);
		KASSERT(try(a, "ifconfig pair40 vnet b") == 0);
		prove_gone(a, first, "pair40", "10.11.0.1");
		second = handle_of(b, "pair40");
		KASSERT(try(b, "ifconfig pair40 inet 10.11.0.1/24 up") == 0);
		q = ifnet_ping_start(b, "10.11.0.9", 1, NULL);
		KASSERT(q != NULL);
		KASSERT(try(b, "ifconfig pair40 name mover") == 0);
		KASSERT(try(a, "ifconfig pair41 %s", i % 2 ? "down" :
		    "mtu 1400") == 0);
		pause_us((unsigned)i * 50);
		KASSERT(try(b, "ifconfig mover vnet a") == 0);
		prove_gone(b, second, "mover", "10.11.0.1");
		third = handle_of(a, "mover");
		KASSERT(try(a, "ifconfig %s destroy", i % 2 ? "mover" :
		    "pair41") == 0);
		KASSERT(try(a, "ifconfig %s destroy", i % 2 ? "pair41" :
		    "mover") == 0);
		prove_gone(a, third, "mover", "10.11.0.1");
		ifnet_ping_free(p);
		ifnet_ping_free(q);
		stress.s_moves += 2;
	}
	creator_done();
	return NULL;
}

/* Change the settings of an interface under traffic. */
static void *
change_main(void *arg)
{
	static const char *const line[] = {
		"ifconfig pair0 inet 10.0.77.1/24 alias",
		"ifconfig pair0 mtu 1400",
		"ifconfig pair0 group core",
		"ifconfig pair0 link 02:00:00:00:07:07",
		"ifconfig pair0 inet 10.0.77.1/24 preference 3",
		"ifconfig pair0 descr words",
		"route add 172.30.0.0/16 10.0.77.9",
		"arp -s 10.0.77.9 02:00:00:00:00:99",
		"arp -d 10.0.77.9",
		"ifconfig pair0 -descr",
		"ifconfig pair0 link 02:00:00:00:07:07 delete",
		"ifconfig pair0 -group core",
		"ifconfig pair0 mtu 1500",
		"route delete 172.30.0.0/16",
		"ifconfig pair0 inet 10.0.77.1 delete",
	};

	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	while (going_on())
		for (unsigned i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
			KASSERT(try(stress.s_vnet[1], "%s", line[i]) == 0);
			stress.s_changes++;
		}
	return NULL;
}

/* Add and delete rules, one of which drops packets. */
static void *
filter_main(void *arg)
{
	struct vnet *a = stress.s_vnet[0], *b = stress.s_vnet[1];

	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	for (; going_on(); stress.s_rules += 4) {
		KASSERT(try(b, "filter add 10 in tst30 drop") == 0);
		KASSERT(try(b, "filter add 20 out any pass") == 0);
		KASSERT(try(a, "filter add 10 in any pass") == 0);
		KASSERT(try(a, "filter add 5 out pg20 drop") == 0);
		pause_us(500);
		KASSERT(try(b, "filter delete 10") == 0);
		KASSERT(try(a, "filter list") == 0);
		KASSERT(try(a, "filter flush") == 0);
		KASSERT(try(b, "filter flush") == 0);
	}
	return NULL;
}

/* Capture repeatedly: on an interface that stays, and on one that is moved or
 * destroyed meanwhile. */
static void *
capture_main(void *arg)
{
	struct ifnet_capture ic = { .dirs = IFNET_PKT_IN | IFNET_PKT_OUT,
	    .buffer = 131072, .linktype = 1 };
	struct ifnet_packet packet;
	struct ifnet_client *c;
	struct ifnet_error e;

	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	for (unsigned i = 0; going_on(); i++) {
		ic.ifname = i % 2 ? "pair0" : "pair10";
		c = vnet_client(stress.s_vnet[i / 2 % NVNETS], &e);
		KASSERT(c != NULL);
		if (ifnet_capture_begin(c, &ic, &e) == 0)
			for (unsigned n = 0; n < 64 &&
			    ifnet_capture_next(c, 5, &packet, &e) == 0; n++) {
				KASSERT(packet.caplen <= packet.len);
				stress.s_captured++;
			}
		ifnet_close(c);
	}
	return NULL;
}

#endif /* !TESTS_STRESS_CHANGE_H */
