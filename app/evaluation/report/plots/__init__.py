"""Plots as SVG, drawn by us."""
