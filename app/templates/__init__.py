"""Pages from templates, and what they look like: one palette, tables, plots as SVG."""

from app.templates.environment import templates

__all__ = ["templates"]
