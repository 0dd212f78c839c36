"""What is switched off does not answer."""

from conftest import LONG, run


def pinged(netns, address, wait=LONG):
    return run("ping", "-c", "1", "-W", str(wait), address, netns=netns,
               check=False).returncode == 0


def test_address_of_an_interface_that_is_down(router):
    """Pinged from outside, through the other interface."""
    d = router.daemon
    assert pinged(router.left, "10.0.2.1")
    d.ok("ifconfig", "tap1", "down")
    assert not pinged(router.left, "10.0.2.1", wait=1)
    assert not pinged(router.left, "10.0.2.2", wait=1)
    d.dropped("tap0", "ip-if-down", 2, more=True)
    # Nor from here, and the address is no source.
    assert d.ctl("ping", "-c", "1", "10.0.2.1").returncode != 0
    d.ok("ifconfig", "tap1", "up")
    assert pinged(router.left, "10.0.2.1")


def test_loopback_down(daemon):
    daemon.ok("ping", "-c", "1", "127.0.0.1")
    daemon.ok("ifconfig", "lo0", "down")
    assert daemon.ctl("ping", "-c", "1", "127.0.0.1").returncode != 0
    daemon.ok("ifconfig", "lo0", "up")
    daemon.ok("ping", "-c", "1", "127.0.0.1")


def test_strong_host(router):
    d = router.daemon
    d.ok("sysctl", "-w", "net.inet.ip.checkinterface=1")
    assert not pinged(router.left, "10.0.2.1", wait=1)
    assert pinged(router.left, "10.0.1.1")
    d.dropped("tap0", "ip-wrong-if", 1, more=True)
