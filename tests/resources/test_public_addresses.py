"""Which addresses are public, for webhooks, runs and builds alike, and what RUN_NETWORK_ALLOW may say."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources import public_addresses
from resources.public_addresses import is_public
from resources.sandbox.network import allowed
from resources.webhooks import addresses
from resources.webhooks.addresses import BadUrl
from tests.support.machine import missing

ADDRESSES_4 = st.integers(0, 2**32 - 1).map(IPv4Address)
ADDRESSES_6 = st.integers(0, 2**128 - 1).map(IPv6Address) | st.integers(0x2000 << 112, (0x4000 << 112) - 1).map(
    IPv6Address
)


@given(ADDRESSES_4 | ADDRESSES_6)
def test_what_python_takes_for_private_is_not_public(address):
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_public(address)


@given(ADDRESSES_4)
def test_a_form_of_an_address_is_as_public_as_the_address(address):
    forms = [IPv6Address(0x64FF9B << 96 | int(address)), IPv6Address(0x2002 << 112 | int(address) << 80)]
    forms.append(IPv6Address(0xFFFF << 32 | int(address)))
    assert {is_public(form) for form in forms} == {is_public(address)}


@pytest.mark.parametrize(
    "address", ["8.8.4.4", "2600:9::9", "64:ff9b::808:404", "2002:808:404::9", "168.63.129.15", "::ffff:8.8.4.4"]
)
def test_what_the_internet_reaches_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("168.63.129.16", "64:ff9b::a83f:8110", "2002:a83f:8110::1", "2001:0:4136:e378:8000:63bf:f7f7:fbfb"),
        *("3fff::1", "4000::1", "5f00::1", "fd20:ce::254"),
    ],
)
def test_what_only_this_network_reaches_is_not_public(address):
    assert not is_public(ip_address(address))
    with pytest.raises(BadUrl):
        addresses.check(f"http://{f'[{address}]' if ':' in address else address}/")


def test_the_addresses_of_this_machine_itself_are_not_public(monkeypatch):
    monkeypatch.setattr(
        public_addresses, "own_networks", lambda: {ip_network("5.5.5.2/32"), ip_network("2a00:5::2/128")}
    )
    for address in ("5.5.5.2", "2a00:5::2", "::ffff:5.5.5.2", "64:ff9b::505:502", "2002:505:502::1"):
        assert not is_public(ip_address(address))
        with pytest.raises(BadUrl):
            addresses.check(f"http://{f'[{address}]' if ':' in address else address}/")
    assert is_public(ip_address("5.5.5.3"))


def test_the_kernel_says_which_addresses_lead_to_this_machine():
    own = public_addresses.own_networks()
    assert any(IPv4Address("127.0.0.1") in network for network in own if network.version == 4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("8.8.4.4", 53))  # sends nothing
        except OSError:
            missing("this machine has no way to the internet")
        assert ip_network(asking.getsockname()[0]) in own


# The setting


@pytest.mark.parametrize(
    ("text", "network", "name", "port"),
    [
        ("10.0.0.0/8", "10.0.0.0/8", "", None),
        ("10.1.2.3/8", "10.0.0.0/8", "", None),
        ("10.0.0.5", "10.0.0.5/32", "", None),
        ("10.0.0.5:443", "10.0.0.5/32", "", 443),
        ("10.0.0.0/8:443", "10.0.0.0/8", "", 443),
        ("fd00::5", "fd00::5/128", "", None),
        ("[fd00::5]:443", "fd00::5/128", "", 443),
        ("[fd00::/8]:443", "fd00::/8", "", 443),
        ("0.0.0.0/0", "0.0.0.0/0", "", None),
        ("pypi.intranet", None, "pypi.intranet", None),
        ("PyPI.Intranet.:8080", None, "pypi.intranet", 8080),
        ("127.0.0.1:3141", "127.0.0.1/32", "", 3141),
        ("[::1]:3141", "::1/128", "", 3141),
        ("localhost:3141", None, "localhost", 3141),
    ],
)
def test_what_may_be_allowed(text, network, name, port):
    assert allowed.parse(text) == allowed.Entry(network and ip_network(network), name, port)


@pytest.mark.parametrize(
    "text",
    ["", "*", "http://a", "a b", "-a", "a:0", "a:65536", "a:b", "[a]:80", "127.1:80", "2130706433", "10.0.0.0/33", "é"],
)
def test_what_is_nothing_that_could_be_allowed(text):
    with pytest.raises(ValueError, match=r"RUN_NETWORK_ALLOW: .* is no network, address or host name"):
        allowed.parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.0/8", "127.0.0.0/8:80", "::1", "localhost"])
def test_what_is_on_loopback_is_allowed_by_its_port_only(text):
    with pytest.raises(ValueError, match=r"with a port, as in 127\.0\.0\.1:8080"):
        allowed.parse(text)
