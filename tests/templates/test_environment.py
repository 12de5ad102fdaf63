"""Pages from templates."""

from __future__ import annotations

import pytest
from jinja2 import Environment, UndefinedError

from app.templates import templates

ROOMS = ("app.evaluation.report", "app.templates", "app.web.pages")


@pytest.fixture(params=ROOMS)
def environment(request: pytest.FixtureRequest) -> Environment:
    """Return a room's templates."""
    return templates(request.param)


def test_values_are_escaped_in_text_and_in_attributes(environment: Environment) -> None:
    """Whatever a class or a model is called, it is neither a tag nor the end of an attribute."""
    template = environment.from_string("""<p title="{{ name }}">{{ name }}</p>""")
    escaped = "&#34; onload=&#39;&lt;b&gt;&amp;"
    assert f'<p title="{escaped}">{escaped}</p>' == template.render(name="\" onload='<b>&")


def test_missing_value_is_an_error(environment: Environment) -> None:
    """A template that names something else than it is given shows nothing at all."""
    with pytest.raises(UndefinedError):
        environment.from_string("{{ one.typo }}").render(one=object())


def test_no_template_turns_escaping_off(environment: Environment) -> None:
    """None marks a value as safe, and each of them can be read."""
    names = environment.list_templates()
    assert names
    for name in names:
        assert environment.get_template(name).filename is not None
        assert environment.loader is not None
        source, _, _ = environment.loader.get_source(environment, name)
        assert [] == [word for word in ("|safe", "| safe", "autoescape") if word in source]
