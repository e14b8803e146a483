"""The OpenAPI descriptions say what the endpoints are, and the running endpoints do what the descriptions say.

Schemathesis makes requests of the descriptions, right ones and wrong ones; every answer must be one that is described.
Bodies are steered to the one site that there is, so that they get further than its name.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from console.stats import filters, parse
from console.stats.segments import SEGMENT
from event_catalogue import decode
from event_catalogue.choice import Choice
from event_catalogue.decode import ServerBeacon
from event_catalogue.dimensions import DIMENSION, NAMED
from event_catalogue.metrics import METRIC
from tests.product import AGENT, running
from tests.whole.furnished import DOMAIN, furnish

pytestmark = pytest.mark.req("D7", "C19", "O4")

DOCS: Final = Path(__file__).parents[2] / "docs"
NAMES: Final = ("collector", "console")
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
COLLECTOR: Final = schemathesis.openapi.from_path(DOCS / "openapi-collector.json")
CONSOLE: Final = schemathesis.openapi.from_path(DOCS / "openapi-console.json")
SHORT: Final = settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
LONG: Final = settings(SHORT, max_examples=3000)


def description(name: str) -> dict[str, Any]:
    """One of the two documents."""
    return dict(json.loads((DOCS / f"openapi-{name}.json").read_text()))


def schema(name: str, part: str) -> dict[str, Any]:
    """A named schema as a document of its own."""
    document = description(name)
    return {"$ref": f"#/components/schemas/{part}", "components": document["components"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A running product with a site, and its keys."""
    data = tmp_path_factory.mktemp("openapi") / "data"
    furnished = furnish(data)
    with running(data, query_rate="0") as product:
        yield product, furnished


def _steer(value: Any, site: str) -> Any:
    """The same body, sent to the site that there is, from a page of it; what is no text stays."""
    match value:
        case list():
            return [_steer(one, site) for one in value]
        case dict():
            steered = dict(value)
            if isinstance(value.get("site"), str) and value["site"]:
                steered["site"] = site
            if isinstance(value.get("url"), str):
                steered["url"] = re.sub(r"^(\s*https?://)[^/?#]*", rf"\1{DOMAIN}", value["url"], flags=re.IGNORECASE)
            if isinstance(value.get("site_id"), str | int) and value["site_id"]:
                steered["site_id"] = DOMAIN
            if isinstance(value.get("site_id"), list) and value["site_id"]:
                steered["site_id"] = [DOMAIN]
            return steered
        case _:
            return value


def _call(case: Any, world: Any, port: int, key: str) -> None:
    _product, furnished = world
    case.body = _steer(case.body, furnished.site)
    if isinstance(case.query, dict) and case.query.get("site"):
        case.query = {**case.query, "site": furnished.site}
    if isinstance(case.query, dict) and case.query.get("site_id"):
        case.query = {**case.query, "site_id": DOMAIN}
    if "site" in (case.path_parameters or {}):
        case.path_parameters = {**case.path_parameters, "site": furnished.site}
    headers = {"User-Agent": AGENT, **({"Authorization": f"Bearer {key}"} if key else {})}
    response = case.call(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20)
    case.validate_response(response, checks=CHECKS)


@COLLECTOR.parametrize()
@SHORT
def test_the_collector_answers_as_described(case, world):
    """Whatever is sent, to the collector, its answer is described: status, type, headers, body; with a key for events."""
    _call(case, world, world[0].collector, world[1].keys["events"])


@COLLECTOR.include(path="/api/v1/events").parametrize()
@SHORT
def test_a_preview_without_a_key_answers_as_described(case, world):
    """The glass box stands open to everybody, so it must bear everything."""
    case.query = {**(case.query or {}), "preview": "true"}
    _call(case, world, world[0].collector, "")


@CONSOLE.exclude(path="/api/v2/query").parametrize()
@SHORT
def test_the_console_answers_as_described(case, world):
    """Whatever is asked, the Stats API's answer is described; 503 is none of a question that is small."""
    _call(case, world, world[0].console, world[1].keys["stats"])


@pytest.mark.long
@COLLECTOR.include(method="POST").parametrize()
@LONG
def test_the_collector_answers_as_described_for_long(case, world):
    """The long form."""
    _call(case, world, world[0].collector, world[1].keys["events"])


@pytest.mark.long
@CONSOLE.include(method="POST").parametrize()
@LONG
def test_the_console_answers_as_described_for_long(case, world):
    """The long form: two times 3,000 and more."""
    _call(case, world, world[0].console, world[1].keys["stats"])


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_fit_their_schemas(name):
    """What is shown as an example would be taken."""
    document = description(name)
    shown = 0
    for path in document["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                body = {**content["schema"], "components": document["components"]}
                assert jsonschema_rs.validator_for(body).is_valid(content["example"])
                shown += 1
    assert shown == {"collector": 3, "console": 7}[name]


@pytest.mark.parametrize("part", ["Beacon", "ServerBeacon"])
def test_a_beacon_is_described_as_the_decoder_reads_it(part):
    """Same fields, same needed ones, same limits as in the types that decode the wire."""
    described = description("collector")["components"]["schemas"][part]
    decoded = msgspec.json.schema(ServerBeacon)["$defs"]["ServerBeacon"]
    assert described["required"] == decoded["required"]
    only_servers = {"ip", "user_agent"} if part == "Beacon" else set()
    assert set(described["properties"]) == set(decoded["properties"]) - only_servers
    for name, field in described["properties"].items():
        if "uuid" in str(decoded["properties"][name]):
            assert "uuid" in str(field) or "[0-9a-fA-F]" in str(field), name
            continue
        for limit in ("maxLength", "maxItems", "minItems"):
            assert _bounds(field, limit) == _bounds(decoded["properties"][name], limit), name


def test_an_event_is_described_as_the_decoder_reads_it():
    """Its name, its time and what a choice may hold."""
    schemas = description("collector")["components"]["schemas"]
    decoded = msgspec.json.schema(ServerBeacon)["$defs"]
    assert schemas["Event"]["required"] == decoded["WireEvent"]["required"]
    assert schemas["Event"]["properties"]["name"]["pattern"] == "^" + decode._NAME.pattern.replace(r"\Z", "$")
    assert set(schemas["Consent"]["properties"]) == set(decoded["Consent"]["properties"])


def test_a_choice_is_described_as_the_decoder_reads_it():
    """Same fields, same words, same limit."""
    described = description("collector")["components"]["schemas"]["Choice"]["properties"]
    decoded = msgspec.json.schema(Choice)["$defs"]["Choice"]["properties"]
    assert set(described) == set(decoded)
    assert set(described["how"]["enum"]) == set(decoded["how"]["enum"])
    assert described["version"]["maxLength"] == decoded["version"]["maxLength"]


def test_a_question_is_described_as_the_parser_reads_it():
    """Every key, metric and dimension, under every name; the same limits."""
    schemas = description("console")["components"]["schemas"]
    question = schemas["Question"]["properties"]
    assert tuple(question) == parse.KEYS
    assert question["metrics"]["items"]["enum"] == list(METRIC)
    assert set(schemas["Dimension"]["anyOf"][0]["enum"]) == {*DIMENSION, *NAMED}
    assert tuple(question["date_range"]["anyOf"][0]["enum"]) == parse.NAMED_RANGES
    assert question["dimensions"]["anyOf"][0]["maxItems"] == parse.MAX_DIMENSIONS
    pagination = question["pagination"]["anyOf"][0]["properties"]
    assert (pagination["limit"]["maximum"], pagination["offset"]["maximum"]) == (parse.MAX_ROWS, parse.MAX_OFFSET)
    leaf, joint, negation, segment = (one["prefixItems"] for one in schemas["Filter"]["anyOf"])
    assert tuple(leaf[0]["enum"]) == filters.OPERATORS
    assert (*joint[0]["enum"], *negation[0]["enum"]) == filters.JOINTS
    assert (segment[1]["const"], segment[2]["maxItems"]) == (SEGMENT.name, filters.MAX_SEGMENTS)
    assert (leaf[2]["maxItems"], leaf[2]["items"]["maxLength"]) == (filters.MAX_VALUES, filters.MAX_TEXT)


@pytest.mark.parametrize("name", NAMES)
def test_every_described_address_is_in_the_docs(name):
    """The description in words names the same addresses and, in its tables, the same statuses."""
    words = (DOCS / "endpoints.md").read_text() + (DOCS / "stats-api.md").read_text()
    for path in description(name)["paths"]:
        assert path in words


def _bounds(value: Any, limit: str) -> list[int]:
    """Every such bound in a schema, however deep."""
    if isinstance(value, list):
        return [found for one in value for found in _bounds(one, limit)]
    if not isinstance(value, dict):
        return []
    own = [value[limit]] if isinstance(value.get(limit), int) else []
    return own + [found for key, one in value.items() if key != limit for found in _bounds(one, limit)]
