"""Which policies may hold where, against a table that was written by hand."""

import pytest

from control_store.policies import EEA, EUROPE, UK, is_region, policies_at, read_region_policies, strictest_first
from control_store.setting_items import BadSetting
from control_store.site_settings import SiteSettings, changed

HERE, ELSEWHERE = ("CH", ""), ("BR", "")
US = "EEA=opt_in,UK=cookieless,US-CA=under_16,US=opt_out"


@pytest.mark.req("P6")
@pytest.mark.parametrize(
    ("policy", "by_region", "place", "expected"),
    [
        # One policy holds everywhere, but for opt_out where it is known to be Europe.
        ("cookieless", "", ("", ""), "cookieless"),
        ("opt_in", "", ("DE", "DE-BE"), "opt_in"),
        ("under_16", "", ("US", "US-CA"), "under_16"),
        ("opt_out", "", ("US", "US-CA"), "opt_out"),
        ("opt_out", "", ("", ""), "cookieless opt_out"),
        ("opt_out", "", ("FR", ""), "cookieless opt_out"),
        ("opt_out", "", ("GB", "GB-ENG"), "cookieless opt_out"),
        ("opt_out", "", ("CH", "Zurich"), "cookieless opt_out"),
        ("opt_out", "", ("LI", ""), "cookieless opt_out"),
        # By region: the part before the country, the country before its group, the site's own where none is named.
        ("cookieless", US, ("DE", "DE-BE"), "opt_in"),
        ("cookieless", US, ("NO", ""), "opt_in"),
        ("cookieless", US, ("RE", ""), "opt_in"),
        ("cookieless", US, ("GB", ""), "cookieless"),
        ("cookieless", US, ("JE", ""), "cookieless"),
        ("cookieless", US, ("BR", "BR-SP"), "cookieless"),
        ("cookieless", US, ("US", "US-NY"), "opt_out"),
        ("cookieless", US, ("US", "US-CA"), "under_16"),
        ("opt_in", "EEA=opt_in,DE=cookieless", ("DE", ""), "cookieless"),
        # Not known well enough: all that may hold.
        ("cookieless", US, ("US", "California"), "under_16 opt_out"),
        ("cookieless", US, ("US", ""), "under_16 opt_out"),
        ("cookieless", "CH-ZH=opt_in", ("CH", "CHUR"), "opt_in cookieless"),
        ("cookieless", US, ("", ""), "opt_in under_16 cookieless opt_out"),
        ("opt_out", "EEA=opt_in", ("", ""), "opt_in cookieless opt_out"),
        ("opt_out", "EEA=opt_in", ("BR", ""), "opt_out"),
        ("opt_out", "EEA=opt_in", ("CH", ""), "cookieless opt_out"),
    ],
)
def test_the_policies_that_may_hold(policy: str, by_region: str, place: tuple[str, str], expected: str) -> None:
    """Strictest first, and none too many."""
    found = policies_at(policy, read_region_policies(by_region.split(",")), place)  # type: ignore[arg-type]
    assert found == tuple(expected.split())


@pytest.mark.req("P6")
def test_opt_out_waits_for_a_place_that_is_not_known() -> None:
    """It may be Europe: the strictest holds until it is known, unless the site insists. In the owner's own network, whose
    place no database knows, the owner's choice holds; policies by region wait there too."""
    assert policies_at("opt_out", {}, ("", "")) == ("cookieless", "opt_out")
    assert policies_at("opt_out", {}, ("", ""), insisted=True) == ("opt_out",)
    assert policies_at("opt_out", {}, ("", ""), own_network=True) == ("opt_out",)
    assert policies_at("opt_out", {"US": "opt_out"}, ("", ""), own_network=True) == ("cookieless", "opt_out")
    assert policies_at("opt_out", {}, ("FR", ""), own_network=True) == ("cookieless", "opt_out")
    assert policies_at("opt_in", {}, ("", "")) == ("opt_in",)


@pytest.mark.req("P6")
@pytest.mark.parametrize("country", sorted(EUROPE))
def test_opt_out_holds_in_europe_only_where_the_site_insists(country: str) -> None:
    """In every country of the EEA, in the UK with its islands, in Switzerland."""
    assert policies_at("opt_out", {}, (country, "")) == ("cookieless", "opt_out")
    assert policies_at("opt_out", {}, (country, ""), insisted=True) == ("opt_out",)


def test_europe_is_what_it_is_called() -> None:
    """27 countries of the Union, three of the EEA beside it, parts with codes of their own; the groups are apart."""
    assert len(EEA) == 27 + 3 + 7
    assert not EEA & UK
    assert {"CH"} == EUROPE - EEA - UK
    assert {"IS", "LI", "NO", "GR", "HR"} <= EEA
    assert not {"EL", "EU", "UK", "TR", "RS"} & EUROPE


@pytest.mark.parametrize("word", ["EEA", "UK", "CH", "US", "US-CA", "FR-75C", "GB-ENG", "AT-9"])
def test_what_names_a_region(word: str) -> None:
    """The two groups, countries, and parts of countries."""
    assert is_region(word)


@pytest.mark.parametrize(
    "word", ["", "E", "EUROPE", "ch", "U1", "US-", "-CA", "US-CALI", "US-C A", "US-CA-1", "ÄÖ", "*"]
)
def test_what_names_none(word: str) -> None:
    """Anything else is refused when it is set."""
    assert not is_region(word)


@pytest.mark.req("P6")
@pytest.mark.parametrize("region", ["EEA", "UK", "CH", "DE", "FR-75C"])
def test_opt_out_for_a_region_of_europe_is_refused_unless_insisted_on(region: str) -> None:
    """One sentence that names the region and both ways on."""
    with pytest.raises(BadSetting, match=rf"opt_out is not for {region}, .* insist with opt_out_in_europe=true\.$"):
        changed(SiteSettings(), [f"region_policies={region}=opt_out"])
    insisted = changed(SiteSettings(), [f"region_policies={region}=opt_out", "opt_out_in_europe=true"])
    with pytest.raises(BadSetting, match="opt_out is not for"):
        changed(insisted, ["opt_out_in_europe=false"])


def test_other_policies_of_regions_need_no_insisting() -> None:
    """Neither a stricter one in Europe nor `opt_out` elsewhere."""
    texts = "EEA=opt_in,CH=cookieless,US=opt_out,US-CA=opt_in"
    assert changed(SiteSettings(), [f"region_policies={texts}"]).region_policies == tuple(texts.split(","))


def test_the_order_of_strictness() -> None:
    """Nothing before a choice; children; the default; what is open until a refusal."""
    assert strictest_first(["opt_out", "cookieless", "opt_in", "under_16", "opt_in"]) == (
        "opt_in",
        "under_16",
        "cookieless",
        "opt_out",
    )
