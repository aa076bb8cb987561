"""Where webhooks may be sent, and all the disguises in which an address comes that they may not be sent to."""

import socket

import pytest

from resources.webhooks import addresses
from resources.webhooks.addresses import AddressRefused, BadUrl

PRIVATE = (
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:0a00:0001::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo, of 127.0.0.1
    "2001:db8::1",
    "fec0::1",
    "64:ff9b:1::1",
    "100::1",
    "2001:2::1",
)
PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14")


def url_of(address: str, port: str = "") -> str:
    return f"http://{f'[{address}]' if ':' in address else address}{port}/"


@pytest.fixture
def resolves(monkeypatch):
    """Have every name resolve to these addresses, and say which names were asked for."""

    def resolve(*answers: str):
        asked = []

        def getaddrinfo(host, port, **_):
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port)) for answer in answers]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return resolve


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused_when_it_is_saved(address):
    with pytest.raises(BadUrl, match="WEBHOOK_ADDRESSES"):
        addresses.check(url_of(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_and_when_a_name_leads_there(address, resolves):
    resolves(address)
    with pytest.raises(AddressRefused):
        addresses.resolve_addresses(addresses.parse("http://rebound.example/"))


@pytest.mark.parametrize("address", PRIVATE)
def test_one_bad_answer_among_good_ones_is_enough(address, resolves):
    resolves("93.184.215.14", address)
    with pytest.raises(AddressRefused):
        addresses.resolve_addresses(addresses.parse("http://rebound.example/"))


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "1.2.3.4.5",
        "017700000001",
        "0x",
        "foo.0x7f",
        "foo.1",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "\uff11\uff12\uff17.0.0.1",
        "127。0。0。1",
        "①②⑦.⓪.⓪.①",
        "[::1%25eth0]",
        "[::ffff:7f00:1]",
    ],
)
def test_an_address_in_disguise_is_refused(host):
    with pytest.raises(BadUrl):
        addresses.check(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "http://",
        "http:///path",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
        "http://example.com\\@127.0.0.1/",
        "http://user:secret@example.com/",
        "http://user@example.com/",
        "http://example.com:0x50/",
        "http://example.com:99999/",
        "http://-example.com/",
        "http://exa%6dple.com/",
        "http://[::1/",
        "http://\x00example.com/",
        "http://" + "a" * 64 + ".com/",
        "https://example.com/" + "x" * 2000,
        "http://example.com:25/",
        "http://example.com:22/",
        "http://93.184.215.14:25/",
        "http://\ud800.example/",
    ],
)
def test_what_is_no_url_for_a_webhook(url):
    with pytest.raises(BadUrl):
        addresses.check(url)


def test_a_name_that_nobody_has(monkeypatch):
    def getaddrinfo(*_, **__):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(AddressRefused, match="not found"):
        addresses.resolve_addresses(addresses.parse("http://nowhere.example/"))


@pytest.mark.parametrize("address", PRIVATE)
def test_what_a_name_of_the_deployments_network_leads_to_is_not_told(address, resolves, monkeypatch):
    """Nor whether there is such a name: all who can make a webhook could ask for one after the other."""
    target = addresses.parse("http://database.intranet:8080/")
    resolves(address)
    with pytest.raises(AddressRefused) as refused:
        addresses.resolve_addresses(target)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(AddressRefused) as unknown:
        addresses.resolve_addresses(target)
    assert str(refused.value) == str(unknown.value)
    assert address not in str(refused.value)
    assert "WEBHOOK_ADDRESSES" in str(refused.value)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address, resolves):
    addresses.check(url_of(address))
    addresses.check(url_of(address, ":8080"))
    resolves(address)
    assert addresses.resolve_addresses(addresses.parse("https://example.com/")) == [address]


def test_a_name_is_asked_for_once(resolves):
    asked = resolves("93.184.215.14", "93.184.215.14", "93.184.215.15")
    found = addresses.resolve_addresses(addresses.parse("https://Example.COM./"))
    assert found == ["93.184.215.14", "93.184.215.15"]
    assert asked == ["example.com"]


def test_what_a_url_names():
    target = addresses.parse("HTTPS://Bücher.example:8443/a b".replace(" ", "%20") + "/ü?q=ä&x=%2F#fragment")
    assert (target.host, target.port, target.is_tls) == ("xn--bcher-kva.example", 8443, True)
    assert target.path == "/a%20b/%C3%BC?q=%C3%A4&x=%2F"
    assert target.host_header == "xn--bcher-kva.example:8443"
    assert addresses.parse("http://[2606:2800::1]").host_header == "[2606:2800::1]"
    assert addresses.parse("https://example.com:443?x").host_header == "example.com"
    assert addresses.parse("https://example.com:443?x").path == "/?x"


def test_a_deployment_allows_networks_and_names(settings, resolves):
    settings.WEBHOOK_ADDRESSES = ["10.0.0.0/8", "hooks.intranet", "fd00::/8"]
    addresses.check("http://10.1.2.3:25/")
    addresses.check("http://[fd00::1]/")
    addresses.check("http://[::ffff:10.0.0.1]/")
    addresses.check("http://hooks.intranet/")
    for url in ("http://93.184.215.14/", "http://192.168.0.1/", "http://localhost/"):
        with pytest.raises(BadUrl):
            addresses.check(url)
    resolves("192.168.0.1")
    assert addresses.resolve_addresses(addresses.parse("http://hooks.intranet/")) == ["192.168.0.1"]
    with pytest.raises(AddressRefused):
        addresses.resolve_addresses(addresses.parse("http://other.intranet/"))
    resolves("93.184.215.14")
    with pytest.raises(AddressRefused):
        addresses.resolve_addresses(addresses.parse("http://example.com/"))


def test_only_names(settings):
    settings.WEBHOOK_ADDRESSES = ["hooks.intranet"]
    addresses.check("http://hooks.intranet:25/")
    with pytest.raises(BadUrl):
        addresses.check("http://example.com/")


def test_public_and_a_network(settings):
    settings.WEBHOOK_ADDRESSES = ["public", "127.0.0.0/8"]
    for url in ("http://127.0.0.1:9/", "https://93.184.215.14/", "http://localhost:8000/"):
        addresses.check(url)
    with pytest.raises(BadUrl):
        addresses.check("http://10.0.0.1/")
