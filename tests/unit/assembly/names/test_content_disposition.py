"""The file name a Content-Disposition header announces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.assembly.names.content_disposition import announced_name


def as_latin_1(text: str) -> str:
    """Read UTF-8 bytes as HTTP libraries do, one character a byte."""
    return text.encode().decode("latin-1")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="report.pdf"', "report.pdf"),
        ("attachment; filename=report.pdf", "report.pdf"),
        ('inline; filename="report.pdf"', "report.pdf"),
        ('ATTACHMENT;FILENAME="report.pdf"', "report.pdf"),
        ('attachment ; filename = "report.pdf" ; size=5', "report.pdf"),
        ('attachment; name="x"; filename="report.pdf"', "report.pdf"),
        ('attachment; filename="a;b=c, d.pdf"', "a;b=c, d.pdf"),
        (r'attachment; filename="say \"hi\".txt"', 'say "hi".txt'),
        (r'attachment; filename="f\oo.html"', "foo.html"),
        ('attachment; x="; filename=evil"; filename=good', "good"),
        ("attachment; filename='a'", "a"),
        ("attachment; filename='a", "'a"),
        ("attachment; filename=a'", "a'"),
        ("attachment; filename='", "'"),
        ("attachment; filename*=UTF-8''na%C3%AFve%20plan.txt", "naïve plan.txt"),
        ("attachment; filename*=utf-8'en'%e2%82%ac.txt", "€.txt"),
        ("attachment; filename*=iso-8859-1''na%EFve.txt", "naïve.txt"),
        ("attachment; filename*=UTF-8''a%00b", "a\x00b"),
    ],
)
def test_a_header_by_the_rfcs_gives_its_name(header: str, name: str) -> None:
    assert announced_name(header) == name


@pytest.mark.parametrize(
    "header",
    [
        "attachment; filename=\"e.txt\"; filename*=UTF-8''%C3%A9.txt",
        "attachment; filename*=UTF-8''%C3%A9.txt; filename=\"e.txt\"",
    ],
)
def test_the_extended_name_goes_before_the_plain_one(header: str) -> None:
    assert announced_name(header) == "é.txt"


@pytest.mark.parametrize(
    "extended",
    [
        "UTF-8''%E9.txt",
        "UTF-8''%zz.txt",
        "UTF-8''50%",
        "UTF-8'%C3%A9.txt",
        "%C3%A9.txt",
        "x-klingon''a.txt",
        "idna''a.txt",
        "UTF-8''",
        "",
    ],
)
def test_an_extended_name_that_is_malformed_leaves_the_word_to_the_plain_one(extended: str) -> None:
    assert announced_name(f"attachment; filename*={extended}; filename=plain.txt") == "plain.txt"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=my report 1.pdf; x=y", "my report 1.pdf"),
        ('attachment; filename="never closed.pdf', "never closed.pdf"),
        ('attachment; filename="never closed.pdf\\', "never closed.pdf"),
        ('filename="no type.pdf"', "no type.pdf"),
        ("attachment; filename='single.txt'", "single.txt"),
        ('attachment; filename="100%25 m%C3%BCd.txt"', "100% müd.txt"),
        ('attachment; filename="100% sure %E9.txt"', "100% sure %E9.txt"),
        (f'attachment; filename="{as_latin_1("naïve €.txt")}"', "naïve €.txt"),
        ('attachment; filename="na\xefve.txt"', "naïve.txt"),
        ('attachment; filename="日本.txt"', "日本.txt"),
        (f"attachment; filename*=UTF-8''{as_latin_1('naïve.txt')}", "naïve.txt"),
        ("attachment; filename*=\"UTF-8''%C3%A9.txt\"", "é.txt"),
        ('attachment; filename="first.txt"; filename="second.txt"', "first.txt"),
        (";;; filename=a.txt;;", "a.txt"),
    ],
)
def test_what_servers_send_instead_gives_the_name_they_mean(header: str, name: str) -> None:
    assert announced_name(header) == name


@pytest.mark.parametrize(
    "header",
    [
        'attachment; filename="/etc/x.txt"',
        'attachment; filename="../../x.txt"',
        'attachment; filename="C:\\docs\\x.txt"',
        'attachment; filename="\\\\host\\share\\x.txt"',
        "attachment; filename*=UTF-8''..%2F..%2Fx.txt",
        "attachment; filename*=UTF-8''a%5Cx.txt",
    ],
)
def test_of_a_path_only_the_last_segment_counts(header: str) -> None:
    assert announced_name(header) == "x.txt"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "attachment",
        "attachment; filename",
        "attachment; filename=",
        'attachment; filename=""',
        "attachment; filename=''",
        'attachment; filename="  "',
        'attachment; filename="dir/"',
        'attachment; x="filename=a"',
        "attachment; xfilename=a.txt",
        "attachment; filename*1=b",
    ],
)
def test_a_header_without_a_name_gives_none(header: str) -> None:
    assert announced_name(header) is None


NAME = "测试报告.pdf"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="=?UTF-8?B?5rWL6K+V5oql5ZGKLnBkZg==?="', NAME),
        ('attachment; filename="=?UTF-8?Q?caf=C3=A9_menu.pdf?="', "café menu.pdf"),
        ("attachment; filename==?utf-8?b?5rWL6K+V?= =?utf-8?b?5oql5ZGKLnBkZg==?=", NAME),
        ('attachment; filename="=?GBK?B?suLK1LGouOYucGRm?="', NAME),
        ('attachment; filename="=?x-klingon?Q?a?="', "=?x-klingon?Q?a?="),
        ('attachment; filename="=?utf-8?B?=E9?="', "=?utf-8?B?=E9?="),
        ('attachment; filename*0="very long "; filename*1="name.pdf"', "very long name.pdf"),
        ("attachment; filename*1=b; filename*0=a", "ab"),
        (
            "attachment; filename*0*=UTF-8''%E6%B5%8B%E8%AF%95%E6%8A; filename*1*=%A5%E5%91%8A.pdf",
            NAME,
        ),
        ("attachment; filename*0*=UTF-8''%E2%82%AC; filename*1=%20.pdf", "€%20.pdf"),
        ("attachment; filename*0=a.pdf; filename*2=lost", "a.pdf"),
        ("attachment; filename*=GBK''%B2%E2%CA%D4%B1%A8%B8%E6.pdf", NAME),
        ("attachment; filename*=Shift_JIS''%93%FA%96%7B.pdf", "日本.pdf"),
        ("attachment; filename*=KOI8-R''%EF%D4%DE%C5%D4.pdf", "Отчет.pdf"),
        ('attachment;\r\n filename="folded report.pdf"', "folded report.pdf"),
        ("attachment; filename*=UTF-8''\"quoted.pdf\"", "quoted.pdf"),
        ("attachment; filename*=UTF-8''John's%20Resume.pdf", "John's Resume.pdf"),
        ("attachment; filename*=%C3%A9.txt", "é.txt"),
        ("attachment; filename*=''%C3%A9.txt", "é.txt"),
        ("attachment; filename=UTF-8''%E6%B5%8B%E8%AF%95%E6%8A%A5%E5%91%8A.pdf", NAME),
        ("attachment; filename=\"UTF-8''%E6%B5%8B%E8%AF%95%E6%8A%A5%E5%91%8A.pdf\"", NAME),
        (f'attachment; filename="{NAME.encode("gbk").decode("latin-1")}"', NAME),
        (f'attachment; filename="{"テスト.pdf".encode("cp932").decode("latin-1")}"', "テスト.pdf"),
        (f'attachment; filename="{"Отчет.pdf".encode("cp1251").decode("latin-1")}"', "Отчет.pdf"),
        (f'attachment; filename="{"Grüße.pdf".encode("latin-1").decode("latin-1")}"', "Grüße.pdf"),
        (
            'attachment; filename="Content-Disposition: attachment; filename="file.json"',
            "file.json",
        ),
        ('attachment, filename="x.txt"', "x.txt"),
        ('attachment filename="x.txt"', "x.txt"),
        ("attachment; filename=a,b.mkv", "a,b.mkv"),
        ('attachment; filename="Tom &amp; Jerry.pdf"', "Tom &amp; Jerry.pdf"),
    ],
)
def test_what_browsers_and_mail_programs_read_is_read(header: str, name: str) -> None:
    assert announced_name(header) == name


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_header_gives_a_name_without_a_path_or_none(text: str) -> None:
    for header in (text, f"attachment; filename={text}", f"attachment; filename*=UTF-8''{text}"):
        name = announced_name(header)
        assert name is None or (name and "/" not in name and "\\" not in name)


@pytest.mark.parametrize("unit", [';a="\\', '"\\', ";filename=", "; ", "a=", '="'])
def test_a_header_of_a_megabyte_of_garbage_is_read_in_linear_time(unit: str) -> None:
    # Quadratic time would take hours here, and the suite's time-out would end it.
    announced_name("attachment; " + unit * (2**20 // len(unit)))
