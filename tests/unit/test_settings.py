"""The settings: every form, every fault, and that secrets stay secret."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from packmule.client import transport
from packmule.errors import SettingInvalid, UsageError
from packmule.settings import TABLE, Settings, as_markdown, read
from packmule.settings.forms import duration, size
from packmule.settings.names import OF_THE_CLIENT
from packmule.web.rate_limit import Rate


def faults(**environment: str) -> list[str]:
    """Give the lines of the refusal; names without their prefix."""
    with pytest.raises(SettingInvalid) as refused:
        read({f"PACKMULE_{name}": value for name, value in environment.items()})
    return str(refused.value).splitlines()


def test_nothing_set_gives_the_defaults() -> None:
    settings = read({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.public_url == "http://localhost:8000"
    assert settings.data_dir == Path("packmule-data").absolute()
    assert settings.database_url == f"sqlite:///{settings.data_dir}/packmule.db"
    assert settings.allow_networks == ()
    assert settings.ca_file is None
    assert (settings.max_urls, settings.max_file_bytes) == (10_000, 50_000_000_000)
    assert (settings.concurrent_jobs, settings.transfers, settings.transfers_per_host) == (
        8,
        256,
        128,
    )
    assert (settings.connect_timeout, settings.stall_timeout, settings.attempts) == (10.0, 30.0, 8)
    assert (settings.retention, settings.drain_timeout) == (604_800.0, 30.0)
    assert settings.min_free_bytes == 1_000_000_000


@pytest.mark.parametrize("name", ["a?b", "a%41", "a b", "ä", "a#b"])
def test_the_database_is_in_the_data_directory_whatever_that_is_called(name: str) -> None:
    settings = read({"PACKMULE_DATA_DIR": f"/srv/{name}"})
    assert make_url(settings.database_url).database == f"/srv/{name}/packmule.db"


def test_the_largest_body_follows_the_number_of_links() -> None:
    assert read({}).max_body_bytes == 1024 * 1024 + 10_000 * 1024
    assert read({"PACKMULE_MAX_URLS": "1"}).max_body_bytes == 1024 * 1024 + 1024
    assert read({"PACKMULE_MAX_BODY_BYTES": "5 kB"}).max_body_bytes == 5000


def test_the_public_url_follows_the_port() -> None:
    assert read({"PACKMULE_PORT": "9001"}).public_url == "http://localhost:9001"


def test_a_public_url_may_have_a_path_and_loses_its_last_slash() -> None:
    url = "https://files.example.org/packmule"
    assert read({"PACKMULE_PUBLIC_URL": f"{url}/"}).public_url == url


def test_networks_and_ports_are_read() -> None:
    settings = read(
        {"PACKMULE_ALLOW_NETWORKS": "127.0.0.0/8, ::1/128", "PACKMULE_ALLOW_PORTS": "80,8000-8002"}
    )
    assert settings.allow_networks == (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    assert settings.allow_ports == (range(80, 81), range(8000, 8003))


def test_a_variable_that_is_empty_counts_as_not_set() -> None:
    assert read({"PACKMULE_PORT": "", "PACKMULE_RETENTION": "  "}) == read({})


def test_other_programs_variables_are_passed_over() -> None:
    assert read({"PATH": "/bin", "PACKMULEX": "1", "HOST": "example.com"}) == read({})


def test_the_clients_own_variables_are_passed_over() -> None:
    assert {transport.SERVER_VARIABLE, transport.KEY_VARIABLE} == OF_THE_CLIENT
    assert read(dict.fromkeys(OF_THE_CLIENT, "x")) == read({})


def test_what_kubernetes_sets_for_a_service_of_that_name_is_passed_over() -> None:
    links = {
        "PACKMULE_PORT": "tcp://10.0.0.11:8000",
        "PACKMULE_SERVICE_HOST": "10.0.0.11",
        "PACKMULE_SERVICE_PORT": "8000",
        "PACKMULE_SERVICE_PORT_HTTP": "8000",
        "PACKMULE_PORT_8000_TCP": "tcp://10.0.0.11:8000",
        "PACKMULE_PORT_8000_TCP_ADDR": "10.0.0.11",
    }
    assert read(links) == read({})


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0), ("1048576", 2**20), ("500 MB", 500_000_000), ("50GB", 50 * 10**9),
        ("1 GiB", 2**30), ("1.5 kb", 1500), ("2 tib", 2**41), ("7 B", 7), ("1 PB", 10**15),
    ],
)  # fmt: skip
def test_sizes_are_bytes_or_have_a_unit(text: str, amount: int) -> None:
    assert size(text) == amount


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("86400", 86_400), ("0.5", 0.5), ("30 s", 30), ("5 min", 300), ("5m", 300), ("2 h", 7200),
        ("7 d", 604_800), ("1 W", 604_800),
    ],
)  # fmt: skip
def test_durations_are_seconds_or_have_a_unit(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"), ("PORT", "0"), ("PORT", "65536"), ("PORT", "-1"), ("PORT", "8 0"),
        ("HOST", "a host"), ("HOST", "http://x"),
        ("PUBLIC_URL", "example.org"), ("PUBLIC_URL", "ftp://example.org"),
        ("PUBLIC_URL", "http://"), ("PUBLIC_URL", "http://example.org/?a"),
        ("PUBLIC_URL", "http://example.org/#a"), ("PUBLIC_URL", "http://a b/"),
        ("PUBLIC_URL", "http://example.org/ä"), ("PUBLIC_URL", "http://example.org//a"),
        ("PUBLIC_URL", "http://example.org/a%20b"), ("PUBLIC_URL", "http://example.org/a/../b"),
        ("PUBLIC_URL", "http://example.org:99999"), ("PUBLIC_URL", "http://[::1"),
        ("ALLOW_NETWORKS", "10.0.0.1/8"), ("ALLOW_NETWORKS", "everything"),
        ("ALLOW_PORTS", "80-"), ("ALLOW_PORTS", "http"),
        ("CA_FILE", "/no/such/file"),
        ("MAX_URLS", "0"), ("MAX_URLS", "many"), ("MAX_URLS", "1e6"),
        ("MAX_FILE_BYTES", "0"), ("MAX_FILE_BYTES", "50 potatoes"), ("MAX_FILE_BYTES", "-1"),
        ("RETENTION", "soon"), ("RETENTION", "0"), ("RETENTION", "7 moons"),
        ("CONNECT_TIMEOUT", "inf"), ("ATTEMPTS", "0"),
        ("MAX_HEAD_BYTES", "8191"), ("MAX_HEAD_BYTES", "1 MB"), ("MAX_BODY_BYTES", "0"),
        ("CONNECTIONS", "0"), ("FILE_TIMEOUT", "0"), ("MAX_UNPACK_RATIO", "0.5"),
        ("LOG_FORMAT", "xml"), ("LOG_LEVEL", "loud"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_of_its_form_is_refused_by_name(name: str, value: str) -> None:
    [fault] = faults(**{name: value})
    assert fault.startswith(f"PACKMULE_{name}: ")
    assert fault.endswith(".")


def test_an_unknown_setting_is_refused_and_the_near_one_named() -> None:
    [fault] = faults(MAX_URL="5")
    assert fault == ("PACKMULE_MAX_URL: unknown setting; did you mean PACKMULE_MAX_URLS?")


def test_all_faults_are_named_at_once() -> None:
    found = faults(PORT="x", RETENTION="y", NONSENSE="z")
    assert sorted(line.partition(":")[0] for line in found) == [
        "PACKMULE_NONSENSE", "PACKMULE_PORT", "PACKMULE_RETENTION",
    ]  # fmt: skip


def test_a_refusal_can_be_mended_by_whoever_typed_it() -> None:
    assert issubclass(SettingInvalid, UsageError)


def test_a_secret_is_neither_shown_nor_a_flag_nor_told_when_it_is_wrong() -> None:
    settings = read({"PACKMULE_DATABASE_URL": "sqlite:///hunter2.db"})
    assert settings.database_url == "sqlite:///hunter2.db"
    assert "hunter2" not in repr(settings)
    assert [each.flag for each in TABLE if each.field == "database_url"] == [None]
    assert "hunter2" not in "".join(faults(DATABASE_URL="mysql://me:hunter2@db/packmule"))


def test_both_spellings_of_postgresql_are_one() -> None:
    settings = read({"PACKMULE_DATABASE_URL": "postgres://me:hunter2@db/packmule?sslmode=require"})
    assert settings.database_url == "postgresql://me:hunter2@db/packmule?sslmode=require"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        read({}).port = 1  # type: ignore[misc]


def test_every_default_is_of_its_own_form_and_every_row_has_its_help() -> None:
    assert [each.field for each in TABLE] == [each.name for each in fields(Settings)]
    for each in TABLE:
        each.parse(each.default)
        assert each.help
        assert each.shown_default


def test_the_table_of_the_documents_has_a_row_for_each_setting() -> None:
    rows = as_markdown().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [each.name for each in TABLE]


@given(st.text())
def test_no_size_or_duration_fails_in_another_way_than_by_a_sentence(text: str) -> None:
    for parse in (size, duration):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert "use a form like" in str(error)  # noqa: PT017


def test_reading_the_settings_imports_neither_database_nor_schema() -> None:
    code = "import sys, packmule.settings; print([m for m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "packmule.settings" in found
    for heavy in ("sqlalchemy", "pydantic", "fastapi", "granian", "pycurl"):
        assert f"'{heavy}'" not in found


def test_who_may_is_read() -> None:
    settings = read({})
    assert (settings.api_keys, settings.api_keys_file, settings.trusted_proxies) == ((), (), ())
    assert settings.rate_limit == Rate(60, 60)
    assert (settings.quota_jobs, settings.quota_bytes) == (100, None)
    given = {"RATE_LIMIT": "off", "QUOTA_JOBS": "OFF", "QUOTA_BYTES": "1 TB"}
    settings = read({f"PACKMULE_{name}": value for name, value in given.items()})
    assert (settings.rate_limit, settings.quota_jobs) == (None, None)
    assert settings.quota_bytes == 10**12


def test_a_limit_that_is_none_is_told_that_it_may_be_off() -> None:
    rate, jobs, size_ = faults(QUOTA_JOBS="0", QUOTA_BYTES="none", RATE_LIMIT="60")
    assert rate.startswith("PACKMULE_RATE_LIMIT: '60' is")
    assert rate.endswith(", or off.")
    assert jobs == "PACKMULE_QUOTA_JOBS: '0' is not a positive whole number, or off."
    assert size_.startswith("PACKMULE_QUOTA_BYTES: 'none' is not a valid size; use a form like")
    assert size_.endswith(", or off.")


def test_keys_are_told_apart_over_list_and_file_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("bob:s3cret\n")
    [fault] = faults(API_KEYS="ann:s3cret", API_KEYS_FILE=str(path))
    assert fault.startswith("PACKMULE_API_KEYS_FILE: beside PACKMULE_API_KEYS, two clients have")
    [fault] = faults(API_KEYS="s3cret")
    assert "s3cret" not in fault
    assert "s3cret" not in repr(read({"PACKMULE_API_KEYS": "ann:s3cret"}))


def test_new_links_are_asked_for_only_with_a_signature() -> None:
    url = "https://links.example/?token=s3cret"
    [fault] = faults(REFRESH_URL=url)
    assert "PACKMULE_WEBHOOK_SECRET" in fault
    assert "s3cret" not in fault
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    settings = read({"PACKMULE_REFRESH_URL": url, "PACKMULE_WEBHOOK_SECRET": key})
    assert settings.refresh_url == url
    assert "s3cret" not in repr(settings)
