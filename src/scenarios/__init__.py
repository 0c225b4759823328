"""Concurrency designs as data."""
