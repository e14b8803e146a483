"""Settings of a site: what is good is kept in one form, what is not gets one sentence that says what would be."""

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_store.setting_items import BadSetting, ascii_host
from control_store.site_settings import PRESETS, SETTINGS, SiteSettings, changed, from_values
from event_catalogue.fields import KEEP_CLASSES

DEFAULTS: Final = {
    "policy": "cookieless",
    "gpc": "drop",
    "dnt": True,
    "basic_only": False,
    "plugins": False,
    "hostnames": (),
    "query_keys": (),
    "hash_routes": False,
    "localhost": False,
    "raw_days": 35,
    "aggregate_months": 25,
    "k": 5,
}
"""What the design says of a site on which nobody set anything."""


def test_a_new_site_is_as_the_design_says() -> None:
    """Cookieless, GPC dropped, DNT honoured, no plug-ins, 35 days of raw rows, 25 months, k = 5."""
    assert {name: getattr(SiteSettings(), name) for name in DEFAULTS} == DEFAULTS


def test_every_setting_is_explained() -> None:
    """Names, meanings and forms exist for each, and for no other."""
    assert set(SETTINGS) == set(SiteSettings.__struct_fields__)
    assert all(help_.meaning and help_.form for help_ in SETTINGS.values())


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("policy=cookieless", "cookieless"),
        ("policy=opt_in", "opt_in"),
        ("policy=opt_out", "opt_out"),
        ("policy=under_16", "under_16"),
        ("gpc=cookieless", "cookieless"),
        ("gpc=drop", "drop"),
        ("dnt=false", False),
        ("dnt=FALSE", False),
        ("basic_only=true", True),
        ("plugins=true", True),
        ("hash_routes=true", True),
        ("localhost=true", True),
        ("hostnames=", ()),
        ("hostnames=A.Example., *.b.example ,,c", ("a.example", "*.b.example", "c")),
        ("hostnames=münchen.example,*.bücher.example", ("xn--mnchen-3ya.example", "*.xn--bcher-kva.example")),
        ("query_keys=Page, sort[dir]", ("page", "sort[dir]")),
        ("region_policies=eea = opt_in, us-ca=under_16", ("EEA=opt_in", "US-CA=under_16")),
        ("under_16_paths=/kids/*,/kids/*", ("/kids/*",)),
        ("opt_out_in_europe=true", True),
        ("exclude_paths=/admin/*, /Café", ("/admin/*", "/Café")),
        ("exclude_hostnames=Dev.example", ("dev.example",)),
        ("exclude_networks=192.0.2.7/24,2001:DB8::/32", ("192.0.2.0/24", "2001:db8::/32")),
        ("exclude_countries=ch,li", ("CH", "LI")),
        ("ignored_hostnames=*.Mirror.example", ("*.mirror.example",)),
        ("search_keys=", ()),
        ("search_keys=suche", ("suche",)),
        *((f"raw_days={days}", days) for days in KEEP_CLASSES),
        ("aggregate_months=1", 1),
        ("aggregate_months=120", 120),
        ("k=3", 3),
        ("k= 1000 ", 1000),
        ("policy_version=2026-11", "2026-11"),
        ("policy_version=a=b", "a=b"),
        ("policy_version=" + "x" * 32, "x" * 32),
    ],
)
def test_good_values_are_kept(assignment: str, value: object) -> None:
    """Each in its own type and one spelling, and nothing else changes."""
    name = assignment.partition("=")[0]
    found = changed(SiteSettings(), [assignment])
    assert getattr(found, name) == value
    assert type(getattr(found, name)) is type(value)
    assert msgspec.structs.replace(found, **{name: getattr(SiteSettings(), name)}) == SiteSettings()


@pytest.mark.parametrize(
    ("assignment", "part"),
    [
        ("policy=Opt_In", "'policy' must be cookieless, opt_in, opt_out or under_16."),
        ("policy=", "'policy' must be"),
        ("gpc=ignore", "'gpc' must be drop or cookieless."),
        ("dnt=maybe", "'dnt' must be true or false."),
        ("dnt=", "'dnt' must be true or false."),
        ("basic_only=no", "'basic_only' must be true or false."),
        ("plugins=on", "'plugins' must be true or false."),
        ("hash_routes=x", "'hash_routes' must be true or false."),
        ("localhost=x", "'localhost' must be true or false."),
        ("hostnames=https://shop.example", "'hostnames' must be host names"),
        ("hostnames=shop.example/path", "'hostnames' must be host names"),
        ("hostnames=shop.example:80", "'hostnames' must be host names"),
        ("hostnames=*", "'hostnames' must be host names"),
        ("hostnames=*.", "'hostnames' must be host names"),
        ("hostnames=a.*.example", "'hostnames' must be host names"),
        ("hostnames=a b", "'hostnames' must be host names"),
        ("hostnames=" + "a." * 130 + "example", "'hostnames' must be host names"),
        ("query_keys=a b", "A query key has"),
        ("query_keys=" + "x" * 65, "A query key has"),
        ("query_keys=\udcff", "A query key has"),
        ("search_keys=ß", "A query key has"),
        ("raw_days=36", "'raw_days' must be 0, 1, 7, 14, 35, 60, 90, 180 or 395."),
        ("raw_days=-1", "'raw_days' must be"),
        ("raw_days=seven", "'raw_days' must be"),
        ("aggregate_months=0", "'aggregate_months' must be a number from 1 to 120."),
        ("aggregate_months=121", "'aggregate_months' must be"),
        ("k=2", "'k' must be a number from 3 to 1000."),
        ("k=1001", "'k' must be"),
        ("k=5.5", "'k' must be"),
        ("k=" + "9" * 5000, "'k' must be"),
        ("policy_version=" + "x" * 33, "'policy_version' must be at most 32"),
        ("policy_version=a\nb", "'policy_version' must be"),
        ("policy_version=\udcff", "'policy_version' must be"),
        ("region_policies=EEA=opt_out", "opt_out is not for EEA"),
        ("region_policies=Europe=opt_in", "'region_policies' must be REGION=POLICY"),
        ("region_policies=CH=open", "'region_policies' must be REGION=POLICY"),
        ("under_16_paths=kids", "'under_16_paths' must be paths"),
        ("exclude_paths=/a?b", "'exclude_paths' must be paths"),
        ("exclude_paths=/" + "*" * 9, "'exclude_paths' must be paths"),
        ("exclude_networks=300.1.1.1", "'exclude_networks' must be addresses or networks"),
        ("exclude_countries=CHE", "'exclude_countries' must be two-letter"),
        ("exclude_hostnames=https://x", "'exclude_hostnames' must be host names"),
        ("ignored_hostnames=a b", "'ignored_hostnames' must be host names"),
        ("opt_out_in_europe=maybe", "'opt_out_in_europe' must be true or false"),
        ("colour=red", "There is no setting 'colour'"),
        ("policy", "There is no setting 'policy'; write key=value"),
        ("=x", "There is no setting ''"),
        ("", "There is no setting ''"),
    ],
)
def test_bad_values_get_one_sentence(assignment: str, part: str) -> None:
    """It names the setting and what it takes, in one line, and says nothing of Python."""
    with pytest.raises(BadSetting) as caught:
        changed(SiteSettings(), [assignment])
    sentence = str(caught.value)
    assert part in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_one_bad_value_changes_nothing() -> None:
    """All assignments are taken, or none; of two for one setting the last holds."""
    before = SiteSettings()
    with pytest.raises(BadSetting):
        changed(before, ["k=7", "raw_days=x"])
    assert before == SiteSettings()
    assert changed(before, ["k=7", "k=9"]).k == 9


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid_and_give_way_to_values(preset: str) -> None:
    """A preset sets policy, periods and k together; what is written beside it goes before it."""
    found = changed(SiteSettings(), [], preset)
    assert {name: getattr(found, name) for name in PRESETS[preset]} == PRESETS[preset]
    assert {"policy", "raw_days", "aggregate_months", "k"} <= set(PRESETS[preset])
    assert changed(SiteSettings(), ["k=77"], preset).k == 77


def test_the_strictest_preset_is_strict() -> None:
    """Nothing before consent, nothing that the script reads before it, the signal drops."""
    found = changed(SiteSettings(), [], "strict")
    assert (found.policy, found.gpc, found.basic_only, found.dnt) == ("opt_in", "drop", True, True)


def test_an_unknown_preset_is_named_with_those_there_are() -> None:
    """The sentence lists the presets."""
    with pytest.raises(BadSetting, match=r"no preset 'x'; choose one of cnil, uk, us, strict\."):
        changed(SiteSettings(), [], "x")


@pytest.mark.parametrize(
    "values", [{"colour": "red"}, {"k": None}, {"hostnames": "x"}, {"hostnames": [5]}, {"policy": ["opt_in"]}]
)
def test_stored_values_of_a_wrong_form_are_an_error(values: dict[str, Any]) -> None:
    """A store that another hand has written is not guessed at."""
    with pytest.raises(BadSetting):
        from_values(values)


@given(st.sampled_from(sorted(SETTINGS)), st.text(max_size=40))
def test_any_text_is_taken_or_refused_by_name(name: str, text: str) -> None:
    """No text makes anything but settings or BadSetting; what is taken survives storage."""
    try:
        found = changed(SiteSettings(), [f"{name}={text}"])
    except BadSetting:
        return
    assert from_values(msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(found)))) == found


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Shop.Example.", "shop.example"),
        (" shop.example ", "shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("", ""),
        ("\udcff", "\udcff"),
        ("ä" * 80, "ä" * 80),
    ],
)
def test_hosts_are_spelt_as_browsers_send_them(text: str, host: str) -> None:
    """What has no such spelling comes back and is refused by the check that follows."""
    assert ascii_host(text) == host
