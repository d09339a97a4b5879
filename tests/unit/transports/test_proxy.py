"""Which proxy kubectl would use: Go's rules, one case each."""

from __future__ import annotations

import pytest

from handlers.transports.kubernetes.proxy import proxy_for

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("server", "proxy_url", "environ", "expected"),
    [
        ("https://api:6443", "", {}, ""),
        ("https://api:6443", "", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://api:6443", "", {"https_proxy": PROXY}, PROXY),
        ("https://api:6443", "", {"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, ""),
        ("http://api:8080", "", {"HTTP_PROXY": PROXY}, PROXY),
        ("https://api:6443", "", {"HTTPS_PROXY": "proxy:3128"}, PROXY),
        ("https://api:6443", "http://own:1", {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, "http://own:1"),
        ("https://localhost:6443", "", {"HTTPS_PROXY": PROXY}, ""),
        ("https://127.0.0.1:6443", "", {"HTTPS_PROXY": PROXY}, ""),
        ("https://[::1]:6443", "", {"HTTPS_PROXY": PROXY}, ""),
    ],
)
def test_proxy_for(server: str, proxy_url: str, environ: dict[str, str], expected: str) -> None:
    assert proxy_for(server, proxy_url, environ) == expected


@pytest.mark.parametrize(
    ("host", "no_proxy", "direct"),
    [
        ("api.corp.example", "*", True),
        ("api.corp.example", "api.corp.example", True),
        ("api.corp.example", "corp.example", True),
        ("api.corp.example", ".corp.example", True),
        ("corp.example", "corp.example", True),
        ("corp.example", ".corp.example", False),
        ("api.corp.example", "*.corp.example", True),
        ("api.corp.example", "orp.example", False),
        ("api.corp.example", "API.Corp.Example", True),
        ("api.corp.example", "other, ,corp.example", True),
        ("api.corp.example", "corp.example:6443", True),
        ("api.corp.example", "corp.example:443", False),
        ("api.corp.example", "10.0.0.0/8", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:6443", True),
        ("10.1.2.3", "10.1.2.3:1", False),
        ("10.1.2.3", "192.168.0.0/16,10.1.2.4", False),
        ("10.1.2.3", "10.1.2", False),
        ("[fd00::1]", "fd00::/8", True),
        ("[fd00::1]", "[fd00::1]", True),
        ("[fd00::1]", "[fd00::1]:6443", True),
        ("[fd00::1]", "fd00::2", False),
    ],
)
def test_no_proxy(host: str, no_proxy: str, direct: bool) -> None:
    environ = {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}
    assert proxy_for(f"https://{host}:6443", "", environ) == ("" if direct else PROXY)
