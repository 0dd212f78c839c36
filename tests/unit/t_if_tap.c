/*
 * The tap driver: packets and their offload state through it, headers that
 * lie, runs that are joined, a device that goes away, creation that fails.
 */

#include <ifnet/if.h>
#include <ifnet/if_clone.h>

#include "dev_test.h"

#include "dev/tap_merge.h"	/* under test */

#define SIM_MAX	(65536 + 64)

struct sim_packet {
	struct host_vnethdr sp_vh;
	uint8_t		 sp_data[SIM_MAX];
} __attribute__((__packed__));

static struct sim_packet pkt;

/* tap0 towards 10.0.1.2, tap1 towards 10.0.2.2, a router between. */
static void
router(struct dev_test *dt)
{

	dev_command(dt, "ifconfig tap0 create");
	dev_command(dt, "ifconfig tap1 create host other");
	dev_command(dt, "ifconfig tap0 inet 10.0.1.1/24 up");
	dev_command(dt, "ifconfig tap1 inet 10.0.2.1/24 up");
	dev_command(dt, "sysctl -w net.inet.ip.forwarding=1");
	dev_command(dt, "arp -s 10.0.2.2 02:00:00:00:00:77");
	dev_run(dt);
	/* Announcements and the like. */
	for (;;) {
		size_t len = sizeof(pkt);

		if (sim_tun_get(dt->dt_host, "other", &pkt, &len) != 0)
			break;
	}
}

static void
put(struct dev_test *dt, unsigned len)
{

	KASSERT(sim_tun_put(dt->dt_host, "tap0", &pkt,
	    sizeof(pkt.sp_vh) + len) == 0);
}

/* Length of the packet that comes out at tap1, without the header, 0: none. */
static unsigned
get(struct dev_test *dt)
{
	size_t len = sizeof(pkt);
	int error;

	dev_run(dt);
	error = sim_tun_get(dt->dt_host, "other", &pkt, &len);
	KASSERT(error == 0 || error == EAGAIN);
	return error != 0 ? 0 : (unsigned)(len - sizeof(pkt.sp_vh));
}

static unsigned
frame(struct dev_test *dt, uint8_t proto, unsigned payload, uint8_t fill)
{
	uint8_t us[6];

	dev_lladdr(dt->dt_vnet, "tap0", us);
	memset(&pkt.sp_vh, 0, sizeof(pkt.sp_vh));
	pkt.sp_vh.vh_flags = HOST_VH_NEEDS_CSUM;
	pkt.sp_vh.vh_csum_start = 34;
	pkt.sp_vh.vh_csum_offset = proto == IPPROTO_TCP ? 16 : 6;
	return dev_frame(pkt.sp_data, us, "10.0.1.2", "10.0.2.2", proto,
	    payload, fill);
}

static void
body_forward(struct dev_test *dt)
{
	unsigned len;

	router(dt);
	len = frame(dt, IPPROTO_UDP, 100, 0xaa);
	put(dt, len);
	KASSERT(get(dt) == len);
	KASSERT(pkt.sp_vh.vh_flags == HOST_VH_NEEDS_CSUM);
	KASSERT(pkt.sp_vh.vh_csum_start == 34);
	KASSERT(pkt.sp_vh.vh_csum_offset == 6);
	KASSERT(memcmp(pkt.sp_data, "\x02\0\0\0\0\x77", 6) == 0);
	KASSERT(pkt.sp_data[14 + 8] == 63);
	KASSERT(dev_sum(pkt.sp_data + 14, 20, 0) == 0xffff);
	KASSERT(pkt.sp_data[DEV_HDRS + 99] == 0xaa);
	KASSERT(dev_data(dt->dt_vnet, "tap0").ifi_forwarded == 1);
	KASSERT(dev_data(dt->dt_vnet, "tap1").ifi_opackets >= 1);
}

/* 64 KiB with TCP segmentation left to do pass in one piece. */
static void
body_segments(struct dev_test *dt)
{
	unsigned len;

	router(dt);
	for (unsigned payload = 1449; payload <= 65535 - 40; payload += 6401) {
		len = frame(dt, IPPROTO_TCP, payload, 0x5a);
		pkt.sp_vh.vh_gso_type = HOST_VH_GSO_TCPV4 | HOST_VH_GSO_ECN;
		pkt.sp_vh.vh_gso_size = 1448;
		pkt.sp_vh.vh_hdr_len = 54;
		put(dt, len);
		KASSERT(get(dt) == len);
		KASSERT(pkt.sp_vh.vh_gso_type ==
		    (HOST_VH_GSO_TCPV4 | HOST_VH_GSO_ECN));
		KASSERT(pkt.sp_vh.vh_gso_size == 1448);
		KASSERT(pkt.sp_vh.vh_hdr_len == 54);
		KASSERT(pkt.sp_vh.vh_csum_start == 34);
		KASSERT(pkt.sp_data[len - 1] == 0x5a);
		KASSERT(get(dt) == 0);
	}
}

/* Frames with priority tags, which Linux counts in the vnet header. */
static void
body_tagged(struct dev_test *dt)
{
	static const uint8_t tags[] = { 0x88, 0xa8, 0x60, 0, 0x81, 0, 0xf0, 0 };
	unsigned len;

	router(dt);
	for (unsigned n = 4; n <= 8; n += 4)
		for (unsigned mss = 0; mss <= 1448; mss += 1448) {
			len = frame(dt, IPPROTO_TCP, 3000, 0x5a);
			if (mss == 0)
				len = frame(dt, IPPROTO_TCP, 1000, 0x5a);
			memmove(pkt.sp_data + 12 + n, pkt.sp_data + 12,
			    len - 12);
			memcpy(pkt.sp_data + 12, tags, n);
			pkt.sp_vh.vh_csum_start = (uint16_t)(34 + n);
			pkt.sp_vh.vh_hdr_len = (uint16_t)(54 + n);
			pkt.sp_vh.vh_gso_size = (uint16_t)mss;
			pkt.sp_vh.vh_gso_type = mss == 0 ? HOST_VH_GSO_NONE :
			    HOST_VH_GSO_TCPV4;
			put(dt, len + n);
			KASSERT(get(dt) == len);
			KASSERT(pkt.sp_vh.vh_gso_size == mss);
			KASSERT(pkt.sp_vh.vh_csum_start == 34);
			KASSERT(pkt.sp_data[len - 1] == 0x5a);
		}
}

/* A header that does not fit its packet is not believed. */
static void
body_lies(struct dev_test *dt)
{
	static const struct host_vnethdr lies[] = {
		{ .vh_flags = 1, .vh_csum_start = 65000 },
		{ .vh_flags = 1, .vh_csum_start = 34, .vh_csum_offset = 65000 },
		{ .vh_flags = 1, .vh_csum_start = 140, .vh_csum_offset = 1 },
		{ .vh_flags = 1, .vh_csum_start = 13, .vh_csum_offset = 6 },
		{ .vh_flags = 1, .vh_csum_start = 33, .vh_csum_offset = 6 },
		{ .vh_gso_type = HOST_VH_GSO_TCPV4, .vh_gso_size = 1448 },
		{ .vh_flags = 1, .vh_csum_start = 34, .vh_csum_offset = 16,
		  .vh_gso_type = HOST_VH_GSO_TCPV4, .vh_gso_size = 0 },
		{ .vh_flags = 1, .vh_csum_start = 34, .vh_csum_offset = 16,
		  .vh_gso_type = 3, .vh_gso_size = 100 },
		{ .vh_flags = 1, .vh_csum_start = 34, .vh_csum_offset = 16,
		  .vh_gso_type = 0x7f, .vh_gso_size = 100 },
		/* The packet is UDP, from byte 34 on. */
		{ .vh_flags = 1, .vh_csum_start = 34, .vh_csum_offset = 16,
		  .vh_gso_type = HOST_VH_GSO_TCPV4, .vh_gso_size = 100 },
		{ .vh_flags = 1, .vh_csum_start = 34, .vh_csum_offset = 16,
		  .vh_gso_type = HOST_VH_GSO_TCPV6, .vh_gso_size = 100 },
		{ .vh_flags = 1, .vh_csum_start = 34, .vh_csum_offset = 16,
		  .vh_gso_type = HOST_VH_GSO_UDP_L4, .vh_gso_size = 20 },
		{ .vh_flags = 1, .vh_csum_start = 36, .vh_csum_offset = 6,
		  .vh_gso_type = HOST_VH_GSO_UDP_L4, .vh_gso_size = 20 },
	};
	const unsigned n = sizeof(lies) / sizeof(lies[0]);
	unsigned len;

	router(dt);
	for (unsigned i = 0; i < n; i++) {
		len = frame(dt, IPPROTO_UDP, 99, 1);
		pkt.sp_vh = lies[i];
		put(dt, len);
		KASSERT(get(dt) == 0);
	}
	KASSERT(dev_drops(dt->dt_vnet, "tap0", DROP_RX_OFFLOAD) == n);
	KASSERT(dev_data(dt->dt_vnet, "tap0").ifi_ierrors == n);
	/* Less than a header is no packet at all. */
	for (size_t i = 1; i <= sizeof(pkt.sp_vh); i++)
		KASSERT(sim_tun_put(dt->dt_host, "tap0", &pkt, i) == 0 ||
		    i < sizeof(pkt.sp_vh));
	KASSERT(get(dt) == 0);
	(void)dev_data(dt->dt_vnet, "tap0");
}

/* Small packets of one flow leave as one, with all their bytes. */
static void
body_merge(struct dev_test *dt)
{
	unsigned len = 0, out, n = 10;

	router(dt);
	for (unsigned i = 0; i < n; i++) {
		len = frame(dt, IPPROTO_UDP, i == n - 1 ? 7 : 18,
		    (uint8_t)('a' + i));
		put(dt, len);
	}
	out = get(dt);
	KASSERT(out == DEV_HDRS + (n - 1) * 18 + 7);
	KASSERT(pkt.sp_vh.vh_gso_type == HOST_VH_GSO_UDP_L4);
	KASSERT(pkt.sp_vh.vh_gso_size == 18);
	KASSERT(pkt.sp_vh.vh_flags == HOST_VH_NEEDS_CSUM);
	KASSERT(dev_get16(pkt.sp_data + 16) == out - 14);
	KASSERT(dev_get16(pkt.sp_data + 38) == out - 34);
	KASSERT(dev_sum(pkt.sp_data + 14, 20, 0) == 0xffff);
	KASSERT(dev_get16(pkt.sp_data + 40) ==
	    dev_sum(pkt.sp_data + 26, 8, 17 + out - 34));
	for (unsigned i = 0; i < n; i++)
		KASSERT(pkt.sp_data[DEV_HDRS + i * 18] == 'a' + i);
	KASSERT(get(dt) == 0);
	KASSERT(dev_data(dt->dt_vnet, "tap1").ifi_opackets >= n);
}

/* A UDP packet to us whose sum is wrong, of which the device says what. */
static bool
believed(struct dev_test *dt, uint8_t flags)
{
	uint64_t bad = dev_drops(dt->dt_vnet, "tap0", DROP_L4_CSUM);
	uint8_t us[6];
	unsigned len;

	dev_lladdr(dt->dt_vnet, "tap0", us);
	len = dev_frame(pkt.sp_data, us, "10.0.1.2", "10.0.1.1", IPPROTO_UDP,
	    30, 1);
	dev_put16(pkt.sp_data + 40, 0x1234);
	memset(&pkt.sp_vh, 0, sizeof(pkt.sp_vh));
	pkt.sp_vh.vh_flags = flags;
	put(dt, len);
	dev_run(dt);
	return dev_drops(dt->dt_vnet, "tap0", DROP_L4_CSUM) == bad;
}

/*
 * Capabilities of receiving: what the device is told that it may leave to us,
 * and whether it is believed about a checksum.
 */
static void
body_receive(struct dev_test *dt)
{
	const unsigned all = HOST_TUN_CSUM | HOST_TUN_TSO4 | HOST_TUN_TSO6 |
	    HOST_TUN_TSO_ECN | HOST_TUN_USO;

	router(dt);
	KASSERT(sim_tun_offload(dt->dt_host, "tap0") == all);
	KASSERT(believed(dt, HOST_VH_DATA_VALID));
	KASSERT(!believed(dt, 0));
	/* The device runs, and starts over. */
	dev_command(dt, "ifconfig tap0 -lro");
	KASSERT(sim_tun_offload(dt->dt_host, "tap0") == HOST_TUN_CSUM);
	KASSERT(sim_tun_offload(dt->dt_host, "other") == all);
	KASSERT(believed(dt, HOST_VH_DATA_VALID));
	dev_command(dt, "ifconfig tap0 -udp4csum-rx");
	KASSERT(sim_tun_offload(dt->dt_host, "tap0") == 0);
	KASSERT(!believed(dt, HOST_VH_DATA_VALID));
	dev_command(dt, "ifconfig tap0 udp4csum-rx -tcp4csum-rx");
	KASSERT(sim_tun_offload(dt->dt_host, "tap0") == 0);
	KASSERT(believed(dt, HOST_VH_DATA_VALID));
	/* A device that is down is told when it starts. */
	dev_command(dt, "ifconfig tap0 down tcp4csum-rx lro");
	KASSERT(sim_tun_offload(dt->dt_host, "tap0") == 0);
	dev_command(dt, "ifconfig tap0 up");
	KASSERT(sim_tun_offload(dt->dt_host, "tap0") == all);
}

static void
body_gone(struct dev_test *dt)
{
	unsigned len;

	router(dt);
	KASSERT(sim_tun_kill(dt->dt_host, "other") == 0);
	len = frame(dt, IPPROTO_UDP, 100, 1);
	put(dt, len);
	dev_run(dt);
	KASSERT(dev_drops(dt->dt_vnet, "tap1", DROP_TX_NO_PEER) == 1);
	KASSERT(dev_data(dt->dt_vnet, "tap1").ifi_link_state ==
	    LINK_STATE_DOWN);
	KASSERT(strstr(sim_last_log(dt->dt_host), "went away") != NULL);
	dev_command(dt, "ifconfig tap1 destroy");
	/* And one that goes while it is only received from. */
	KASSERT(sim_tun_kill(dt->dt_host, "tap0") == 0);
	dev_run(dt);
	KASSERT(dev_data(dt->dt_vnet, "tap0").ifi_link_state ==
	    LINK_STATE_DOWN);
}

/* The host's side does not read while it is down. */
static void
body_down(struct dev_test *dt)
{
	unsigned len;

	router(dt);
	dev_command(dt, "ifconfig tap0 down");
	len = frame(dt, IPPROTO_UDP, 100, 1);
	put(dt, len);
	KASSERT(get(dt) == 0);
	KASSERT(dev_data(dt->dt_vnet, "tap0").ifi_ipackets == 0);
	dev_command(dt, "ifconfig tap0 up");
	KASSERT(get(dt) == len);
}

/* Every allocation of a creation fails once: an error, and nothing is left. */
static void
body_alloc(struct dev_test *dt)
{
	static const char *const lines[] = {
		"tap0", "pair0", "pg0",
	};
	char name[IFNAMSIZ];
	size_t before;
	unsigned i, n;
	int error;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		/* Memory that the first creation leaves for ever is not a
		 * leak. */
		strcpy(name, lines[i]);
		KASSERT(if_clone_create(dt->dt_vnet, name, "") == 0);
		KASSERT(if_clone_destroy(dt->dt_vnet, name) == 0);
		kern_defer_barrier(dt->dt_vnet->vn_kern);
		before = sim_allocated(dt->dt_host);
		for (n = 1;; n++) {
			strcpy(name, lines[i]);
			sim_fail_alloc(dt->dt_host, n);
			error = if_clone_create(dt->dt_vnet, name, "");
			if (!sim_alloc_failed(dt->dt_host))
				break;
			KASSERT(error == ENOMEM);
			kern_defer_barrier(dt->dt_vnet->vn_kern);
			KASSERT(sim_allocated(dt->dt_host) == before);
		}
		sim_fail_alloc(dt->dt_host, 0);
		KASSERT(error == 0 && n > 2);
		KASSERT(if_clone_destroy(dt->dt_vnet, name) == 0);
	}
}

/* Packets that are not a run of equal ones of one flow are left alone. */
static void
body_not_merged(struct dev_test *dt)
{
	static const struct {
		unsigned	 at;
		uint8_t		 flip;
	} differ[] = {
		{ 0, 0x04 },		/* station */
		{ 15, 0x04 },		/* type of service */
		{ 20, 0x40 },		/* may be fragmented */
		{ 20, 0x20 },		/* is a fragment */
		{ 22, 0x01 },		/* time to live */
		{ 23, 0x02 },		/* protocol */
		{ 29, 0x01 }, { 33, 0x01 },	/* addresses */
		{ 35, 0x01 }, { 37, 0x01 },	/* ports */
		{ 14, 0x01 },		/* header length */
		{ 39, 0x01 },		/* UDP length */
	};
	static struct mbuf a, b;
	static uint8_t da[128], db[128];
	struct mvec mv = { .mv_n = 2, .mv_m = { &a, &b } };
	const uint8_t us[6] = { 2, 0, 0, 0, 0, 1 };

	(void)dt;
	for (unsigned i = 0; i <= sizeof(differ) / sizeof(differ[0]); i++) {
		memset(&a, 0, sizeof(a));
		a.m_len = a.m_pktlen = dev_frame(da, us, "10.0.0.1",
		    "10.0.0.2", IPPROTO_UDP, 18, 1);
		a.m_csum_flags = M_CSUM_PARTIAL;
		a.m_csum_start = 34;
		a.m_csum_offset = 6;
		a.m_data = da;
		b = a;
		memcpy(db, da, sizeof(db));
		b.m_data = db;
		if (i == sizeof(differ) / sizeof(differ[0])) {
			KASSERT(tap_merge_run(&mv, 0) == 2);
			b.m_csum_flags = M_CSUM_VALID;
		} else
			db[differ[i].at] ^= differ[i].flip;
		KASSERT(tap_merge_run(&mv, 0) == 1);
		KASSERT(tap_merge_run(&mv, 1) == 1);
	}
}

static void
body_words(struct dev_test *dt)
{
	char name[IFNAMSIZ] = "tap0";
	static const char *const bad[] = {
		"host", "bogus", "host a-name-that-is-too-long", "fd 3 4",
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		KASSERT(if_clone_create(dt->dt_vnet, name, bad[i]) == EINVAL);
	KASSERT(if_clone_create(dt->dt_vnet, name, "fd") == EBADF);
	/* The device is there once only. */
	KASSERT(if_clone_create(dt->dt_vnet, name, "host x") == 0);
	strcpy(name, "tap1");
	KASSERT(if_clone_create(dt->dt_vnet, name, "host x") != 0);
}

static void
test_forward(void **state)
{

	(void)state;
	dev_on_sim(body_forward);
}

static void
test_segments(void **state)
{

	(void)state;
	dev_on_sim(body_segments);
	dev_on_sim(body_tagged);
}

static void
test_lies(void **state)
{

	(void)state;
	dev_on_sim(body_lies);
}

static void
test_merge(void **state)
{

	(void)state;
	dev_on_sim(body_merge);
	dev_on_sim(body_not_merged);
}

static void
test_receive(void **state)
{

	(void)state;
	dev_on_sim(body_receive);
}

static void
test_gone(void **state)
{

	(void)state;
	dev_on_sim(body_gone);
}

static unsigned
link_of(struct dev_test *dt, const char *name)
{

	dev_run(dt);
	return dev_data(dt->dt_vnet, name).ifi_link_state;
}

static void
far_is(struct dev_test *dt, const char *name, unsigned flags, uint32_t mtu)
{
	const struct host_tun_far far = { .tf_flags = flags, .tf_mtu = mtu };

	KASSERT(sim_tun_far(dt->dt_host, name, &far) == 0);
}

static uint64_t
flaps(struct dev_test *dt)
{
	char *out;
	uint64_t n;

	dev_run(dt);
	KASSERT(vnet_command_output(dt->dt_vnet, "sysctl -n "
	    "net.interfaces.tap1.link.flaps", &out, NULL) == 0);
	n = strtoul(out, NULL, 10);
	free(out);
	return n;
}

/* Each time the far side was down is counted once, whether its state was
 * queried meanwhile, or a packet found it down. */
static void
body_far_flaps(struct dev_test *dt)
{
	const struct host_tun_far quick = { .tf_flags = HOST_TUN_UP,
	    .tf_falls = 3 }, once = { .tf_flags = 0, .tf_falls = 1 },
	    again = { .tf_flags = HOST_TUN_UP, .tf_falls = 1 };
	uint64_t before;

	/* The loss that a packet noticed before is reported now. */
	KASSERT(sim_tun_far(dt->dt_host, "other", &again) == 0);
	before = flaps(dt);
	KASSERT(sim_tun_far(dt->dt_host, "other", &quick) == 0);
	KASSERT(flaps(dt) == before + 3);
	KASSERT(link_of(dt, "tap1") == LINK_STATE_UP);
	KASSERT(sim_tun_far(dt->dt_host, "other", &once) == 0);
	KASSERT(flaps(dt) == before + 4);
	/* Up, down and up. */
	KASSERT(sim_tun_far(dt->dt_host, "other", &again) == 0);
	KASSERT(flaps(dt) == before + 5);
	KASSERT(link_of(dt, "tap1") == LINK_STATE_UP);
	/* A packet is first to notice. */
	far_is(dt, "other", HOST_TUN_UNSEEN, 0);
	put(dt, frame(dt, IPPROTO_UDP, 100, 1));
	KASSERT(flaps(dt) == before + 6);
	KASSERT(sim_tun_far(dt->dt_host, "other", &again) == 0);
	KASSERT(flaps(dt) == before + 6);
	KASSERT(link_of(dt, "tap1") == LINK_STATE_UP);
}

/* Link and MTU of the two ends; a second vnet; nothing is told afterwards. */
static void
body_far(struct dev_test *dt)
{
	const struct host_tun_far named = { .tf_flags = HOST_TUN_UP,
	    .tf_name = "lan9" };
	struct vnet *far = vnet_create(dt->dt_stack, "far", NULL);
	struct ifnet_error e;
	unsigned len;

	KASSERT(far != NULL);
	dev_command(dt, "ifconfig tap5 create");
	KASSERT(!sim_tun_carrier(dt->dt_host, "tap5"));
	router(dt);
	KASSERT(sim_tun_carrier(dt->dt_host, "other"));
	dev_command(dt, "ifconfig tap1 down");
	KASSERT(!sim_tun_carrier(dt->dt_host, "other"));
	dev_command(dt, "ifconfig tap1 up");
	KASSERT(sim_tun_carrier(dt->dt_host, "other"));

	/* Its owner sets it down: told at once, drops have a name. */
	dev_run(dt);
	KASSERT(link_of(dt, "tap1") == LINK_STATE_UP);
	far_is(dt, "other", 0, 0);
	KASSERT(link_of(dt, "tap1") == LINK_STATE_DOWN);
	len = frame(dt, IPPROTO_UDP, 100, 1);
	put(dt, len);
	dev_run(dt);
	KASSERT(dev_drops(dt->dt_vnet, "tap1", DROP_TX_FAR_DOWN) == 1);
	KASSERT(dev_drops(dt->dt_vnet, "tap1", DROP_TX_ERROR) == 0);
	far_is(dt, "other", HOST_TUN_UP, 0);
	KASSERT(link_of(dt, "tap1") == LINK_STATE_UP);

	/* A device that cannot be looked at: with the first packet. */
	far_is(dt, "other", HOST_TUN_UNSEEN, 0);
	KASSERT(link_of(dt, "tap1") == LINK_STATE_UP);
	put(dt, frame(dt, IPPROTO_UDP, 100, 1));
	KASSERT(link_of(dt, "tap1") == LINK_STATE_DOWN);
	KASSERT(dev_drops(dt->dt_vnet, "tap1", DROP_TX_FAR_DOWN) >= 2);
	dev_command(dt, "ifconfig tap1 mtu 1300");
	KASSERT(sim_tun_mtu(dt->dt_host, "other") == 1500);
	KASSERT(strstr(sim_last_log(dt->dt_host), "no right") != NULL);
	far_is(dt, "other", HOST_TUN_UP, 1300);
	KASSERT(link_of(dt, "tap1") == LINK_STATE_UP);

	/* MTUs, both ways; one that we cannot have is only logged. */
	dev_command(dt, "ifconfig tap1 mtu 9000");
	KASSERT(sim_tun_mtu(dt->dt_host, "other") == 9000);
	far_is(dt, "other", HOST_TUN_UP, 1400);
	KASSERT(dev_data(dt->dt_vnet, "tap1").ifi_mtu == 1400);
	far_is(dt, "other", HOST_TUN_UP, 60);
	KASSERT(dev_data(dt->dt_vnet, "tap1").ifi_mtu == 1400);
	KASSERT(strstr(sim_last_log(dt->dt_host), "cannot have") != NULL);

	/* An MTU that the host device cannot have is refused. */
	KASSERT(vnet_command(dt->dt_vnet, "ifconfig tap1 mtu 65000", &e) ==
	    EINVAL && strstr(e.text, "host device") != NULL);
	KASSERT(dev_data(dt->dt_vnet, "tap1").ifi_mtu == 1400);
	body_far_flaps(dt);

	/* In another vnet it goes on. */
	dev_command(dt, "ifconfig tap1 vnet far");
	far_is(dt, "other", 0, 1450);
	dev_run(dt);
	KASSERT(dev_data(far, "tap1").ifi_mtu == 1450);
	KASSERT(dev_data(far, "tap1").ifi_link_state == LINK_STATE_DOWN);
	KASSERT(sim_tun_far(dt->dt_host, "other", &named) == 0);
	KASSERT(strstr(sim_last_log(dt->dt_host), "now called lan9") != NULL);
	vnet_destroy(far);
	KASSERT(sim_tun_far(dt->dt_host, "lan9", &named) == ENXIO);
}

static void
test_far(void **state)
{

	(void)state;
	dev_on_sim(body_far);
}

static void
test_down(void **state)
{

	(void)state;
	dev_on_sim(body_down);
}

static void
test_alloc(void **state)
{

	(void)state;
	dev_on_sim(body_alloc);
}

static void
test_words(void **state)
{

	(void)state;
	dev_on_sim(body_words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_receive),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
