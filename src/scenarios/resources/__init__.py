"""The primitives: one deterministic machine each, its in-process driver and its live objects."""
