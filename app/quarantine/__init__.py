"""Flagged images, kept as files with their evidence: in a folder, or where fsspec leads to.

Each lies at ``key=<key>/trigger=<trigger>/<sha256>.<suffix>``, named after what is in it, and
beside it ``<sha256>.json`` with the incident. What lies there by any other name isn't touched.
"""
