"""How many connections an address may have."""

import pytest

from console.server.connection import Addresses, client_network


def test_an_address_has_so_many_connections_and_others_have_theirs():
    addresses = Addresses(2, lambda address: False)
    leave = [addresses.enter("192.0.2.1") for _ in range(3)]
    assert leave[2] is None
    assert addresses.enter("192.0.2.2")
    leave[0]()
    assert addresses.enter("192.0.2.1")
    assert addresses.enter("192.0.2.1") is None


def test_a_trusted_proxy_has_any_number():
    addresses = Addresses(1, lambda address: address == "192.0.2.1")
    assert all(addresses.enter("192.0.2.1") for _ in range(5))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_a_client_is_counted_by(address, network):
    assert client_network(address) == network
