"""How a Site's PHP runs: version, settings, threads, environment, resources, health."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from frankenpanel_crds.base import Model
from frankenpanel_crds.cel import Rule, rules, text, texts
from frankenpanel_crds.values import DocumentRoot, Quantity, SecretRef, VersionKey, request_path

INI_SIZES = (
    "memory_limit",
    "post_max_size",
    "upload_max_filesize",
)
INI_NUMBERS = (
    "default_socket_timeout",
    "max_execution_time",
    "max_file_uploads",
    "max_input_nesting_level",
    "max_input_time",
    "max_input_vars",
    "opcache.interned_strings_buffer",
    "opcache.max_accelerated_files",
    "opcache.memory_consumption",
    "pcre.backtrack_limit",
    "pcre.recursion_limit",
    "precision",
    "realpath_cache_ttl",
    "serialize_precision",
    "session.cookie_lifetime",
    "session.gc_maxlifetime",
)
INI_SWITCHES = (
    "allow_url_fopen",
    "display_errors",
    "html_errors",
    "implicit_flush",
    "log_errors",
    "session.cookie_httponly",
    "session.cookie_secure",
    "session.use_strict_mode",
    "short_open_tag",
)
INI_SWITCH_VALUES = ("0", "1", "On", "Off", "on", "off")
INI_WORDS = (
    "date.timezone",
    "default_charset",
    "error_reporting",
    "mbstring.language",
    "output_buffering",
    "realpath_cache_size",
    "session.cookie_samesite",
    "session.name",
)
INI_KEYS = tuple(sorted((*INI_SIZES, *INI_NUMBERS, *INI_SWITCHES, *INI_WORDS)))

# PHP's ini reader gives a meaning to quotes, ${...}, ;, =, !, ( and ); none of them can be written here.
INI_VALUE_PATTERN = r"^[A-Za-z0-9_.,:/+&~|-]([A-Za-z0-9 _.,:/+&~|-]*[A-Za-z0-9_.,:/+&~|-])?$"

RESERVED_ENV_NAMES = (
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD",
    "ADMIN_USER",
    "BASH_ENV",
    "GLIBC_TUNABLES",
    "GODEBUG",
    "GOGC",
    "GOMAXPROCS",
    "GOMEMLIMIT",
    "GOTRACEBACK",
    "HOME",
    "HOSTNAME",
    "PATH",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "SITE_LOCALE",
    "SITE_THREADS",
    "SITE_TITLE",
    "SITE_URL",
    "TMPDIR",
)
RESERVED_ENV_PREFIXES = ("CADDY_", "FRANKENPANEL_", "FRANKENPHP_", "KUBERNETES_", "LD_", "XDG_")


def _each_setting(valid: str, sentence: str) -> Rule:
    """Return a rule that holds when `valid` does for every `key`; its message names the first that fails."""
    return Rule(
        f"self.all(key, {valid})",
        f"spec.runtime.ini: a setting {sentence}",
        f"'spec.runtime.ini: ' + self.filter(key, !({valid}))[0] + {text(f' {sentence}')}",
    )


def _ini_rules() -> tuple[Rule, ...]:
    """Return one rule for the names and one per kind of value."""
    return (
        _each_setting(
            f"key in {texts(INI_KEYS)}",
            "cannot be changed by a Site; remove it, or use one of " + ", ".join(INI_KEYS),
        ),
        _each_setting(
            f"self[key].matches({text(INI_VALUE_PATTERN)})",
            "may contain letters, digits, spaces between them, and the signs _ . , : / + & ~ | - only; "
            "remove quotes, line breaks and other characters",
        ),
        _each_setting(
            f"!(key in {texts(INI_SIZES)}) || self[key].matches('^[0-9]+[KMG]?$')",
            'must be a size, such as "256M"',
        ),
        _each_setting(
            f"!(key in {texts(INI_NUMBERS)}) || self[key].matches('^-?[0-9]+$')",
            'must be a whole number in quotes, such as "60"',
        ),
        _each_setting(
            f"!(key in {texts(INI_SWITCHES)}) || self[key] in {texts(INI_SWITCH_VALUES)}",
            'must be "On" or "Off", in quotes',
        ),
    )


def _ini_value(value: str) -> str:
    """Repeat the rule on the reading side, since the value ends up in a file that PHP parses."""
    if not re.fullmatch(INI_VALUE_PATTERN, value):
        raise ValueError("contains characters that a php.ini value cannot have here")
    return value


IniValue = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_ini_value)]


class RuntimeSpec(Model):
    """The PHP that runs the site, and its settings."""

    php: VersionKey | None = Field(
        None,
        description=(
            "PHP version, as listed in the RuntimeCatalog (kubectl get fpruntime default -o yaml), for "
            'example "8.4". Write it in quotes, or YAML makes a number of it. Absent: the catalogue\'s '
            "default, which your administrator may move to a newer version."
        ),
    )
    document_root: DocumentRoot | None = Field(
        None,
        description=(
            "Folder, relative to the application, from which files are served; what lies outside it cannot "
            "be asked for. Absent: the folder that the preset names."
        ),
    )
    ini: Annotated[Mapping[str, IniValue], Field(max_length=40, json_schema_extra=rules(*_ini_rules()))] = (
        Field(
            default_factory=dict,
            description=(
                "PHP settings as in php.ini, for example memory_limit: 256M. Only settings of the site "
                "itself can be changed, not those that keep sites apart. Allowed: "
                + ", ".join(INI_KEYS)
                + "."
            ),
        )
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=64,
        description=(
            "How many requests one pod works on at the same time. Each takes memory up to the PHP "
            "memory_limit, so threads times memory_limit should stay below resources.limits.memory. Absent: "
            "derived from resources.limits.cpu."
        ),
    )


class EnvVar(Model):
    """One environment variable."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            json_schema_extra=rules(
                Rule(
                    "self.matches('^[A-Za-z_][A-Za-z0-9_]*$')",
                    "env: a name may contain letters, digits and _ only and must not start with a digit; "
                    "rename the variable",
                ),
                Rule(
                    f"!(self in {texts(RESERVED_ENV_NAMES)}) && "
                    f"!{texts(RESERVED_ENV_PREFIXES)}.exists(prefix, self.startsWith(prefix))",
                    "env: the name is reserved, because it steers the platform's own programs; choose "
                    "another name. Reserved are " + ", ".join(RESERVED_ENV_NAMES) + " and names that start "
                    "with " + ", ".join(RESERVED_ENV_PREFIXES),
                ),
            ),
        ),
    ] = Field(
        description=(
            "Name of the variable. Names that steer the platform's own programs are refused, for example "
            "PHP_INI_SCAN_DIR and names that start with LD_, CADDY_ or FRANKENPHP_."
        ),
    )
    value: Annotated[
        str,
        Field(
            max_length=4096,
            json_schema_extra=rules(
                Rule(
                    r"!self.matches('\\x00')",
                    "env: a value must not contain a NUL character; remove it",
                )
            ),
        ),
    ] = Field(
        description=(
            "Value of the variable; quote what YAML would take for a number or a boolean. Everybody who may "
            "read the Site sees it: passwords belong in a Secret, see envFrom."
        ),
    )


class EnvSource(Model):
    """A set of environment variables kept elsewhere."""

    secret_ref: SecretRef = Field(
        description=(
            "Secret in the Site's namespace; each of its keys becomes a variable. While it does not exist "
            "the pods do not start, and the Site says SecretNotFound."
        ),
    )


class ResourceAmounts(Model):
    """Amounts of processor time and memory."""

    cpu: Quantity | None = Field(
        None,
        description='Processor time: "1" is one core, 100m is a tenth of one.',
    )
    memory: Quantity | None = Field(
        None,
        description="Memory, for example 256Mi or 1Gi.",
    )


def _not_above_limit(name: str) -> Rule:
    both = f"has(self.requests) && has(self.limits) && has(self.requests.{name}) && has(self.limits.{name})"
    return Rule(
        f"!({both}) || quantity(string(self.requests.{name}))"
        f".compareTo(quantity(string(self.limits.{name}))) <= 0",
        f"resources.requests.{name} must not be more than resources.limits.{name}; lower the request or "
        "raise the limit",
    )


class Resources(Model):
    """What each pod of the site is given."""

    model_config = ConfigDict(json_schema_extra=rules(_not_above_limit("cpu"), _not_above_limit("memory")))

    requests: ResourceAmounts | None = Field(
        None,
        description="What is set aside for each pod; a node is chosen by it.",
    )
    limits: ResourceAmounts | None = Field(
        None,
        description=(
            "What a pod can use at most. Above the memory limit the pod is stopped and started again; above "
            "the cpu limit it is slowed down."
        ),
    )


class Health(Model):
    """How to find out whether the site answers."""

    path: (
        Annotated[
            str, Field(min_length=1, max_length=255, json_schema_extra=rules(request_path("health.path")))
        ]
        | None
    ) = Field(
        None,
        description=(
            "Path that is asked for to see whether a pod can take visitors; an answer below 400 is healthy. "
            "Absent: the path that the preset names."
        ),
    )
    timeout_seconds: int = Field(
        5,
        ge=1,
        le=60,
        description="How long an answer may take, in seconds.",
    )
